//! Problems with a known answer: comparison by value.

use retort_corpus::{Trace, Verdict};
use retort_verify::{How, Options, Reason, verify};

/// Known answers of at least so many words are prose, which says the same in many ways.
const PROSE_WORDS: usize = 5;

/// What a comparison says.
pub(crate) enum Opinion {
    Sure(Verdict),
    /// A refusal for want of a better word: nothing was compared by value.
    Weak(Verdict),
}

/// None without a known answer.
pub(crate) fn judge(trace: &Trace) -> Option<Opinion> {
    let gold = trace.answer.as_deref()?;
    let verdict = verify(gold, trace.said(), &Options::default());
    let weak = match verdict.reason {
        Reason::NoAnswer | Reason::NoGold | Reason::TooComplex => true,
        Reason::Different => {
            verdict.how == How::Text && gold.split_whitespace().count() >= PROSE_WORDS
        }
        _ => false,
    };
    let said = Verdict {
        accepted: verdict.equal,
        how: format!("{:?}", verdict.how).to_lowercase(),
        detail: format!("{:?}", verdict.reason).to_lowercase(),
    };
    Some(match weak {
        true => Opinion::Weak(said),
        false => Opinion::Sure(said),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use retort_corpus::Turn;

    #[test]
    fn only_refusals_of_what_has_no_value_are_weak() {
        let judged = |gold: &str, reply: &str| {
            let trace = Trace {
                answer: Some(gold.into()),
                messages: vec![Turn::reply("", reply)],
                ..Trace::default()
            };
            match judge(&trace).unwrap() {
                Opinion::Sure(verdict) => (true, verdict.accepted),
                Opinion::Weak(verdict) => (false, verdict.accepted),
            }
        };
        assert_eq!(judged("1/2", "\\boxed{0.5}"), (true, true));
        assert_eq!(judged("1/2", "\\boxed{0.6}"), (true, false));
        let gold = "Because the moon reflects the light of the sun";
        assert_eq!(
            judged(gold, "It shines as the sun shines on it."),
            (false, false)
        );
        assert_eq!(judged(gold, gold), (true, true));
        assert!(judge(&Trace::default()).is_none());
    }
}
