//! The one error type of this crate: what is wrong, what was expected, what was found, where.

/// Why a vocabulary or a template could not be read, or a text not be encoded or rendered.
///
/// [`TextError::hint`] says what to do about it, where there is something to say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    #[error("tokenizer.json is not valid: {reason}")]
    Json { reason: String },

    #[error("{field} is missing")]
    Missing { field: &'static str },

    #[error("{field} is `{got}`, which is not supported: expected {expected}")]
    Unsupported {
        field: &'static str,
        got: String,
        expected: &'static str,
    },

    #[error("{field} has {got} entries: expected {expected}, as many as there are tokens")]
    Length {
        field: &'static str,
        got: usize,
        expected: usize,
    },

    #[error("{field} is {got}: at most {max} is allowed")]
    Limit {
        field: &'static str,
        got: usize,
        max: usize,
    },

    #[error("token `{token}` appears twice, with ids {first} and {second}")]
    DuplicateToken {
        token: String,
        first: u32,
        second: u32,
    },

    #[error("id {id} is given to two tokens, `{first}` and `{second}`")]
    DuplicateId {
        id: u32,
        first: String,
        second: String,
    },

    #[error("token {id} has the unknown type {got}: expected 1 to 6")]
    TokenType { id: u32, got: i32 },

    #[error("token {id} is of type byte but reads `{token}`: expected `<0x00>` to `<0xFF>`")]
    ByteToken { id: u32, token: String },

    #[error("{field} is {id}, but the ids end at {len}")]
    TokenId {
        field: &'static str,
        id: u32,
        len: usize,
    },

    #[error("merge {index} reads `{text}`: expected two tokens with one space between")]
    Merge { index: usize, text: String },

    #[error("a merge needs the token `{token}`, which the vocabulary lacks")]
    MergeToken { token: String },

    #[error("the pre-tokenizer's pattern `{pattern}` does not compile: {reason}")]
    Pattern { pattern: String, reason: String },

    #[error("the text cannot be split into words: {reason}")]
    Split { reason: String },

    #[error("the text cannot be encoded: {reason}")]
    Encode { reason: String },

    #[error("the chat template does not parse{}: {reason}", line_text(*line))]
    TemplateSyntax { line: Option<usize>, reason: String },

    #[error("the chat template refuses the conversation: {message}")]
    TemplateRaised { message: String },

    #[error("the chat template fails{}: {reason}", line_text(*line))]
    TemplateRender { line: Option<usize>, reason: String },

    #[error("the chat template takes more than {fuel} steps")]
    TemplateSteps { fuel: u64 },

    #[error("the rendered conversation is longer than {max} bytes")]
    TemplateOutput { max: usize },
}

impl TextError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unsupported { field, .. } if field.starts_with("tokenizer.ggml") => {
                Some("only byte-level BPE students (Qwen2, Llama 3, SmolLM, GPT-2) are supported")
            }
            Self::Missing { field } if *field == "tokenizer.ggml.pre" => {
                Some("the file was made by an old converter: convert the model again")
            }
            Self::Length { .. }
            | Self::DuplicateToken { .. }
            | Self::DuplicateId { .. }
            | Self::TokenType { .. }
            | Self::TokenId { .. }
            | Self::Merge { .. }
            | Self::MergeToken { .. }
            | Self::Json { .. } => Some("the file is damaged: compare its SHA-256 with the source"),
            Self::TemplateRaised { .. } => {
                Some("templates state rules, often that user and assistant alternate")
            }
            _ => None,
        }
    }
}

fn line_text(line: Option<usize>) -> String {
    line.map(|line| format!(" at line {line}"))
        .unwrap_or_default()
}

/// Text of a file for a message: it may be long, and is not ours.
pub(crate) fn shown(text: &str) -> String {
    const MAX: usize = 80;
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(shown("ab"), "ab");
        let shown = shown(&"é".repeat(100));
        assert_eq!(shown.chars().count(), 81);
    }
}
