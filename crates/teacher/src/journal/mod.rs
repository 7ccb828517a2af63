//! What came of each unit, on the disk.
//!
//! A journal is a folder with `journal.jsonl` and `lock`. The file is only ever appended to, one
//! record a line, and a line is JSON with the CRC-32C of the record's own text:
//!
//! ```text
//! {"crc":"1a2b3c4d","record":{"kind":"accepted","unit":"gsm8k-17#0",...}}
//! ```
//!
//! Replies stay on the disk: in memory there is only where each is.

mod line;
mod record;
mod replies;
mod scan;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(crate) use record::Record;
pub use record::{Accepted, Failed};
pub use replies::Replies;
pub use scan::{Recovered, Spent};

use crate::request::{first_u64, hex};
use crate::{TeacherError, Unit};
use scan::{Scan, scan};
use sha2::{Digest, Sha256};

const FILE: &str = "journal.jsonl";
const LOCK: &str = "lock";
/// Rises when older programs would misread the file.
const VERSION: u32 = 1;

/// A journal that this process writes. Held under a lock until it is dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The bytes that are on the disk; behind them lies nothing.
    len: u64,
    scan: Scan,
    recovered: Recovered,
    /// Released by the system when the process ends, however it ends.
    _lock: File,
}

/// Where a record lies, and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub offset: u64,
    pub len: u64,
    pub fingerprint: u64,
}

impl Journal {
    /// Opens the journal in a folder, which is made if it is not there. What a killed process left
    /// half-written at the end is cut off.
    ///
    /// # Errors
    /// [`TeacherError::Locked`], [`TeacherError::NotAJournal`], or of the file system.
    pub fn open(folder: &Path) -> Result<Self, TeacherError> {
        fs::create_dir_all(folder)
            .map_err(|error| TeacherError::io("make the folder", folder, error))?;
        let lock = lock(&folder.join(LOCK))?;
        let path = folder.join(FILE);
        let failed = |action| {
            let path = path.clone();
            move |error| TeacherError::io(action, &path, error)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open"))?;
        let (scan, recovered) = scan(&path, &mut file)?;
        let len = scan.end;
        if recovered.cut_bytes > 0 {
            file.set_len(len).map_err(failed("write"))?;
        }
        let mut journal = Self {
            file,
            len,
            scan,
            recovered,
            _lock: lock,
            path: path.clone(),
        };
        if journal.len == 0 {
            journal.append(&[Record::Journal { version: VERSION }])?;
            sync_folder(folder)?;
        } else {
            // What a killed process wrote may have been seen here and not be on the disk yet.
            journal.file.sync_all().map_err(failed("write"))?;
        }
        Ok(journal)
    }

    /// What was found damaged when it was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// What all accepted replies took, over all runs.
    pub fn spent(&self) -> Spent {
        self.scan.spent
    }

    /// How many units have a reply.
    pub fn len(&self) -> usize {
        self.scan.accepted.len()
    }

    /// Whether there is no reply yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All accepted replies, ordered by request and sample whatever order they came in.
    ///
    /// # Errors
    /// If the file cannot be opened a second time.
    pub fn replies(&self) -> Result<Replies, TeacherError> {
        Replies::new(&self.path, self.scan.accepted.values().cloned().collect())
    }

    /// The replies to some units, in the order in which they are given; units without one are passed
    /// over.
    ///
    /// # Errors
    /// As [`Journal::replies`].
    pub fn replies_to<'a>(
        &self,
        units: impl IntoIterator<Item = &'a Unit>,
    ) -> Result<Replies, TeacherError> {
        let entries = units.into_iter();
        let entries = entries.filter_map(|unit| self.scan.accepted.get(unit).cloned());
        Replies::new(&self.path, entries.collect())
    }

    /// The same without writing or locking, also while another process runs the job.
    ///
    /// # Errors
    /// As [`Journal::open`], but for the lock; also if there is no journal.
    pub fn read(folder: &Path) -> Result<Replies, TeacherError> {
        let path = folder.join(FILE);
        let mut file = File::open(&path).map_err(|error| TeacherError::io("open", &path, error))?;
        let (scan, _) = scan(&path, &mut file)?;
        Replies::new(&path, scan.accepted.into_values().collect())
    }

    pub(crate) fn accepted(&self) -> &BTreeMap<Unit, Entry> {
        &self.scan.accepted
    }

    /// The units that were given up and have no reply since, with the reasons.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn failures(&self) -> Result<Vec<Failed>, TeacherError> {
        let mut reader = Replies::new(&self.path, Vec::new())?;
        let entries = self.scan.failed.values();
        let failures = entries.map(|entry| match reader.read(entry)? {
            Record::Failed(failed) => Ok(failed),
            _ => Err(reader.damaged(entry)),
        });
        failures.collect()
    }

    pub(crate) fn failed(&self) -> &BTreeMap<Unit, Entry> {
        &self.scan.failed
    }

    /// From now on writes fail as on a full disk.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn fill_disk(&mut self) {
        let full = OpenOptions::new().write(true).open("/dev/full");
        self.file = full.expect("Linux has this device");
    }

    /// Whether a response was accepted before, from the same endpoint.
    pub(crate) fn has_response(&self, key: u64) -> bool {
        self.scan.responses.contains(&key)
    }

    /// Writes records and waits until they are on the disk. All of them count then, or none does.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), TeacherError> {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for record in records {
            let start = bytes.len();
            line::encode(record, &mut bytes);
            places.push((self.len + start as u64, (bytes.len() - start) as u64));
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.len))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half of it may be there. Were this to fail as well, the next `open` does it.
            let _ = self.file.set_len(self.len);
            return Err(TeacherError::io("write", &self.path, error));
        }
        self.len += bytes.len() as u64;
        for (record, (offset, len)) in records.iter().zip(places) {
            self.scan.take(record, offset, len);
        }
        Ok(())
    }
}

/// What tells a response from all others: a server, or a cache before it, that answers two requests
/// with one response would double a trace.
///
/// The text is part of it, because there are servers that count their responses from zero again
/// whenever they are started.
pub(crate) fn response_key(endpoint: &str, id: &str, thought: Option<&str>, answer: &str) -> u64 {
    let mut hash = Sha256::new();
    for part in [endpoint, id, thought.unwrap_or_default(), answer] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    first_u64(&hash.finalize())
}

/// Fingerprints are kept as numbers. What is none is that of no request.
pub(crate) fn fingerprint_number(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap_or_else(|_| first_u64(&Sha256::digest(text)))
}

fn lock(path: &Path) -> Result<File, TeacherError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| TeacherError::io("open", path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(TeacherError::Locked { path: path.into() }),
        // A file system without locks: then one process at a time is up to the user.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(TeacherError::io("lock", path, error)),
    }
}

/// Brings the names in a folder to the disk. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> Result<(), TeacherError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| TeacherError::io("write", folder, error))?;
    }
    Ok(())
}

/// A short name for an error message.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        Err(_) => format!("bytes {}", hex(&bytes[..bytes.len().min(16)])),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_disk_refuses_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let failed = Failed {
            unit: "a#0".into(),
            fingerprint: "00".into(),
            endpoint: "one".into(),
            reason: "empty".into(),
            detail: String::new(),
            attempts: 1,
            time: 0.0,
        };
        journal.append(&[Record::Failed(failed.clone())]).unwrap();
        let len = journal.len;
        journal.fill_disk();
        let other = Failed {
            unit: "b#0".into(),
            ..failed.clone()
        };
        let error = journal.append(&[Record::Failed(other)]).unwrap_err();
        assert!(matches!(&error, TeacherError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("journal.jsonl") && error.hint().is_some());
        assert_eq!(journal.len, len);
        drop(journal);
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.failures().unwrap(), [failed]);
    }
}
