//! Files of conversations, read one line at a time.
//!
//! JSON Lines (`.jsonl`, `.jsonl.gz`) and Parquet (`.parquet`). A line is an object of one of these
//! shapes; the first that fits is taken, and other fields are ignored:
//!
//! | fields | shape |
//! |---|---|
//! | those named by [`Columns`](crate::Columns) | one question and its reply |
//! | `messages` | turns with `role` and `content` |
//! | `conversations` | turns with `from` (`human`, `gpt`, `system`) and `value`; `system` beside it |
//! | `prompt` and `completion` | texts, or lists of turns with `role` and `content` |
//!
//! The thought of a reply stands in its turn's `reasoning_content`, `reasoning` or `thinking`, or
//! in its text as [`ThoughtTags`](crate::ThoughtTags) says. Null fields count as absent.
//!
//! Reading is strict. A line that does not parse, has no known shape, or holds a reply without an
//! end stops it with an error that names the line: data that is skipped silently is missing from
//! a training run without anyone knowing. Only blank lines are passed over.

mod lines;
mod reply;
mod rows;
mod shape;
mod table;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::{Conversation, CorpusFile, DatasetError, Origin};
pub use rows::{Row, Rows};
pub(crate) use shape::Read;

/// A line as it stands in the file.
pub(crate) enum Raw {
    Line(Vec<u8>),
    Row(Value),
}

/// Lines of a file with their numbers, not yet looked at.
pub(crate) struct RawLines {
    source: Source,
    file: Arc<Path>,
    line: u64,
}

enum Source {
    Lines(lines::Lines),
    Table(Box<table::Table>),
}

impl RawLines {
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        let name = path.to_string_lossy();
        let source = if name.ends_with(".parquet") {
            Source::Table(Box::new(table::Table::open(path)?))
        } else if name.ends_with(".jsonl") || name.ends_with(".jsonl.gz") {
            Source::Lines(lines::Lines::open(path, name.ends_with(".gz"))?)
        } else {
            return Err(DatasetError::Extension {
                path: path.to_owned(),
            });
        };
        Ok(Self {
            source,
            file: path.into(),
            line: 0,
        })
    }

    /// The next line that is not blank.
    pub(crate) fn next_line(&mut self) -> Result<Option<(Origin, Raw)>, DatasetError> {
        loop {
            self.line += 1;
            let origin = Origin {
                file: self.file.clone(),
                line: self.line,
            };
            let raw = match &mut self.source {
                Source::Lines(lines) => lines.next_line(&origin)?.map(Raw::Line),
                Source::Table(table) => table.next_row(&origin)?.map(Raw::Row),
            };
            match raw {
                Some(Raw::Line(line)) if line.trim_ascii().is_empty() => {}
                raw => return Ok(raw.map(|raw| (origin, raw))),
            }
        }
    }

    /// Lines or rows of the whole file, blank ones included: for a progress bar.
    pub(crate) fn count(path: &Path) -> Result<u64, DatasetError> {
        match Self::open(path)?.source {
            Source::Lines(lines) => lines.count(),
            Source::Table(table) => Ok(table.rows()),
        }
    }
}

/// What a line says, by the options of its file.
pub(crate) fn parse(raw: Raw, file: &CorpusFile, origin: Origin) -> Result<Read, DatasetError> {
    let value = value(raw, &origin)?;
    shape::read(value, file, origin)
}

fn value(raw: Raw, origin: &Origin) -> Result<Value, DatasetError> {
    match raw {
        Raw::Row(value) => Ok(value),
        Raw::Line(line) => serde_json::from_slice(&line).map_err(|error| DatasetError::Json {
            origin: origin.clone(),
            reason: error.to_string(),
        }),
    }
}

/// The conversations of a file, in order. After an error it ends.
pub struct Conversations<'a> {
    lines: RawLines,
    file: &'a CorpusFile,
    read: u64,
    unfinished: u64,
    done: bool,
}

impl<'a> Conversations<'a> {
    /// Opens the file; nothing of it is parsed yet.
    pub fn open(file: &'a CorpusFile) -> Result<Self, DatasetError> {
        Ok(Self {
            lines: RawLines::open(&file.path)?,
            file,
            read: 0,
            unfinished: 0,
            done: false,
        })
    }

    /// Conversations left out so far because a reply has no end.
    pub fn unfinished(&self) -> u64 {
        self.unfinished
    }

    fn advance(&mut self) -> Result<Option<Conversation>, DatasetError> {
        while self.file.limit.is_none_or(|limit| self.read < limit) {
            let Some((origin, raw)) = self.lines.next_line()? else {
                break;
            };
            match parse(raw, self.file, origin)? {
                Read::Conversation(conversation) => {
                    self.read += 1;
                    return Ok(Some(conversation));
                }
                Read::Unfinished => self.unfinished += 1,
            }
        }
        Ok(None)
    }
}

impl Iterator for Conversations<'_> {
    type Item = Result<Conversation, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.advance().transpose();
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}
