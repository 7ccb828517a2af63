//! What can be wrong with a checkpoint.

use retort_formats::FormatError;
use retort_kernels::KernelError;

/// Why a model could not be configured or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("weights of `{tensor}`")]
    Weights { tensor: String, source: KernelError },
    #[error("cannot read tensor `{tensor}`: {error}")]
    Read {
        tensor: String,
        error: retort_formats::SourceError,
    },
    #[error("architecture `{got}` is not supported: expected qwen2 or llama")]
    Architecture { got: String },
    #[error("{feature} is not supported: {got}")]
    Unsupported { feature: &'static str, got: String },
    #[error("{field} is {got}: expected {expected}")]
    Config {
        field: String,
        expected: String,
        got: String,
    },
    #[error("config.json cannot be read")]
    ConfigJson(#[from] serde_json::Error),
    #[error("tensor `{tensor}` is missing")]
    MissingTensor { tensor: String },
    #[error("tensor `{tensor}` has shape {got:?}: expected {expected:?}")]
    Shape {
        tensor: String,
        expected: Vec<usize>,
        got: Vec<usize>,
    },
}

impl ModelError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format(error) => error.hint(),
            Self::Architecture { .. } => Some(
                "Retort runs Qwen2, Qwen2.5 and Llama 2 to 3.3 models, and the R1 distills of them",
            ),
            Self::MissingTensor { .. } | Self::Shape { .. } | Self::Config { .. } => {
                Some("the file does not match its own configuration: download or convert it again")
            }
            _ => None,
        }
    }
}
