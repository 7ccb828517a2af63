//! A student's shape from and to `config.json`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::rope::RawRope;
use crate::{Architecture, Config, ConfigError, RopeScaling};

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
    /// From Hugging Face's `config.json`.
    ///
    /// # Errors
    /// A field is missing, or names something that the decoder does not have.
    pub fn from_json(json: &Value) -> Result<Self, ConfigError> {
        let refuse = |feature, got: &str| {
            let got = got.to_owned();
            Err(ConfigError::Unsupported { feature, got })
        };
        // Told before a field that another architecture lacks is.
        if let Some(name) = json["model_type"].as_str() {
            Architecture::from_name(name)?;
        }
        let raw = Raw::deserialize(json).map_err(|error| ConfigError::Json { error })?;
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
            num_hidden_layers: raw.num_hidden_layers,
            num_attention_heads: raw.num_attention_heads,
            num_key_value_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim: raw
                .head_dim
                .unwrap_or(raw.hidden_size / raw.num_attention_heads.max(1)),
            rms_norm_eps: raw.rms_norm_eps,
            rope_theta: theta.unwrap_or(10_000.0),
            rope_scaling: rope.map(RopeScaling::from_json).transpose()?.flatten(),
            max_position_embeddings: raw.max_position_embeddings,
            tie_word_embeddings: raw.tie_word_embeddings.unwrap_or(false),
            attention_bias: architecture == Architecture::Qwen2,
        }
        .validate()
    }

    /// The fields of a `config.json` that are the model's shape.
    pub fn to_json(&self) -> Result<Map<String, Value>, ConfigError> {
        let is_llama = self.architecture == Architecture::Llama;
        let class = match is_llama {
            true => "LlamaForCausalLM",
            false => "Qwen2ForCausalLM",
        };
        let rope = self.rope_scaling.as_ref();
        let rope = rope.map(|rope| rope.to_json(self.rope_theta, self.head_dim));
        let mut fields = vec![
            ("architectures", json!([class])),
            ("model_type", json!(self.architecture.name())),
            ("vocab_size", json!(self.vocab_size)),
            ("hidden_size", json!(self.hidden_size)),
            ("intermediate_size", json!(self.intermediate_size)),
            ("num_hidden_layers", json!(self.num_hidden_layers)),
            ("num_attention_heads", json!(self.num_attention_heads)),
            ("num_key_value_heads", json!(self.num_key_value_heads)),
            ("head_dim", json!(self.head_dim)),
            ("hidden_act", json!("silu")),
            (
                "max_position_embeddings",
                json!(self.max_position_embeddings),
            ),
            ("rms_norm_eps", decimal(self.rms_norm_eps)),
            ("rope_theta", decimal(self.rope_theta)),
            ("rope_scaling", rope.transpose()?.unwrap_or(Value::Null)),
            ("tie_word_embeddings", json!(self.tie_word_embeddings)),
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
}

/// A number as it was written before it became an f32: 1e-6, not 9.999999974752427e-7.
pub fn decimal(value: f32) -> Value {
    json!(value.to_string().parse().unwrap_or(f64::from(value)))
}
