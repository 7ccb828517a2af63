//! Rotary frequencies, and their changes for longer contexts, as each format states them.

use std::f32::consts::PI;

use retort_formats::gguf::{Metadata, Value as Entry};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Config, ConfigError, decimal};

/// How the plain frequencies `theta^(-2i/d)` are changed.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// All positions divided by `factor` (Chen et al. 2023).
    Linear { factor: f32 },
    /// Long wavelengths divided by `factor`, short ones kept, those between blended.
    Llama3(Llama3),
    /// The divisors themselves, as the tensor `rope_freqs.weight` of a GGUF file states them.
    Divisors(Vec<f32>),
}

/// `rope_type` `llama3` of transformers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3 {
    pub factor: f32,
    pub low_freq_factor: f32,
    pub high_freq_factor: f32,
    pub original_max_position_embeddings: usize,
}

impl Llama3 {
    /// What each of the `head_dim / 2` frequencies is divided by (transformers,
    /// `modeling_rope_utils.py`).
    fn divisors(&self, theta: f32, head_dim: usize) -> Vec<f32> {
        let (low, high) = (self.low_freq_factor, self.high_freq_factor);
        let original = self.original_max_position_embeddings as f32;
        let divisor = |frequency: f32| {
            let wavelength = 2.0 * PI / frequency;
            if wavelength < original / high {
                return 1.0;
            }
            if wavelength > original / low {
                return self.factor;
            }
            let smooth = (original / wavelength - low) / (high - low);
            1.0 / ((1.0 - smooth) / self.factor + smooth)
        };
        plain(theta, head_dim).map(divisor).collect()
    }

    /// The scaling that gives these divisors: they hold only the ratios of its numbers, and all
    /// published models have frequency factors of 1 and 4 and a context that is a power of two.
    fn from_divisors(divisors: &[f32], theta: f32, head_dim: usize) -> Option<Self> {
        // The last frequency is the lowest: its wavelength is past the original context.
        let factor = *divisors.last()?;
        let near = |a: f32, b: f32| (a - b).abs() <= 1e-3 * b.abs();
        (4..=24)
            .map(|power| Self {
                factor,
                low_freq_factor: 1.0,
                high_freq_factor: 4.0,
                original_max_position_embeddings: 1 << power,
            })
            .find(|scaling| {
                let all = scaling.divisors(theta, head_dim);
                all.len() == divisors.len() && all.iter().zip(divisors).all(|(&a, &b)| near(a, b))
            })
    }
}

/// `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5) of `config.json`.
#[derive(Deserialize)]
pub(crate) struct RawRope {
    rope_type: Option<String>,
    /// Older files say `type`.
    #[serde(rename = "type")]
    old_type: Option<String>,
    pub rope_theta: Option<f32>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<usize>,
}

impl RopeScaling {
    pub(crate) fn from_json(raw: &RawRope) -> Result<Option<Self>, ConfigError> {
        fn number<T>(field: &str, value: Option<T>) -> Result<T, ConfigError> {
            value.ok_or_else(|| ConfigError::Field {
                field: format!("rope_scaling.{field}"),
                expected: "a number".into(),
                got: "missing".into(),
            })
        }
        let kind = raw.rope_type.as_deref().or(raw.old_type.as_deref());
        Ok(match kind.unwrap_or("default") {
            "default" => None,
            "linear" => Some(Self::Linear {
                factor: number("factor", raw.factor)?,
            }),
            "llama3" => Some(Self::Llama3(Llama3 {
                factor: number("factor", raw.factor)?,
                low_freq_factor: number("low_freq_factor", raw.low_freq_factor)?,
                high_freq_factor: number("high_freq_factor", raw.high_freq_factor)?,
                original_max_position_embeddings: number(
                    "original_max_position_embeddings",
                    raw.original_max_position_embeddings,
                )?,
            })),
            other => return Err(unsupported(other)),
        })
    }

    pub(crate) fn from_gguf(
        metadata: &Metadata,
        architecture: &str,
    ) -> Result<Option<Self>, ConfigError> {
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
            other => Err(unsupported(other)),
        }
    }

    /// `rope_scaling`, in the words that both transformers 4 and 5 read.
    pub(crate) fn to_json(&self, theta: f32, head_dim: usize) -> Result<Value, ConfigError> {
        let scaling = match self {
            Self::Linear { factor } => {
                return Ok(json!({"rope_type": "linear", "factor": decimal(*factor)}));
            }
            Self::Llama3(scaling) => *scaling,
            Self::Divisors(divisors) => Llama3::from_divisors(divisors, theta, head_dim)
                .ok_or_else(|| ConfigError::RopeDivisors {
                    got: divisors.clone(),
                })?,
        };
        Ok(json!({
            "rope_type": "llama3",
            "factor": decimal(scaling.factor),
            "low_freq_factor": decimal(scaling.low_freq_factor),
            "high_freq_factor": decimal(scaling.high_freq_factor),
            "original_max_position_embeddings": scaling.original_max_position_embeddings,
        }))
    }

    /// Metadata entries under the architecture's name, for a scaling that llama.cpp computes.
    pub(crate) fn entries(&self) -> Vec<(&'static str, Entry)> {
        match self {
            Self::Linear { factor } => vec![
                ("rope.scaling.type", Entry::String("linear".into())),
                ("rope.scaling.factor", Entry::F32(*factor)),
            ],
            Self::Llama3(_) | Self::Divisors(_) => Vec::new(),
        }
    }
}

impl Config {
    /// Radians per position of each of the head_dim / 2 rotated pairs.
    pub fn inverse_frequencies(&self) -> Vec<f32> {
        let plain = plain(self.rope_theta, self.head_dim);
        match (&self.rope_scaling, self.rope_divisors()) {
            (_, Some(divisors)) => plain
                .zip(divisors)
                .map(|(f, divisor)| f / divisor)
                .collect(),
            (Some(RopeScaling::Linear { factor }), None) => plain.map(|f| f / factor).collect(),
            (_, None) => plain.collect(),
        }
    }

    /// The content of [`crate::ROPE_FREQS`], for a scaling that llama.cpp is told by it.
    pub fn rope_divisors(&self) -> Option<Vec<f32>> {
        match self.rope_scaling.as_ref()? {
            RopeScaling::Linear { .. } => None,
            RopeScaling::Llama3(scaling) => Some(scaling.divisors(self.rope_theta, self.head_dim)),
            RopeScaling::Divisors(divisors) => Some(divisors.clone()),
        }
    }
}

/// The frequencies without any scaling (Su et al. 2021, section 3.2.2).
fn plain(theta: f32, head_dim: usize) -> impl Iterator<Item = f32> {
    (0..head_dim / 2).map(move |i| 1.0 / theta.powf(2.0 * i as f32 / head_dim as f32))
}

fn unsupported(got: &str) -> ConfigError {
    ConfigError::Unsupported {
        feature: "RoPE scaling",
        got: got.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaling_is_recovered_from_its_divisors() {
        for (theta, head_dim, factor, original) in [
            (500_000.0, 128, 8.0, 8192),
            (500_000.0, 64, 32.0, 8192),
            (500.0, 8, 8.0, 64),
        ] {
            let scaling = Llama3 {
                factor,
                low_freq_factor: 1.0,
                high_freq_factor: 4.0,
                original_max_position_embeddings: original,
            };
            let divisors = scaling.divisors(theta, head_dim);
            assert_eq!(divisors[0], 1.0);
            assert!(
                divisors
                    .iter()
                    .any(|&divisor| divisor > 1.0 && divisor < factor)
            );
            let found = Llama3::from_divisors(&divisors, theta, head_dim);
            assert_eq!(found, Some(scaling));
        }
    }

    #[test]
    fn other_divisors_are_refused() {
        let divisors = vec![1.0, 1.7, 2.0, 8.0];
        let rope = RopeScaling::Divisors(divisors);
        let error = rope.to_json(10_000.0, 8).unwrap_err();
        assert!(matches!(error, ConfigError::RopeDivisors { .. }), "{error}");
    }
}
