//! Repeats: exact by hash, near by MinHash and locality-sensitive hashing.

mod exact;
mod minhash;
mod near;

use serde::{Deserialize, Serialize};

pub use exact::Exact;
pub use minhash::{MinHasher, jaccard};
pub use near::Near;

use crate::Trace;

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The problem.
    Problem,
    /// Problem, thought and answer.
    #[default]
    Trace,
}

impl Over {
    /// The compared text.
    fn text(self, trace: &Trace) -> String {
        match self {
            Self::Problem => trace.problem.clone(),
            Self::Trace => format!("{}\n{}\n{}", trace.problem, trace.thought(), trace.said()),
        }
    }
}
