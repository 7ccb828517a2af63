//! The table of tensors: reading it, and checking that each tensor's data is where it can be.

use std::collections::HashSet;

use super::limits;
use crate::{FormatError, TensorType, cursor::Cursor, source::Source};

/// One tensor's entry in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    pub name: String,
    /// In ggml's order: `dims[0]` is the number of columns (fastest in memory), `dims[1]` of rows.
    /// A matrix that HF calls `[out, in]` has `dims == [in, out]`.
    pub dims: Vec<u64>,
    pub ty: TensorType,
    /// Of the first byte, from the start of the file.
    pub offset: u64,
    /// Size of the data. For a type ggml did not have when this was written, the room up to the
    /// next tensor or the end of the file.
    pub bytes: u64,
}

impl TensorInfo {
    /// Number of values.
    pub fn elements(&self) -> u64 {
        // Checked for overflow when the table was read.
        self.dims.iter().product()
    }

    /// Values in a row: the first dimension (1 for a scalar).
    pub fn cols(&self) -> u64 {
        self.dims.first().copied().unwrap_or(1)
    }

    /// Product of the other dimensions.
    pub fn rows(&self) -> u64 {
        self.dims.iter().skip(1).product()
    }
}

/// Reads the table. Offsets are still relative to the start of the data, sizes zero.
pub(super) async fn read_tensors<S: Source>(
    cursor: &mut Cursor<'_, S>,
    count: u64,
) -> Result<Vec<TensorInfo>, FormatError> {
    // An entry is at least a name's length, a number of dimensions, a type and an offset.
    cursor.at("the table of tensors");
    cursor.expect(count * 24)?;
    let mut tensors = Vec::with_capacity(count as usize);
    for i in 0..count {
        cursor.at(format_args!("the name of tensor {i}"));
        let name = cursor.string(limits::NAME_BYTES).await?;
        cursor.at(format_args!("the table's entry of tensor `{name}`"));
        let n = cursor.scalar::<u32>().await?;
        if n > limits::DIMS {
            let field = format!("the number of dimensions of tensor `{name}`");
            return Err(FormatError::Limit {
                field,
                got: n.into(),
                max: limits::DIMS.into(),
            });
        }
        let dims: Vec<u64> = cursor.scalars(n.into()).await?;
        let ty = TensorType::from_id(cursor.scalar::<u32>().await?);
        let offset = cursor.scalar::<u64>().await?;
        tensors.push(TensorInfo {
            name,
            dims,
            ty,
            offset,
            bytes: 0,
        });
    }
    let mut names = HashSet::with_capacity(tensors.len());
    match tensors
        .iter()
        .find(|tensor| !names.insert(tensor.name.as_str()))
    {
        Some(twice) => Err(FormatError::Duplicate {
            field: format!("tensor `{}`", twice.name),
        }),
        None => Ok(tensors),
    }
}

/// Makes offsets absolute, computes sizes, and checks that tensors are disjoint and in the file.
pub(super) fn place_tensors(
    tensors: &mut [TensorInfo],
    alignment: u64,
    data_start: u64,
    file_len: u64,
    check_data: bool,
) -> Result<(), FormatError> {
    for tensor in tensors.iter_mut() {
        if !tensor.offset.is_multiple_of(alignment) {
            let (tensor, offset) = (tensor.name.clone(), tensor.offset);
            return Err(FormatError::Misaligned {
                tensor,
                offset,
                alignment,
            });
        }
        // Of a type of unknown layout, for now nothing.
        let block = tensor.ty.block().unwrap_or((1, 0));
        tensor.bytes = data_bytes(&tensor.name, &tensor.dims, block)?;
        // Saturated, it is caught below as out of the file, or by the next line.
        tensor.offset = tensor.offset.saturating_add(data_start);
        let end = tensor.offset.saturating_add(tensor.bytes);
        if end == u64::MAX || check_data && end > file_len {
            let tensor = tensor.name.clone();
            return Err(FormatError::OutOfFile {
                tensor,
                end,
                file_len,
            });
        }
    }
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&i| (tensors[i].offset, tensors[i].bytes));
    for (at, &i) in order.iter().enumerate() {
        let next = order.get(at + 1).map(|&next| &tensors[next]);
        let room_end = next.map_or(file_len, |next| next.offset);
        let tensor = &tensors[i];
        if let Some(next) = next
            && tensor.offset + tensor.bytes > next.offset
        {
            let (first, second) = (tensor.name.clone(), next.name.clone());
            return Err(FormatError::Overlap { first, second });
        }
        if tensor.ty.block().is_none() {
            tensors[i].bytes = room_end.saturating_sub(tensors[i].offset);
        }
    }
    Ok(())
}

/// Size of a tensor's data, whose type has `block` = (values, bytes) of a block.
pub(super) fn data_bytes(
    name: &str,
    dims: &[u64],
    (block_len, block_bytes): (u64, u64),
) -> Result<u64, FormatError> {
    let wrong = |reason| {
        let (tensor, dims) = (name.to_owned(), dims.to_vec());
        Err(FormatError::Dims {
            tensor,
            dims,
            reason,
        })
    };
    if dims.contains(&0) {
        return wrong("expected positive numbers");
    }
    let elements = dims
        .iter()
        .try_fold(1u64, |product, &dim| product.checked_mul(dim));
    let Some(elements) = elements.filter(|&n| n < 1 << 63) else {
        return wrong("their product is not under 2^63");
    };
    if !dims.first().unwrap_or(&1).is_multiple_of(block_len) {
        return wrong("the first is not a whole number of the type's blocks");
    }
    match (elements / block_len).checked_mul(block_bytes) {
        Some(bytes) => Ok(bytes),
        None => wrong("the data would be over 2^64 bytes"),
    }
}
