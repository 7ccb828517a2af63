//! Verification, done by somebody else.

use crate::{Trace, Verdict};

/// Says whether a trace's reply is right. The pipeline calls it from several threads at once.
pub trait Judge: Sync {
    /// Names the judge and its version. A step that was finished under another name is done anew.
    fn name(&self) -> String;

    /// None where the judge cannot say, as without a known answer.
    fn judge(&self, trace: &Trace) -> Option<Verdict>;
}

/// Repeats what the source said. It is what a recipe's verify step uses if nothing better is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream;

impl Judge for Upstream {
    fn name(&self) -> String {
        "upstream".to_owned()
    }

    fn judge(&self, trace: &Trace) -> Option<Verdict> {
        trace.verdict.clone()
    }
}
