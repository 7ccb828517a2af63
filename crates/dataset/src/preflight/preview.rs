//! The first documents, with what is learnt of them set apart: for the eyes of whoever starts a
//! run.

use std::fmt::Write as _;

use retort_text::Tokenizer;

use crate::{Dataset, DatasetError, Origin};

/// A document as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Index in the dataset.
    pub document: usize,
    pub origin: Origin,
    pub tokens: usize,
    pub learnt: usize,
    /// The text in order; neighbours differ in `learnt`.
    pub spans: Vec<Span>,
}

/// A stretch of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Control tokens are shown by their names.
    pub text: String,
    pub learnt: bool,
}

/// The first `count` documents of a dataset, repetitions left out.
pub fn preview(
    dataset: &Dataset,
    tokenizer: &Tokenizer,
    count: usize,
) -> Result<Vec<Preview>, DatasetError> {
    let distinct = (0..dataset.len()).filter(|&at| !dataset.is_repeat(at));
    distinct
        .take(count)
        .map(|at| Preview::new(dataset, tokenizer, at))
        .collect()
}

impl Preview {
    /// One document of a dataset.
    pub fn new(
        dataset: &Dataset,
        tokenizer: &Tokenizer,
        document: usize,
    ) -> Result<Self, DatasetError> {
        let found = dataset.get(document)?;
        let mut spans = Vec::new();
        let mut at = 0;
        for run in found.learnt.chunk_by(|a, b| a == b) {
            let ids = &found.ids[at..at + run.len()];
            at += run.len();
            spans.push(Span {
                text: tokenizer.decode(ids, false),
                learnt: run[0],
            });
        }
        Ok(Self {
            document,
            origin: dataset.origin(document)?,
            tokens: found.ids.len(),
            learnt: dataset.learnt_of(document)?,
            spans,
        })
    }

    /// For a terminal: a line on the document, then its text, what is learnt in green, the rest
    /// dim. Without colour, what is learnt stands between `⟦` and `⟧`. Characters that steer a
    /// terminal are escaped: the text is a stranger's.
    pub fn text(&self, color: bool) -> String {
        let mut text = String::new();
        let (tokens, learnt) = (self.tokens, self.learnt);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {tokens} tokens, {learnt} learnt", self.origin);
        for span in &self.spans {
            let (before, after) = match (color, span.learnt) {
                (true, true) => ("\x1b[32m", "\x1b[0m"),
                (true, false) => ("\x1b[2m", "\x1b[0m"),
                (false, true) => ("⟦", "⟧"),
                (false, false) => ("", ""),
            };
            text.push_str(before);
            for char in span.text.chars() {
                match char {
                    '\n' | '\t' => text.push(char),
                    char if char.is_control() => text.extend(char.escape_default()),
                    char => text.push(char),
                }
            }
            text.push_str(after);
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(color: bool) -> String {
        let span = |text: &str, learnt| Span {
            text: text.to_owned(),
            learnt,
        };
        let preview = Preview {
            document: 0,
            origin: Origin::new("a.jsonl", 2),
            tokens: 5,
            learnt: 2,
            spans: vec![span("ask\x1b[2J\n", false), span("reply", true)],
        };
        preview.text(color)
    }

    #[test]
    fn what_is_learnt_is_marked() {
        assert_eq!(
            shown(false),
            "a.jsonl:2: 5 tokens, 2 learnt\nask\\u{1b}[2J\n⟦reply⟧\n"
        );
        assert_eq!(
            shown(true),
            "a.jsonl:2: 5 tokens, 2 learnt\n\x1b[2mask\\u{1b}[2J\n\x1b[0m\x1b[32mreply\x1b[0m\n"
        );
    }
}
