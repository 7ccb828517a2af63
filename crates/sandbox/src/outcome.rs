//! What became of one run.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The program ended by itself with exit code 0.
    Passed,
    /// The program ended by itself with another exit code.
    Failed,
    /// Stopped at [`crate::Limits::wall`] or [`crate::Limits::cpu`].
    TimedOut,
    /// Stopped at [`crate::Limits::memory`], or ended by a `MemoryError`.
    OutOfMemory,
    /// Stopped at [`crate::Limits::output`].
    TooMuchOutput,
    /// Ended by a signal that is none of the above, such as a crash of the interpreter.
    Killed,
}

impl Status {
    /// In a few words, as in "timed out".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Passed => "ended with exit code 0",
            Self::Failed => "ended with an error",
            Self::TimedOut => "timed out",
            Self::OutOfMemory => "out of memory",
            Self::TooMuchOutput => "too much output",
            Self::Killed => "killed by a signal",
        }
    }
}

/// What became of one run. By the time there is an outcome, no process of the run is left.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub status: Status,
    /// What the program ended with; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended the program, ours included.
    pub signal: Option<i32>,
    /// At most [`crate::Limits::output`] bytes, as UTF-8 with replacement characters.
    pub stdout: String,
    /// At most [`crate::Limits::output`] bytes, as UTF-8 with replacement characters.
    pub stderr: String,
    /// From the start of the interpreter until nothing was left of the run.
    pub seconds: f64,
    /// The most bytes that were resident, as far as it was seen: sampled for the whole tree, and
    /// exact for the first process where the kernel's count is not blurred by our own size.
    pub peak_memory: Option<u64>,
}

impl Outcome {
    /// The last line of stderr that is not blank: for Python, the exception.
    pub fn last_error_line(&self) -> Option<&str> {
        last_line(&self.stderr)
    }
}

/// The last line that is not blank.
pub(crate) fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().find(|line| !line.trim().is_empty())
}
