//! Students on the browser's disk (OPFS): downloads that resume and are verified, a list, and
//! reading without ever holding the whole file.
//!
//! The logic that decides (journal, hashes, ranges, retries) is plain Rust over the [`disk::Disk`]
//! trait and is tested natively with simulated crashes; only `browser` touches the web.
//! This crate knows nothing of models, engines or the page: whether a file is a usable student
//! is asked of the caller through [`Watcher`](browser::Watcher).

pub mod answer;
#[cfg(target_family = "wasm")]
pub mod browser;
pub mod disk;
pub mod error;
pub mod intake;
pub mod journal;
pub mod manifest;
pub mod origin;
pub mod pace;
pub mod sha256;
pub mod text;

/// A manifest has one hash for so many bytes, and the disk is flushed as often.
pub const CHUNK: u64 = 4 << 20;
/// The file is hashed, written and recorded in pieces of this size.
pub const BLOCK: usize = 1 << 20;
