//! Lengths of paragraphs, thoughts and replies.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::{CorpusError, Trace};

/// Drops a thought with a paragraph of more characters than this: a teacher that writes so long
/// without a line end has lost its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LongParagraph {
    /// The most characters between two line ends.
    pub max_chars: usize,
}

impl Default for LongParagraph {
    fn default() -> Self {
        Self { max_chars: 6000 }
    }
}

impl LongParagraph {
    pub(super) fn check(&self, trace: &Trace) -> Option<Reason> {
        let long = |line: &&str| line.len() > self.max_chars;
        let lines = trace.thought().split('\n').filter(long);
        let longest = lines.map(|line| line.chars().count()).max()?;
        let detail = || format!("a paragraph of {longest} characters");
        (longest > self.max_chars).then(|| Reason::new("long_paragraph", detail()))
    }
}

/// Drops a reply whose thought is shorter than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmptyThought {
    /// The fewest characters that count as a thought.
    pub min_chars: usize,
}

impl Default for EmptyThought {
    fn default() -> Self {
        Self { min_chars: 1 }
    }
}

impl EmptyThought {
    pub(super) fn check(&self, trace: &Trace) -> Option<Reason> {
        let chars = trace.thought().trim().chars().take(self.min_chars).count();
        let detail = || match chars {
            0 => "no thought".to_owned(),
            _ => format!("a thought of {chars} characters"),
        };
        (chars < self.min_chars).then(|| Reason::new("empty_thought", detail()))
    }
}

/// Drops replies, thought and answer together, outside of these bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Length {
    /// The fewest characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_chars: Option<usize>,
    /// The most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<usize>,
    /// The most tokens, for traces whose teacher counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

impl Length {
    pub(super) fn check(&self, trace: &Trace) -> Option<Reason> {
        if let (Some(max), Some(tokens)) = (self.max_tokens, trace.teacher.tokens)
            && tokens > max
        {
            return Some(Reason::new("length", format!("{tokens} tokens")));
        }
        let chars = trace.thought().chars().count() + trace.said().chars().count();
        let short = self.min_chars.is_some_and(|min| chars < min);
        let long = self.max_chars.is_some_and(|max| chars > max);
        (short || long).then(|| Reason::new("length", format!("{chars} characters")))
    }

    pub(super) fn validate(&self) -> Result<(), CorpusError> {
        if let (Some(min), Some(max)) = (self.min_chars, self.max_chars)
            && min > max
        {
            let got = format!("from {min} to {max} characters");
            return Err(CorpusError::option(
                "length",
                got,
                "min_chars below max_chars",
            ));
        }
        Ok(())
    }
}
