//! Writing a GGUF file as a stream: the header first, then each tensor's bytes in order.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use super::{
    limits,
    metadata::{Array, Metadata, Value},
    reader::alignment,
    tensors::data_bytes,
};
use crate::{FormatError, GgmlType, sequence::Sequence};

/// What is to be written of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    pub name: String,
    /// In ggml's order: columns first.
    pub dims: Vec<u64>,
    pub ty: GgmlType,
}

/// Writes a version 3 file front to back, so that no more than the bytes in hand are in memory.
///
/// ```
/// use retort_formats::{GgmlType, blocks, gguf};
///
/// let mut metadata = gguf::Metadata::new();
/// metadata.set("general.architecture", gguf::Value::String("qwen2".into()));
/// let spec = gguf::TensorSpec { name: "norm".into(), dims: vec![32], ty: GgmlType::Q8_0 };
///
/// let mut writer = gguf::Writer::new(Vec::new(), &metadata, vec![spec])?;
/// writer.write("norm", &blocks::quantize(GgmlType::Q8_0, &[1.0; 32])?)?;
/// let file = writer.finish()?;
/// assert!(file.starts_with(b"GGUF"));
/// # Ok::<(), retort_formats::FormatError>(())
/// ```
pub struct Writer<W> {
    out: W,
    alignment: u64,
    sequence: Sequence,
}

impl<W: Write> Writer<W> {
    /// Checks the tensors as [`super::read_header`] will, and writes the whole header.
    ///
    /// `general.alignment` is taken from `metadata` (32 where absent). `out` gets many small
    /// writes: give it a buffer.
    pub fn new(out: W, metadata: &Metadata, tensors: Vec<TensorSpec>) -> Result<Self, FormatError> {
        let alignment = alignment(metadata)?;
        check_count(
            "the number of metadata entries",
            metadata.len() as u64,
            limits::ENTRIES,
        )?;
        check_count(
            "the number of tensors",
            tensors.len() as u64,
            limits::TENSORS,
        )?;
        let mut out = Encoder { out, len: 0 };
        out.bytes(b"GGUF")?;
        out.bytes(&3u32.to_le_bytes())?;
        out.count(tensors.len())?;
        out.count(metadata.len())?;
        let mut strings = 0;
        for (key, value) in metadata.iter() {
            check_count(
                "the length of a metadata key",
                key.len() as u64,
                limits::NAME_BYTES,
            )?;
            if let Value::Array(Array::String(array)) = value {
                strings += array.len() as u64;
                let field = "the number of strings in arrays";
                check_count(field, strings, limits::STRINGS)?;
            }
            out.string(key)?;
            out.value(value)?;
        }
        let sizes = write_table(&mut out, &tensors, alignment)?;
        check_count("the size of the header", out.len, limits::HEADER_BYTES)?;
        out.pad(alignment)?;
        let names = tensors.into_iter().map(|tensor| tensor.name);
        let sequence = Sequence::new(names.zip(sizes).collect());
        Ok(Self {
            out: out.out,
            alignment,
            sequence,
        })
    }

    /// The tensor whose bytes come next, `None` at the end.
    pub fn due(&self) -> Option<&str> {
        self.sequence.due()
    }

    /// Writes the next bytes of tensor `name`: all of it, or a piece (a few rows, say) with more
    /// calls to follow. Tensors come in the order given to [`Writer::new`].
    ///
    /// # Errors
    /// [`FormatError::TensorOrder`] where another tensor is due,
    /// [`FormatError::TensorBytes`] where the tensor gets more bytes than its shape has.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FormatError> {
        self.sequence.check(name, bytes.len())?;
        self.out.write_all(bytes).map_err(write_error)?;
        match self.sequence.advance(bytes.len()) {
            // Also after the last tensor, as llama.cpp's reader expects.
            Some(size) => pad(&mut self.out, size, self.alignment),
            None => Ok(()),
        }
    }

    /// Checks that every tensor was written whole, and flushes.
    pub fn finish(mut self) -> Result<W, FormatError> {
        self.sequence.finish()?;
        self.out.flush().map_err(write_error)?;
        Ok(self.out)
    }
}

/// Writes the table; returns the size of each tensor's data.
fn write_table<W: Write>(
    out: &mut Encoder<W>,
    tensors: &[TensorSpec],
    alignment: u64,
) -> Result<Vec<u64>, FormatError> {
    let mut names = HashSet::with_capacity(tensors.len());
    let mut sizes = Vec::with_capacity(tensors.len());
    let mut offset = 0u64;
    for TensorSpec { name, dims, ty } in tensors {
        if !names.insert(name) {
            return Err(FormatError::Duplicate {
                field: format!("tensor `{name}`"),
            });
        }
        check_count(
            "the length of a tensor's name",
            name.len() as u64,
            limits::NAME_BYTES,
        )?;
        let field = "the number of a tensor's dimensions";
        check_count(field, dims.len() as u64, limits::DIMS.into())?;
        let block = (ty.block_len() as u64, ty.block_bytes() as u64);
        let size = data_bytes(name, dims, block)?;
        out.string(name)?;
        out.bytes(&(dims.len() as u32).to_le_bytes())?;
        for dim in dims {
            out.bytes(&dim.to_le_bytes())?;
        }
        out.bytes(&ty.id().to_le_bytes())?;
        out.bytes(&offset.to_le_bytes())?;
        sizes.push(size);
        offset = offset
            .checked_add(size)
            .and_then(|end| end.checked_next_multiple_of(alignment))
            .ok_or_else(|| FormatError::Dims {
                tensor: name.clone(),
                dims: dims.clone(),
                reason: "the file would be over 2^64 bytes",
            })?;
    }
    Ok(sizes)
}

/// GGUF's encodings over a byte stream.
struct Encoder<W> {
    out: W,
    /// Bytes so far.
    len: u64,
}

impl<W: Write> Encoder<W> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.len += bytes.len() as u64;
        self.out.write_all(bytes).map_err(write_error)
    }

    fn count(&mut self, count: usize) -> Result<(), FormatError> {
        self.bytes(&(count as u64).to_le_bytes())
    }

    fn string(&mut self, text: &str) -> Result<(), FormatError> {
        check_count(
            "the length of a string",
            text.len() as u64,
            limits::STRING_BYTES,
        )?;
        self.count(text.len())?;
        self.bytes(text.as_bytes())
    }

    fn pad(&mut self, alignment: u64) -> Result<(), FormatError> {
        pad(&mut self.out, self.len, alignment)
    }

    /// The type's number, then the value.
    fn value(&mut self, value: &Value) -> Result<(), FormatError> {
        self.bytes(&value.type_id().to_le_bytes())?;
        match value {
            Value::U8(v) => self.bytes(&v.to_le_bytes()),
            Value::I8(v) => self.bytes(&v.to_le_bytes()),
            Value::U16(v) => self.bytes(&v.to_le_bytes()),
            Value::I16(v) => self.bytes(&v.to_le_bytes()),
            Value::U32(v) => self.bytes(&v.to_le_bytes()),
            Value::I32(v) => self.bytes(&v.to_le_bytes()),
            Value::F32(v) => self.bytes(&v.to_le_bytes()),
            Value::Bool(v) => self.bytes(&[u8::from(*v)]),
            Value::String(v) => self.string(v),
            Value::Array(v) => self.array(v),
            Value::U64(v) => self.bytes(&v.to_le_bytes()),
            Value::I64(v) => self.bytes(&v.to_le_bytes()),
            Value::F64(v) => self.bytes(&v.to_le_bytes()),
        }
    }

    /// The elements' type, their count, and they.
    fn array(&mut self, array: &Array) -> Result<(), FormatError> {
        self.bytes(&array.element_type_id().to_le_bytes())?;
        self.count(array.len())?;
        match array {
            Array::U8(v) => self.bytes(v),
            Array::I8(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::U16(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::I16(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::U32(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::I32(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::F32(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::Bool(v) => v.iter().try_for_each(|v| self.bytes(&[u8::from(*v)])),
            Array::String(v) => v.iter().try_for_each(|v| self.string(v)),
            Array::U64(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::I64(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
            Array::F64(v) => v.iter().try_for_each(|v| self.bytes(&v.to_le_bytes())),
        }
    }
}

/// Zeros from `len` up to a multiple of `alignment`.
fn pad(out: &mut impl Write, len: u64, alignment: u64) -> Result<(), FormatError> {
    let zeros = len.next_multiple_of(alignment) - len;
    let written = io::copy(&mut io::Read::take(io::repeat(0), zeros), out);
    written.map(|_| ()).map_err(write_error)
}

fn check_count(field: &str, got: u64, max: u64) -> Result<(), FormatError> {
    if got <= max {
        return Ok(());
    }
    Err(FormatError::Limit {
        field: field.to_owned(),
        got,
        max,
    })
}

fn write_error(error: io::Error) -> FormatError {
    FormatError::Write { error }
}
