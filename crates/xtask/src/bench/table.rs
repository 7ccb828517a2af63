//! The figures, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

/// What is asked of a figure: the least that is acceptable, and what we want.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    pub floor: f64,
    pub aim: f64,
}

/// Rows in the order of measuring.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    ours: f64,
    /// Another engine's figure; none where ours stands by itself.
    theirs: Option<(String, f64)>,
    /// The goal is the most that `value` may be, not the least.
    at_most: bool,
    /// What is compared with the goal: a ratio, or our figure.
    value: f64,
    goal: Goal,
    rounds: Vec<f64>,
}

impl Table {
    /// One pair: figures of both, round by round. Larger is better, or where `smaller` is set,
    /// smaller; then the ratio is turned over, so that a ratio over 1 is always good.
    pub fn pair(
        &mut self,
        what: &str,
        peer: &str,
        rounds: &[(f64, f64)],
        smaller: bool,
        goal: Goal,
    ) {
        let ratios: Vec<f64> = rounds
            .iter()
            .map(|(ours, theirs)| {
                if smaller {
                    theirs / ours
                } else {
                    ours / theirs
                }
            })
            .collect();
        self.rows.push(Row {
            what: what.to_owned(),
            ours: median(rounds.iter().map(|round| round.0)),
            theirs: Some((peer.to_owned(), median(rounds.iter().map(|round| round.1)))),
            at_most: false,
            value: median(ratios.iter().copied()),
            goal,
            rounds: ratios,
        });
    }

    /// A figure of ours that has to stay below its goal.
    pub fn limit(&mut self, what: &str, figures: &[f64], goal: Goal) {
        let value = median(figures.iter().copied());
        self.rows.push(Row {
            what: what.to_owned(),
            ours: value,
            theirs: None,
            at_most: true,
            value,
            goal,
            rounds: figures.to_vec(),
        });
    }

    /// A figure of ours that has to reach its goal.
    pub fn reach(&mut self, what: &str, value: f64, goal: Goal) {
        self.rows.push(Row {
            what: what.to_owned(),
            ours: value,
            theirs: None,
            at_most: false,
            value,
            goal,
            rounds: vec![value],
        });
    }

    /// A figure of ours that nothing is asked of.
    pub fn figure(&mut self, what: &str, value: f64) {
        let goal = Goal {
            floor: 0.0,
            aim: 0.0,
        };
        self.reach(what, value, goal);
    }

    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "what": row.what,
                "retort": row.ours,
                "peer": row.theirs.as_ref().map(|(name, _)| name),
                "peer_figure": row.theirs.as_ref().map(|(_, figure)| figure),
                "value": row.value,
                "floor": row.goal.floor,
                "aim": row.goal.aim,
                "rounds": row.rounds,
                "verdict": row.verdict(),
            })
        });
        Value::Array(rows.collect())
    }
}

impl Row {
    fn verdict(&self) -> &'static str {
        let reaches = |goal: f64| match self.at_most {
            false => self.value >= goal,
            true => self.value <= goal,
        };
        match () {
            () if reaches(self.goal.aim) => "aim",
            () if reaches(self.goal.floor) => "floor",
            () => "MISSED",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | Retort | peer | ratio (rounds) | floor | aim | reached |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let rounds: Vec<String> = row.rounds.iter().map(|round| figure(*round)).collect();
            let (peer, ratio) = match &row.theirs {
                Some((name, theirs)) => (
                    format!("{} ({name})", figure(*theirs)),
                    format!("{} ({})", figure(row.value), rounds.join(" ")),
                ),
                None => (String::new(), format!("({})", rounds.join(" "))),
            };
            writeln!(
                f,
                "| {} | {} | {peer} | {ratio} | {} | {} | {} |",
                row.what,
                figure(row.ours),
                figure(row.goal.floor),
                figure(row.goal.aim),
                row.verdict()
            )?;
        }
        Ok(())
    }
}

/// Three digits or so.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_medians_of_rounds() {
        let mut table = Table::default();
        let goal = Goal {
            floor: 1.0,
            aim: 5.0,
        };
        table.pair(
            "decode",
            "peer",
            &[(10.0, 5.0), (30.0, 10.0), (8.0, 8.0)],
            false,
            goal,
        );
        table.pair("memory", "peer", &[(300.0, 150.0)], true, goal);
        table.limit(
            "stall",
            &[20.0, 40.0],
            Goal {
                floor: 50.0,
                aim: 20.0,
            },
        );
        let json = table.json();
        assert_eq!(
            (json[0]["value"].as_f64(), &json[0]["verdict"]),
            (Some(2.0), &"floor".into())
        );
        assert_eq!(
            (json[1]["value"].as_f64(), &json[1]["verdict"]),
            (Some(0.5), &"MISSED".into())
        );
        assert_eq!(
            (json[2]["value"].as_f64(), &json[2]["verdict"]),
            (Some(30.0), &"floor".into())
        );
    }
}
