//! What a comparison says.

use serde::{Deserialize, Serialize};

use crate::extract::Rule;

/// Why an answer is or is not the gold one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The values are equal.
    Same,
    /// The values differ.
    Different,
    /// The reply has no final answer.
    NoAnswer,
    /// The reply stops inside its thought.
    UnclosedThought,
    /// The gold answer is empty.
    NoGold,
    /// One of the two is over a limit of length, depth or work.
    TooComplex,
}

/// The way by which a verdict was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// Nothing was compared.
    Nothing,
    /// The same letters, after spaces and case.
    Text,
    /// The letter of a multiple choice.
    Choice,
    /// Exact rational arithmetic, or the same tree.
    Exact,
    /// Irrational numbers in double precision, or a tolerance that was asked for.
    Numeric,
    /// Formulas with variables, at seeded points.
    Sampled,
    /// Tuples, sets, lists, matrices and intervals, part by part.
    Parts,
    /// Equations and inequalities, up to a factor.
    Relation,
}

/// Is the answer the gold one, why, and how that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the reply counts as right.
    pub equal: bool,
    /// Why.
    pub reason: Reason,
    /// By which comparison.
    pub how: How,
    /// Which rule found the answer in the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// The answer that was found in the reply, shortened when long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Verdict {
    pub(crate) fn new(reason: Reason, how: How) -> Self {
        Self {
            equal: reason == Reason::Same,
            reason,
            how,
            rule: None,
            answer: None,
        }
    }
}
