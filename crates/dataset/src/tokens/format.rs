//! The cache file, byte for byte. Little-endian; read only after every part of it was checked.
//!
//! ```text
//! Header                       magic, checksum of all that follows the checksum, lengths
//! data                         for each rendered document: ids (u32), mask (u8, 0 or 1), zeros to
//!                              a multiple of 4
//! zeros to a multiple of 8
//! entries                      one Entry a document; repeated documents share their data
//! summary                      JSON
//! ```

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::Summary;

// The casts below read numbers as they lie in memory.
const _: () = assert!(
    cfg!(target_endian = "little"),
    "cache files are little-endian"
);

pub(super) const MAGIC: [u8; 8] = *b"RETORTTK";

/// Part of the key too: raise it when documents of the same corpus come out differently.
pub(super) const VERSION: u32 = 1;

pub(super) const HEADER_BYTES: usize = size_of::<Header>();

/// Where the part that the checksum is of starts.
const CHECKED_FROM: usize = 8 + 32;

/// Bytes that are hashed as one piece, so that all cores hash.
const CHUNK: usize = 1 << 22;

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    pub magic: [u8; 8],
    pub checksum: [u8; 32],
    pub version: u32,
    /// All ids are below it.
    pub vocabulary: u32,
    /// What the documents were made from.
    pub key: [u8; 32],
    /// Bytes, a multiple of 8.
    pub data: u64,
    pub entries: u64,
    /// Bytes.
    pub summary: u64,
}

/// A document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Entry {
    /// Offset of its ids in the data, a multiple of 4.
    pub start: u64,
    /// Hash of what is asked: [`crate::Conversation::group`].
    pub group: u64,
    pub len: u32,
    /// How many of its ids are learnt.
    pub learnt: u32,
    /// Line in its file, from 1.
    pub line: u32,
    /// Index in the summary's files.
    pub file: u16,
    /// [`HAS_THOUGHT`], [`INEXACT`].
    pub flags: u16,
}

/// A learnt reply has a thought.
pub(super) const HAS_THOUGHT: u16 = 1;

/// The vocabulary cannot hold a learnt text exactly.
pub(super) const INEXACT: u16 = 2;

impl Entry {
    /// Offsets of ids and mask in the data; none if they do not fit into 64 bits.
    pub fn ranges(&self) -> Option<[std::ops::Range<usize>; 2]> {
        let start = usize::try_from(self.start).ok()?;
        let mask = start.checked_add(usize::try_from(self.len).ok()?.checked_mul(4)?)?;
        let end = mask.checked_add(self.len as usize)?;
        Some([start..mask, mask..end])
    }
}

/// A checked file: where its parts lie.
pub(super) struct Layout {
    pub header: Header,
    pub data: std::ops::Range<usize>,
    pub entries: std::ops::Range<usize>,
    pub summary: Summary,
}

/// SHA-256 of the SHA-256s of the pieces of everything after the checksum.
pub(super) fn checksum(file: &[u8]) -> [u8; 32] {
    let checked = file.get(CHECKED_FROM..).unwrap_or_default();
    let digests: Vec<[u8; 32]> = (checked.par_chunks(CHUNK))
        .map(|chunk| Sha256::digest(chunk).into())
        .collect();
    Sha256::digest(digests.as_flattened()).into()
}

/// Checks everything that later reads rely on. The error is the reason.
pub(super) fn check(file: &[u8], key: Option<&[u8; 32]>) -> Result<Layout, String> {
    let header: Header = (file.get(..HEADER_BYTES))
        .map(bytemuck::pod_read_unaligned)
        .ok_or("it is shorter than a header")?;
    if header.magic != MAGIC {
        return Err("it does not start with `RETORTTK`".to_owned());
    }
    if header.version != VERSION {
        return Err(format!(
            "its version is {}, expected {VERSION}",
            header.version
        ));
    }
    if key.is_some_and(|key| *key != header.key) {
        return Err("it was made from another corpus or for another student".to_owned());
    }
    let size = |bytes: u64| usize::try_from(bytes).ok();
    let parts = || {
        let data_end = HEADER_BYTES.checked_add(size(header.data)?)?;
        let bytes = size(header.entries)?.checked_mul(size_of::<Entry>())?;
        let entries_end = data_end.checked_add(bytes)?;
        let end = entries_end.checked_add(size(header.summary)?)?;
        (end == file.len() && header.data.is_multiple_of(8)).then_some([data_end, entries_end])
    };
    let [data_end, entries_end] = parts().ok_or("its lengths do not add up to its size")?;
    if checksum(file) != header.checksum {
        return Err("its checksum is wrong".to_owned());
    }
    let summary: Summary = serde_json::from_slice(&file[entries_end..])
        .map_err(|error| format!("its summary is not valid: {error}"))?;
    let layout = Layout {
        header,
        data: HEADER_BYTES..data_end,
        entries: data_end..entries_end,
        summary,
    };
    check_documents(file, &layout)?;
    Ok(layout)
}

fn check_documents(file: &[u8], layout: &Layout) -> Result<(), String> {
    let data = &file[layout.data.clone()];
    let entries: &[Entry] = bytemuck::try_cast_slice(&file[layout.entries.clone()])
        .map_err(|error| format!("its entries are not aligned: {error}"))?;
    entries.par_iter().enumerate().try_for_each(|(at, entry)| {
        check_document(data, entry, layout).map_err(|reason| format!("document {at} {reason}"))
    })
}

fn check_document(data: &[u8], entry: &Entry, layout: &Layout) -> Result<(), &'static str> {
    let [ids, mask] = entry.ranges().ok_or("ends nowhere")?;
    let (ids, mask) = (data.get(ids), data.get(mask));
    let (ids, mask) = ids.zip(mask).ok_or("lies outside the data")?;
    if entry.len == 0 {
        return Err("is empty");
    }
    let ids: &[u32] = bytemuck::try_cast_slice(ids).map_err(|_| "is not aligned")?;
    if ids.iter().any(|&id| id >= layout.header.vocabulary) {
        return Err("has an id outside the vocabulary");
    }
    if mask.iter().any(|&byte| byte > 1) {
        return Err("has a mask byte that is neither 0 nor 1");
    }
    let learnt: u64 = mask.iter().map(|&byte| u64::from(byte)).sum();
    if learnt != u64::from(entry.learnt) {
        return Err("states another number of learnt ids than its mask");
    }
    if usize::from(entry.file) >= layout.summary.files.len() {
        return Err("is of a file that the summary lacks");
    }
    if entry.flags & !(HAS_THOUGHT | INEXACT) != 0 {
        return Err("has unknown flags");
    }
    Ok(())
}
