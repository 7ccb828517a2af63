//! The text side of a Hugging Face folder.

use retort_formats::hf::Folder;
use retort_text::{ChatTemplate, SpecialNames, Tokenizer};
use serde::{Deserialize, de::DeserializeOwned};

use crate::InferError;
use crate::vocabulary::{END_OF_TURN, Text, ends_of_reply, reasons};

impl Text {
    /// From `tokenizer.json`, `tokenizer_config.json` and their companions.
    pub fn from_folder(folder: &Folder) -> Result<Self, InferError> {
        let json = folder
            .tokenizer_json
            .as_deref()
            .ok_or(InferError::NoTokenizer)?;
        let tokenizer = Tokenizer::from_json(json)?;
        let config =
            parse::<TokenizerConfig>("tokenizer_config.json", folder.tokenizer_config.as_deref())?;
        let generation = parse::<GenerationConfig>(
            "generation_config.json",
            folder.generation_config.as_deref(),
        )?;
        let names = SpecialNames {
            bos_token: config
                .bos_token
                .map(TokenName::into_string)
                .unwrap_or_default(),
            eos_token: config
                .eos_token
                .map(TokenName::into_string)
                .unwrap_or_default(),
        };
        let id = |name| Some((tokenizer.id_of(name)?, name));
        let named: Vec<(u32, &str)> = END_OF_TURN.into_iter().filter_map(id).collect();
        let mut stop_ids: Vec<u32> = ends_of_reply(&named).collect();
        stop_ids.extend(tokenizer.id_of(&names.eos_token));
        stop_ids.extend(
            generation
                .eos_token_id
                .map(Ids::into_vec)
                .unwrap_or_default(),
        );
        stop_ids.sort_unstable();
        stop_ids.dedup();
        let source = folder.chat_template.clone().or(config.chat_template);
        let reasons = reasons(&tokenizer, source.as_deref());
        let template = source
            .as_ref()
            .map(|source| ChatTemplate::new(source, names.clone()))
            .transpose()?;
        Ok(Self {
            tokenizer,
            template,
            template_source: source,
            names,
            stop_ids,
            reasons,
        })
    }
}

fn parse<T: DeserializeOwned + Default>(
    file: &'static str,
    json: Option<&[u8]>,
) -> Result<T, InferError> {
    match json {
        None => Ok(T::default()),
        Some(json) => {
            serde_json::from_slice(json).map_err(|error| InferError::Json { file, error })
        }
    }
}

/// What matters of `tokenizer_config.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    bos_token: Option<TokenName>,
    eos_token: Option<TokenName>,
    chat_template: Option<String>,
}

/// What matters of `generation_config.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct GenerationConfig {
    eos_token_id: Option<Ids>,
}

/// A token as its text, or as an object that holds it.
#[derive(Deserialize)]
#[serde(untagged)]
enum TokenName {
    Text(String),
    Added { content: String },
}

/// One id or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Many(Vec<u32>),
}

impl TokenName {
    fn into_string(self) -> String {
        match self {
            Self::Text(text) | Self::Added { content: text } => text,
        }
    }
}

impl Ids {
    fn into_vec(self) -> Vec<u32> {
        match self {
            Self::One(id) => vec![id],
            Self::Many(ids) => ids,
        }
    }
}
