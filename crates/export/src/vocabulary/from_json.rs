//! GGUF metadata out of `tokenizer.json` and its companions.

use std::collections::HashMap;

use retort_formats::gguf::{Array, Metadata, Value as Entry};
use retort_text::{GgufVocab, Tokenizer};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CONTROL, NORMAL, UNUSED, USER_DEFINED, check_same, padding, pre_tokenizer};
use crate::base::HuggingFaceFiles;
use crate::{ExportError, base::parse};

/// What a `tokenizer.json` states, once [`Tokenizer::from_json`] has found it sound.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    pre_tokenizer: Value,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    ignore_merges: bool,
    unk_token: Option<String>,
}

/// `["a", "b"]`, or `"a b"` in older files.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

/// The companions of a `tokenizer.json`, parsed.
pub(crate) struct JsonText {
    tokenizer_config: Value,
    generation_config: Value,
    config: Value,
    pub chat_template: Option<String>,
}

impl JsonText {
    pub fn new(files: &HuggingFaceFiles) -> Result<Self, ExportError> {
        let tokenizer_config: Value =
            parse("tokenizer_config.json", files.tokenizer_config.as_deref())?;
        let generation_config =
            parse("generation_config.json", files.generation_config.as_deref())?;
        let template = files.chat_template.clone();
        let template = template.or_else(|| config_template(&tokenizer_config["chat_template"]));
        Ok(Self {
            tokenizer_config,
            generation_config,
            config: files.config.clone(),
            chat_template: template,
        })
    }

    /// A special token's id: by the name in `tokenizer_config.json`, or else (and there may be
    /// several) the first that one of the other files states.
    fn id(&self, role: &str, tokenizer: &Tokenizer) -> Option<u32> {
        let named = &self.tokenizer_config[format!("{role}_token")];
        let named = named.as_str().or(named["content"].as_str());
        let key = format!("{role}_token_id");
        let stated = [&self.config[&key], &self.generation_config[&key]];
        let stated = stated.into_iter().find_map(|value| {
            let first = value.as_array().and_then(|ids| ids.first());
            first.unwrap_or(value).as_u64()
        });
        named
            .and_then(|token| tokenizer.id_of(token))
            .or_else(|| stated.and_then(|id| u32::try_from(id).ok()))
    }

    /// A plain `tokenizer_config.json`, for a folder without one.
    pub fn plain_tokenizer_config(&self, tokenizer: &Tokenizer, context: usize) -> Value {
        let mut config = Map::new();
        for role in ["bos", "eos", "pad"] {
            let id = self.id(role, tokenizer);
            let bytes = id.and_then(|id| tokenizer.token_bytes(id));
            if let Some(token) = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
                config.insert(format!("{role}_token"), json!(token));
            }
        }
        config.insert("clean_up_tokenization_spaces".into(), json!(false));
        config.insert("model_max_length".into(), json!(context));
        config.insert("tokenizer_class".into(), json!("PreTrainedTokenizerFast"));
        if let Some(template) = &self.chat_template {
            config.insert("chat_template".into(), json!(template));
        }
        Value::Object(config)
    }

    /// A plain `generation_config.json`, for a folder without one.
    pub fn plain_generation_config(&self) -> Value {
        let keys = ["bos_token_id", "eos_token_id", "pad_token_id"];
        let ids = keys.into_iter().filter_map(|key| {
            let id = &self.config[key];
            (!id.is_null()).then(|| (key.to_owned(), id.clone()))
        });
        Value::Object(ids.collect())
    }
}

/// `chat_template` of a `tokenizer_config.json`: a text, or several of which one is the default.
fn config_template(value: &Value) -> Option<String> {
    let named = value.as_array().and_then(|templates| {
        let default = templates.iter().find(|entry| entry["name"] == "default");
        default.map(|entry| &entry["template"])
    });
    named.unwrap_or(value).as_str().map(str::to_owned)
}

/// Adds the `tokenizer.*` entries: the tokens, padded to the embedding's `rows` with tokens that
/// are never text.
///
/// # Errors
/// [`ExportError::Text`] for a broken tokenizer, [`ExportError::PreTokenizer`] for one that no
/// name of GGUF means, [`ExportError::Vocabulary`] for one of more tokens than there are rows,
/// [`ExportError::TokenizerDiffers`] where the check of the result fails.
pub(crate) fn add_to_metadata(
    files: &HuggingFaceFiles,
    rows: usize,
    metadata: &mut Metadata,
) -> Result<(), ExportError> {
    let original = Tokenizer::from_json(&files.tokenizer)?;
    let text = JsonText::new(files)?;
    let file: File = parse("tokenizer.json", Some(&files.tokenizer))?;
    let pre = pre_tokenizer::name(&file.pre_tokenizer, file.model.ignore_merges)?;
    let (tokens, token_types) = tokens(&file, rows)?;
    // The words of DeepSeek's students are Qwen2's, under a name of their own.
    let is_deepseek = original.id_of("<｜begin▁of▁sentence｜>").is_some();
    let pre = match pre {
        "qwen2" if is_deepseek => "deepseek-r1-qwen",
        other => other,
    };
    let adds_bos = original.adds_bos() || text.tokenizer_config["add_bos_token"] == true;
    let bos = original.bos().or_else(|| text.id("bos", &original));
    let eos = text.id("eos", &original);
    let unknown = file.model.unk_token.as_deref();
    let unknown = unknown.and_then(|token| original.id_of(token));
    let in_range = |id: &u32| (*id as usize) < rows;
    let merges = file.model.merges.into_iter().map(|merge| match merge {
        Merge::Joined(text) => text,
        Merge::Pair(left, right) => format!("{left} {right}"),
    });
    let vocab = GgufVocab {
        model: "gpt2".into(),
        pre: Some(pre.to_owned()),
        tokens,
        token_types,
        merges: merges.collect(),
        bos: bos.filter(in_range),
        eos: eos.filter(in_range),
        add_bos: Some(adds_bos && bos.is_some()),
    };
    let written = Tokenizer::from_gguf(vocab.clone())?;
    check_same(&original, &written, unknown)?;

    let string = |text: &str| Entry::String(text.to_owned());
    let id = |id: Option<u32>| id.filter(in_range).map(Entry::U32);
    let pad = text.id("pad", &original);
    let unknown = unknown.or_else(|| text.id("unk", &original));
    for (key, value) in [
        ("model", Some(string(&vocab.model))),
        ("pre", Some(string(pre))),
        ("tokens", Some(Entry::Array(Array::String(vocab.tokens)))),
        (
            "token_type",
            Some(Entry::Array(Array::I32(vocab.token_types))),
        ),
        ("merges", Some(Entry::Array(Array::String(vocab.merges)))),
        ("bos_token_id", id(vocab.bos)),
        ("eos_token_id", id(vocab.eos)),
        ("unknown_token_id", id(unknown)),
        ("padding_token_id", id(pad)),
        ("add_bos_token", vocab.add_bos.map(Entry::Bool)),
    ] {
        if let Some(value) = value {
            metadata.set(format!("tokenizer.ggml.{key}"), value);
        }
    }
    if let Some(template) = &text.chat_template {
        metadata.set("tokenizer.chat_template", string(template));
    }
    Ok(())
}

/// Text and type of every row.
fn tokens(file: &File, rows: usize) -> Result<(Vec<String>, Vec<i32>), ExportError> {
    let added = file.added_tokens.iter();
    let ids = file.model.vocab.values().copied();
    let last = ids.chain(added.clone().map(|token| token.id)).max();
    let count = last.map_or(0, |last| last as usize + 1);
    if count > rows {
        return Err(ExportError::Vocabulary {
            tokens: count,
            rows,
        });
    }
    let mut tokens: Vec<String> = (0..rows).map(padding).collect();
    let mut types = vec![UNUSED; rows];
    let base = file.model.vocab.iter();
    let base = base.map(|(token, &id)| (id, token, NORMAL));
    let added = added.map(|token| {
        let kind = if token.special { CONTROL } else { USER_DEFINED };
        (token.id, &token.content, kind)
    });
    // Added tokens last: they may repeat tokens of the vocabulary.
    for (id, token, kind) in base.chain(added) {
        tokens[id as usize].clone_from(token);
        types[id as usize] = kind;
    }
    Ok((tokens, types))
}
