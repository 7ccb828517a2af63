//! A checkpoint onto a device, tensor by tensor: read some rows, upload, drop the host copy.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use retort_formats::{GgmlType, blocks};
use retort_kernels::{Embedding, Linear, Packed, PackedSpec, Shard, Weight};

use crate::checkpoint::TensorSpec;
use crate::decoder::{Block, Shape};
use crate::{Checkpoint, Config, Decoder, ModelError};

/// How matrices are kept on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightForm {
    /// As stored: quantised blocks stay quantised. For inference.
    Packed,
    /// f32 parameters. For training.
    Dense,
}

/// Choices of a load.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    pub form: WeightForm,
    /// Longest sequence that will be run, in tokens.
    pub positions: usize,
    /// Largest buffer, in bytes: the adapter's binding limit, or less to spare host memory.
    /// A larger matrix is split by rows.
    pub max_shard_bytes: usize,
}

/// A tensor has been handed to the device.
#[derive(Clone, Debug)]
pub struct LoadEvent<'a> {
    pub tensor: &'a str,
    pub bytes: u64,
}

/// Loads every tensor in the order of the forward pass.
pub async fn load<C: Checkpoint>(
    checkpoint: &C,
    device: &Device,
    plan: &LoadPlan,
    progress: impl FnMut(LoadEvent<'_>),
) -> Result<Decoder, ModelError> {
    let mut loader = Loader {
        checkpoint,
        device,
        plan,
        progress,
    };
    let config = checkpoint.config();
    let (d, vocab) = (config.hidden_size, config.vocab_size);
    let table = loader
        .linear(&[("model.embed_tokens", vocab)], d, false)
        .await?;
    let mut layers = Vec::new();
    for layer in 0..config.num_hidden_layers {
        layers.push(loader.block(layer, config).await?);
    }
    let norm = loader.vector("model.norm.weight", d).await?;
    let lm_head = match config.tie_word_embeddings {
        true => None,
        false => Some(loader.linear(&[("lm_head", vocab)], d, false).await?),
    };
    let shape = Shape::new(config, plan.positions, device);
    Ok(Decoder {
        embed_tokens: Embedding { table },
        layers,
        norm,
        lm_head,
        shape,
    })
}

struct Loader<'a, C, P> {
    checkpoint: &'a C,
    device: &'a Device,
    plan: &'a LoadPlan,
    progress: P,
}

impl<C: Checkpoint, P: FnMut(LoadEvent<'_>)> Loader<'_, C, P> {
    async fn block(&mut self, layer: usize, config: &Config) -> Result<Block, ModelError> {
        let name = |module: &str| format!("model.layers.{layer}.{module}");
        let (d, f) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.q_width(), config.kv_width());
        let (q_name, k_name, v_name) = (
            name("self_attn.q_proj"),
            name("self_attn.k_proj"),
            name("self_attn.v_proj"),
        );
        let qkv = [(q_name.as_str(), q), (&k_name, kv), (&v_name, kv)];
        let (gate, up) = (name("mlp.gate_proj"), name("mlp.up_proj"));
        let input_layernorm = name("input_layernorm.weight");
        let post_attention_layernorm = name("post_attention_layernorm.weight");
        Ok(Block {
            input_layernorm: self.vector(&input_layernorm, d).await?,
            qkv_proj: self.linear(&qkv, d, config.attention_bias).await?,
            o_proj: self
                .linear(&[(&name("self_attn.o_proj"), d)], q, false)
                .await?,
            post_attention_layernorm: self.vector(&post_attention_layernorm, d).await?,
            gate_up_proj: self.linear(&[(&gate, f), (&up, f)], d, false).await?,
            down_proj: self
                .linear(&[(&name("mlp.down_proj"), d)], f, false)
                .await?,
        })
    }

    /// One projection out of the modules named, each with its rows.
    async fn linear(
        &mut self,
        modules: &[(&str, usize)],
        cols: usize,
        bias: bool,
    ) -> Result<Linear, ModelError> {
        let mut parts = Vec::new();
        for (module, rows) in modules {
            let name = format!("{module}.weight");
            let spec = self.spec(&name, *rows, cols)?;
            parts.push((name, spec));
        }
        let shards = match self.plan.form {
            WeightForm::Dense => self.dense_shards(&parts).await?,
            WeightForm::Packed => self.packed_shards(&parts).await?,
        };
        let bias = if bias {
            Some(self.bias(modules).await?)
        } else {
            None
        };
        Ok(Linear { shards, bias })
    }

    async fn bias(&mut self, modules: &[(&str, usize)]) -> Result<Param<Tensor<1>>, ModelError> {
        let mut all = Vec::new();
        for (module, rows) in modules {
            all.extend(self.floats(&format!("{module}.bias"), *rows).await?);
        }
        Ok(self.parameter(all))
    }

    /// Neighbours of one type become one shard as long as it fits; a larger tensor is split.
    async fn packed_shards(
        &mut self,
        parts: &[(String, TensorSpec)],
    ) -> Result<Vec<Shard>, ModelError> {
        let mut shards = Vec::new();
        let mut start = 0;
        while start < parts.len() {
            let (name, first) = &parts[start];
            let (ty, row_bytes) = (first.ty, first.row_bytes()?);
            let max_rows = (self.plan.max_shard_bytes / row_bytes.max(1)).max(1);
            let same = parts[start..]
                .iter()
                .take_while(|(_, spec)| spec.ty == ty)
                .count();
            let group = &parts[start..start + same];
            let rows = group.iter().map(|(_, spec)| spec.rows).sum::<usize>();
            if rows <= max_rows {
                let mut bytes = Vec::new();
                for (name, spec) in group {
                    bytes.extend(self.checkpoint.read(name, 0..spec.rows).await?);
                }
                shards.push(self.upload(name, ty, rows, first.cols, bytes)?);
                start += same;
                continue;
            }
            for from in (0..first.rows).step_by(max_rows) {
                let to = (from + max_rows).min(first.rows);
                let bytes = self.checkpoint.read(name, from..to).await?;
                shards.push(self.upload(name, ty, to - from, first.cols, bytes)?);
            }
            start += 1;
        }
        Ok(shards)
    }

    fn upload(
        &mut self,
        name: &str,
        ty: GgmlType,
        rows: usize,
        cols: usize,
        bytes: Vec<u8>,
    ) -> Result<Shard, ModelError> {
        let packed = Packed::upload(PackedSpec { ty, rows, cols }, &bytes, self.device).map_err(
            |source| ModelError::Weights {
                tensor: name.into(),
                source,
            },
        )?;
        (self.progress)(LoadEvent {
            tensor: name,
            bytes: bytes.len() as u64,
        });
        Ok(Shard {
            weight: Weight::Packed(packed),
            lora: None,
        })
    }

    /// One f32 parameter per module, so that each keeps its own gradient, adapter and name.
    async fn dense_shards(
        &mut self,
        parts: &[(String, TensorSpec)],
    ) -> Result<Vec<Shard>, ModelError> {
        let mut shards = Vec::new();
        for (name, spec) in parts {
            let values = self.floats_of(name, *spec).await?;
            let data = TensorData::new(values, [spec.rows, spec.cols]);
            let weight = Param::from_tensor(Tensor::from_data(data, self.device));
            shards.push(Shard {
                weight: Weight::Dense(weight),
                lora: None,
            });
        }
        Ok(shards)
    }

    async fn vector(&mut self, name: &str, len: usize) -> Result<Param<Tensor<1>>, ModelError> {
        let values = self.floats(name, len).await?;
        Ok(self.parameter(values))
    }

    fn parameter(&self, values: Vec<f32>) -> Param<Tensor<1>> {
        let len = values.len();
        Param::from_tensor(Tensor::from_data(
            TensorData::new(values, [len]),
            self.device,
        ))
    }

    async fn floats(&mut self, name: &str, len: usize) -> Result<Vec<f32>, ModelError> {
        let spec = self.spec(name, 1, len)?;
        self.floats_of(name, spec).await
    }

    async fn floats_of(&mut self, name: &str, spec: TensorSpec) -> Result<Vec<f32>, ModelError> {
        let bytes = self.checkpoint.read(name, 0..spec.rows).await?;
        let mut values = vec![0.0; spec.rows * spec.cols];
        blocks::dequantize(spec.ty, &bytes, &mut values)?;
        (self.progress)(LoadEvent {
            tensor: name,
            bytes: bytes.len() as u64,
        });
        Ok(values)
    }

    /// The tensor's type, after its shape was checked against the configuration.
    fn spec(&self, name: &str, rows: usize, cols: usize) -> Result<TensorSpec, ModelError> {
        let missing = || ModelError::MissingTensor {
            tensor: name.into(),
        };
        let spec = self.checkpoint.spec(name)?.ok_or_else(missing)?;
        if (spec.rows, spec.cols) != (rows, cols) {
            return Err(ModelError::Shape {
                tensor: name.into(),
                expected: vec![rows, cols],
                got: vec![spec.rows, spec.cols],
            });
        }
        Ok(spec)
    }
}
