//! Steps of one pass: split, two tasks.

use serde::{Deserialize, Serialize};

use super::Context;
use super::stream::{Outcome, Sink, pass};
use crate::{CorpusError, Turn, words};

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
