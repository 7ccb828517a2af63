//! A forward cursor over a [`Source`] with a small window of bytes.

use std::fmt::{Display, Write};

use crate::{
    FormatError,
    source::{Source, SourceError},
};

/// Bytes asked of the source at a time: few requests over HTTP, little memory.
const STEP: u64 = 1 << 20;

/// Reads a source from the start, each byte once, checking every length against what is left.
pub(crate) struct Cursor<'s, S> {
    source: &'s S,
    /// The bytes of the file from `start` on; the next to read is `window[at]`.
    window: Vec<u8>,
    start: u64,
    at: usize,
    /// How far reading may go.
    max: u64,
    /// What is being read, for errors.
    field: String,
}

/// A little-endian number.
pub(crate) trait Scalar: Sized {
    const SIZE: usize;
    /// From exactly [`Self::SIZE`] bytes.
    fn from_le(bytes: &[u8]) -> Self;
}

macro_rules! scalar {
    ($($ty:ty),*) => {$(
        impl Scalar for $ty {
            const SIZE: usize = size_of::<$ty>();
            fn from_le(bytes: &[u8]) -> Self {
                let mut le = [0; size_of::<$ty>()];
                le.copy_from_slice(bytes);
                <$ty>::from_le_bytes(le)
            }
        }
    )*};
}
scalar!(u8, i8, u16, i16, u32, i32, f32, u64, i64, f64);

impl<'s, S: Source> Cursor<'s, S> {
    /// A cursor that reads at most the first `max` bytes.
    pub fn new(source: &'s S, max: u64) -> Self {
        Self {
            source,
            window: Vec::new(),
            start: 0,
            at: 0,
            max,
            field: String::new(),
        }
    }

    /// Names what is read next.
    pub fn at(&mut self, field: impl Display) {
        self.field.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.field, "{field}");
    }

    pub fn field(&self) -> String {
        self.field.clone()
    }

    /// Offset of the next byte in the file.
    pub fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    fn left(&self) -> u64 {
        self.source.len() - self.offset()
    }

    /// Errs where fewer than `bytes` bytes are left. To be called before allocating for them.
    pub fn expect(&self, bytes: u64) -> Result<(), FormatError> {
        let (offset, available) = (self.offset(), self.left());
        if bytes > available {
            let field = self.field();
            return Err(FormatError::Truncated {
                field,
                offset,
                needed: bytes,
                available,
            });
        }
        // In the file, so it does not overflow.
        let (got, max) = (offset + bytes, self.max);
        if got > max {
            let field = format!("the end of {}", self.field);
            return Err(FormatError::Limit { field, got, max });
        }
        Ok(())
    }

    /// Errs where the number just read is over `max`.
    pub fn limit(&self, got: u64, max: u64) -> Result<(), FormatError> {
        if got <= max {
            return Ok(());
        }
        Err(FormatError::Limit {
            field: self.field(),
            got,
            max,
        })
    }

    pub async fn scalar<T: Scalar>(&mut self) -> Result<T, FormatError> {
        Ok(T::from_le(self.take(T::SIZE).await?))
    }

    pub async fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N).await?);
        Ok(bytes)
    }

    /// A string of at most `max` bytes: a u64 length, then UTF-8.
    pub async fn string(&mut self, max: u64) -> Result<String, FormatError> {
        let len = self.scalar::<u64>().await?;
        self.expect(len)?;
        if len > max {
            let field = format!("the length of a string in {}", self.field);
            return Err(FormatError::Limit {
                field,
                got: len,
                max,
            });
        }
        let bytes = self.take(len as usize).await?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(FormatError::NotUtf8 {
                field: self.field(),
            }),
        }
    }

    /// `count` numbers.
    pub async fn scalars<T: Scalar>(&mut self, count: u64) -> Result<Vec<T>, FormatError> {
        let bytes = count.saturating_mul(T::SIZE as u64);
        self.expect(bytes)?;
        let out_of_memory = || FormatError::OutOfMemory {
            field: self.field(),
            bytes,
        };
        // Not more than `max`, but wasm32's memory may be short of even that.
        let mut left = usize::try_from(count).map_err(|_| out_of_memory())?;
        let mut values = Vec::new();
        values
            .try_reserve_exact(left)
            .map_err(|_| out_of_memory())?;
        while left > 0 {
            let run = left.min(STEP as usize / T::SIZE);
            let bytes = self.take(run * T::SIZE).await?;
            values.extend(bytes.chunks_exact(T::SIZE).map(T::from_le));
            left -= run;
        }
        Ok(values)
    }

    /// The next `count` bytes.
    async fn take(&mut self, count: usize) -> Result<&[u8], FormatError> {
        if self.window.len() - self.at < count {
            self.refill(count).await?;
        }
        let from = self.at;
        self.at += count;
        Ok(&self.window[from..self.at])
    }

    /// Brings at least `count` bytes into the window.
    async fn refill(&mut self, count: usize) -> Result<(), FormatError> {
        self.expect(count as u64)?;
        self.window.drain(..self.at);
        self.start += self.at as u64;
        self.at = 0;
        let kept = self.window.len();
        // At most STEP or `count`, both of which fit usize.
        let size = STEP.max(count as u64).min(self.left()) as usize;
        self.window.resize(size, 0);
        let read = self
            .source
            .read_at(self.start + kept as u64, &mut self.window[kept..])
            .await;
        read.map_err(|error: SourceError| FormatError::Source {
            field: self.field(),
            error,
        })
    }
}
