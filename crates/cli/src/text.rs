//! Tokenizer and chat template of a model, without its weights.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use retort_formats::gguf::{self, Header, ReadOptions};
use retort_infer::{InferError, Text};
use retort_text::{ChatTemplate, SpecialNames, Tokenizer};
use serde_json::Value;

use crate::failure::Failure;
use crate::source::{self, Bytes, Need, Opened};

/// The header of a GGUF file, of which nothing else need be there.
pub fn header(bytes: &Bytes) -> Result<Header> {
    let options = ReadOptions::new().check_data(false);
    Ok(pollster::block_on(gguf::read_header_with(bytes, options))?)
}

/// The tokenizer of a GGUF file or of a folder with a `tokenizer.json`.
pub fn tokenizer(model: &str) -> Result<Tokenizer> {
    match source::open(model, Need::Text)? {
        Opened::Gguf(bytes) => {
            let text = gguf_tokenizer(&mut header(&bytes)?);
            Ok(text
                .with_context(|| format!("the tokenizer of `{model}`"))?
                .tokenizer)
        }
        Opened::Folder(folder) => folder_tokenizer(&folder),
    }
}

/// The tokenizer in a GGUF header, whose vocabulary moves out of it. It must not depend on the
/// chat template, which may be one that cannot be read.
pub fn gguf_tokenizer(header: &mut Header) -> Result<Text, InferError> {
    header.metadata.take("tokenizer.chat_template");
    Text::from_gguf(header)
}

/// The tokenizer of a folder.
pub fn folder_tokenizer(folder: &Path) -> Result<Tokenizer> {
    let path = folder.join("tokenizer.json");
    Tokenizer::from_json(&read(&path)?).with_context(|| format!("`{}`", path.display()))
}

/// The chat template of a model, or of `instead` with the model's special tokens.
pub fn template(model: &str, instead: Option<&Path>) -> Result<ChatTemplate> {
    let Parts { template, names } = match source::open(model, Need::Text)? {
        Opened::Gguf(bytes) => gguf_parts(&header(&bytes)?),
        Opened::Folder(folder) => folder_parts(&folder)?,
    };
    let template = match instead {
        Some(path) => fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?,
        None => template.with_context(|| {
            let hint = "give one with --template FILE.jinja";
            Failure::new(format!("`{model}` has no chat template"), hint)
        })?,
    };
    Ok(ChatTemplate::new(&template, names)?)
}

/// A template's source and what it may ask for.
pub struct Parts {
    pub template: Option<String>,
    pub names: SpecialNames,
}

/// From a GGUF file's metadata.
pub fn gguf_parts(header: &Header) -> Parts {
    let metadata = &header.metadata;
    let token = |key: &str| -> Option<String> {
        let id = metadata.u32(key).ok()? as usize;
        metadata
            .strings("tokenizer.ggml.tokens")
            .ok()?
            .get(id)
            .cloned()
    };
    Parts {
        template: metadata
            .str("tokenizer.chat_template")
            .ok()
            .map(str::to_owned),
        names: SpecialNames {
            bos_token: token("tokenizer.ggml.bos_token_id").unwrap_or_default(),
            eos_token: token("tokenizer.ggml.eos_token_id").unwrap_or_default(),
        },
    }
}

/// From the files of a Hugging Face folder.
pub fn folder_parts(folder: &Path) -> Result<Parts> {
    let path = folder.join("tokenizer_config.json");
    let config: Value = match path.exists() {
        true => serde_json::from_slice(&read(&path)?)
            .with_context(|| format!("`{}`", path.display()))?,
        false => Value::Null,
    };
    let jinja = folder.join("chat_template.jinja");
    let template = match jinja.exists() {
        true => Some(String::from_utf8(read(&jinja)?).context("chat_template.jinja is not UTF-8")?),
        false => template_in(&config),
    };
    let names = SpecialNames {
        bos_token: token_in(&config, "bos_token"),
        eos_token: token_in(&config, "eos_token"),
    };
    Ok(Parts { template, names })
}

/// `chat_template` is a text, or a list of named ones of which `default` is meant.
fn template_in(config: &Value) -> Option<String> {
    let template = &config["chat_template"];
    let named = || {
        let list = template.as_array()?;
        list.iter().find(|entry| entry["name"] == "default")?["template"].as_str()
    };
    template.as_str().or_else(named).map(str::to_owned)
}

/// A special token is a text, or an object with its `content`.
fn token_in(config: &Value, name: &str) -> String {
    let token = &config[name];
    let text = token.as_str().or_else(|| token["content"].as_str());
    text.unwrap_or_default().to_owned()
}

/// Files of tokenizers have up to 35 MB.
const MAX_FILE: u64 = 256 << 20;

fn read(path: &Path) -> Result<Vec<u8>> {
    let describe = || format!("`{}` cannot be read", path.display());
    let bytes = path.metadata().with_context(describe)?.len();
    if bytes > MAX_FILE {
        let hint = "this is no file of a tokenizer";
        let message = format!(
            "`{}` has {bytes} bytes: at most {MAX_FILE} are read",
            path.display()
        );
        return Err(Failure::new(message, hint).into());
    }
    fs::read(path).with_context(describe)
}
