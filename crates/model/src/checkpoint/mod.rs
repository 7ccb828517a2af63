//! Weights by their Hugging Face names, out of a GGUF file or a Hugging Face folder.
//!
//! Both formats are read by rows, so that no more than one piece of one tensor is in host memory.

mod gguf;
mod hf;

use std::ops::Range;

use retort_formats::{GgmlType, Source};

use crate::{Config, ModelError};

pub use gguf::GgufCheckpoint;
pub use hf::HfCheckpoint;

/// A tensor's type and shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    pub ty: GgmlType,
    /// 1 for a vector.
    pub rows: usize,
    pub cols: usize,
}

impl TensorSpec {
    /// Bytes of one row.
    pub fn row_bytes(&self) -> Result<usize, ModelError> {
        Ok(self.ty.row_bytes(self.cols)?)
    }
}

/// Weights by name.
pub trait Checkpoint {
    fn config(&self) -> &Config;

    /// None when the checkpoint has no such tensor.
    fn spec(&self, name: &str) -> Result<Option<TensorSpec>, ModelError>;

    /// Some rows of a tensor, in Hugging Face's row order, as stored blocks.
    fn read(
        &self,
        name: &str,
        rows: Range<usize>,
    ) -> impl Future<Output = Result<Vec<u8>, ModelError>>;
}

/// Bytes of some rows of a tensor that starts at `offset` of `source`. Its reader has checked
/// that the whole tensor lies inside the file.
async fn read_rows<S: Source>(
    source: &S,
    name: &str,
    spec: TensorSpec,
    offset: u64,
    rows: Range<usize>,
) -> Result<Vec<u8>, ModelError> {
    let row_bytes = spec.row_bytes()?;
    let mut bytes = vec![0; rows.len() * row_bytes];
    source
        .read_at(offset + (rows.start * row_bytes) as u64, &mut bytes)
        .await
        .map_err(|error| ModelError::Read {
            tensor: name.into(),
            error,
        })?;
    Ok(bytes)
}

/// Rows and columns of a matrix, or of a vector as one row.
fn shape(name: &str, row_major: &[u64]) -> Result<(usize, usize), ModelError> {
    match *row_major {
        [cols] => Ok((1, cols as usize)),
        [rows, cols] => Ok((rows as usize, cols as usize)),
        _ => Err(ModelError::Shape {
            tensor: name.into(),
            expected: vec![0, 0],
            got: row_major.iter().map(|&dim| dim as usize).collect(),
        }),
    }
}
