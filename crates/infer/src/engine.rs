//! A loaded student: decoder, tokenizer, chat template, and the settings it asks for.

use std::sync::Arc;

use burn::tensor::Device;
use retort_formats::Source;
use retort_formats::gguf;
use retort_model::{
    Checkpoint, Config, Decoder, GgufCheckpoint, KvCache, LoadPlan, WeightForm, load,
};
use retort_text::{ChatTemplate, Tokenizer};

use crate::{InferError, LoadProgress, ModelInfo, Sampling, Text};

/// Tokens of context when the caller does not say: enough for a long thought, and a KV cache
/// that fits beside the weights of a small adapter.
const DEFAULT_CONTEXT: usize = 4096;

/// Choices of a load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Tokens that fit in the KV cache; none for the model's own length, at most 4096.
    pub context: Option<usize>,
    /// Tokens that the KV cache has room for at first; it then doubles as needed. None for the
    /// whole context at once, as a GPU's memory is best asked for.
    pub kv_room: Option<usize>,
    /// Largest buffer in bytes: the adapter's binding limit.
    pub max_shard_bytes: usize,
    /// How the device computes, for [`ModelInfo::precision`].
    pub precision: String,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            context: None,
            kv_room: None,
            // WebGPU's guaranteed minimum; the caller raises or lowers it.
            max_shard_bytes: 128 << 20,
            precision: "f32".into(),
        }
    }
}

/// A student on a device.
pub struct Engine {
    pub(crate) decoder: Decoder,
    pub(crate) config: Config,
    pub(crate) device: Device,
    text: Arc<Text>,
    info: ModelInfo,
    kv_room: Option<usize>,
}

/// What an engine is made of.
pub struct Parts {
    /// What to call the model.
    pub name: String,
    pub config: Config,
    pub decoder: Decoder,
    pub text: Arc<Text>,
}

impl Engine {
    /// Loads a GGUF file: header, tokenizer, then the weights one tensor at a time.
    pub async fn load<S: Source>(
        source: S,
        device: &Device,
        options: &LoadOptions,
        mut progress: impl FnMut(LoadProgress),
    ) -> Result<Self, InferError> {
        let total = source.len();
        let mut report = |done, what: &str| {
            progress(LoadProgress {
                done,
                total,
                what: what.into(),
            })
        };
        report(0, "header");
        let mut header = gguf::read_header(&source).await?;
        report(header.data_start, "tokenizer");
        let name = header
            .metadata
            .str("general.name")
            .unwrap_or("unnamed model")
            .to_string();
        let text = Text::from_gguf(&mut header)?;
        let checkpoint = GgufCheckpoint::new(source, &header).await?;
        let mut done = header.data_start;
        Self::assemble(
            &checkpoint,
            (name, text),
            device,
            options,
            |tensor, bytes| {
                done += bytes;
                report(done, tensor);
            },
        )
        .await
    }

    /// Loads a Hugging Face folder; `name` is what to call the model.
    #[cfg(not(target_family = "wasm"))]
    pub async fn load_folder(
        folder: &retort_formats::hf::Folder,
        name: &str,
        device: &Device,
        options: &LoadOptions,
        mut progress: impl FnMut(LoadProgress),
    ) -> Result<Self, InferError> {
        let total = folder.tensors.iter().map(|tensor| tensor.bytes).sum();
        let text = Text::from_folder(folder)?;
        let sources = folder.sources()?;
        let checkpoint =
            retort_model::HfCheckpoint::new(&folder.config, folder.tensors.clone(), sources)?;
        let mut done = 0;
        Self::assemble(
            &checkpoint,
            (name.into(), text),
            device,
            options,
            |tensor, bytes| {
                done += bytes;
                progress(LoadProgress {
                    done,
                    total,
                    what: tensor.into(),
                });
            },
        )
        .await
    }

    async fn assemble<C: Checkpoint>(
        checkpoint: &C,
        (name, text): (String, Text),
        device: &Device,
        options: &LoadOptions,
        mut progress: impl FnMut(&str, u64),
    ) -> Result<Self, InferError> {
        let config = checkpoint.config().clone();
        let longest = config.max_position_embeddings;
        let context = options.context.unwrap_or(DEFAULT_CONTEXT).clamp(1, longest);
        let plan = LoadPlan {
            form: WeightForm::Packed,
            positions: context,
            max_shard_bytes: options.max_shard_bytes,
        };
        let mut weight_bytes = 0;
        let decoder = load(checkpoint, device, &plan, |event| {
            weight_bytes += event.bytes;
            progress(event.tensor, event.bytes);
        })
        .await?;
        Ok(Self::from_parts(
            Parts {
                name,
                config,
                decoder,
                text: text.into(),
            },
            weight_bytes,
            device,
            options,
        ))
    }

    /// An engine of a decoder that is already on the device, for positions as far as
    /// `options.context` says: a trainer that wants to see what its student writes.
    pub fn from_parts(
        parts: Parts,
        weight_bytes: u64,
        device: &Device,
        options: &LoadOptions,
    ) -> Self {
        let Parts {
            name,
            config,
            decoder,
            text,
        } = parts;
        let longest = config.max_position_embeddings;
        let context = options.context.unwrap_or(DEFAULT_CONTEXT).clamp(1, longest);
        let reasons = text.reasons;
        let info = ModelInfo {
            name,
            architecture: config.architecture.name().into(),
            parameters: config.parameters(),
            weight_bytes,
            kv_cache_bytes: config.kv_cache_bytes(context, size_of::<f32>()),
            context,
            precision: options.precision.clone(),
            reasons,
            sampling: default_sampling(reasons),
        };
        Self {
            decoder,
            config,
            device: device.clone(),
            text,
            info,
            kv_room: options.kv_room,
        }
    }

    /// Gives back what [`Self::from_parts`] took.
    pub fn into_parts(self) -> Parts {
        Parts {
            name: self.info.name,
            config: self.config,
            decoder: self.decoder,
            text: self.text,
        }
    }

    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.text.tokenizer
    }

    /// None for a base model.
    pub fn template(&self) -> Option<&ChatTemplate> {
        self.text.template.as_ref()
    }

    /// Ids that end a reply.
    pub fn stop_ids(&self) -> &[u32] {
        &self.text.stop_ids
    }

    pub(crate) fn new_cache(&self) -> KvCache {
        let context = self.info.context;
        let room = self.kv_room.unwrap_or(context);
        KvCache::growing(&self.config, context, room, &self.device)
    }
}

/// R1 distills repeat themselves at low temperatures; their card asks for 0.6 and 0.95.
fn default_sampling(reasons: bool) -> Sampling {
    let temperature = if reasons {
        0.6
    } else {
        Sampling::default().temperature
    };
    Sampling {
        temperature,
        top_p: 0.95,
        ..Sampling::default()
    }
}
