//! Hyper-parameters of a decoder, with the field names of Hugging Face's `config.json`.

use crate::{ConfigError, RopeScaling};

/// The two families, which differ in the bias of q, k and v and in how a GGUF file orders the
/// rows of q and k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Qwen2,
    Llama,
}

impl Architecture {
    /// `general.architecture` of GGUF and `model_type` of Hugging Face are the same word here.
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        match name {
            "qwen2" => Ok(Self::Qwen2),
            "llama" => Ok(Self::Llama),
            _ => Err(ConfigError::Architecture { got: name.into() }),
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

    /// Refuses shapes that no decoder has, before anything is allocated by them.
    pub(crate) fn validate(self) -> Result<Self, ConfigError> {
        let wrong = |field: &str, expected: String, got: String| ConfigError::Field {
            field: field.into(),
            expected,
            got,
        };
        for (field, got, max) in [
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
        ] {
            if got == 0 || got > max {
                return Err(wrong(field, format!("1 to {max}"), got.to_string()));
            }
        }
        let (heads, kv_heads) = (self.num_attention_heads, self.num_key_value_heads);
        if !heads.is_multiple_of(kv_heads) {
            let expected = format!("a multiple of {kv_heads}");
            return Err(wrong("num_attention_heads", expected, heads.to_string()));
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
}
