//! The few file operations that the store needs. All are synchronous, as OPFS access handles in a
//! worker are.

use thiserror::Error;

/// A file that is open for reading and writing.
pub trait Disk {
    /// Length in bytes.
    fn size(&self) -> Result<u64, DiskError>;
    /// Fills `buffer` from `offset`; [`DiskError::Short`] if the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Cuts the file to `size` bytes.
    fn truncate(&mut self, size: u64) -> Result<(), DiskError>;
    /// Returns when everything written before would survive a crash of the machine.
    fn flush(&mut self) -> Result<(), DiskError>;
}

/// What a disk can refuse.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiskError {
    #[error("the disk is full")]
    Full,
    #[error("a read of {wanted} bytes at {offset} found {got}")]
    Short {
        offset: u64,
        wanted: usize,
        got: u64,
    },
    #[error("{0}")]
    Other(String),
}
