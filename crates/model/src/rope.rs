//! Rotary frequencies of a model.

use retort_formats::gguf::Metadata;

use crate::config::HfRope;
use crate::{Config, ModelError};

/// How the plain frequencies `theta^(-2i/d)` are changed for longer contexts.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// All positions divided by `factor` (Chen et al. 2023).
    Linear { factor: f32 },
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, those between blended
    /// (`rope_type = "llama3"` of transformers).
    Llama3 {
        factor: f32,
        low_freq_factor: f32,
        high_freq_factor: f32,
        original_max_position_embeddings: f32,
    },
    /// GGUF's `rope_freqs.weight`: one divisor per frequency, computed by the converter.
    Divisors(Vec<f32>),
}

impl RopeScaling {
    pub(crate) fn from_gguf(
        metadata: &Metadata,
        architecture: &str,
    ) -> Result<Option<Self>, ModelError> {
        let key = format!("{architecture}.rope.scaling.type");
        if metadata.get(&key).is_none() {
            return Ok(None);
        }
        match metadata.str(&key)? {
            "none" => Ok(None),
            "linear" => {
                let factor = metadata.f32(&format!("{architecture}.rope.scaling.factor"))?;
                Ok(Some(Self::Linear { factor }))
            }
            other => Err(ModelError::Unsupported {
                feature: "RoPE scaling",
                got: other.to_string(),
            }),
        }
    }

    pub(crate) fn from_hf(raw: &HfRope) -> Result<Option<Self>, ModelError> {
        let missing = |field: &str| ModelError::Config {
            field: format!("rope_scaling.{field}"),
            expected: "a number".into(),
            got: "nothing".into(),
        };
        let number = |field: &str, value: Option<f32>| value.ok_or_else(|| missing(field));
        let kind = raw.rope_type.as_deref().or(raw.old_type.as_deref());
        match kind.unwrap_or("default") {
            "default" => Ok(None),
            "linear" => Ok(Some(Self::Linear {
                factor: number("factor", raw.factor)?,
            })),
            "llama3" => Ok(Some(Self::Llama3 {
                factor: number("factor", raw.factor)?,
                low_freq_factor: number("low_freq_factor", raw.low_freq_factor)?,
                high_freq_factor: number("high_freq_factor", raw.high_freq_factor)?,
                original_max_position_embeddings: number(
                    "original_max_position_embeddings",
                    raw.original_max_position_embeddings,
                )?,
            })),
            other => Err(ModelError::Unsupported {
                feature: "RoPE scaling",
                got: other.to_string(),
            }),
        }
    }
}

/// Radians per position of each of the head_dim / 2 rotated pairs.
pub fn inverse_frequencies(config: &Config) -> Vec<f32> {
    let d = config.head_dim;
    let plain = (0..d / 2).map(|i| 1.0 / config.rope_theta.powf(2.0 * i as f32 / d as f32));
    match &config.rope_scaling {
        None => plain.collect(),
        Some(RopeScaling::Linear { factor }) => plain.map(|freq| freq / factor).collect(),
        Some(RopeScaling::Divisors(divisors)) => plain
            .zip(divisors)
            .map(|(freq, divisor)| freq / divisor)
            .collect(),
        Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position_embeddings: original,
        }) => plain
            .map(|freq| {
                let wavelength = 2.0 * std::f32::consts::PI / freq;
                if wavelength < original / high {
                    return freq;
                }
                if wavelength > original / low {
                    return freq / factor;
                }
                let smooth = (original / wavelength - low) / (high - low);
                (1.0 - smooth) * freq / factor + smooth * freq
            })
            .collect(),
    }
}
