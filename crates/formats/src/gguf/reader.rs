//! Reading the header: metadata and the table of tensors, never the data.

use super::{
    limits,
    metadata::{Array, Metadata, Value},
    tensors::{TensorInfo, place_tensors, read_tensors},
};
use crate::{
    FormatError,
    cursor::{Cursor, Scalar},
    source::Source,
};

/// What a GGUF file holds, and where.
#[derive(Clone, Debug)]
pub struct Header {
    /// 2 or 3; they differ only in that 3 may be big-endian, which is refused.
    pub version: u32,
    pub metadata: Metadata,
    /// In the file's order.
    pub tensors: Vec<TensorInfo>,
    /// `general.alignment`: tensor data starts at multiples of it.
    pub alignment: u64,
    /// Offset of the first byte of data.
    pub data_start: u64,
    /// Size of the file the header came from.
    pub file_len: u64,
}

impl Header {
    /// The tensor of this name. A linear search: build a map to look up many.
    ///
    /// # Errors
    /// [`FormatError::MissingTensor`].
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo, FormatError> {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or_else(|| FormatError::MissingTensor {
                tensor: name.to_owned(),
            })
    }
}

/// How strictly to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    check_data: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { check_data: true }
    }
}

impl ReadOptions {
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether all tensor data must lie inside the file (it must, by default). Off, a file cut
    /// after its header can be inspected.
    pub fn check_data(mut self, check: bool) -> Self {
        self.check_data = check;
        self
    }
}

/// Reads and checks the header of a whole file. See [`read_header_with`].
pub async fn read_header<S: Source>(source: &S) -> Result<Header, FormatError> {
    read_header_with(source, ReadOptions::default()).await
}

/// Reads and checks the header.
///
/// The source is read from the start in steps of 1 MiB, each byte once, until the table of tensors
/// ends. Keys and tensor names are unique, dimensions positive with a product under 2^63, offsets
/// aligned, tensors disjoint, all counts and lengths within the bytes that are there.
///
/// # Errors
/// A [`FormatError`] naming the entry or tensor that breaks one of these rules.
pub async fn read_header_with<S: Source>(
    source: &S,
    options: ReadOptions,
) -> Result<Header, FormatError> {
    let mut cursor = Cursor::new(source, limits::HEADER_BYTES);
    cursor.at("the magic number");
    let got = cursor.array().await?;
    if got != *b"GGUF" {
        return Err(FormatError::Magic { got });
    }
    cursor.at("the version");
    let version = cursor.scalar::<u32>().await?;
    match version {
        2 | 3 => {}
        got if got & 0xffff == 0 && got != 0 => return Err(FormatError::BigEndian { got }),
        got => return Err(FormatError::Version { got }),
    }
    cursor.at("the number of tensors");
    let tensors = cursor.scalar::<u64>().await?;
    cursor.limit(tensors, limits::TENSORS)?;
    cursor.at("the number of metadata entries");
    let entries = cursor.scalar::<u64>().await?;
    cursor.limit(entries, limits::ENTRIES)?;

    let metadata = MetadataReader {
        cursor: &mut cursor,
        strings: 0,
    }
    .read(entries)
    .await?;
    let alignment = alignment(&metadata)?;
    let mut tensors = read_tensors(&mut cursor, tensors).await?;
    let data_start = cursor.offset().next_multiple_of(alignment);
    place_tensors(
        &mut tensors,
        alignment,
        data_start,
        source.len(),
        options.check_data,
    )?;
    Ok(Header {
        version,
        metadata,
        tensors,
        alignment,
        data_start,
        file_len: source.len(),
    })
}

/// `general.alignment`, or its default.
pub(super) fn alignment(metadata: &Metadata) -> Result<u64, FormatError> {
    const KEY: &str = "general.alignment";
    if metadata.get(KEY).is_none() {
        return Ok(32);
    }
    let got = metadata.u64(KEY)?;
    if !got.is_power_of_two() || got > limits::ALIGNMENT {
        return Err(FormatError::Alignment { got });
    }
    Ok(got)
}

struct MetadataReader<'a, 's, S> {
    cursor: &'a mut Cursor<'s, S>,
    /// Strings in arrays so far, against [`limits::STRINGS`].
    strings: u64,
}

impl<S: Source> MetadataReader<'_, '_, S> {
    async fn read(mut self, entries: u64) -> Result<Metadata, FormatError> {
        let mut metadata = Metadata::new();
        for i in 0..entries {
            self.cursor
                .at(format_args!("the key of metadata entry {i}"));
            let key = self.cursor.string(limits::NAME_BYTES).await?;
            self.cursor.at(format_args!("metadata `{key}`"));
            let ty = self.cursor.scalar::<u32>().await?;
            let value = self.value(ty).await?;
            if !metadata.push(key, value) {
                return Err(FormatError::Duplicate {
                    field: self.cursor.field(),
                });
            }
        }
        Ok(metadata)
    }

    async fn value(&mut self, ty: u32) -> Result<Value, FormatError> {
        let cursor = &mut *self.cursor;
        Ok(match ty {
            0 => Value::U8(cursor.scalar().await?),
            1 => Value::I8(cursor.scalar().await?),
            2 => Value::U16(cursor.scalar().await?),
            3 => Value::I16(cursor.scalar().await?),
            4 => Value::U32(cursor.scalar().await?),
            5 => Value::I32(cursor.scalar().await?),
            6 => Value::F32(cursor.scalar().await?),
            7 => {
                let byte = cursor.scalar().await?;
                Value::Bool(self.boolean(byte)?)
            }
            8 => Value::String(cursor.string(limits::STRING_BYTES).await?),
            9 => Value::Array(self.array().await?),
            10 => Value::U64(cursor.scalar().await?),
            11 => Value::I64(cursor.scalar().await?),
            12 => Value::F64(cursor.scalar().await?),
            got => {
                return Err(FormatError::ValueType {
                    field: cursor.field(),
                    got,
                });
            }
        })
    }

    async fn array(&mut self) -> Result<Array, FormatError> {
        let cursor = &mut *self.cursor;
        let ty = cursor.scalar::<u32>().await?;
        let count = cursor.scalar::<u64>().await?;
        Ok(match ty {
            0 => Array::U8(cursor.scalars(count).await?),
            1 => Array::I8(cursor.scalars(count).await?),
            2 => Array::U16(cursor.scalars(count).await?),
            3 => Array::I16(cursor.scalars(count).await?),
            4 => Array::U32(cursor.scalars(count).await?),
            5 => Array::I32(cursor.scalars(count).await?),
            6 => Array::F32(cursor.scalars(count).await?),
            7 => {
                let bytes: Vec<u8> = cursor.scalars(count).await?;
                Array::Bool(
                    bytes
                        .into_iter()
                        .map(|b| self.boolean(b))
                        .collect::<Result<_, _>>()?,
                )
            }
            8 => Array::String(self.strings(count).await?),
            9 => {
                return Err(FormatError::NestedArray {
                    field: cursor.field(),
                });
            }
            10 => Array::U64(cursor.scalars(count).await?),
            11 => Array::I64(cursor.scalars(count).await?),
            12 => Array::F64(cursor.scalars(count).await?),
            got => {
                return Err(FormatError::ValueType {
                    field: cursor.field(),
                    got,
                });
            }
        })
    }

    async fn strings(&mut self, count: u64) -> Result<Vec<String>, FormatError> {
        self.strings = self.strings.saturating_add(count);
        self.cursor.limit(self.strings, limits::STRINGS)?;
        // Each is at least its length field.
        self.cursor.expect(count * u64::SIZE as u64)?;
        let mut strings = Vec::with_capacity(count as usize);
        for _ in 0..count {
            strings.push(self.cursor.string(limits::STRING_BYTES).await?);
        }
        Ok(strings)
    }

    fn boolean(&self, byte: u8) -> Result<bool, FormatError> {
        match byte {
            0 => Ok(false),
            1 => Ok(true),
            got => Err(FormatError::Bool {
                field: self.cursor.field(),
                got,
            }),
        }
    }
}
