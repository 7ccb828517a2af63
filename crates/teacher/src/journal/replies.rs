//! The replies of a journal, one at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Accepted, Entry, Record, line};
use crate::TeacherError;

/// Accepted replies in order of request and sample, each read from the disk (and checked) when it
/// is its turn.
#[derive(Debug)]
pub struct Replies {
    path: PathBuf,
    file: File,
    entries: std::vec::IntoIter<Entry>,
}

impl Replies {
    pub(super) fn new(path: &Path, entries: Vec<Entry>) -> Result<Self, TeacherError> {
        Ok(Self {
            path: path.into(),
            file: File::open(path).map_err(|error| TeacherError::io("open", path, error))?,
            entries: entries.into_iter(),
        })
    }

    pub(super) fn read(&mut self, entry: &Entry) -> Result<Record, TeacherError> {
        let mut bytes = vec![0; entry.len as usize];
        self.file
            .seek(SeekFrom::Start(entry.offset))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| TeacherError::io("read", &self.path, error))?;
        line::decode(&bytes).ok_or_else(|| self.damaged(entry))
    }

    pub(super) fn damaged(&self, entry: &Entry) -> TeacherError {
        TeacherError::Damaged {
            path: self.path.clone(),
            offset: entry.offset,
        }
    }
}

impl Iterator for Replies {
    type Item = Result<Accepted, TeacherError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(match self.read(&entry) {
            Ok(Record::Accepted(accepted)) => Ok(accepted),
            Ok(_) => Err(self.damaged(&entry)),
            Err(error) => Err(error),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Replies {}
