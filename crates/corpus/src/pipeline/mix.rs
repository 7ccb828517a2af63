//! A weighted mixture.
//!
//! Memory: 24 bytes a trace.

use serde::{Deserialize, Serialize};

use super::stream::{Gone, Outcome, Sink, choose, pass, scan};
use super::{Bits, Context};
use crate::{CorpusError, Trace, words};

/// Samples parts of the corpus to target counts.
///
/// A part takes the traces that it fits and that no part before it took; what no part takes is
/// dropped. Which traces are sampled is decided by the seed and the traces' names alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Traces altogether, shared among the parts by their weights. Without it, parts need counts,
    /// or else the largest mixture is made that the weights allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The parts.
    #[serde(rename = "part")]
    pub parts: Vec<Part>,
}

/// One part of a mixture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The field that is looked at: `domain`, `source`, `teacher` or one of `meta`.
    #[serde(default = "domain")]
    pub by: String,
    /// Its values that belong to the part; empty: all.
    #[serde(default)]
    pub of: Vec<String>,
    /// How much of the mixture it is, relative to the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// How many traces; goes before `weight`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whether traces are repeated where there are too few. Else the part stays smaller, and the
    /// manifest says so.
    #[serde(default)]
    pub repeat: bool,
}

fn domain() -> String {
    "domain".to_owned()
}

impl Part {
    fn fits(&self, trace: &Trace) -> bool {
        self.of.is_empty()
            || trace
                .field(&self.by)
                .is_some_and(|value| self.of.contains(&value))
    }
}

impl Mix {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        if self.parts.is_empty() {
            return Err(CorpusError::option("mix.part", "absent", "at least one"));
        }
        for part in &self.parts {
            match (part.weight, part.count) {
                (None, None) => {
                    return Err(CorpusError::option(
                        "mix.part",
                        "without either",
                        "weight or count",
                    ));
                }
                (Some(weight), _) if !weight.is_finite() || weight < 0.0 => {
                    return Err(CorpusError::option("mix.part.weight", weight, "0 or more"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// How many traces each part is to have, of so many that it could.
    pub(crate) fn targets(&self, available: &[u64]) -> Vec<u64> {
        let fixed: u64 = self.parts.iter().filter_map(|part| part.count).sum();
        let weights = || {
            let weighted = self.parts.iter().zip(available);
            weighted
                .filter(|(part, _)| part.count.is_none())
                .map(|(part, have)| (part.weight.unwrap_or(0.0), *have, part.repeat))
        };
        let sum: f64 = weights().map(|(weight, ..)| weight).sum();
        let total = match self.total {
            Some(total) => total.saturating_sub(fixed) as f64,
            // The scarcest part decides; one without any traces is reported as short instead.
            None => {
                let scarce = weights()
                    .filter(|(weight, have, repeat)| *weight > 0.0 && *have > 0 && !repeat);
                let most = scarce.map(|(weight, have, _)| have as f64 * sum / weight);
                most.fold(f64::INFINITY, f64::min)
            }
        };
        let all = available.iter().sum::<u64>() as f64;
        let total = if total.is_finite() { total } else { all };
        let target = |part: &Part| match (part.count, part.weight) {
            (Some(count), _) => count,
            (None, Some(weight)) if sum > 0.0 => (total * weight / sum).round() as u64,
            _ => 0,
        };
        self.parts.iter().map(target).collect()
    }

    pub(super) fn run(&self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let seed = context.seed;
        let look = |trace: &Trace| {
            let part = self.parts.iter().position(|part| part.fits(trace));
            part.map(|part| (part, words::seeded(seed, trace.id.as_bytes())))
        };
        let mut noted: Vec<Vec<(u64, u64)>> = vec![Vec::new(); self.parts.len()];
        let mut rows = 0_u64;
        let mut fits = Bits::default();
        scan(&context.input, &mut context.control, look, |found| {
            if let Some((part, place)) = found {
                noted[part].push((place, rows));
                fits.set(rows);
            }
            rows += 1;
            Ok(())
        })?;
        let available: Vec<u64> = noted.iter().map(|of| of.len() as u64).collect();
        let targets = self.targets(&available);
        // How often each trace is taken.
        let mut times: Vec<u32> = vec![0; rows as usize];
        for ((part, noted), target) in self.parts.iter().zip(&mut noted).zip(&targets) {
            noted.sort_unstable();
            let have = noted.len() as u64;
            if have == 0 {
                continue;
            }
            let target = if part.repeat {
                *target
            } else {
                have.min(*target)
            };
            for (at, (_, row)) in noted.iter().enumerate() {
                let more = u64::from((at as u64) < target % have);
                times[*row as usize] = u32::try_from(target / have + more).unwrap_or(u32::MAX);
            }
        }
        drop(noted);
        let made = self.parts.iter().zip(&available).zip(&targets);
        let facts: Vec<_> = made
            .map(|((part, have), target)| {
                let short = !part.repeat && have < target;
                serde_json::json!({"by": part.by, "of": part.of, "available": have,
                    "target": target, "short": short})
            })
            .collect();
        context.fact("parts", facts);
        let times = |row: u64| times.get(row as usize).copied().unwrap_or(0);
        let gone = |row: u64| {
            let (reason, detail) = match fits.has(row) {
                true => ("mix: not sampled", "its part has enough"),
                false => ("mix: no part", "it belongs to none"),
            };
            (reason, detail.to_owned())
        };
        if !self.repeats() {
            return choose(&context.input, sink, |row| {
                let ((reason, detail), note) = (gone(row), None);
                (times(row) == 0).then_some(Gone {
                    reason,
                    detail,
                    note,
                })
            });
        }
        let control = &mut context.control;
        pass(&context.input, sink, control, |row, trace| {
            match times(row) {
                0 => {
                    let (reason, detail) = gone(row);
                    Outcome::drop(reason, detail)
                }
                1 => Outcome::Keep,
                times => Outcome::Replace((0..times).map(|time| copy(trace, time)).collect()),
            }
        })
    }

    /// Whether traces may stand in the mixture more than once.
    pub(super) fn repeats(&self) -> bool {
        self.parts.iter().any(|part| part.repeat)
    }
}

/// A repeat has a name of its own, so that names stay unique.
fn copy(trace: &Trace, time: u32) -> Trace {
    let mut trace = trace.clone();
    if time > 0 {
        trace.id = format!("{}~{time}", trace.id);
    }
    trace
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(total: Option<u64>, weights: &[f64]) -> Mix {
        let part = |weight: &f64| Part {
            weight: Some(*weight),
            ..Part::default()
        };
        Mix {
            total,
            parts: weights.iter().map(part).collect(),
        }
    }

    #[test]
    fn targets_follow_weights_and_the_scarcest_part() {
        assert_eq!(mix(Some(100), &[3.0, 1.0]).targets(&[500, 500]), [75, 25]);
        // 10 of the second part are a quarter of 40.
        assert_eq!(mix(None, &[3.0, 1.0]).targets(&[500, 10]), [30, 10]);
        let mut counted = mix(Some(100), &[1.0, 1.0]);
        counted.parts[0].count = Some(40);
        assert_eq!(counted.targets(&[500, 500]), [40, 60]);
        assert_eq!(mix(None, &[0.0]).targets(&[5]), [0]);
    }
}
