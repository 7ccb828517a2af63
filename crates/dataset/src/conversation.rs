//! A conversation of a corpus, and where it stands.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retort_text::Message;
use sha2::{Digest, Sha256};

/// Where a conversation stands: a file and its line, or its row of a Parquet file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub file: Arc<Path>,
    pub line: u64,
}

impl Origin {
    pub fn new(file: impl Into<PathBuf>, line: u64) -> Self {
        Self {
            file: file.into().into(),
            line,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Turns in their order, as chat templates see them.
///
/// An assistant's turn from [`read`](crate::read) holds its thought in `reasoning_content` and its
/// answer in `content`, both trimmed: the form in which the product keeps the replies of a
/// conversation, so that a template shows them alike here and there.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub messages: Vec<Message>,
    pub origin: Origin,
    /// The corpus's own name for it, if there is one.
    pub id: Option<String>,
}

impl Conversation {
    /// A hash of what is asked: of all turns before the first reply. Several traces for one
    /// question share it, so they are held out together, or not at all.
    pub fn group(&self) -> u64 {
        let mut hash = Sha256::new();
        let asked = |message: &&Message| message.role != "assistant";
        for message in self.messages.iter().take_while(asked) {
            for text in [&message.role, &content(message)] {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        let digest = hash.finalize();
        u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
    }
}

fn content(message: &Message) -> String {
    match &message.content {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(turns: &[(&str, &str)]) -> Conversation {
        Conversation {
            messages: turns
                .iter()
                .map(|(role, text)| Message::new(*role, *text))
                .collect(),
            origin: Origin::new("corpus.jsonl", 1),
            id: None,
        }
    }

    #[test]
    fn traces_of_one_question_are_one_group() {
        let group = |turns: &[(&str, &str)]| conversation(turns).group();
        let asked = group(&[("user", "1+1?"), ("assistant", "2")]);
        assert_eq!(asked, group(&[("user", "1+1?"), ("assistant", "Two.")]));
        assert_ne!(asked, group(&[("user", "1+2?"), ("assistant", "2")]));
        let system = group(&[("system", "1+1?"), ("assistant", "2")]);
        assert_ne!(asked, system);
        // Where one text ends and the next starts counts.
        assert_ne!(
            group(&[("user", "a"), ("user", "b")]),
            group(&[("user", "auserb")])
        );
    }

    #[test]
    fn origins_read_as_compilers_write_them() {
        assert_eq!(Origin::new("a/b.jsonl", 7).to_string(), "a/b.jsonl:7");
    }
}
