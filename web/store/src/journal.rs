//! The journal of one student: what was asked for, and how far the file on disk is verified.
//!
//! Append-only, so that a crash at any moment leaves at worst a torn last record, which its check
//! value gives away. All integers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `RETORTJ1` |
//! | 4 | length of the header |
//! | header | [`Header`] as JSON |
//! | 8 | first bytes of the header's SHA-256 |
//! | 48 each | records: end (8), state of SHA-256 over the file up to there (32), check (8) |
//!
//! A record's check covers the header's check too: records of an older download never pass.

use crate::{
    BLOCK,
    sha256::{Digest, Midstate},
};
use retort_protocol::Student;
use serde::{Deserialize, Serialize};
use thiserror::Error;

const MAGIC: &[u8; 8] = b"RETORTJ1";
const RECORD: usize = 48;
/// Longest journal that is read: enough for a file of a terabyte.
pub const MAX_JOURNAL: u64 = 64 << 20;
/// Longest header that is read or written.
const MAX_HEADER: usize = 64 << 10;

/// What the file on disk is a copy of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub student: Student,
    /// Size of the whole file in bytes.
    pub bytes: u64,
    /// The host's version of the file, where it says one.
    pub etag: Option<String>,
}

/// The file's first `length` bytes are on disk and hash to this state.
///
/// At the end of the file the state is the whole hash rather than a [`Midstate`]: a file need not
/// end on a block of SHA-256.
pub type Record = Midstate;

/// A journal as found on disk.
#[derive(Clone, Debug)]
pub struct Journal {
    pub header: Header,
    /// In order; every length but the file's own is a multiple of [`BLOCK`].
    pub records: Vec<Record>,
    /// Check value of the header, which the next record continues.
    seal: [u8; 8],
    header_bytes: usize,
}

/// Why a journal says nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JournalError {
    #[error("the journal is empty or cut inside its header")]
    Cut,
    #[error("the journal does not begin with `RETORTJ1`")]
    Magic,
    #[error("the journal's header has {got} bytes, more than {MAX_HEADER}")]
    HeaderLength { got: usize },
    #[error("the journal's header does not match its check value")]
    HeaderCheck,
    #[error("the journal's header: {0}")]
    Header(String),
}

impl Journal {
    /// A journal without records, and its bytes to be written.
    ///
    /// # Errors
    /// [`JournalError::HeaderLength`] if the student's texts are absurdly long.
    pub fn begin(header: Header) -> Result<(Self, Vec<u8>), JournalError> {
        let json =
            serde_json::to_vec(&header).map_err(|error| JournalError::Header(error.to_string()))?;
        if json.len() > MAX_HEADER {
            return Err(JournalError::HeaderLength { got: json.len() });
        }
        let seal = check(&[&json]);
        let length = json.len() as u32;
        let bytes = [&MAGIC[..], &length.to_le_bytes(), &json, &seal].concat();
        let journal = Self {
            header,
            records: Vec::new(),
            seal,
            header_bytes: bytes.len(),
        };
        Ok((journal, bytes))
    }

    /// Reads a journal up to the first record that is torn, out of order or of another download.
    ///
    /// # Errors
    /// A [`JournalError`] if the header itself cannot be trusted.
    pub fn parse(bytes: &[u8]) -> Result<Self, JournalError> {
        let (magic, rest) = bytes
            .split_at_checked(MAGIC.len())
            .ok_or(JournalError::Cut)?;
        if magic != MAGIC {
            return Err(JournalError::Magic);
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(JournalError::Cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_HEADER {
            return Err(JournalError::HeaderLength { got: length });
        }
        let (json, rest) = rest.split_at_checked(length).ok_or(JournalError::Cut)?;
        let (seal, rest) = rest.split_first_chunk::<8>().ok_or(JournalError::Cut)?;
        if *seal != check(&[json]) {
            return Err(JournalError::HeaderCheck);
        }
        let header: Header = serde_json::from_slice(json)
            .map_err(|error| JournalError::Header(error.to_string()))?;
        let mut records: Vec<Record> = Vec::new();
        for record in rest.chunks_exact(RECORD) {
            let before = records.last().map_or(0, |record| record.length);
            match read_record(record, seal) {
                Some(record) if plausible(&record, before, header.bytes) => records.push(record),
                _ => break,
            }
        }
        Ok(Self {
            header,
            records,
            seal: *seal,
            header_bytes: bytes.len() - rest.len(),
        })
    }

    /// Bytes of the journal that hold; the next record goes here.
    pub fn size(&self) -> u64 {
        (self.header_bytes + self.records.len() * RECORD) as u64
    }

    /// Verified bytes of the file.
    pub fn present(&self) -> u64 {
        self.records.last().map_or(0, |record| record.length)
    }

    /// The whole file is there.
    pub fn complete(&self) -> bool {
        self.present() == self.header.bytes
    }

    /// Adds a record; returns where its bytes go in the file, and the bytes.
    pub fn append(&mut self, record: Record) -> (u64, [u8; RECORD]) {
        let at = self.size();
        let mut bytes = [0; RECORD];
        bytes[..8].copy_from_slice(&record.length.to_le_bytes());
        for (out, word) in bytes[8..40].chunks_exact_mut(4).zip(record.words) {
            out.copy_from_slice(&word.to_le_bytes());
        }
        let seal = check(&[&self.seal, &bytes[..40]]);
        bytes[40..].copy_from_slice(&seal);
        self.records.push(record);
        (at, bytes)
    }
}

fn plausible(record: &Record, before: u64, total: u64) -> bool {
    let on_grid = record.length.is_multiple_of(BLOCK as u64) || record.length == total;
    record.length > before && record.length <= total && on_grid
}

fn read_record(bytes: &[u8], seal: &[u8; 8]) -> Option<Record> {
    let (body, stated) = bytes.split_at_checked(40)?;
    if stated != check(&[seal, body]) {
        return None;
    }
    let (length, state) = body.split_first_chunk::<8>()?;
    let mut words = [0; 8];
    for (word, bytes) in words.iter_mut().zip(state.chunks_exact(4)) {
        *word = u32::from_le_bytes(bytes.try_into().ok()?);
    }
    Some(Record {
        length: u64::from_le_bytes(*length),
        words,
    })
}

/// The first eight bytes of SHA-256 over `parts`: enough against accidents, and nobody else
/// writes here.
fn check(parts: &[&[u8]]) -> [u8; 8] {
    let Digest(hash) = Digest::of(&parts.concat());
    std::array::from_fn(|i| hash[i])
}
