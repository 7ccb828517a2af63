//! A student's shape, out of `config.json` or GGUF metadata, and into either.

use retort_formats::gguf::{Metadata, Value as Entry};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::ExportError;
use crate::rope::{RawRope, Rope};

/// The families of students: they differ in the bias of q, k and v, and in the row order of q and
/// k in GGUF files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    Qwen2,
    Llama,
}

impl Architecture {
    /// `general.architecture` of GGUF and `model_type` of Hugging Face are the same word here.
    fn from_name(name: &str) -> Result<Self, ExportError> {
        match name {
            "qwen2" => Ok(Self::Qwen2),
            "llama" => Ok(Self::Llama),
            _ => Err(ExportError::Architecture { got: name.into() }),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Llama => "llama",
        }
    }
}

/// What the names and shapes of all tensors follow from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub architecture: Architecture,
    /// Rows of the embedding, padding included.
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub rms_norm_eps: f32,
    pub rope_theta: f32,
    pub rope: Option<Rope>,
    /// Positions that the model was trained for.
    pub context: usize,
    /// The output projection is the embedding table.
    pub tied: bool,
}

/// The fields of `config.json` that matter here.
#[derive(Deserialize)]
struct Raw {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    rms_norm_eps: f32,
    rope_theta: Option<f32>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRope>,
    max_position_embeddings: usize,
    tie_word_embeddings: Option<bool>,
    use_sliding_window: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    hidden_act: Option<String>,
}

impl Config {
    /// From a `config.json`.
    pub fn from_json(json: &Value) -> Result<Self, ExportError> {
        let refuse = |feature, got: &str| {
            let got = got.to_owned();
            Err(ExportError::Unsupported { feature, got })
        };
        // Told before a field that another architecture lacks is.
        if let Some(name) = json["model_type"].as_str() {
            Architecture::from_name(name)?;
        }
        let raw = Raw::deserialize(json).map_err(|error| ExportError::Json {
            file: "config.json",
            error,
        })?;
        let architecture = Architecture::from_name(&raw.model_type)?;
        let is_llama = architecture == Architecture::Llama;
        if raw.use_sliding_window == Some(true) {
            return refuse("use_sliding_window", "true");
        }
        if let Some(act) = raw.hidden_act.as_deref().filter(|act| *act != "silu") {
            return refuse("hidden_act", act);
        }
        if raw.mlp_bias == Some(true) || (is_llama && raw.attention_bias == Some(true)) {
            return refuse("attention_bias or mlp_bias", "true");
        }
        let rope = raw.rope_parameters.as_ref().or(raw.rope_scaling.as_ref());
        let theta = raw.rope_theta.or(rope.and_then(|rope| rope.rope_theta));
        Self {
            architecture,
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            layers: raw.num_hidden_layers,
            heads: raw.num_attention_heads,
            kv_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim: raw
                .head_dim
                .unwrap_or(raw.hidden_size / raw.num_attention_heads.max(1)),
            rms_norm_eps: raw.rms_norm_eps,
            rope_theta: theta.unwrap_or(10_000.0),
            rope: rope.map(Rope::from_json).transpose()?.flatten(),
            context: raw.max_position_embeddings,
            tied: raw.tie_word_embeddings.unwrap_or(false),
        }
        .validate()
    }

    /// From GGUF metadata and what the table of tensors tells: the rows of the embedding, whether
    /// there is no output of its own, and the content of `rope_freqs.weight`.
    pub fn from_gguf(
        metadata: &Metadata,
        vocab_size: usize,
        tied: bool,
        divisors: Option<Vec<f32>>,
    ) -> Result<Self, ExportError> {
        let architecture = Architecture::from_name(metadata.str("general.architecture")?)?;
        let name = architecture.name();
        let key = |suffix: &str| format!("{name}.{suffix}");
        let size = |suffix: &str| metadata.u32(&key(suffix)).map(|value| value as usize);
        let optional = |suffix: &str, default: usize| match metadata.get(&key(suffix)) {
            Some(_) => size(suffix),
            None => Ok(default),
        };
        let hidden_size = size("embedding_length")?;
        let heads = size("attention.head_count")?;
        let head_dim = optional("attention.key_length", hidden_size / heads.max(1))?;
        for (feature, got, expected) in [
            (
                "rope.dimension_count",
                optional("rope.dimension_count", head_dim)?,
                head_dim,
            ),
            (
                "attention.value_length",
                optional("attention.value_length", head_dim)?,
                head_dim,
            ),
            ("expert_count", optional("expert_count", 0)?, 0),
        ] {
            if got != expected {
                let got = got.to_string();
                return Err(ExportError::Unsupported { feature, got });
            }
        }
        let theta = key("rope.freq_base");
        let config = Self {
            architecture,
            vocab_size,
            hidden_size,
            intermediate_size: size("feed_forward_length")?,
            layers: size("block_count")?,
            heads,
            kv_heads: optional("attention.head_count_kv", heads)?,
            head_dim,
            rms_norm_eps: metadata.f32(&key("attention.layer_norm_rms_epsilon"))?,
            rope_theta: match metadata.get(&theta) {
                Some(_) => metadata.f32(&theta)?,
                None => 10_000.0,
            },
            rope: Rope::from_gguf(metadata, name, divisors)?,
            context: size("context_length")?,
            tied,
        };
        config.validate()
    }

    /// Refuses shapes that no decoder has, before anything is allocated by them.
    fn validate(self) -> Result<Self, ExportError> {
        let wrong = |field: &str, expected: String, got: String| ExportError::Config {
            field: field.into(),
            expected,
            got,
        };
        for (field, got, max) in [
            ("vocab_size", self.vocab_size, 1 << 24),
            ("hidden_size", self.hidden_size, 1 << 20),
            ("intermediate_size", self.intermediate_size, 1 << 22),
            ("num_hidden_layers", self.layers, 1 << 12),
            ("num_attention_heads", self.heads, 1 << 12),
            ("num_key_value_heads", self.kv_heads, 1 << 12),
            ("head_dim", self.head_dim, 1 << 12),
            ("max_position_embeddings", self.context, 1 << 30),
        ] {
            if got == 0 || got > max {
                return Err(wrong(field, format!("1 to {max}"), got.to_string()));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let expected = format!("a multiple of {}", self.kv_heads);
            let got = self.heads.to_string();
            return Err(wrong("num_attention_heads", expected, got));
        }
        if !self.head_dim.is_multiple_of(2) {
            let got = self.head_dim.to_string();
            return Err(wrong("head_dim", "an even number".into(), got));
        }
        for (field, got) in [
            ("rms_norm_eps", self.rms_norm_eps),
            ("rope_theta", self.rope_theta),
        ] {
            if !got.is_finite() || got <= 0.0 {
                return Err(wrong(field, "a positive number".into(), got.to_string()));
            }
        }
        Ok(self)
    }

    /// What each rotary frequency is divided by, where llama.cpp needs to be told.
    pub fn rope_divisors(&self) -> Option<Vec<f32>> {
        let rope = self.rope.as_ref()?;
        rope.divisors(self.rope_theta, self.head_dim)
    }

    /// The fields of a `config.json` that are the model's shape.
    pub fn to_json(&self) -> Result<Map<String, Value>, ExportError> {
        let is_llama = self.architecture == Architecture::Llama;
        let class = match is_llama {
            true => "LlamaForCausalLM",
            false => "Qwen2ForCausalLM",
        };
        let rope = self.rope.as_ref();
        let rope = rope.map(|rope| rope.to_json(self.rope_theta, self.head_dim));
        let mut fields = vec![
            ("architectures", json!([class])),
            ("model_type", json!(self.architecture.name())),
            ("vocab_size", json!(self.vocab_size)),
            ("hidden_size", json!(self.hidden_size)),
            ("intermediate_size", json!(self.intermediate_size)),
            ("num_hidden_layers", json!(self.layers)),
            ("num_attention_heads", json!(self.heads)),
            ("num_key_value_heads", json!(self.kv_heads)),
            ("head_dim", json!(self.head_dim)),
            ("hidden_act", json!("silu")),
            ("max_position_embeddings", json!(self.context)),
            ("rms_norm_eps", decimal(self.rms_norm_eps)),
            ("rope_theta", decimal(self.rope_theta)),
            ("rope_scaling", rope.transpose()?.unwrap_or(Value::Null)),
            ("tie_word_embeddings", json!(self.tied)),
            ("attention_dropout", json!(0.0)),
            ("initializer_range", json!(0.02)),
            ("use_cache", json!(true)),
        ];
        fields.extend(match is_llama {
            true => [("attention_bias", json!(false)), ("mlp_bias", json!(false))],
            false => [
                ("use_sliding_window", json!(false)),
                ("sliding_window", Value::Null),
            ],
        });
        let fields = fields.into_iter();
        Ok(fields.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The model's shape as GGUF metadata, with the keys that llama.cpp's converter writes.
    pub fn to_gguf(&self) -> Vec<(String, Entry)> {
        let count = |value: usize| Entry::U32(value as u32); // Bounded by `validate`.
        let mut entries = vec![
            ("block_count", count(self.layers)),
            ("context_length", count(self.context)),
            ("embedding_length", count(self.hidden_size)),
            ("feed_forward_length", count(self.intermediate_size)),
            ("attention.head_count", count(self.heads)),
            ("attention.head_count_kv", count(self.kv_heads)),
            ("rope.freq_base", Entry::F32(self.rope_theta)),
            (
                "attention.layer_norm_rms_epsilon",
                Entry::F32(self.rms_norm_eps),
            ),
            ("attention.key_length", count(self.head_dim)),
            ("attention.value_length", count(self.head_dim)),
            ("rope.dimension_count", count(self.head_dim)),
            ("vocab_size", count(self.vocab_size)),
        ];
        entries.extend(self.rope.as_ref().map(Rope::entries).unwrap_or_default());
        let name = self.architecture.name();
        let entries = entries.into_iter();
        entries
            .map(|(key, value)| (format!("{name}.{key}"), value))
            .collect()
    }
}

/// A number as it was written before it became an f32: 1e-6, not 9.999999974752427e-7.
pub(crate) fn decimal(value: f32) -> Value {
    json!(value.to_string().parse().unwrap_or(f64::from(value)))
}
