//! Progress, and the wish to stop.

use crate::CorpusError;

/// How far a pipeline is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The step, from 0 (the import).
    pub number: usize,
    /// How many steps there are.
    pub steps: usize,
    /// The step's name.
    pub name: String,
    /// Bytes read, of `total`; compressed files may end sooner or later than foreseen.
    pub bytes: u64,
    /// Bytes that the step will read, in all of its passes.
    pub total: u64,
    /// Rows read.
    pub rows: u64,
    /// Traces kept.
    pub kept: u64,
    /// Whether the step was finished by an earlier run.
    pub skipped: bool,
}

/// What a callback answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop as soon as possible; what is finished stays.
    Stop,
}

/// Called several times a second while a step runs, and once at the end of each.
pub type Listener<'a> = dyn FnMut(&Progress) -> Flow + 'a;

pub(crate) struct Control<'a, 'b> {
    pub listener: &'a mut Listener<'b>,
    pub progress: Progress,
}

impl Control<'_, '_> {
    pub fn begin(&mut self, number: usize, name: &str, total: u64) {
        let steps = self.progress.steps;
        self.progress = Progress {
            number,
            steps,
            name: name.to_owned(),
            total,
            ..Progress::default()
        };
    }

    pub fn advance(&mut self, bytes: u64, rows: u64, kept: u64) -> Result<(), CorpusError> {
        self.progress.bytes += bytes;
        self.progress.rows += rows;
        self.progress.kept += kept;
        self.tell()
    }

    pub fn tell(&mut self) -> Result<(), CorpusError> {
        match (self.listener)(&self.progress) {
            Flow::Continue => Ok(()),
            Flow::Stop => Err(CorpusError::Stopped {
                number: self.progress.number,
                name: self.progress.name.clone(),
            }),
        }
    }
}
