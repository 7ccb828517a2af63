//! Hyper-parameters of a decoder, with the field names of Hugging Face's `config.json`.

use retort_formats::gguf::Metadata;
use serde::Deserialize;

use crate::ModelError;
use crate::rope::RopeScaling;

/// The two families, which differ in the bias of q, k and v and in how a GGUF file orders the
/// rows of q and k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Qwen2,
    Llama,
}

impl Architecture {
    /// `general.architecture` of GGUF and `model_type` of Hugging Face are the same word here.
    pub fn from_name(name: &str) -> Result<Self, ModelError> {
        match name {
            "qwen2" => Ok(Self::Qwen2),
            "llama" => Ok(Self::Llama),
            _ => Err(ModelError::Architecture { got: name.into() }),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Llama => "llama",
        }
    }
}

/// A decoder's shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub architecture: Architecture,
    /// Rows of the embedding, padding included (Qwen2.5: 151,936 or 152,064 for 151,665 tokens).
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
    pub rms_norm_eps: f32,
    pub rope_theta: f32,
    pub rope_scaling: Option<RopeScaling>,
    /// Positions that the model was trained for.
    pub max_position_embeddings: usize,
    /// The output projection is the embedding table.
    pub tie_word_embeddings: bool,
    /// q, k and v have a bias.
    pub attention_bias: bool,
}

impl Config {
    /// Number of weights, counted as published: norms and biases too, a tied table once.
    pub fn parameters(&self) -> u64 {
        let (d, f) = (self.hidden_size as u64, self.intermediate_size as u64);
        let (q, kv) = (self.q_width() as u64, self.kv_width() as u64);
        let bias = if self.attention_bias { q + 2 * kv } else { 0 };
        let block = d * (q + 2 * kv) + bias + q * d + 3 * d * f + 2 * d;
        let tables = if self.tie_word_embeddings { 1 } else { 2 };
        self.num_hidden_layers as u64 * block + tables * d * self.vocab_size as u64 + d
    }

    /// Width of all query heads together.
    pub fn q_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub fn kv_width(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// Bytes of the KV cache for `context` tokens of `element_bytes` each.
    pub fn kv_cache_bytes(&self, context: usize, element_bytes: usize) -> u64 {
        let token = 2 * self.num_hidden_layers * self.kv_width() * element_bytes;
        token as u64 * context as u64
    }

    /// From the metadata of a GGUF file. `vocab_size` and `tie_word_embeddings` come from its
    /// tensor table, as llama.cpp takes them.
    pub fn from_gguf(
        metadata: &Metadata,
        vocab_size: usize,
        tied: bool,
    ) -> Result<Self, ModelError> {
        let architecture = Architecture::from_name(metadata.str("general.architecture")?)?;
        let name = architecture.name();
        let key = |suffix: &str| format!("{name}.{suffix}");
        let size = |suffix: &str| metadata.u32(&key(suffix)).map(|value| value as usize);
        let hidden_size = size("embedding_length")?;
        let heads = size("attention.head_count")?;
        let optional = |suffix: &str, default: usize| {
            if metadata.get(&key(suffix)).is_some() {
                size(suffix)
            } else {
                Ok(default)
            }
        };
        let kv_heads = optional("attention.head_count_kv", heads)?;
        let head_dim = optional("attention.key_length", hidden_size / heads.max(1))?;
        let rope_theta = match metadata.get(&key("rope.freq_base")) {
            Some(_) => metadata.f32(&key("rope.freq_base"))?,
            None => 10_000.0,
        };
        let rope_dim = optional("rope.dimension_count", head_dim)?;
        if rope_dim != head_dim {
            let got = format!("{rope_dim} of {head_dim}");
            return Err(ModelError::Unsupported {
                feature: "partial rotation",
                got,
            });
        }
        if optional("expert_count", 0)? != 0 {
            let got = format!("{} experts", optional("expert_count", 0)?);
            return Err(ModelError::Unsupported {
                feature: "mixture of experts",
                got,
            });
        }
        let config = Self {
            architecture,
            vocab_size,
            hidden_size,
            intermediate_size: size("feed_forward_length")?,
            num_hidden_layers: size("block_count")?,
            num_attention_heads: heads,
            num_key_value_heads: kv_heads,
            head_dim,
            rms_norm_eps: metadata.f32(&key("attention.layer_norm_rms_epsilon"))?,
            rope_theta,
            rope_scaling: RopeScaling::from_gguf(metadata, name)?,
            max_position_embeddings: size("context_length")?,
            tie_word_embeddings: tied,
            attention_bias: architecture == Architecture::Qwen2,
        };
        config.validate()
    }

    /// From a Hugging Face `config.json`.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ModelError> {
        let raw = HfConfig::deserialize(json)?;
        let architecture = Architecture::from_name(&raw.model_type)?;
        if raw.use_sliding_window {
            let got = "use_sliding_window = true".into();
            return Err(ModelError::Unsupported {
                feature: "sliding-window attention",
                got,
            });
        }
        if raw.hidden_act != "silu" {
            return Err(ModelError::Unsupported {
                feature: "hidden_act",
                got: raw.hidden_act,
            });
        }
        if raw.mlp_bias || (raw.attention_bias && architecture == Architecture::Llama) {
            let got = "attention_bias or mlp_bias of a llama model".into();
            return Err(ModelError::Unsupported {
                feature: "bias",
                got,
            });
        }
        // transformers 5 writes the rotary settings into one object, `rope_parameters`.
        let rope = raw.rope_parameters.as_ref().or(raw.rope_scaling.as_ref());
        let theta = raw.rope_theta.or(rope.and_then(|rope| rope.rope_theta));
        let config = Self {
            architecture,
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            num_hidden_layers: raw.num_hidden_layers,
            num_attention_heads: raw.num_attention_heads,
            num_key_value_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim: raw
                .head_dim
                .unwrap_or(raw.hidden_size / raw.num_attention_heads.max(1)),
            rms_norm_eps: raw.rms_norm_eps,
            rope_theta: theta.unwrap_or(10_000.0),
            rope_scaling: rope.map(RopeScaling::from_hf).transpose()?.flatten(),
            max_position_embeddings: raw.max_position_embeddings,
            tie_word_embeddings: raw.tie_word_embeddings,
            attention_bias: architecture == Architecture::Qwen2,
        };
        config.validate()
    }

    /// Refuses shapes that no decoder has, before anything is allocated by them.
    fn validate(self) -> Result<Self, ModelError> {
        let wrong = |field: &str, expected: &str, got: usize| ModelError::Config {
            field: field.into(),
            expected: expected.into(),
            got: got.to_string(),
        };
        let bounds = [
            ("vocab_size", self.vocab_size, 1 << 24),
            ("hidden_size", self.hidden_size, 1 << 20),
            ("intermediate_size", self.intermediate_size, 1 << 22),
            ("num_hidden_layers", self.num_hidden_layers, 1 << 12),
            ("num_attention_heads", self.num_attention_heads, 1 << 12),
            ("num_key_value_heads", self.num_key_value_heads, 1 << 12),
            ("head_dim", self.head_dim, 1 << 12),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                1 << 30,
            ),
        ];
        for (field, got, max) in bounds {
            if got == 0 || got > max {
                return Err(wrong(field, &format!("1 to {max}"), got));
            }
        }
        if !self
            .num_attention_heads
            .is_multiple_of(self.num_key_value_heads)
        {
            let expected = format!("a multiple of {}", self.num_key_value_heads);
            return Err(wrong(
                "num_attention_heads",
                &expected,
                self.num_attention_heads,
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(wrong("head_dim", "an even number", self.head_dim));
        }
        let positive = |value: f32| value.is_finite() && value > 0.0;
        if !positive(self.rms_norm_eps) || !positive(self.rope_theta) {
            return Err(ModelError::Config {
                field: "rms_norm_eps or rope_theta".into(),
                expected: "positive numbers".into(),
                got: format!("{} and {}", self.rms_norm_eps, self.rope_theta),
            });
        }
        Ok(self)
    }
}

/// The fields of `config.json` that matter here.
#[derive(Deserialize)]
struct HfConfig {
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
    rope_scaling: Option<HfRope>,
    rope_parameters: Option<HfRope>,
    max_position_embeddings: usize,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    use_sliding_window: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "silu")]
    hidden_act: String,
}

fn silu() -> String {
    "silu".into()
}

/// `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5).
#[derive(Deserialize)]
pub(crate) struct HfRope {
    pub rope_type: Option<String>,
    /// Older files say `type`.
    #[serde(rename = "type")]
    pub old_type: Option<String>,
    pub rope_theta: Option<f32>,
    pub factor: Option<f32>,
    pub low_freq_factor: Option<f32>,
    pub high_freq_factor: Option<f32>,
    pub original_max_position_embeddings: Option<f32>,
}
