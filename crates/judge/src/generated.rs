//! Problems that `retort problems` made: the checker of their family.

use retort_corpus::{Trace, Verdict};
use retort_verify::{Options, extract};

/// None if it is no such problem.
pub(crate) fn judge(trace: &Trace) -> Option<Verdict> {
    let problem = made_again(trace)?;
    let said = trace.said();
    let answer = extract(said, &Options::default()).map(|found| found.answer.to_owned());
    let check = retort_problems::check(&problem, answer.as_deref().unwrap_or(said));
    Some(Verdict {
        accepted: check.equal,
        how: format!("checker of {}", problem.family),
        detail: check.reason,
    })
}

/// The problem, from what the trace says of it.
fn made_again(trace: &Trace) -> Option<retort_problems::Problem> {
    let family = trace.field("family")?;
    let whole = |name: &str| {
        let number = trace.number(name)?;
        (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
    };
    let difficulty = u8::try_from(whole("difficulty")?).ok()?;
    let problem = retort_problems::generate(&family, difficulty, whole("seed")?).ok()?;
    // A name that another project uses too is not ours.
    (problem.question == trace.problem).then_some(problem)
}
