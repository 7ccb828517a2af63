//! Verification, done by somebody else.

use std::path::Path;

use serde_json::{Map, Value};

use crate::pipeline::Verify;
use crate::{CorpusError, Trace, Verdict};

/// Whoever can say whether replies are right.
pub trait Judge: Sync {
    /// Names the judge and its version. A step that was finished under another name is done anew.
    fn name(&self) -> String;

    /// Refuses options of a verify step that it cannot follow. Asked before the first step runs.
    ///
    /// # Errors
    /// [`CorpusError::Option`] and [`CorpusError::Judge`].
    fn check(&self, options: &Verify) -> Result<(), CorpusError>;

    /// Begins a verify step. What must not be done twice is kept in `folder`, which is the
    /// judge's alone and stays when the step is interrupted.
    ///
    /// # Errors
    /// As [`Judge::check`].
    fn session<'a>(
        &'a self,
        options: &'a Verify,
        folder: &Path,
    ) -> Result<Box<dyn Session + 'a>, CorpusError>;
}

/// Called several times a second by a session that takes its time, which ends with the error that
/// this gives: the user wants to stop.
pub type Tick<'a> = dyn FnMut() -> Result<(), CorpusError> + 'a;

/// A judge at work on one verify step.
pub trait Session {
    /// A verdict on each trace, in order; none where the judge cannot say, as without a known
    /// answer.
    ///
    /// # Errors
    /// Those of `tick`, and [`CorpusError::Judge`] where going on without the judge would change
    /// what the step keeps.
    fn judge(
        &mut self,
        traces: &[Trace],
        tick: &mut Tick,
    ) -> Result<Vec<Option<Verdict>>, CorpusError>;

    /// What else was found out, for the step's record.
    fn facts(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// Repeats what the source said. It is what a recipe's verify step uses if nothing better is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream;

impl Judge for Upstream {
    fn name(&self) -> String {
        "upstream".to_owned()
    }

    fn check(&self, options: &Verify) -> Result<(), CorpusError> {
        match options.judge {
            Some(_) => Err(CorpusError::option(
                "step.judge",
                "there",
                "none, as no judge is at hand that asks a model",
            )),
            None => Ok(()),
        }
    }

    fn session<'a>(
        &'a self,
        _: &'a Verify,
        _: &Path,
    ) -> Result<Box<dyn Session + 'a>, CorpusError> {
        Ok(Box::new(Self))
    }
}

impl Session for Upstream {
    fn judge(
        &mut self,
        traces: &[Trace],
        _: &mut Tick,
    ) -> Result<Vec<Option<Verdict>>, CorpusError> {
        Ok(traces.iter().map(|trace| trace.verdict.clone()).collect())
    }
}
