//! Upper bounds that keep a hostile header from costing more memory than its file.
//!
//! Everything in memory is at most the file's bytes plus a fixed overhead per item, so items are
//! limited such that all overheads together stay under 64 MB. Real files are far below: the
//! largest vocabularies have 300,000 tokens and 500,000 merges, the largest dense models 1,200
//! tensors.

/// Bytes of the header. Vocabularies of 260,000 tokens with their merges take 20 MB.
pub const HEADER_BYTES: u64 = 64 << 20;
/// Metadata entries in a file.
pub const ENTRIES: u64 = 1 << 16;
/// Tensors in a file.
pub const TENSORS: u64 = 1 << 16;
/// Strings in all arrays of a file together.
pub const STRINGS: u64 = 1 << 20;
/// Bytes of a metadata key, and of a tensor's name.
pub const NAME_BYTES: u64 = 65_535;
/// Bytes of any other string: a chat template or a token.
pub const STRING_BYTES: u64 = 8 << 20;
/// Dimensions of a tensor (ggml's `GGML_MAX_DIMS`).
pub const DIMS: u32 = 4;
/// `general.alignment`.
pub const ALIGNMENT: u64 = 1 << 20;
