//! A loaded student: decoder, tokenizer, chat template, and the settings it asks for.

use burn::tensor::Device;
use retort_formats::Source;
use retort_formats::gguf::{self, Header, Metadata};
use retort_model::{
    Checkpoint, Config, Decoder, GgufCheckpoint, KvCache, LoadPlan, WeightForm, load,
};
use retort_text::{ChatTemplate, GgufVocab, SpecialNames, Tokenizer};

use crate::{InferError, LoadProgress, ModelInfo, Sampling};

/// Tokens of context when the caller does not say: enough for a long thought, and a KV cache
/// that fits beside the weights of a small adapter.
const DEFAULT_CONTEXT: usize = 4096;

/// Choices of a load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Tokens that fit in the KV cache; none for the model's own length, at most 4096.
    pub context: Option<usize>,
    /// Largest buffer in bytes: the adapter's binding limit.
    pub max_shard_bytes: usize,
    /// How the device computes, for [`ModelInfo::precision`].
    pub precision: String,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            context: None,
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
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Option<ChatTemplate>,
    pub(crate) stop_ids: Vec<u32>,
    info: ModelInfo,
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
        let name = model_name(&header.metadata);
        let template = template(&header.metadata)?;
        let vocabulary = vocabulary(&mut header)?;
        let stop_ids = vocabulary.stop_ids.clone();
        let tokenizer = Tokenizer::from_gguf(vocabulary.vocab)?;
        let checkpoint = GgufCheckpoint::new(source, &header).await?;
        let parts = Parts {
            name,
            template,
            tokenizer,
            stop_ids,
        };
        let mut done = header.data_start;
        Self::assemble(&checkpoint, parts, device, options, |tensor, bytes| {
            done += bytes;
            report(done, tensor);
        })
        .await
    }

    async fn assemble<C: Checkpoint>(
        checkpoint: &C,
        parts: Parts,
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
        let reasons = parts
            .template
            .as_ref()
            .is_some_and(|t| t.source().contains("<think>"))
            || parts.tokenizer.id_of("<think>").is_some();
        let info = ModelInfo {
            name: parts.name,
            architecture: config.architecture.name().into(),
            parameters: config.parameters(),
            weight_bytes,
            kv_cache_bytes: config.kv_cache_bytes(context, size_of::<f32>()),
            context,
            precision: options.precision.clone(),
            reasons,
            sampling: default_sampling(reasons),
        };
        let Parts {
            template,
            tokenizer,
            stop_ids,
            ..
        } = parts;
        let device = device.clone();
        Ok(Self {
            decoder,
            config,
            device,
            tokenizer,
            template,
            stop_ids,
            info,
        })
    }

    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// None for a base model.
    pub fn template(&self) -> Option<&ChatTemplate> {
        self.template.as_ref()
    }

    pub(crate) fn new_cache(&self) -> KvCache {
        KvCache::new(&self.config, self.info.context, &self.device)
    }
}

struct Parts {
    name: String,
    template: Option<ChatTemplate>,
    tokenizer: Tokenizer,
    stop_ids: Vec<u32>,
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

fn model_name(metadata: &Metadata) -> String {
    metadata
        .str("general.name")
        .unwrap_or("unnamed model")
        .to_string()
}

fn template(metadata: &Metadata) -> Result<Option<ChatTemplate>, InferError> {
    if metadata.get("tokenizer.chat_template").is_none() {
        return Ok(None);
    }
    let source = metadata.str("tokenizer.chat_template")?;
    let token = |key: &str| -> Option<String> {
        let id = metadata.u32(key).ok()? as usize;
        metadata
            .strings("tokenizer.ggml.tokens")
            .ok()?
            .get(id)
            .cloned()
    };
    let names = SpecialNames {
        bos_token: token("tokenizer.ggml.bos_token_id").unwrap_or_default(),
        eos_token: token("tokenizer.ggml.eos_token_id").unwrap_or_default(),
    };
    Ok(Some(ChatTemplate::new(source, names)?))
}

/// The tokenizer's data in a GGUF header, and the ids that end a turn.
pub struct Vocabulary {
    pub vocab: GgufVocab,
    pub stop_ids: Vec<u32>,
}

/// Tokens that end a turn, by name, since files often state only one of several.
const END_OF_TURN: [&str; 8] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
];

/// Moves the tokenizer's arrays out of the header, which is megabytes lighter after.
pub fn vocabulary(header: &mut Header) -> Result<Vocabulary, InferError> {
    let vocab = crate::engine::gguf_vocab(&mut header.metadata)?;
    let mut stop_ids = ["eos_token_id", "eot_token_id", "eom_token_id"]
        .iter()
        .filter_map(|key| header.metadata.u32(&format!("tokenizer.ggml.{key}")).ok())
        .collect::<Vec<_>>();
    for (id, token) in (0..).zip(&vocab.tokens) {
        let control = vocab.token_types.get(id as usize) == Some(&3);
        if control && END_OF_TURN.contains(&token.as_str()) && !stop_ids.contains(&id) {
            stop_ids.push(id);
        }
    }
    Ok(Vocabulary { vocab, stop_ids })
}
