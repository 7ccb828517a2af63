//! Steps of one pass: verify, split, two tasks.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::Context;
use super::stream::{Outcome, Sink, pass};
use crate::judge::{Judge, Upstream};
use crate::{CorpusError, Trace, Turn, words};

/// Which traces stay after the judge has spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// Those that are accepted (DeepSeek's rejection sampling).
    #[default]
    Accepted,
    /// All that are not refused: those that nobody can judge stay.
    NotRefused,
    /// All; the verdict is only noted (OpenThoughts3 found that to train as well).
    All,
}

/// Asks the judge for a verdict on each trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Which traces stay.
    #[serde(default)]
    pub keep: Verified,
    /// Switches the step off, to see what it is good for.
    #[serde(default)]
    pub off: bool,
}

impl Verify {
    pub(super) fn run(self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let judge: &dyn Judge = context.judge.unwrap_or(&Upstream);
        context.fact("judge", judge.name());
        // Right ones and all, of each problem: 16 bytes, and as much again for the table.
        let rates: Mutex<HashMap<u64, (u32, u32)>> = Mutex::default();
        pass(&context.input, sink, &mut context.control, |_, trace| {
            if self.off {
                return Outcome::Keep;
            }
            let verdict = judge.judge(trace);
            if let (Some(verdict), Ok(mut rates)) = (&verdict, rates.lock()) {
                let rate = rates.entry(trace.problem_key()).or_default();
                rate.0 += u32::from(verdict.accepted);
                rate.1 += 1;
            }
            let kept = match (&verdict, self.keep) {
                (_, Verified::All) => true,
                (Some(verdict), _) => verdict.accepted,
                (None, keep) => keep == Verified::NotRefused,
            };
            match verdict {
                verdict if kept && verdict == trace.verdict => Outcome::Keep,
                verdict if kept => Outcome::Replace(vec![Trace {
                    verdict,
                    ..trace.clone()
                }]),
                Some(verdict) => {
                    let detail = format!("{}: {}", verdict.how, verdict.detail);
                    Outcome::drop("verify: refused", detail)
                }
                None => Outcome::drop("verify: undecided", "the judge cannot say"),
            }
        })?;
        let rates = rates.into_inner().unwrap_or_default();
        context.fact("pass_rates", histogram(&rates));
        Ok(())
    }
}

/// Problems by the share of accepted traces: none, up to 10 %, ..., below 100 %, all.
fn histogram(rates: &HashMap<u64, (u32, u32)>) -> Vec<u64> {
    let mut bins = vec![0; 12];
    for (right, all) in rates.values() {
        let bin = match right {
            0 => 0,
            right if right == all => 11,
            right => (10 * right).div_ceil(*all) as usize,
        };
        bins[bin.min(11)] += 1;
    }
    bins
}

/// Marks traces of some problems as held out: `meta.split` is `test` for them, `train` for others.
/// All traces of a problem are on the same side, whatever is added to the corpus later.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitStep {
    /// The share of problems that is held out.
    pub test: f64,
}

impl SplitStep {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        match (0.0..1.0).contains(&self.test) {
            true => Ok(()),
            false => Err(CorpusError::option(
                "split.test",
                self.test,
                "a share from 0 to below 1",
            )),
        }
    }

    pub(super) fn run(self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let seed = context.seed;
        let limit = (self.test * u64::MAX as f64) as u64;
        pass(&context.input, sink, &mut context.control, |_, trace| {
            let place = words::seeded(seed, &trace.problem_key().to_le_bytes());
            let split = if place < limit { "test" } else { "train" };
            let mut trace = trace.clone();
            trace.meta.insert("split".into(), split.into());
            Outcome::Replace(vec![trace])
        })
    }
}

/// Distilling step by step: of each trace one example that asks for the answer and one that asks
/// for the reasoning, told apart by what stands before the problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TwoTasks {
    /// Before the problem where the answer is asked for.
    pub label: String,
    /// Before the problem where the reasoning is.
    pub rationale: String,
}

impl Default for TwoTasks {
    fn default() -> Self {
        Self {
            label: "[label] ".to_owned(),
            rationale: "[rationale] ".to_owned(),
        }
    }
}

impl TwoTasks {
    pub(super) fn run(&self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        pass(&context.input, sink, &mut context.control, |_, trace| {
            let label = trace.answer.as_deref().unwrap_or_else(|| trace.said());
            let thought = match trace.thought() {
                "" => trace.said(),
                thought => thought,
            };
            if label.trim().is_empty() || thought.trim().is_empty() {
                return Outcome::drop("two_tasks", "it has no answer or no reasoning");
            }
            let one = |task: &str, prefix: &str, text: &str| {
                let mut made = trace.clone();
                made.id = format!("{}/{task}", trace.id);
                let asked = format!("{prefix}{}", trace.problem);
                made.messages = vec![Turn::new("user", asked), Turn::reply("", text)];
                made.meta.insert("task".into(), task.into());
                made
            };
            Outcome::Replace(vec![
                one("label", &self.label, label),
                one("rationale", &self.rationale, thought),
            ])
        })
    }
}
