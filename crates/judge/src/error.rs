//! The one error type of this crate: why judging cannot go on.

use retort_corpus::CorpusError;
use retort_sandbox::SandboxError;
use retort_teacher::TeacherError;

/// Why judging cannot go on. What a judge cannot say of one trace is no error: it stays undecided.
///
/// The message is complete; [`JudgeError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    #[error("`step.judge` cannot be read: {reason}")]
    Settings { reason: String },

    #[error("{0}")]
    Teacher(#[from] TeacherError),

    #[error("programs are not run against tests: {0}")]
    Sandbox(#[from] SandboxError),

    #[error(
        "the budget of `step.judge` is used up: {pending} replies of this batch are not judged"
    )]
    Budget { pending: u64 },

    #[error("no endpoint of `step.judge` answers: {why}")]
    NoModel { why: String },

    #[error("cannot {action} `{path}`: {error}")]
    Io {
        /// A verb: "read", "write".
        action: &'static str,
        path: String,
        error: std::io::Error,
    },
}

impl JudgeError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Settings { .. } => Some(
                "it holds `[[step.judge.endpoints]]` as in a teach.toml and, if wanted, `prompt`, \
                 `sampling`, `options` and `domains`",
            ),
            Self::Teacher(error) => error.hint(),
            Self::Sandbox(error) => error.hint().or(Some(
                "`code = { off = true }` in the verify step leaves programs undecided",
            )),
            Self::Budget { .. } => Some(
                "raise `step.judge.options.budget` and run again: what was judged is not paid twice",
            ),
            Self::NoModel { .. } => Some("fix the endpoint and run again: what was judged is kept"),
            Self::Io { .. } => None,
        }
    }
}

impl From<JudgeError> for CorpusError {
    fn from(error: JudgeError) -> Self {
        Self::Judge {
            reason: error.to_string(),
            hint: error.hint(),
        }
    }
}
