//! How strict a comparison is and what it expects.

use serde::{Deserialize, Serialize};

/// What kind of answer is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Decide from the gold answer.
    #[default]
    Auto,
    /// One number; what is left over around it is ignored.
    Number,
    /// A formula, tuple, set, interval, matrix or equation.
    #[serde(alias = "math", alias = "latex")]
    Expression,
    /// A letter of a multiple choice.
    #[serde(alias = "multiple_choice")]
    Choice,
    /// Words: compared without case, punctuation at the end and repeated spaces, never computed.
    Text,
}

/// How far apart two numbers may be. Without any, numbers are equal when their values are (and
/// irrational ones when they agree to nine digits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tolerance {
    /// At most this part of the larger of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// At most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absolute: Option<f64>,
    /// Equal when both round to the same number with so many digits: `0.33` is `1/3` with two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<u32>,
    /// Equal when both round to the same number with so many digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
}

/// Everything a comparison can be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Units and percent signs must be there on both sides, names before `=` too.
    pub strict: bool,
    /// What kind of answer is expected.
    pub kind: Kind,
    /// How far apart numbers may be.
    pub tolerance: Tolerance,
    /// The texts of a multiple choice, A first: a reply with the text counts as the letter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

impl Options {
    /// The default, for answers of this kind.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }
}
