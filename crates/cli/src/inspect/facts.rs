//! What `retort inspect` states, as it goes into JSON.

use retort_config::presets::{Preset, STUDENTS};
use retort_config::{Config, ROPE_FREQS, RopeScaling};
use serde::Serialize;
use serde_json::{Map, Value};

use super::read::{Content, Tensor};
use super::support::{self, Unsupported};

/// Tokens of context that memory is stated for where nothing is said, as the engine takes.
const DEFAULT_CONTEXT: usize = 4096;
/// Tokens of a prompt that the engine feeds at once.
const PREFILL_CHUNK: u64 = 256;
/// Activations and KV cache are f32.
const ELEMENT_BYTES: usize = size_of::<f32>();

/// All that is known of a model.
#[derive(Serialize)]
pub struct Facts {
    pub model: String,
    pub name: Option<String>,
    pub format: Format,
    /// None where the configuration is missing or not supported; `unsupported` says why.
    pub architecture: Option<Architecture>,
    /// Values in the tensors of the file.
    pub parameters: u64,
    pub preset: Option<Match>,
    pub tensor_count: usize,
    pub tensors_by_type: Vec<TypeRow>,
    pub memory: Option<Memory>,
    pub tokenizer: Option<TokenizerFacts>,
    /// Rows of the embedding that no token has.
    pub padded_rows: Option<u64>,
    pub special_tokens: Vec<Special>,
    pub template: Option<Template>,
    /// What will not run, and why. Empty: it runs.
    pub unsupported: Vec<Unsupported>,
    pub metadata: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensors: Option<Vec<Tensor>>,
}

#[derive(Serialize)]
pub struct Format {
    /// `gguf` or `safetensors`.
    pub kind: &'static str,
    pub version: Option<u32>,
    pub alignment: Option<u64>,
    /// Offset of the first byte of tensor data.
    pub data_start: Option<u64>,
    pub file_bytes: u64,
    /// Bytes up to the end of the last tensor.
    pub expected_bytes: u64,
    /// Over zero in a file that was cut, or that is a header alone.
    pub missing_bytes: u64,
}

/// The decoder's shape, with Hugging Face's names.
#[derive(Serialize)]
pub struct Architecture {
    pub name: &'static str,
    pub num_hidden_layers: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub rms_norm_eps: f32,
    pub rope_theta: f32,
    pub rope_scaling: Option<String>,
    pub tie_word_embeddings: bool,
    pub attention_bias: bool,
    /// Weights of a decoder of this shape, as published counts count them.
    pub parameters: u64,
}

/// The student that has this shape.
#[derive(Serialize)]
pub struct Match {
    pub name: &'static str,
    pub base: &'static str,
    /// As the base model's card states them.
    pub parameters: u64,
    /// Fields in which this model is not as its base.
    pub differs: Vec<String>,
}

#[derive(Serialize)]
pub struct TypeRow {
    #[serde(rename = "type")]
    pub ty: String,
    pub count: usize,
    pub parameters: u64,
    pub bytes: u64,
    pub supported: bool,
}

/// Bytes needed to run.
#[derive(Serialize)]
pub struct Memory {
    pub context: usize,
    pub weights: u64,
    pub kv_cache: u64,
    /// An estimate: see [`activations`].
    pub activations: u64,
    pub total: u64,
}

#[derive(Serialize)]
pub struct TokenizerFacts {
    /// `tokenizer.ggml.model`, or `tokenizer.json`.
    pub kind: String,
    /// How text is cut before merging.
    pub pre: Option<String>,
    /// Tokens that mean something.
    pub tokens: usize,
    pub merges: Option<usize>,
    /// Tokens that end a reply.
    pub stop_ids: Vec<u32>,
}

#[derive(Serialize)]
pub struct Special {
    pub name: String,
    pub id: Option<u32>,
    pub token: Option<String>,
}

#[derive(Serialize)]
pub struct Template {
    /// The family it belongs to, by its markers.
    pub name: &'static str,
    /// It opens or strips `<think>` blocks.
    pub reasons: bool,
    pub source: String,
}

impl Facts {
    pub fn new(model: &str, content: Content, context: Option<usize>, list: bool) -> Self {
        let unsupported = support::unsupported(&content);
        let Content {
            name,
            format,
            config,
            metadata,
            tensors,
            tokenizer,
            template,
            ..
        } = content;
        let config = config.ok();
        let weights = tensors.iter().map(|tensor| tensor.bytes).sum();
        let tokenizer = tokenizer.ok();
        let padded_rows = tokenizer
            .as_ref()
            .zip(config.as_ref())
            .map(|(tokenizer, config)| {
                (config.vocab_size as u64).saturating_sub(tokenizer.tokens as u64)
            });
        Self {
            model: model.into(),
            name,
            format,
            parameters: parameters(&tensors),
            preset: config.as_ref().and_then(preset),
            memory: config
                .as_ref()
                .map(|config| memory(config, weights, context)),
            architecture: config.as_ref().map(Architecture::new),
            tensor_count: tensors.len(),
            tensors_by_type: by_type(&tensors),
            tokenizer,
            padded_rows,
            special_tokens: content.special_tokens,
            template: template.map(Template::new),
            unsupported,
            metadata,
            tensors: list.then_some(tensors),
        }
    }
}

impl Architecture {
    fn new(config: &Config) -> Self {
        Self {
            name: config.architecture.name(),
            num_hidden_layers: config.num_hidden_layers,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            num_attention_heads: config.num_attention_heads,
            num_key_value_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            vocab_size: config.vocab_size,
            max_position_embeddings: config.max_position_embeddings,
            rms_norm_eps: config.rms_norm_eps,
            rope_theta: config.rope_theta,
            rope_scaling: config.rope_scaling.as_ref().map(scaling),
            tie_word_embeddings: config.tie_word_embeddings,
            attention_bias: config.attention_bias,
            parameters: config.parameters(),
        }
    }
}

fn scaling(scaling: &RopeScaling) -> String {
    match scaling {
        RopeScaling::Linear { factor } => format!("linear, factor {factor}"),
        RopeScaling::Llama3(scaling) => format!("llama3, factor {}", scaling.factor),
        RopeScaling::Divisors(_) => "a divisor per frequency".into(),
    }
}

/// Divisors of rotary frequencies are computed, not trained.
fn parameters(tensors: &[Tensor]) -> u64 {
    let trained = tensors.iter().filter(|tensor| tensor.name != ROPE_FREQS);
    trained
        .map(|tensor| tensor.dims.iter().product::<u64>())
        .sum()
}

/// The preset of the same shape. Tied or not, and the rotary base, may differ: they are stated.
fn preset(config: &Config) -> Option<Match> {
    let shape = |config: &Config| {
        (
            config.architecture,
            (
                config.vocab_size,
                config.hidden_size,
                config.intermediate_size,
            ),
            (config.num_hidden_layers, config.head_dim),
            (config.num_attention_heads, config.num_key_value_heads),
        )
    };
    let matches = |preset: &&Preset| shape(&(preset.config)()) == shape(config);
    let preset = STUDENTS.iter().find(matches)?;
    let base = (preset.config)();
    let mut differs = Vec::new();
    let mut compare = |field: &str, got: String, base: String| {
        if got != base {
            differs.push(format!("{field} {got} instead of {base}"));
        }
    };
    let tied = |config: &Config| config.tie_word_embeddings.to_string();
    compare("tie_word_embeddings", tied(config), tied(&base));
    compare(
        "rope_theta",
        config.rope_theta.to_string(),
        base.rope_theta.to_string(),
    );
    let count = |config: &Config| config.parameters().to_string();
    compare("parameters", count(config), count(&base));
    Some(Match {
        name: preset.name,
        base: preset.base,
        parameters: preset.parameters,
        differs,
    })
}

fn by_type(tensors: &[Tensor]) -> Vec<TypeRow> {
    let mut rows: Vec<TypeRow> = Vec::new();
    for tensor in tensors {
        let row = match rows.iter_mut().position(|row| row.ty == tensor.ty) {
            Some(at) => &mut rows[at],
            None => rows.push_mut(TypeRow {
                ty: tensor.ty.clone(),
                count: 0,
                parameters: 0,
                bytes: 0,
                supported: tensor.supported.is_some(),
            }),
        };
        row.count += 1;
        row.parameters += tensor.dims.iter().product::<u64>();
        row.bytes += tensor.bytes;
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    rows
}

fn memory(config: &Config, weights: u64, context: Option<usize>) -> Memory {
    let longest = config.max_position_embeddings;
    let context = context.unwrap_or(DEFAULT_CONTEXT).min(longest);
    let kv_cache = config.kv_cache_bytes(context, ELEMENT_BYTES);
    let activations = activations(config, context);
    let total = weights + kv_cache + activations;
    Memory {
        context,
        weights,
        kv_cache,
        activations,
        total,
    }
}

/// The most that is alive at once while a chunk of a prompt goes through a block: the residual
/// stream and its norm, q with k and v, the attended heads, gate and up and their product; the
/// rotary table; one row of logits.
fn activations(config: &Config, context: usize) -> u64 {
    let (d, f) = (config.hidden_size, config.intermediate_size);
    let (q, kv) = (config.q_width(), config.kv_width());
    let token = (2 * d + 2 * q + 2 * kv + 3 * f) as u64;
    let table = (context * config.head_dim) as u64;
    let values = PREFILL_CHUNK.min(context as u64) * token + table + config.vocab_size as u64;
    values * ELEMENT_BYTES as u64
}

impl Template {
    fn new(source: String) -> Self {
        const MARKERS: [(&str, &str); 4] = [
            ("<｜User｜>", "DeepSeek R1"),
            ("<|start_header_id|>", "Llama 3"),
            ("<|im_start|>", "ChatML"),
            ("[INST]", "Llama 2"),
        ];
        let known = MARKERS.iter().find(|(marker, _)| source.contains(marker));
        Self {
            name: known.map_or("of its own", |(_, name)| name),
            reasons: source.contains("think>"),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_is_known_by_its_shape_and_differences_are_stated() {
        let mut config = (STUDENTS[0].config)();
        assert_eq!(preset(&config).unwrap().differs, Vec::<String>::new());
        config.tie_word_embeddings = false;
        let matched = preset(&config).unwrap();
        assert_eq!(matched.name, "qwen2.5-1.5b");
        // The second table is 151,936 x 1536 more.
        assert_eq!(
            matched.differs[1],
            "parameters 1777088000 instead of 1543714304"
        );
        config.hidden_size += 128;
        assert!(preset(&config).is_none());
    }

    #[test]
    fn memory_is_stated_for_no_more_context_than_the_model_has() {
        let config = (STUDENTS[1].config)();
        let memory = memory(&config, 1000, Some(1 << 30));
        assert_eq!(memory.context, 131_072);
        // 2 x 28 layers x 4 heads x 128 x 4 bytes a token.
        assert_eq!(memory.kv_cache, 131_072 * 2 * 28 * 512 * 4);
        assert_eq!(memory.total, 1000 + memory.kv_cache + memory.activations);
    }
}
