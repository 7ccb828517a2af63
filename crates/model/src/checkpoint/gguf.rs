//! A GGUF file as a checkpoint: llama.cpp's names, and its row order put back.

use std::collections::HashMap;
use std::ops::Range;

use retort_config::{gguf_name, heads};
use retort_formats::Source;
use retort_formats::gguf::{Header, TensorInfo};

use super::{Checkpoint, TensorSpec, read_rows, shape};
use crate::{Config, ModelError};

/// A GGUF file.
pub struct GgufCheckpoint<S> {
    source: S,
    config: Config,
    tensors: HashMap<String, TensorInfo>,
}

impl<S: Source> GgufCheckpoint<S> {
    /// Reads the configuration out of the header, and the rotary divisors out of the data.
    pub async fn new(source: S, header: &Header) -> Result<Self, ModelError> {
        let tensors = header
            .tensors
            .iter()
            .map(|tensor| (tensor.name.clone(), tensor.clone()))
            .collect::<HashMap<_, _>>();
        let config = Config::read_gguf(&source, header).await?;
        Ok(Self {
            source,
            config,
            tensors,
        })
    }
}

impl<S: Source> Checkpoint for GgufCheckpoint<S> {
    fn config(&self) -> &Config {
        &self.config
    }

    fn spec(&self, name: &str) -> Result<Option<TensorSpec>, ModelError> {
        let info = gguf_name(name).and_then(|name| self.tensors.get(&name));
        info.map(gguf_spec).transpose()
    }

    async fn read(&self, name: &str, rows: Range<usize>) -> Result<Vec<u8>, ModelError> {
        let missing = || ModelError::MissingTensor {
            tensor: name.into(),
        };
        let info = gguf_name(name)
            .and_then(|name| self.tensors.get(&name))
            .ok_or_else(missing)?;
        let spec = gguf_spec(info)?;
        if !heads::are_interleaved(self.config.architecture, name) {
            return read_rows(&self.source, name, spec, info.offset, rows).await;
        }
        // Only whole heads can be put back in order: widen the range to them, then cut.
        let d = self.config.head_dim;
        let whole = rows.start / d * d..(rows.end.div_ceil(d) * d).min(spec.rows);
        let bytes = read_rows(&self.source, name, spec, info.offset, whole.clone()).await?;
        let row_bytes = spec.row_bytes()?;
        let ordered = heads::deinterleave(&bytes, d, row_bytes);
        let start = (rows.start - whole.start) * row_bytes;
        Ok(ordered[start..start + rows.len() * row_bytes].to_vec())
    }
}

fn gguf_spec(info: &TensorInfo) -> Result<TensorSpec, ModelError> {
    let ty = info.ty.known()?;
    let row_major = info.dims.iter().rev().copied().collect::<Vec<_>>();
    let (rows, cols) = shape(&info.name, &row_major)?;
    Ok(TensorSpec { ty, rows, cols })
}
