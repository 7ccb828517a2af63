//! What can be wrong with a checkpoint.

use retort_config::ConfigError;
use retort_formats::FormatError;
use retort_kernels::KernelError;

/// Why a model could not be configured or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("weights of `{tensor}`")]
    Weights { tensor: String, source: KernelError },
    #[error("cannot read tensor `{tensor}`: {error}")]
    Read {
        tensor: String,
        error: retort_formats::SourceError,
    },
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
            Self::Config(error) => error.hint(),
            Self::Format(error) => error.hint(),
            Self::MissingTensor { .. } | Self::Shape { .. } => {
                Some("the file does not match its own configuration: download or convert it again")
            }
            _ => None,
        }
    }
}
