//! The text side of a GGUF header: tokenizer, chat template, the tokens that end a turn.

use retort_formats::gguf::{Array, Header, Metadata, Value};
use retort_text::{ChatTemplate, GgufVocab, SpecialNames, Tokenizer};

use crate::InferError;

/// Everything between text and token ids.
pub struct Text {
    pub tokenizer: Tokenizer,
    /// None for a base model.
    pub template: Option<ChatTemplate>,
    /// The template as the model states it.
    pub template_source: Option<String>,
    /// What a template may ask for.
    pub names: SpecialNames,
    /// Ids that end a reply.
    pub stop_ids: Vec<u32>,
    /// Whether the model writes its reasoning in a `<think>` block.
    pub reasons: bool,
}

/// Tokens that end a turn, by name: files often state only one of several.
pub(crate) const END_OF_TURN: [&str; 9] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
];

/// Which of a vocabulary's tokens of those names end a reply. gpt-oss ends each channel of a reply
/// with `<|end|>`, and the reply with `<|return|>`.
pub(crate) fn ends_of_reply(found: &[(u32, &str)]) -> impl Iterator<Item = u32> {
    let channels = found.iter().any(|(_, name)| *name == "<|return|>");
    let ends = move |name: &str| !(channels && name == "<|end|>");
    let found = found.iter().filter(move |(_, name)| ends(name));
    found.map(|(id, _)| *id)
}

/// Token type of a control token in GGUF.
const CONTROL: i32 = 3;

impl Text {
    /// Moves the tokenizer's arrays out of the header, which is megabytes lighter after. No
    /// weights are needed: a file cut off after its header will do.
    pub fn from_gguf(header: &mut Header) -> Result<Self, InferError> {
        let metadata = &mut header.metadata;
        let source = template_source(metadata)?;
        let names = special_names(metadata)?;
        let template = match &source {
            Some(source) => Some(ChatTemplate::new(source, names.clone())?),
            None => None,
        };
        let mut stop_ids = Vec::new();
        for key in ["eos_token_id", "eot_token_id", "eom_token_id"] {
            stop_ids.extend(optional_id(metadata, key)?);
        }
        let vocab = vocab(metadata)?;
        let named: Vec<(u32, &str)> = (0..)
            .zip(vocab.tokens.iter().map(String::as_str))
            .filter(|(id, token)| {
                let control = vocab.token_types.get(*id as usize) == Some(&CONTROL);
                control && END_OF_TURN.contains(token)
            })
            .collect();
        stop_ids.extend(ends_of_reply(&named));
        stop_ids.sort_unstable();
        stop_ids.dedup();
        let tokenizer = Tokenizer::from_gguf(vocab)?;
        let reasons = reasons(&tokenizer, source.as_deref());
        Ok(Self {
            tokenizer,
            template,
            template_source: source,
            names,
            stop_ids,
            reasons,
        })
    }

    /// The same with another chat template.
    ///
    /// # Errors
    /// It is no template.
    pub fn with_template(mut self, source: &str) -> Result<Self, InferError> {
        self.template = Some(ChatTemplate::new(source, self.names.clone())?);
        self.reasons = reasons(&self.tokenizer, Some(source));
        self.template_source = Some(source.into());
        Ok(self)
    }
}

fn vocab(metadata: &mut Metadata) -> Result<GgufVocab, InferError> {
    let model = metadata.str("tokenizer.ggml.model")?.to_string();
    let pre = match metadata.get("tokenizer.ggml.pre") {
        Some(_) => Some(metadata.str("tokenizer.ggml.pre")?.to_string()),
        None => None,
    };
    let add_bos = match metadata.get("tokenizer.ggml.add_bos_token") {
        Some(_) => Some(metadata.bool("tokenizer.ggml.add_bos_token")?),
        None => None,
    };
    // Checked first, so that a wrong type is reported rather than taken for an empty list.
    metadata.strings("tokenizer.ggml.tokens")?;
    let tokens = take_strings(metadata, "tokenizer.ggml.tokens");
    let token_types = match metadata.get("tokenizer.ggml.token_type") {
        Some(_) => metadata.i32s("tokenizer.ggml.token_type")?.to_vec(),
        None => Vec::new(),
    };
    if metadata.get("tokenizer.ggml.merges").is_some() {
        metadata.strings("tokenizer.ggml.merges")?;
    }
    let merges = take_strings(metadata, "tokenizer.ggml.merges");
    let (bos, eos) = (
        optional_id(metadata, "bos_token_id")?,
        optional_id(metadata, "eos_token_id")?,
    );
    Ok(GgufVocab {
        model,
        pre,
        tokens,
        token_types,
        merges,
        bos,
        eos,
        add_bos,
    })
}

fn take_strings(metadata: &mut Metadata, key: &str) -> Vec<String> {
    match metadata.take(key) {
        Some(Value::Array(Array::String(strings))) => strings,
        _ => Vec::new(),
    }
}

fn optional_id(metadata: &Metadata, key: &str) -> Result<Option<u32>, InferError> {
    let key = format!("tokenizer.ggml.{key}");
    match metadata.get(&key) {
        Some(_) => Ok(Some(metadata.u32(&key)?)),
        None => Ok(None),
    }
}

fn template_source(metadata: &Metadata) -> Result<Option<String>, InferError> {
    match metadata.get("tokenizer.chat_template") {
        Some(_) => Ok(Some(metadata.str("tokenizer.chat_template")?.to_string())),
        None => Ok(None),
    }
}

fn special_names(metadata: &Metadata) -> Result<SpecialNames, InferError> {
    let token = |key: &str| -> Result<String, InferError> {
        let Some(id) = optional_id(metadata, key)? else {
            return Ok(String::new());
        };
        let tokens = metadata.strings("tokenizer.ggml.tokens")?;
        Ok(tokens.get(id as usize).cloned().unwrap_or_default())
    };
    Ok(SpecialNames {
        bos_token: token("bos_token_id")?,
        eos_token: token("eos_token_id")?,
    })
}

/// A reasoner has the tag in its vocabulary, or its template speaks of it.
pub(crate) fn reasons(tokenizer: &Tokenizer, template: Option<&str>) -> bool {
    template.is_some_and(|source| source.contains("<think>"))
        || tokenizer.id_of("<think>").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_ends_no_reply() {
        let ends = |names: &[(u32, &str)]| ends_of_reply(names).collect::<Vec<_>>();
        assert_eq!(ends(&[(3, "<|end|>"), (4, "</s>")]), [3, 4]);
        assert_eq!(ends(&[(3, "<|end|>"), (4, "<|return|>")]), [4]);
    }
}
