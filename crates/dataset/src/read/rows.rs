//! Lines of a file as JSON values, whatever their shape: for readers of other shapes than ours.

use std::path::Path;

use serde_json::Value;

use super::{Raw, RawLines, value};
use crate::{DatasetError, Origin};

/// The lines of a `.jsonl`, `.jsonl.gz` or `.parquet` file, in order and not yet parsed, so that
/// parsing may be shared among threads. After an error it ends.
pub struct Rows {
    lines: RawLines,
    done: bool,
}

/// A line and where it stands.
pub struct Row {
    raw: Raw,
    origin: Origin,
}

impl Rows {
    /// Opens the file; nothing of it is parsed yet.
    ///
    /// # Errors
    /// [`DatasetError::Read`], [`DatasetError::Extension`], [`DatasetError::Parquet`].
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Ok(Self {
            lines: RawLines::open(path)?,
            done: false,
        })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.lines.next_line().transpose();
        self.done = !matches!(item, Some(Ok(_)));
        Some(item?.map(|(origin, raw)| Row { raw, origin }))
    }
}

impl Row {
    /// Where the line stands.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The text of the line; none for a row of a table.
    pub fn line(&self) -> Option<&[u8]> {
        match &self.raw {
            Raw::Line(line) => Some(line),
            Raw::Row(_) => None,
        }
    }

    /// The line, parsed.
    ///
    /// # Errors
    /// [`DatasetError::Json`] with the line's number.
    pub fn value(self) -> Result<Value, DatasetError> {
        value(self.raw, &self.origin)
    }
}
