//! Who says whether a trace is right: a generated problem's own checker, else the comparison of its
//! final answer with the gold one.

use retort_corpus::{Judge, Trace, Verdict};
use retort_verify::{Options, extract, verify};

/// Both, chosen by what the trace says of its problem.
pub struct Checkers;

impl Judge for Checkers {
    fn name(&self) -> String {
        format!(
            "retort {} (problems {})",
            env!("CARGO_PKG_VERSION"),
            retort_problems::VERSION
        )
    }

    fn judge(&self, trace: &Trace) -> Option<Verdict> {
        let said = trace.said();
        if let Some(problem) = generated(trace) {
            let answer = extract(said, &Options::default()).map(|found| found.answer.to_owned());
            let check = retort_problems::check(&problem, answer.as_deref().unwrap_or(said));
            return Some(Verdict {
                accepted: check.equal,
                how: format!("checker of {}", problem.family),
                detail: check.reason,
            });
        }
        let verdict = verify(trace.answer.as_deref()?, said, &Options::default());
        Some(Verdict {
            accepted: verdict.equal,
            how: format!("{:?}", verdict.how).to_lowercase(),
            detail: format!("{:?}", verdict.reason).to_lowercase(),
        })
    }
}

/// The problem that `retort problems` made, made again; none if this is no such problem.
fn generated(trace: &Trace) -> Option<retort_problems::Problem> {
    let family = trace.field("family")?;
    let difficulty = trace.number("difficulty")? as u8;
    let seed = trace.number("seed")? as u64;
    let problem = retort_problems::generate(&family, difficulty, seed).ok()?;
    // A name that another project uses too is not ours.
    (problem.question == trace.problem).then_some(problem)
}
