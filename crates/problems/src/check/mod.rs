//! Whether an answer is right.

mod clean;
mod compare;
mod poly;
mod read;

pub(crate) use clean::math;
pub(crate) use compare::expression;
pub(crate) use poly::Poly;
pub(crate) use read::{numbers, words};

use crate::families::find;
use crate::problem::{Check, Problem};

/// Answers of more bytes are wrong unread; the longest gold is a fifth of it.
pub const LONGEST_ANSWER: usize = 8192;

/// Compares an answer with the problem: exactly, but for harmless ways of writing it.
///
/// Read as written: spaces, a final full stop, quotes, `**bold**`, `$…$`, `\boxed{…}` (the last
/// one), `\frac`, thousands separators, `x = …`, the unit the question speaks of. Where a family has
/// many right answers any of them scores 1. Long or strange answers cost no more than reading them.
pub fn check(problem: &Problem, answer: &str) -> Check {
    if answer.len() > LONGEST_ANSWER {
        return Check::wrong(format!(
            "the answer has {} bytes: expected at most {LONGEST_ANSWER}",
            answer.len()
        ));
    }
    let answer = clean::light(answer);
    if answer.is_empty() {
        return Check::wrong("the answer is empty");
    }
    match find(&problem.family).ok().and_then(|family| family.checker) {
        Some(checker) => checker(problem, &answer),
        // A problem of a family this version does not know still has its gold.
        None => compare::with_gold(problem, &answer),
    }
}
