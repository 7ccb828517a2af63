//! The one error type of this crate: what is wrong, what was expected, what was found, where.

use std::error::Error;
use std::path::{Path, PathBuf};

use retort_config::ConfigError;
use retort_formats::{FormatError, GgmlType};
use retort_report::ReportError;
use retort_text::TextError;

/// Why a student could not be exported.
///
/// The message is complete, with the cause where there is one. [`ExportError::hint`] says what to
/// do about it, where there is something to say. After any error nothing lies under the name that
/// was to be written, or the file that lay there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The model is not one of Retort's, or its shape cannot be written in the other format.
    #[error("{0}")]
    Config(#[from] ConfigError),

    /// A GGUF or safetensors file is broken.
    #[error("{0}")]
    Format(#[from] FormatError),

    /// A tokenizer is broken, or of a kind that is not supported.
    #[error("{0}")]
    Text(#[from] TextError),

    /// Something cannot be read or written: a full disk, a name that is taken.
    #[error("{0}")]
    Report(#[from] ReportError),

    #[error("`{}` is missing", path.display())]
    MissingFile { path: PathBuf },

    #[error("`{}` has {got} bytes: at most {max} are allowed", path.display())]
    TooLarge { path: PathBuf, got: u64, max: u64 },

    #[error("{file} cannot be used: {error}")]
    Json {
        file: &'static str,
        error: serde_json::Error,
    },

    #[error("{feature} is {got}, which is not supported")]
    Unsupported { feature: &'static str, got: String },

    /// No name of `tokenizer.ggml.pre` stands for what a `tokenizer.json` does.
    #[error("no GGUF pre-tokenizer splits text like this tokenizer.json: {got}")]
    PreTokenizer { got: String },

    #[error("the tokenizer has {tokens} tokens, but the embedding has {rows} rows")]
    Vocabulary { tokens: usize, rows: usize },

    #[error("the tokenizer written would read {text:?} as {got:?}: expected {expected:?}")]
    TokenizerDiffers {
        text: String,
        expected: Vec<u32>,
        got: Vec<u32>,
    },

    #[error("the weights lack the tensor `{tensor}`")]
    MissingTensor { tensor: String },

    #[error("the weights hold the tensor `{tensor}`, which the model does not have")]
    UnexpectedTensor { tensor: String },

    #[error("the weights hold the tensor `{tensor}` twice")]
    DuplicateTensor { tensor: String },

    #[error("tensor `{tensor}` has the shape {got:?}: expected {expected:?}")]
    Shape {
        tensor: String,
        expected: Vec<usize>,
        got: Vec<usize>,
    },

    #[error("tensor `{tensor}` was read as {got} values: expected {expected}")]
    Length {
        tensor: String,
        expected: usize,
        got: usize,
    },

    #[error("tensor `{tensor}` cannot be read: {error}")]
    Read {
        tensor: String,
        error: Box<dyn Error + Send + Sync>,
    },

    #[error("value {index} of tensor `{tensor}` is {value}: expected a finite number")]
    NotFinite {
        tensor: String,
        index: usize,
        value: f32,
    },

    #[error("value {index} of tensor `{tensor}` is {value}: it cannot be stored as {ty}")]
    Unrepresentable {
        tensor: String,
        index: usize,
        value: f32,
        ty: GgmlType,
    },

    #[error("the provenance key `{key}` is not allowed: expected a-z, 0-9, `_`, `-` and `.`")]
    ProvenanceKey { key: String },
}

impl ExportError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Config(error) => return error.hint(),
            Self::Format(error) => return error.hint(),
            Self::Report(error) => return error.hint(),
            Self::Text(error) => return error.hint(),
            Self::MissingFile { .. } => {
                "expected a .gguf file, or a folder with config.json and tokenizer.json"
            }
            Self::PreTokenizer { .. } => {
                "known are those of qwen2, llama-bpe, smollm, gpt-2 and default; export a Hugging \
                 Face folder instead"
            }
            Self::Vocabulary { .. } => "the tokenizer belongs to another model",
            Self::TokenizerDiffers { .. } => {
                "the file's tokenizer cannot be expressed in the other format; export the format \
                 that the base model came in"
            }
            Self::UnexpectedTensor { tensor } if tensor == "lm_head.weight" => {
                "config.json says tie_word_embeddings: leave the tensor out, or train from a base \
                 whose output is its own table"
            }
            Self::NotFinite { .. } => "the training diverged: export an earlier checkpoint",
            Self::Unrepresentable {
                ty: GgmlType::F16, ..
            } => "the value is over 65,504: export bf16, f32 or Q8_0",
            _ => return None,
        })
    }

    /// The error of writing to `path`: where the disk gave no room, or failed, that is what it says.
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Format(FormatError::Write { error } | FormatError::Io { error, .. }) => {
                ReportError::io("write", path, error).into()
            }
            other => other,
        }
    }
}
