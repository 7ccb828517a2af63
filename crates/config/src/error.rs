//! Why something is no student.

use retort_formats::FormatError;

use crate::gguf::SPLIT;

/// Why a configuration cannot be used, or cannot be written in the other format.
///
/// The message is complete, with the cause where there is one. [`ConfigError::hint`] says what to
/// do about it, where there is something to say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The metadata of a GGUF file lack an entry, or have it in another type.
    #[error("{0}")]
    Format(#[from] FormatError),

    #[error("config.json cannot be used: {error}")]
    Json { error: serde_json::Error },

    #[error("the architecture `{got}` is not supported: expected qwen2 or llama")]
    Architecture { got: String },

    #[error("{feature} is {got}, which is not supported")]
    Unsupported { feature: &'static str, got: String },

    #[error("{field} is {got}: expected {expected}")]
    Field {
        field: String,
        expected: String,
        got: String,
    },

    /// The rotary divisors of a GGUF file follow no scaling that `config.json` can state.
    #[error("rope_freqs.weight follows no scaling of transformers: {got:?}")]
    RopeDivisors { got: Vec<f32> },
}

impl ConfigError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format(error) => error.hint(),
            Self::Architecture { .. } => Some(
                "Retort runs Qwen2, Qwen2.5 and Llama 2 to 3.3 models, and the R1 distills of them",
            ),
            Self::Field { .. } => {
                Some("the file does not match its own configuration: download or convert it again")
            }
            Self::RopeDivisors { .. } => {
                Some("export GGUF instead, or start from the model's Hugging Face folder")
            }
            Self::Unsupported { feature: SPLIT, .. } => {
                Some("join the parts first, with llama.cpp's llama-gguf-split --merge")
            }
            Self::Json { .. } | Self::Unsupported { .. } => None,
        }
    }
}
