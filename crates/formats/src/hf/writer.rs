//! Writing a safetensors file as a stream.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{FormatError, GgmlType, sequence::Sequence};

/// What is to be written of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct HfTensorSpec {
    pub name: String,
    /// Row-major: a matrix is `[rows, cols]`.
    pub dims: Vec<u64>,
    /// `F32`, `F16` or `BF16`.
    pub ty: GgmlType,
}

impl HfTensorSpec {
    /// Size of the data.
    ///
    /// # Errors
    /// [`FormatError::UnsupportedDtype`] for the types with shared scales, which safetensors
    /// does not have; [`FormatError::Dims`] for an absurd size.
    pub fn bytes(&self) -> Result<u64, FormatError> {
        if self.ty.is_quantized() {
            let (tensor, dtype) = (self.name.clone(), self.ty.name().to_owned());
            return Err(FormatError::UnsupportedDtype { tensor, dtype });
        }
        let size = self.ty.block_bytes() as u64;
        let bytes = self
            .dims
            .iter()
            .try_fold(size, |product, &dim| product.checked_mul(dim));
        bytes.ok_or_else(|| {
            let (tensor, dims) = (self.name.clone(), self.dims.clone());
            FormatError::Dims {
                tensor,
                dims,
                reason: "the data would be over 2^64 bytes",
            }
        })
    }
}

/// Writes one safetensors file front to back.
pub struct SafetensorsWriter<W> {
    out: W,
    sequence: Sequence,
}

/// One tensor of the header.
#[derive(Serialize)]
struct Entry {
    dtype: &'static str,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<W: Write> SafetensorsWriter<W> {
    /// Writes the header.
    ///
    /// The tensors are stored in the order given, but wider types before narrower ones, so that
    /// each is aligned to its elements as readers that map the file need. [`Self::due`] tells.
    pub fn new(mut out: W, mut tensors: Vec<HfTensorSpec>) -> Result<Self, FormatError> {
        tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.ty.block_bytes()));
        // transformers refuses files that do not say which framework's layout they have.
        let mut header = Map::new();
        header.insert("__metadata__".into(), json!({"format": "pt"}));
        let mut sizes = Vec::with_capacity(tensors.len());
        let mut begin = 0u64;
        for tensor in tensors {
            let bytes = tensor.bytes()?;
            let HfTensorSpec { name, dims, ty } = tensor;
            let Some(end) = begin.checked_add(bytes) else {
                let reason = "the file would be over 2^64 bytes";
                return Err(FormatError::Dims {
                    tensor: name,
                    dims,
                    reason,
                });
            };
            let entry = Entry {
                dtype: ty.name(),
                shape: dims,
                data_offsets: (begin, end),
            };
            if header.insert(name.clone(), json!(entry)).is_some() {
                return Err(FormatError::Duplicate {
                    field: format!("tensor `{name}`"),
                });
            }
            sizes.push((name, bytes));
            begin = end;
        }
        let mut text = Value::Object(header).to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        let failed = |error| FormatError::Write { error };
        out.write_all(&(text.len() as u64).to_le_bytes())
            .map_err(failed)?;
        out.write_all(&text).map_err(failed)?;
        Ok(Self {
            out,
            sequence: Sequence::new(sizes),
        })
    }

    /// The tensor whose bytes come next, `None` at the end.
    pub fn due(&self) -> Option<&str> {
        self.sequence.due()
    }

    /// Writes the next bytes of tensor `name`: all of it, or a piece with more calls to follow.
    ///
    /// # Errors
    /// [`FormatError::TensorOrder`] where another tensor is due,
    /// [`FormatError::TensorBytes`] where the tensor gets more bytes than its shape has.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FormatError> {
        self.sequence.check(name, bytes.len())?;
        self.out
            .write_all(bytes)
            .map_err(|error| FormatError::Write { error })?;
        self.sequence.advance(bytes.len());
        Ok(())
    }

    /// Checks that every tensor was written whole, and flushes.
    pub fn finish(mut self) -> Result<W, FormatError> {
        self.sequence.finish()?;
        self.out
            .flush()
            .map_err(|error| FormatError::Write { error })?;
        Ok(self.out)
    }
}
