//! Random-access bytes: where a model file comes from.

use std::{error::Error, future::Future, io, sync::Arc};

/// Bytes that can be read at any offset: a file, memory, HTTP ranges, OPFS.
///
/// No `Send` bound: in the browser the futures hold JavaScript values.
pub trait Source {
    /// Size in bytes. It does not change while the source lives.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes from `offset` on: all of them, or it is an error.
    fn read_at(&self, offset: u64, buf: &mut [u8])
    -> impl Future<Output = Result<(), SourceError>>;
}

/// Why bytes could not be brought.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    #[error("asked for {len} bytes at offset {offset} of a source of {source_len} bytes")]
    OutOfBounds {
        offset: u64,
        len: u64,
        source_len: u64,
    },
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An error of another crate's source (network, browser storage).
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl SourceError {
    /// Wraps the error, or the message, of a source defined elsewhere.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// Checks that `len` bytes at `offset` lie inside a source of `source_len` bytes.
    pub fn check_bounds(offset: u64, len: u64, source_len: u64) -> Result<(), Self> {
        match offset.checked_add(len) {
            Some(end) if end <= source_len => Ok(()),
            _ => Err(Self::OutOfBounds {
                offset,
                len,
                source_len,
            }),
        }
    }
}

impl<S: Source> Source for &S {
    fn len(&self) -> u64 {
        S::len(self)
    }

    fn read_at(
        &self,
        offset: u64,
        buf: &mut [u8],
    ) -> impl Future<Output = Result<(), SourceError>> {
        S::read_at(self, offset, buf)
    }
}

/// A file held in memory. Clones share the bytes.
#[derive(Clone)]
pub struct MemorySource(Arc<[u8]>);

impl MemorySource {
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// All bytes, without a copy.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Source for MemorySource {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        SourceError::check_bounds(offset, buf.len() as u64, self.len())?;
        // In bounds, so the offset fits usize.
        let start = offset as usize;
        buf.copy_from_slice(&self.0[start..start + buf.len()]);
        Ok(())
    }
}

/// A file on disk, read with positioned reads (no shared cursor, so `&self` is enough).
#[cfg(not(target_family = "wasm"))]
#[derive(Debug)]
pub struct FileSource {
    file: std::fs::File,
    len: u64,
}

#[cfg(not(target_family = "wasm"))]
impl FileSource {
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self, SourceError> {
        let file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }
}

#[cfg(not(target_family = "wasm"))]
impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        SourceError::check_bounds(offset, buf.len() as u64, self.len)?;
        #[cfg(unix)]
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buf, offset)?;
        #[cfg(windows)]
        read_exact_at(&self.file, buf, offset)?;
        Ok(())
    }
}

/// Windows has positioned reads too, but only ones that may come back short.
#[cfg(windows)]
fn read_exact_at(file: &std::fs::File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !buf.is_empty() {
        match file.seek_read(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buf = &mut buf[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
