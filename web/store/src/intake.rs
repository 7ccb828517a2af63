//! Bytes on their way into the store: from a stream, in order, onto the disk, verified.
//!
//! Every [`BLOCK`] is hashed, written, and recorded in the [`Journal`]. At the end of every
//! [`CHUNK`] the data is flushed before the record is, so a record at a chunk's end never
//! promises bytes that a crash of the machine could take. Records inside a chunk are only as
//! good as the page cache (they survive a killed tab); therefore [`Intake::open`] hashes the
//! bytes behind the last chunk's records once more and goes back a chunk where they differ.

use crate::{
    BLOCK, CHUNK,
    disk::{Disk, DiskError},
    error::StoreError,
    journal::{Header, Journal, MAX_JOURNAL, Record},
    manifest::Manifest,
    sha256::{Digest, Midstate, Sha256},
};

/// A file that is being filled.
pub struct Intake<D> {
    data: D,
    log: D,
    journal: Journal,
    manifest: Option<Manifest>,
    expected: Option<Digest>,
    /// Hash of everything committed, and of the committed part of the present chunk.
    whole: Sha256,
    chunk: Sha256,
    /// Received but not committed, less than [`BLOCK`].
    buffer: Vec<u8>,
}

/// What [`Intake::open`] finds on disk.
pub enum Found<D> {
    /// Nothing usable; the files are handed back for [`Intake::begin`].
    Nothing { data: D, log: D },
    /// A file that can be gone on with.
    Partial(Box<Intake<D>>),
    /// The whole file.
    Complete(Header),
}

impl<D: Disk> Intake<D> {
    /// Looks at what is on disk and verifies its end.
    ///
    /// # Errors
    /// [`StoreError::Disk`] if the files cannot be read or cut; damage is no error.
    pub fn open(data: D, mut log: D) -> Result<Found<D>, StoreError> {
        let size = log.size()?;
        if size > MAX_JOURNAL {
            return Ok(Found::Nothing { data, log });
        }
        let mut bytes = vec![0; size as usize];
        log.read_at(0, &mut bytes)?;
        let Ok(mut journal) = Journal::parse(&bytes) else {
            return Ok(Found::Nothing { data, log });
        };
        if journal.complete() && data.size()? == journal.header.bytes {
            return Ok(Found::Complete(journal.header));
        }
        let (whole, chunk) = verify_tail(&data, &mut journal)?;
        log.truncate(journal.size())?;
        Ok(Found::Partial(Box::new(Self {
            data,
            log,
            journal,
            manifest: None,
            expected: None,
            whole,
            chunk,
            buffer: Vec::new(),
        })))
    }

    /// Starts from nothing; what the two files held is gone.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::Journal`].
    pub fn begin(mut data: D, mut log: D, header: Header) -> Result<Self, StoreError> {
        let (journal, bytes) = Journal::begin(header)?;
        empty(&mut data, &mut log)?;
        log.write_at(0, &bytes)?;
        log.flush()?;
        Ok(Self {
            data,
            log,
            journal,
            manifest: None,
            expected: None,
            whole: Sha256::new(),
            chunk: Sha256::new(),
            buffer: Vec::new(),
        })
    }

    /// Drops what was committed and hands the empty files back.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn discard(mut self) -> Result<(D, D), StoreError> {
        empty(&mut self.data, &mut self.log)?;
        Ok((self.data, self.log))
    }

    /// States the hashes that the bytes still to come must have.
    pub fn expect(&mut self, manifest: Option<Manifest>, sha256: Option<Digest>) {
        self.expected = sha256.or(manifest.as_ref().map(|manifest| manifest.sha256));
        self.manifest = manifest;
    }

    pub fn header(&self) -> &Header {
        &self.journal.header
    }

    /// Bytes on disk, verified as far as hashes are known.
    pub fn committed(&self) -> u64 {
        self.journal.present()
    }

    /// Where the stream goes on: the committed bytes and the buffered ones.
    pub fn position(&self) -> u64 {
        self.committed() + self.buffer.len() as u64
    }

    pub fn complete(&self) -> bool {
        self.journal.complete()
    }

    /// The file itself, for reading what is committed.
    pub fn data(&self) -> &D {
        &self.data
    }

    /// Takes the next bytes of the file.
    ///
    /// After an error this value is of no more use; [`Intake::open`] finds what was committed.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] past the file's end, [`StoreError::WrongHash`] where a chunk or the
    /// file is not what it should be (the chunk, or all of it, is dropped), and disk errors.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        let total = self.journal.header.bytes;
        if bytes.len() as u64 > total - self.position() {
            return Err(StoreError::TooLong { expected: total });
        }
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at(bytes.len().min(BLOCK - self.buffer.len()));
            self.buffer.extend_from_slice(head);
            bytes = rest;
            if self.buffer.len() == BLOCK || self.position() == total {
                self.commit()?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let block = std::mem::take(&mut self.buffer);
        let start = self.committed();
        let end = start + block.len() as u64;
        let finished = end == self.journal.header.bytes;
        let chunk_ends = finished || end.is_multiple_of(CHUNK);
        self.whole.update(&block);
        if self.manifest.is_some() {
            self.chunk.update(&block);
        }
        if chunk_ends {
            self.check_chunk(start / CHUNK)?;
        }
        let record = match self.whole.midstate() {
            Some(midstate) if !finished => midstate,
            _ => self.check_whole()?,
        };
        self.data.write_at(start, &block)?;
        if chunk_ends {
            self.data.flush()?;
        }
        let (at, bytes) = self.journal.append(record);
        self.log.write_at(at, &bytes)?;
        if chunk_ends {
            self.log.flush()?;
        }
        self.buffer = block;
        self.buffer.clear();
        Ok(())
    }

    /// Compares a finished chunk with the manifest; a wrong one is dropped from the journal.
    fn check_chunk(&mut self, index: u64) -> Result<(), StoreError> {
        let got = std::mem::take(&mut self.chunk).finish();
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        let Some(&expected) = manifest.chunks.get(index as usize) else {
            return Ok(());
        };
        if got == expected {
            return Ok(());
        }
        let what = format!("chunk {} of {}", index + 1, manifest.chunks.len());
        self.journal
            .records
            .retain(|record| record.length <= index * CHUNK);
        self.log.truncate(self.journal.size())?;
        Err(StoreError::WrongHash {
            what,
            expected,
            got,
        })
    }

    /// Compares the finished file with its hash; a wrong one is dropped whole, since nothing says
    /// where it is wrong.
    fn check_whole(&mut self) -> Result<Record, StoreError> {
        let got = self.whole.clone().finish();
        if let Some(expected) = self.expected.filter(|expected| *expected != got) {
            empty(&mut self.data, &mut self.log)?;
            return Err(StoreError::WrongHash {
                what: "the file".into(),
                expected,
                got,
            });
        }
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(got.0.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        Ok(Record {
            length: self.journal.header.bytes,
            words,
        })
    }
}

/// The data goes first: a journal that says nothing never stands beside bytes that nobody would
/// miss and nobody could delete.
fn empty<D: Disk>(data: &mut D, log: &mut D) -> Result<(), DiskError> {
    data.truncate(0)?;
    log.truncate(0)
}

/// Hashes the bytes behind the journal's last chunk again, dropping records that promise too
/// much, and returns the hash of the file and of the unfinished chunk up to the last record left.
fn verify_tail<D: Disk>(data: &D, journal: &mut Journal) -> Result<(Sha256, Sha256), StoreError> {
    while let Some(last) = journal.records.last().copied() {
        let before =
            |record: &&Record| record.length < last.length && record.length.is_multiple_of(CHUNK);
        let from = journal.records.iter().rev().find(before).copied();
        // A complete journal beside a short file: the last record is no midstate.
        let hashes = match last.length == journal.header.bytes {
            true => None,
            false => rehash(data, from, last.length)?,
        };
        match hashes {
            Some((whole, chunk)) if whole.midstate() == Some(last) => return Ok((whole, chunk)),
            _ => {
                let keep = from.map_or(0, |record| record.length);
                journal.records.retain(|record| record.length <= keep);
            }
        }
    }
    Ok((Sha256::new(), Sha256::new()))
}

/// The hashes after reading the file from record `from` to `end`; `None` if it is not that long.
fn rehash<D: Disk>(
    data: &D,
    from: Option<Midstate>,
    end: u64,
) -> Result<Option<(Sha256, Sha256)>, StoreError> {
    let mut whole = from.map_or_else(Sha256::new, Sha256::resume);
    let mut chunk = Sha256::new();
    let mut at = from.map_or(0, |record| record.length);
    let mut block = vec![0; BLOCK];
    while at < end {
        let length = (end - at).min(BLOCK as u64) as usize;
        match data.read_at(at, &mut block[..length]) {
            Err(DiskError::Short { .. }) => return Ok(None),
            result => result?,
        }
        whole.update(&block[..length]);
        chunk.update(&block[..length]);
        at += length as u64;
        if at.is_multiple_of(CHUNK) {
            chunk = Sha256::new();
        }
    }
    Ok(Some((whole, chunk)))
}
