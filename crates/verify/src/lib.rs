//! Is the final answer of a reply the gold answer?
//!
//! | module | holds |
//! |---|---|
//! | [`extract`] | the final answer inside a whole completion, and the rule that found it |
//! | [`parse`] | an answer as a tree: numbers, expressions, tuples, sets, intervals, matrices, text |
//! | [`compare`] | two trees by value: exact rationals first, then numbers, then seeded points |
//! | [`options`] | how strict to be, what kind of answer to expect, tolerances |
//! | [`verdict`] | the result, with its reason and the way it was reached |
//! | [`line`](mod@line) | one line of JSON with a pair, for programs that read many |
//!
//! ```text
//! completion ─► Extraction ─► Node ─┐
//!               extract       parse ├─► Verdict
//!         gold ─────────────► Node ─┘ compare
//! ```
//!
//! Replies are strangers' text, and rewards are computed from them: every step has a limit on
//! length, depth and work, and what goes over it is the verdict [`Reason::TooComplex`], never a
//! panic and never a long wait. Nothing here reads files, starts threads or knows of tensors.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod compare;
pub mod error;
pub mod extract;
pub mod line;
pub mod options;
pub mod parse;
pub mod verdict;

pub use compare::verify;
pub use error::VerifyError;
pub use extract::{Extraction, Rule, extract};
pub use line::{Line, check};
pub use options::{Kind, Options, Tolerance};
pub use parse::{Node, parse};
pub use verdict::{How, Reason, Verdict};
