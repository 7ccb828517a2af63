//! What a configuration file says about a corpus. All of it is plain data; every field has the
//! name that it has in the file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One file of a corpus, and how its lines become conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusFile {
    /// `.jsonl`, `.jsonl.gz` or `.parquet`.
    pub path: PathBuf,
    /// Which fields hold what, for lines of none of the known shapes (see [`crate::read`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// How replies mark their thought.
    #[serde(default)]
    pub thought: ThoughtTags,
    /// What to do with replies that were cut off.
    #[serde(default)]
    pub unfinished: Unfinished,
    /// At most this many conversations, from the start of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How often each document is seen in an epoch: 1 to 1000.
    #[serde(default = "one")]
    pub repeat: u32,
}

fn one() -> u32 {
    1
}

impl CorpusFile {
    /// The whole file, once, its shape found from its fields.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            columns: None,
            thought: ThoughtTags::default(),
            unfinished: Unfinished::default(),
            limit: None,
            repeat: 1,
        }
    }
}

/// Names of the fields that hold a question and its reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// Text of the system turn; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Text of the user's turn.
    pub prompt: String,
    /// The thought, where it stands apart from the answer. Null or empty: no thought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The reply: thought and answer, or the answer alone where `reasoning` names the thought.
    pub completion: String,
}

/// How a reply that has no field of its own for the thought marks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThoughtTags {
    /// `<think>thought</think>answer`, or the answer alone. A `</think>` without its `<think>` is
    /// refused: it could mean either of the other two.
    #[default]
    Tags,
    /// The prompt held the `<think>`: `thought</think>answer`.
    Open,
    /// Tags are text like any other.
    Text,
}

/// What to do with a reply without an end: a thought that is never closed, an empty answer. Trained
/// on, it teaches a student to think forever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfinished {
    /// Stop with an error that names the line.
    #[default]
    Refuse,
    /// Leave the conversation out and count it.
    Drop,
}

/// Which replies of a conversation are learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryTurns {
    /// All of them.
    #[default]
    Learn,
    /// The last one.
    Ignore,
}

/// What to do with a document of more tokens than a bin holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    /// Leave it out: a trace without its end teaches never to finish.
    #[default]
    Drop,
    /// Keep its first tokens; leave it out if no learnt one is among them.
    Truncate,
}

/// How documents become sequences of a fixed number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackOptions {
    /// Tokens of a bin; at least 2.
    pub capacity: usize,
    /// Several documents a bin; else one.
    #[serde(default = "yes")]
    pub packing: bool,
    #[serde(default)]
    pub too_long: TooLong,
}

fn yes() -> bool {
    true
}

impl PackOptions {
    /// Packed bins of `capacity` tokens, longer documents dropped.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            packing: true,
            too_long: TooLong::default(),
        }
    }
}

/// How much is held out of training: a count (`200`) or a share (`0.01`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeldOut {
    /// This many questions. A corpus that grows may swap some of them.
    Count(u64),
    /// This share of the questions, from 0 to below 1. A question that is held out stays so, and
    /// one that is not never will be, whatever is added to the corpus.
    Share(f64),
}

impl Default for HeldOut {
    fn default() -> Self {
        Self::Share(0.01)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_read_as_documented() {
        let file: CorpusFile = serde_json::from_str(
            r#"{"path": "a.jsonl", "thought": "open", "unfinished": "drop", "limit": 5,
                "columns": {"prompt": "question", "completion": "answer"}}"#,
        )
        .unwrap();
        assert_eq!(file.repeat, 1);
        assert_eq!(file.thought, ThoughtTags::Open);
        assert_eq!(file.unfinished, Unfinished::Drop);
        assert_eq!(file.columns.unwrap().completion, "answer");
        let short: CorpusFile = serde_json::from_str(r#"{"path": "a.jsonl"}"#).unwrap();
        assert_eq!(short, CorpusFile::new("a.jsonl"));
        for wrong in [
            r#"{"path": "a", "colums": null}"#,
            r#"{"path": "a", "thought": "yes"}"#,
            r#"{"limit": 1}"#,
        ] {
            assert!(
                serde_json::from_str::<CorpusFile>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_count_and_a_share_are_told_apart() {
        let read = |text: &str| serde_json::from_str::<HeldOut>(text).unwrap();
        assert_eq!(read("200"), HeldOut::Count(200));
        assert_eq!(read("0.01"), HeldOut::Share(0.01));
        assert_eq!(read("0.0"), HeldOut::Share(0.0));
    }
}
