//! The header of a safetensors file.

use std::collections::HashSet;

use super::json;
use crate::{
    FormatError, GgmlType,
    source::{Source, SourceError},
};

/// Bytes of a header's JSON. A 70B model's 723 tensors take 90 kB.
const HEADER_BYTES: u64 = 16 << 20;

// The parts of the header, as errors name them.
const LENGTH: &str = "the length of the safetensors header";
const HEADER: &str = "the safetensors header";

/// What a safetensors file holds.
#[derive(Clone, Debug)]
pub struct SafetensorsHeader {
    /// `__metadata__`, in the file's order.
    pub metadata: Vec<(String, String)>,
    /// In the order of their data.
    pub tensors: Vec<HfTensor>,
}

/// One tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct HfTensor {
    pub name: String,
    /// Row-major: a matrix is `[rows, cols]`, the reverse of GGUF.
    pub dims: Vec<u64>,
    pub dtype: Dtype,
    /// Which of [`super::Folder`]'s shards it is in; 0 in a file read alone.
    pub shard: usize,
    /// Of the first byte, from the start of the shard.
    pub offset: u64,
    pub bytes: u64,
}

/// A tensor's element type as the file states it.
///
/// One that Retort does not compute with does not make a file unreadable: it can still be listed.
#[derive(Clone, Debug, PartialEq)]
pub enum Dtype {
    /// `F32`, `F16` or `BF16`.
    Known(GgmlType),
    Unsupported(String),
}

impl Dtype {
    pub fn name(&self) -> &str {
        match self {
            Self::Known(ty) => ty.name(),
            Self::Unsupported(name) => name,
        }
    }

    fn from_name(name: String) -> Self {
        match name.as_str() {
            "F32" => Self::Known(GgmlType::F32),
            "F16" => Self::Known(GgmlType::F16),
            "BF16" => Self::Known(GgmlType::BF16),
            _ => Self::Unsupported(name),
        }
    }
}

impl HfTensor {
    /// The type to compute with.
    ///
    /// # Errors
    /// [`FormatError::UnsupportedDtype`].
    pub fn ty(&self) -> Result<GgmlType, FormatError> {
        match &self.dtype {
            Dtype::Known(ty) => Ok(*ty),
            Dtype::Unsupported(dtype) => Err(FormatError::UnsupportedDtype {
                tensor: self.name.clone(),
                dtype: dtype.clone(),
            }),
        }
    }
}

/// Reads and checks the header of a whole file: two reads, then [`parse_safetensors_header`].
pub async fn read_safetensors_header<S: Source>(
    source: &S,
) -> Result<SafetensorsHeader, FormatError> {
    let failed = |field: &str, error: SourceError| FormatError::Source {
        field: field.to_owned(),
        error,
    };
    let mut length = [0; 8];
    if source.len() < 8 {
        return Err(truncated(LENGTH, 0, 8, source.len()));
    }
    source
        .read_at(0, &mut length)
        .await
        .map_err(|e| failed(LENGTH, e))?;
    let json_bytes = check_length(length, source.len())?;
    let mut prefix = vec![0; 8 + json_bytes];
    source
        .read_at(0, &mut prefix)
        .await
        .map_err(|e| failed(HEADER, e))?;
    parse_safetensors_header(&prefix, source.len())
}

/// Parses and checks a header.
///
/// `prefix` is the start of a file of `file_len` bytes, with at least its whole header. As in the
/// format's definition, the data of the tensors must cover the rest of the file without holes or
/// overlaps.
pub fn parse_safetensors_header(
    prefix: &[u8],
    file_len: u64,
) -> Result<SafetensorsHeader, FormatError> {
    let available = prefix.len() as u64;
    let Some((length, rest)) = prefix.split_first_chunk() else {
        return Err(truncated(LENGTH, 0, 8, available));
    };
    let json_bytes = check_length(*length, file_len.min(available))?;
    let header: json::Header =
        serde_json::from_slice(&rest[..json_bytes]).map_err(|error| FormatError::Json {
            file: HEADER.into(),
            error,
        })?;

    let data_start = 8 + json_bytes as u64;
    let mut tensors = Vec::with_capacity(header.tensors.len());
    for (name, entry) in header.tensors {
        tensors.push(tensor(name, entry, data_start)?);
    }
    let mut names = HashSet::with_capacity(tensors.len());
    if let Some(twice) = tensors
        .iter()
        .find(|tensor| !names.insert(tensor.name.as_str()))
    {
        return Err(FormatError::Duplicate {
            field: format!("tensor `{}`", twice.name),
        });
    }
    drop(names);
    tensors.sort_by_key(|tensor| (tensor.offset, tensor.bytes));
    check_cover(&tensors, data_start, file_len)?;
    Ok(SafetensorsHeader {
        metadata: header.metadata,
        tensors,
    })
}

fn truncated(field: &str, offset: u64, needed: u64, available: u64) -> FormatError {
    FormatError::Truncated {
        field: field.to_owned(),
        offset,
        needed,
        available,
    }
}

/// The number of bytes of JSON, which are in the file.
fn check_length(length: [u8; 8], file_len: u64) -> Result<usize, FormatError> {
    let got = u64::from_le_bytes(length);
    if got > HEADER_BYTES {
        let field = LENGTH.to_owned();
        return Err(FormatError::Limit {
            field,
            got,
            max: HEADER_BYTES,
        });
    }
    match file_len.saturating_sub(8) {
        available if got > available => Err(truncated(HEADER, 8, got, available)),
        _ => Ok(got as usize),
    }
}

/// Checks one entry by itself, and makes its offset absolute.
fn tensor(name: String, entry: json::Entry, data_start: u64) -> Result<HfTensor, FormatError> {
    let (begin, end) = entry.data_offsets;
    let dims = entry.shape.0;
    let (Some(bytes), Some(_)) = (end.checked_sub(begin), end.checked_add(data_start)) else {
        let reason = "they are not a range of bytes";
        return Err(FormatError::DataOffsets {
            tensor: name,
            begin,
            end,
            reason,
        });
    };
    let dtype = Dtype::from_name(entry.dtype);
    if let Dtype::Known(ty) = dtype {
        let size = ty.block_bytes() as u64;
        let expected = dims
            .iter()
            .try_fold(size, |product, &dim| product.checked_mul(dim));
        if expected != Some(bytes) {
            let reason = "their product is not the number of values in data_offsets";
            return Err(FormatError::Dims {
                tensor: name,
                dims,
                reason,
            });
        }
    }
    Ok(HfTensor {
        name,
        dims,
        dtype,
        shard: 0,
        offset: data_start + begin,
        bytes,
    })
}

/// Checks that the tensors, sorted, cover `data_start..file_len`.
fn check_cover(tensors: &[HfTensor], data_start: u64, file_len: u64) -> Result<(), FormatError> {
    let mut at = data_start;
    for tensor in tensors {
        let end = tensor.offset + tensor.bytes;
        if tensor.offset != at {
            return Err(FormatError::DataOffsets {
                tensor: tensor.name.clone(),
                begin: tensor.offset - data_start,
                end: end - data_start,
                reason: "they do not start where the tensor before ends",
            });
        }
        if end > file_len {
            let tensor = tensor.name.clone();
            return Err(FormatError::OutOfFile {
                tensor,
                end,
                file_len,
            });
        }
        at = end;
    }
    if at < file_len {
        return Err(FormatError::TrailingBytes { end: at, file_len });
    }
    Ok(())
}
