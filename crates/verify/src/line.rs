//! One line of JSON with a pair, for programs that read many of them.

use serde::{Deserialize, Serialize};

use crate::compare::verify;
use crate::options::{Kind, Options};
use crate::verdict::Verdict;

/// A gold answer and a reply: `{"gold": "1/2", "pred": "... \\boxed{0.5}"}`.
///
/// Other fields of the line are ignored, so a line of any corpus with these two will do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The gold answer.
    pub gold: String,
    /// A whole reply or a bare answer.
    #[serde(alias = "completion", alias = "answer")]
    pub pred: String,
    /// What kind of answer to expect, over what `options` and the caller say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Options of this line, instead of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
}

/// The verdict on one line; `options` is for lines that bring none of their own.
pub fn check(line: &Line, options: &Options) -> Verdict {
    let mut options = line.options.as_ref().unwrap_or(options).clone();
    if let Some(kind) = line.kind {
        options.kind = kind;
    }
    verify(&line.gold, &line.pred, &options)
}
