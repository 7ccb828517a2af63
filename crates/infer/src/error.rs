//! What can go wrong between a prompt and its reply.

use retort_formats::FormatError;
use retort_model::ModelError;
use retort_text::TextError;

/// Errors of loading and generating.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the folder has no tokenizer.json")]
    NoTokenizer,
    #[error("{file} cannot be read: {error}")]
    Json {
        file: &'static str,
        error: serde_json::Error,
    },
    #[error("the model has no chat template")]
    NoTemplate,
    #[error("the prompt has {tokens} tokens, the context holds {context}")]
    PromptTooLong { tokens: usize, context: usize },
    #[error("the prompt is empty")]
    EmptyPrompt,
    #[error("token id {id} is outside the vocabulary of {vocabulary}")]
    TokenId { id: u32, vocabulary: usize },
    #[error("{field} is {got}: expected {expected}")]
    Sampling {
        field: &'static str,
        expected: &'static str,
        got: f32,
    },
    #[error("the logits hold NaN: the weights or the device are broken")]
    NotFinite,
    #[error("the device failed: {0}")]
    Device(String),
}

impl InferError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::NoTemplate => Some("use `generate` with a raw prompt, or an instruct model"),
            Self::PromptTooLong { .. } => Some("shorten the prompt or load with a longer context"),
            Self::NotFinite => Some("verify the file's SHA-256; on a GPU, try the CPU"),
            Self::Device(_) => Some("reload the engine; the conversation is kept"),
            _ => None,
        }
    }
}
