//! Steps that look at groups of traces: a pass notes a few bytes of each trace, and then it is known
//! which ones stay.
//!
//! Memory: 24 bytes a trace, and one bit.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::stream::{Gone, Outcome, Sink, choose, pass, scan};
use super::{Bits, Context};
use crate::{CorpusError, Trace, words};

/// Which traces of a group are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those with the shortest reply.
    Shortest,
    /// Those with the longest.
    Longest,
    /// Any, by the recipe's seed.
    #[default]
    Random,
    /// Those that come first.
    First,
}

/// Keeps at most `k` traces of each group: of each problem (LIMO, OpenThoughts), or of each subject
/// (s1's diversity).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// `problem`, or a field: `domain`, `source`, `teacher`, `subject` or another one of `meta`.
    #[serde(default = "problem")]
    pub by: String,
    /// Which ones.
    #[serde(default)]
    pub keep: Keep,
    /// How many; at least 1.
    #[serde(default = "one")]
    pub k: usize,
}

fn problem() -> String {
    "problem".to_owned()
}

fn one() -> usize {
    1
}

/// Keeps problems whose pass rate is within bounds: what a small model always solves teaches
/// nothing, and what no one solves may be wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difficulty {
    /// The field of `meta` that holds the rate; without it, the share of accepted traces of the
    /// same problem is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The least; 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most; no bound if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Whether traces without a rate stay.
    #[serde(default)]
    pub keep_unknown: bool,
}

impl Select {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        match self.k {
            0 => Err(CorpusError::option("select.k", 0, "at least 1")),
            _ => Ok(()),
        }
    }

    fn rank(&self, trace: &Trace, seed: u64) -> u64 {
        let len = trace.reply_bytes() as u64;
        match self.keep {
            Keep::Shortest => len,
            Keep::Longest => u64::MAX - len,
            Keep::Random => words::seeded(seed, trace.id.as_bytes()),
            Keep::First => 0,
        }
    }

    pub(super) fn run(&self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let seed = context.seed;
        // Group, rank, number: sorted so, the first k of each group are those that stay.
        let mut noted: Vec<(u64, u64, u64)> = Vec::new();
        let look = |trace: &Trace| {
            let group = match self.by.as_str() {
                "problem" => Some(trace.problem_key()),
                field => trace.field(field).map(|text| words::hash(text.as_bytes())),
            };
            group.map(|group| (group, self.rank(trace, seed)))
        };
        let mut number = 0;
        let mut grouped = Bits::default();
        scan(&context.input, &mut context.control, look, |found| {
            if let Some((group, rank)) = found {
                noted.push((group, rank, number));
                grouped.set(number);
            }
            number += 1;
            Ok(())
        })?;
        noted.sort_unstable();
        let mut kept = Bits::default();
        let mut groups = 0_u64;
        let mut last = None;
        let mut of_group = 0;
        for (group, _, number) in &noted {
            if last != Some(*group) {
                (last, of_group, groups) = (Some(*group), 0, groups + 1);
            }
            of_group += 1;
            if of_group <= self.k {
                kept.set(*number);
            }
        }
        drop(noted);
        context.fact("groups", groups);
        choose(&context.input, sink, |number| {
            if kept.has(number) {
                return None;
            }
            let (reason, detail) = match grouped.has(number) {
                true => (
                    "select",
                    format!("its {} has {} better ones", self.by, self.k),
                ),
                false => ("select: no group", format!("it has no field `{}`", self.by)),
            };
            let note = None;
            Some(Gone {
                reason,
                detail,
                note,
            })
        })
    }
}

impl Difficulty {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        let (min, max) = (self.min.unwrap_or(0.0), self.max.unwrap_or(f64::INFINITY));
        if min > max || min.is_nan() || max.is_nan() {
            let got = format!("from {min} to {max}");
            return Err(CorpusError::option("difficulty", got, "min below max"));
        }
        Ok(())
    }

    pub(super) fn run(&self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let mut rates: HashMap<u64, (u32, u32)> = HashMap::new();
        if self.field.is_none() {
            let look = |trace: &Trace| {
                let accepted = trace.verdict.as_ref().map(|verdict| verdict.accepted);
                accepted.map(|accepted| (trace.problem_key(), accepted))
            };
            scan(&context.input, &mut context.control, look, |found| {
                if let Some((problem, accepted)) = found {
                    let rate = rates.entry(problem).or_default();
                    rate.0 += u32::from(accepted);
                    rate.1 += 1;
                }
                Ok(())
            })?;
        }
        pass(&context.input, sink, &mut context.control, |_, trace| {
            let rate = match &self.field {
                Some(field) => trace.number(field),
                None => {
                    let rate = rates.get(&trace.problem_key());
                    rate.map(|(right, all)| f64::from(*right) / f64::from(*all))
                }
            };
            match rate {
                None if self.keep_unknown => Outcome::Keep,
                None => Outcome::drop("difficulty: unknown", "it has no pass rate"),
                Some(rate) if rate < self.min.unwrap_or(0.0) => {
                    Outcome::drop("difficulty: too hard", format!("pass rate {rate:.3}"))
                }
                Some(rate) if self.max.is_some_and(|max| rate > max) => {
                    Outcome::drop("difficulty: too easy", format!("pass rate {rate:.3}"))
                }
                Some(_) => Outcome::Keep,
            }
        })
    }
}
