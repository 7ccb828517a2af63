//! The one error type of this crate: what is wrong, what was expected, what was found, where.

use std::io;
use std::path::PathBuf;

use retort_text::TextError;

use crate::Origin;

/// Why a corpus could not be read, rendered, cached or packed.
///
/// The message is complete; [`DatasetError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    #[error("cannot read `{}`: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },

    #[error("cannot write `{}`: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },

    #[error("`{}` is of no known kind: expected .jsonl, .jsonl.gz or .parquet", path.display())]
    Extension { path: PathBuf },

    #[error("{origin}: not valid JSON: {reason}")]
    Json { origin: Origin, reason: String },

    #[error("{origin}: the line is longer than {max} bytes")]
    LineTooLong { origin: Origin, max: usize },

    #[error("{origin}: the Parquet file is damaged: {reason}")]
    Parquet { origin: Origin, reason: String },

    #[error(
        "{origin}: a line of unknown shape with {found}: expected the fields `messages`, \
         `conversations`, or `prompt` and `completion`"
    )]
    Shape { origin: Origin, found: String },

    #[error("{origin}: `{field}` is {got}: expected {expected}")]
    Field {
        origin: Origin,
        field: String,
        expected: &'static str,
        got: String,
    },

    #[error("{origin}: a reply whose thought cannot be told from its answer: {reason}")]
    ThoughtTags {
        origin: Origin,
        reason: &'static str,
    },

    #[error("{origin}: an unfinished reply: {reason}")]
    Unfinished {
        origin: Origin,
        reason: &'static str,
    },

    #[error("{origin}: the conversation has no reply to learn")]
    NoReply { origin: Origin },

    #[error("{origin}: a reply that no user's turn precedes")]
    NoPrompt { origin: Origin },

    #[error("{origin}: a reply that calls a tool, which cannot be learnt")]
    ToolCall { origin: Origin },

    #[error("{}{error}", origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default())]
    Text {
        /// None: a probe of the template, before any conversation.
        origin: Option<Origin>,
        error: TextError,
    },

    #[error("the chat template shows the day's date, and no date was given to train with")]
    NoDate,

    #[error("the chat template does not show the answer of a reply")]
    NoAnswer,

    #[error(
        "the chat template never emits a token that ends a reply: it puts `{after}` after an \
         answer, and the student stops at {stops}"
    )]
    EndNeverEmitted { after: String, stops: String },

    #[error(
        "the chat template shows a thought as `{shown}`, which does not go on from its generation \
         prompt `{prompt}`"
    )]
    ThoughtForm { shown: String, prompt: String },

    #[error(
        "{}the reply holds `{token}`, at which the student stops, before its end",
        origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default()
    )]
    StopInside {
        /// None: the template's own text around a thought.
        origin: Option<Origin>,
        token: String,
    },

    #[error("{origin}: the thought `{thought}` is not in the text to learn")]
    ThoughtLost { origin: Origin, thought: String },

    #[error("{origin}: the answer `{answer}` is not in the text to learn")]
    AnswerLost { origin: Origin, answer: String },

    #[error("{origin}: no token of the document is learnt")]
    NothingLearnt { origin: Origin },

    #[error("{origin}: every token of the document is learnt, so it has no prompt")]
    EverythingLearnt { origin: Origin },

    #[error("`{}` is not a token cache: {reason}", path.display())]
    Cache { path: PathBuf, reason: String },

    #[error("document {index} does not exist: there are {len}")]
    NoDocument { index: usize, len: usize },

    #[error("{name} is {got}: expected {expected}")]
    Option {
        name: &'static str,
        got: String,
        expected: &'static str,
    },

    #[error("no documents are left to train on: {reason}")]
    Empty { reason: String },

    #[error(
        "the tokenizer has {tokenizer} tokens, but the model's embedding has only {model} rows"
    )]
    Vocabulary { tokenizer: usize, model: usize },
}

impl DatasetError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Json { .. } => "one JSON object a line; split on \\n only",
            Self::Shape { .. } => {
                "name the fields: columns = { prompt = \"question\", completion = \"answer\" }"
            }
            Self::ThoughtTags { .. } => {
                "where each reply starts inside its thought, say thought = \"open\"; \
                 where tags are plain text, thought = \"text\""
            }
            Self::Unfinished { .. } => {
                "unfinished = \"drop\" leaves such conversations out and counts them"
            }
            Self::NoReply { .. } => "a conversation needs a turn of the role assistant",
            Self::NoPrompt { .. } => "remove the greeting, or put a question before it",
            Self::ToolCall { .. } => "history_turns = \"ignore\" learns the last reply only",
            Self::Text { error, .. } => return error.hint(),
            Self::NoDate => "say date = \"2026-01-31\" in [data]; a run keeps it",
            Self::EndNeverEmitted { .. } => {
                "a student trained so never stops: use the template of the student's own family"
            }
            Self::ThoughtForm { .. } => "use a template that writes thoughts in <think> blocks",
            Self::StopInside { origin: None, .. } => {
                "replies of this template are cut off at inference: use one that writes thoughts \
                 in <think> blocks"
            }
            Self::StopInside { .. } => "the student would stop there: remove it from the corpus",
            Self::ThoughtLost { .. } | Self::AnswerLost { .. } => {
                "the template or the tokenizer deletes it: check them with a preview"
            }
            Self::Cache { .. } => "delete the file: it is made again from the corpus",
            Self::Empty { .. } => "raise the capacity, hold out less, or add data",
            Self::Vocabulary { .. } => "the tokenizer is another model's: use the student's own",
            Self::Parquet { .. } => "compare the file's SHA-256 with the source",
            _ => return None,
        })
    }
}

/// Text of a file for a message: it may be long, and is not ours.
pub(crate) fn shown(text: &str) -> String {
    const MAX: usize = 60;
    let mut shown: String = text
        .chars()
        .take(MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_short_and_harmless() {
        assert_eq!(shown("a\u{1b}[1m\n"), "a\\u{1b}[1m\\n");
        assert_eq!(shown(&"é".repeat(100)).chars().count(), 61);
    }

    #[test]
    fn messages_say_where() {
        let origin = Origin::new("a.jsonl", 3);
        let error = DatasetError::NoReply {
            origin: origin.clone(),
        };
        assert!(error.to_string().starts_with("a.jsonl:3: "));
        assert!(error.hint().is_some());
        let token = "<|end|>".to_owned();
        let error = DatasetError::StopInside {
            origin: Some(origin),
            token: token.clone(),
        };
        assert!(error.to_string().starts_with("a.jsonl:3: "));
        let error = DatasetError::StopInside {
            origin: None,
            token,
        };
        assert!(error.to_string().starts_with("the reply holds"));
    }
}
