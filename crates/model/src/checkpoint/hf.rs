//! A Hugging Face folder as a checkpoint: safetensors shards, used as they are.

use std::collections::HashMap;
use std::ops::Range;

use retort_formats::Source;
use retort_formats::hf::HfTensor;

use super::{Checkpoint, TensorSpec, read_rows, shape};
use crate::{Config, ModelError};

/// The shards of a checkpoint and what they hold.
pub struct HfCheckpoint<S> {
    sources: Vec<S>,
    config: Config,
    tensors: HashMap<String, HfTensor>,
}

impl<S: Source> HfCheckpoint<S> {
    /// `tensors` name their shard by its index in `sources`.
    pub fn new(
        config: &serde_json::Value,
        tensors: Vec<HfTensor>,
        sources: Vec<S>,
    ) -> Result<Self, ModelError> {
        let config = Config::from_json(config)?;
        let tensors = tensors
            .into_iter()
            .map(|tensor| (tensor.name.clone(), tensor))
            .collect();
        Ok(Self {
            sources,
            config,
            tensors,
        })
    }
}

impl<S: Source> Checkpoint for HfCheckpoint<S> {
    fn config(&self) -> &Config {
        &self.config
    }

    fn spec(&self, name: &str) -> Result<Option<TensorSpec>, ModelError> {
        self.tensors.get(name).map(spec).transpose()
    }

    async fn read(&self, name: &str, rows: Range<usize>) -> Result<Vec<u8>, ModelError> {
        let missing = || ModelError::MissingTensor {
            tensor: name.into(),
        };
        let tensor = self.tensors.get(name).ok_or_else(missing)?;
        let source = self.sources.get(tensor.shard).ok_or_else(missing)?;
        read_rows(source, name, spec(tensor)?, tensor.offset, rows).await
    }
}

fn spec(tensor: &HfTensor) -> Result<TensorSpec, ModelError> {
    let (rows, cols) = shape(&tensor.name, &tensor.dims)?;
    Ok(TensorSpec {
        ty: tensor.ty()?,
        rows,
        cols,
    })
}
