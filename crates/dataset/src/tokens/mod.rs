//! All documents of a corpus as token ids, in one memory-mapped cache file.
//!
//! The file is named after a SHA-256 of everything its contents depend on: the bytes of the
//! corpus files and their options, the tokenizer, the template, the stop ids, and this crate's
//! format version. The same key gives the same file; a second run opens it in seconds.
//!
//! A cache file is checked whole when it is opened: checksum, lengths, that ids are in the
//! vocabulary and masks are 0 or 1. It is written under another name and renamed into place, so
//! one that is there is complete.

mod build;
mod format;
mod key;
mod map;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::{CorpusFile, DatasetError, HistoryTurns, Origin, Student};
use format::Entry;
pub use key::Identity;

/// How far the tokenising is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Lines (rows) of the corpus that are rendered.
    pub done: u64,
    pub total: u64,
    /// Tokens so far.
    pub tokens: u64,
}

/// What was read to make a cache file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub files: Vec<FileSummary>,
    /// Documents with a thought that is learnt, each counted once.
    pub with_thought: u64,
    /// Documents with a text that the vocabulary cannot hold exactly (see
    /// [`Rendered::inexact`](crate::Rendered::inexact)), each counted once.
    pub inexact: u64,
    /// What the student learns to emit after each answer.
    pub end: String,
}

/// What was read of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// Where the file was when the cache was made: the key is of its bytes, not of its name.
    pub path: PathBuf,
    pub conversations: u64,
    /// Conversations left out because a reply has no end.
    pub unfinished: u64,
    /// Documents, each counted once.
    pub documents: u64,
    pub repeat: u32,
}

/// A document of a [`Dataset`]. Both slices have the same length, at least 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    pub ids: &'a [u32],
    /// True where the id is to be predicted from those before it; never at the first.
    pub learnt: &'a [bool],
}

/// The documents of a corpus, in the corpus's order; a repeated one appears several times in
/// succession.
pub struct Dataset {
    bytes: Mmap,
    layout: format::Layout,
    files: Vec<Arc<Path>>,
    hash: String,
    path: PathBuf,
}

impl Dataset {
    /// Opens the cache of this corpus in `folder`, or makes it: reads, renders and tokenises the
    /// files on all cores. `progress` is called after each batch of lines. A damaged cache file
    /// is made again.
    pub fn prepare(
        files: &[CorpusFile],
        student: &Student<'_>,
        identity: &Identity<'_>,
        history: HistoryTurns,
        folder: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, DatasetError> {
        let key = key::key(files, student, identity, history)?;
        let path = folder.join(format!("{}.tokens", &key::hex(&key)[..16]));
        if path.exists()
            && let Ok(dataset) = Self::open_with(&path, Some(&key))
        {
            return Ok(dataset);
        }
        build::build(files, student, history, &key, &path, progress)?;
        Self::open_with(&path, Some(&key))
    }

    /// Opens a cache file and checks all of it.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Self::open_with(path, None)
    }

    fn open_with(path: &Path, key: Option<&[u8; 32]>) -> Result<Self, DatasetError> {
        let read_failed = |error| DatasetError::Read {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(read_failed)?;
        let bytes = map::map(&file).map_err(read_failed)?;
        let layout = format::check(&bytes, key).map_err(|reason| DatasetError::Cache {
            path: path.to_owned(),
            reason,
        })?;
        let files = layout.summary.files.iter();
        Ok(Self {
            files: files.map(|file| file.path.as_path().into()).collect(),
            hash: key::hex(&layout.header.key),
            layout,
            bytes,
            path: path.to_owned(),
        })
    }

    /// Documents, repeated ones counted as often as they appear.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A document. Fails if there is none at `index`.
    pub fn get(&self, index: usize) -> Result<Document<'_>, DatasetError> {
        let entry = self.entry(index)?;
        let data = &self.bytes[self.layout.data.clone()];
        let slices = || {
            let [ids, mask] = entry.ranges()?;
            let ids = bytemuck::try_cast_slice(data.get(ids)?).ok()?;
            // Looks at the bytes again: a bool that is neither 0 nor 1 would be undefined.
            let learnt = bytemuck::checked::try_cast_slice(data.get(mask)?).ok()?;
            Some(Document { ids, learnt })
        };
        slices().ok_or_else(|| DatasetError::Cache {
            path: self.path.clone(),
            reason: "it changed while it was open".to_owned(),
        })
    }

    /// Tokens of a document, without looking at them.
    pub fn tokens_of(&self, index: usize) -> Result<usize, DatasetError> {
        Ok(self.entry(index)?.len as usize)
    }

    /// Learnt tokens of a document.
    pub fn learnt_of(&self, index: usize) -> Result<usize, DatasetError> {
        Ok(self.entry(index)?.learnt as usize)
    }

    /// Whether a reply that is learnt has a thought.
    pub fn has_thought(&self, index: usize) -> Result<bool, DatasetError> {
        Ok(self.entry(index)?.flags & format::HAS_THOUGHT != 0)
    }

    /// Whether the vocabulary cannot hold a learnt text exactly: see
    /// [`Rendered::inexact`](crate::Rendered::inexact).
    pub fn is_inexact(&self, index: usize) -> Result<bool, DatasetError> {
        Ok(self.entry(index)?.flags & format::INEXACT != 0)
    }

    /// Hash of the question: [`Conversation::group`](crate::Conversation::group).
    pub fn group_of(&self, index: usize) -> Result<u64, DatasetError> {
        Ok(self.entry(index)?.group)
    }

    /// Whether the document repeats the one before it.
    pub fn is_repeat(&self, index: usize) -> bool {
        let entries = self.entries();
        let before = index.checked_sub(1).and_then(|before| entries.get(before));
        match (before, entries.get(index)) {
            (Some(before), Some(entry)) => before.start == entry.start,
            _ => false,
        }
    }

    /// Where a document comes from.
    pub fn origin(&self, index: usize) -> Result<Origin, DatasetError> {
        let entry = self.entry(index)?;
        let unknown = || Path::new("?").into();
        Ok(Origin {
            file: (self.files.get(usize::from(entry.file)).cloned()).unwrap_or_else(unknown),
            line: u64::from(entry.line),
        })
    }

    /// SHA-256, in hex, of everything the documents depend on: for a manifest.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What was read to make it.
    pub fn summary(&self) -> &Summary {
        &self.layout.summary
    }

    /// The cache file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn entry(&self, index: usize) -> Result<&Entry, DatasetError> {
        let entries = self.entries();
        entries.get(index).ok_or(DatasetError::NoDocument {
            index,
            len: entries.len(),
        })
    }

    fn entries(&self) -> &[Entry] {
        // Checked when the file was opened.
        bytemuck::try_cast_slice(&self.bytes[self.layout.entries.clone()]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
