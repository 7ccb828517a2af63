//! The one error type of this crate: what is wrong, what was expected, what was found, where.

use std::io;
use std::path::{Path, PathBuf};

use retort_dataset::{DatasetError, Origin};
use retort_report::ReportError;

/// Why a corpus could not be made.
///
/// The message is complete; [`CorpusError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),

    #[error(transparent)]
    Report(#[from] ReportError),

    #[error("cannot {action} `{}`: {error}", path.display())]
    Io {
        /// A verb: "read", "write".
        action: &'static str,
        path: PathBuf,
        error: io::Error,
    },

    #[error("{origin}: a row of unknown shape with {found}")]
    Shape { origin: Origin, found: String },

    #[error("{origin}: `{field}` is {got}: expected {expected}")]
    Field {
        origin: Origin,
        field: String,
        expected: &'static str,
        got: String,
    },

    #[error("{origin}: not a trace: {reason}")]
    Trace { origin: Origin, reason: String },

    #[error("the recipe{} cannot be read: {reason}", of(path.as_deref()))]
    Recipe {
        /// None: a recipe that came as text.
        path: Option<PathBuf>,
        reason: String,
    },

    #[error("{name} is {got}: expected {expected}")]
    Option {
        name: String,
        got: String,
        expected: &'static str,
    },

    #[error("`{}` cannot be written as Parquet: {reason}", path.display())]
    Parquet { path: PathBuf, reason: String },

    #[error("`{}` holds no problem to compare with", path.display())]
    NoProblems { path: PathBuf },

    #[error("step {number} ({name}) leaves no trace of {rows}")]
    Empty {
        number: usize,
        name: String,
        rows: u64,
    },

    #[error("stopped in step {number} ({name})")]
    Stopped { number: usize, name: String },

    #[error("`{}` is in use by another process", path.display())]
    Busy { path: PathBuf },

    /// Of whoever implements [`crate::Judge`].
    #[error("the judge cannot go on: {reason}")]
    Judge {
        reason: String,
        hint: Option<&'static str>,
    },
}

fn of(path: Option<&Path>) -> String {
    path.map(|path| format!(" `{}`", path.display()))
        .unwrap_or_default()
}

impl CorpusError {
    pub(crate) fn io(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            error,
        }
    }

    pub(crate) fn option(
        name: impl Into<String>,
        got: impl ToString,
        expected: &'static str,
    ) -> Self {
        Self::Option {
            name: name.into(),
            got: got.to_string(),
            expected,
        }
    }

    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Dataset(error) => return error.hint(),
            Self::Report(error) => return error.hint(),
            Self::Io { error, .. } => match error.kind() {
                io::ErrorKind::NotFound => "paths of a recipe are relative to the recipe's folder",
                io::ErrorKind::StorageFull => {
                    "each step writes the traces it keeps: free space, then run again to go on"
                }
                _ => return None,
            },
            Self::Shape { .. } => {
                "known are messages, conversations, prompt and completion, question and answer, \
                 and the columns of GSM8K, MATH, NuminaMath, OpenThoughts, s1K and open-r1"
            }
            Self::Trace { .. } => "delete the work folder's file of this step: it is made again",
            Self::Recipe { .. } => "compare it with one of the recipes that come with Retort",
            Self::NoProblems { .. } => "decontamination needs the benchmark's questions",
            Self::Empty { .. } => "look at the step's examples of what it dropped in its manifest",
            Self::Stopped { .. } => "run again to go on: finished steps are not repeated",
            Self::Judge { hint, .. } => return *hint,
            Self::Busy { .. } => "wait for it, or choose another work folder",
            _ => return None,
        })
    }
}

/// Text of a file for a message or a terminal: short, and without control characters.
pub(crate) fn shown(text: &str, max: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(max)
        .flat_map(|c| {
            let plain = !c.is_control() && !is_invisible(c);
            let escaped = (!plain).then(|| c.escape_unicode());
            let c = plain.then_some(c);
            c.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    if text.chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that change the direction of text or hide it: they would let a corpus forge what a
/// terminal or a page shows.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_short_and_harmless() {
        assert_eq!(shown("a\u{1b}[1m\u{202e}b", 9), "a\\u{1b}[1m\\u{202e}b");
        assert_eq!(shown(&"é".repeat(9), 4), "éééé…");
    }

    #[test]
    fn messages_say_where_and_hints_what_to_do() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let error = CorpusError::io("read", Path::new("a.jsonl"), missing);
        assert!(error.to_string().starts_with("cannot read `a.jsonl`"));
        assert!(error.hint().is_some());
    }
}
