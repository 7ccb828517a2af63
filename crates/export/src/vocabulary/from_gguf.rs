//! `tokenizer.json` and its companions out of GGUF metadata.

use std::collections::HashSet;

use retort_formats::gguf::Metadata;
use retort_text::tokenizer::preset;
use retort_text::{GgufVocab, TextError, Tokenizer};
use serde_json::{Map, Value, json};

use super::{BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED, check_same, pre_tokenizer};
use crate::ExportError;

/// The text side of GGUF metadata.
pub(crate) struct GgufText {
    vocab: GgufVocab,
    pad: Option<u32>,
    unknown: Option<u32>,
    /// Ids that end a reply, the end-of-text token first.
    ends: Vec<u32>,
    pub chat_template: Option<String>,
}

impl GgufText {
    pub fn new(metadata: &Metadata) -> Result<Self, ExportError> {
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let id = |name: &str| match metadata.get(&key(name)) {
            Some(_) => metadata.u32(&key(name)).map(Some),
            None => Ok(None),
        };
        let text = |name: &str| match metadata.get(name) {
            Some(_) => metadata.str(name).map(|text| Some(text.to_owned())),
            None => Ok(None),
        };
        let add_bos = match metadata.get(&key("add_bos_token")) {
            Some(_) => Some(metadata.bool(&key("add_bos_token"))?),
            None => None,
        };
        let mut ends = Vec::new();
        for name in ["eos_token_id", "eot_token_id", "eom_token_id"] {
            ends.extend(id(name)?.filter(|id| !ends.contains(id)));
        }
        Ok(Self {
            vocab: GgufVocab {
                model: metadata.str(&key("model"))?.to_owned(),
                pre: text(&key("pre"))?,
                tokens: metadata.strings(&key("tokens"))?.to_vec(),
                token_types: metadata.i32s(&key("token_type"))?.to_vec(),
                // Writers leave empty arrays out: a vocabulary of bytes has no merges.
                merges: match metadata.get(&key("merges")) {
                    Some(_) => metadata.strings(&key("merges"))?.to_vec(),
                    None => Vec::new(),
                },
                bos: id("bos_token_id")?,
                eos: id("eos_token_id")?,
                add_bos,
            },
            pad: id("padding_token_id")?,
            unknown: id("unknown_token_id")?,
            ends,
            chat_template: text("tokenizer.chat_template")?,
        })
    }

    /// The fields of `config.json` and `generation_config.json` that are token ids.
    pub fn ids(&self) -> Vec<(&'static str, Value)> {
        let mut ids = Vec::new();
        ids.extend(self.vocab.bos.map(|id| ("bos_token_id", json!(id))));
        match *self.ends {
            [] => {}
            [end] => ids.push(("eos_token_id", json!(end))),
            _ => ids.push(("eos_token_id", json!(self.ends))),
        }
        ids.extend(self.pad.map(|id| ("pad_token_id", json!(id))));
        ids
    }

    /// `tokenizer_config.json`. The class is the one that takes `tokenizer.json` as it is: those
    /// named after an architecture put their own pre-tokenizer in its place.
    pub fn tokenizer_config(&self, context: usize) -> Value {
        let mut config = Map::new();
        for (name, id) in [
            ("bos_token", self.vocab.bos),
            ("eos_token", self.vocab.eos),
            ("pad_token", self.pad),
            ("unk_token", self.unknown),
        ] {
            let token = id.and_then(|id| self.vocab.tokens.get(id as usize));
            config.insert(name.to_owned(), json!(token));
        }
        config.insert("clean_up_tokenization_spaces".into(), json!(false));
        config.insert("model_max_length".into(), json!(context));
        config.insert("tokenizer_class".into(), json!("PreTrainedTokenizerFast"));
        if let Some(template) = &self.chat_template {
            config.insert("chat_template".into(), json!(template));
        }
        Value::Object(config)
    }
}

/// A `tokenizer.json` that gives the ids of [`Tokenizer::from_gguf`].
///
/// # Errors
/// [`ExportError::Text`] for a broken vocabulary, [`ExportError::Unsupported`] for tokens of type
/// byte, which byte-level BPE cannot have, [`ExportError::TokenizerDiffers`] where the check of
/// the result fails.
pub(crate) fn tokenizer_json(text: &GgufText) -> Result<Vec<u8>, ExportError> {
    let vocab = &text.vocab;
    let original = Tokenizer::from_gguf(vocab.clone())?;
    let missing = TextError::Missing {
        field: "tokenizer.ggml.pre",
    };
    let preset = preset(vocab.pre.as_deref().ok_or(missing)?)?;
    let (normalizer, pre_tokenizer) = pre_tokenizer::to_json(&preset)?;
    let (listed, added) = tokens(vocab)?;
    let listed: Map<String, Value> = (listed.into_iter())
        .map(|id| (vocab.tokens[id].clone(), json!(id)))
        .collect();
    let merges = vocab
        .merges
        .iter()
        .filter_map(|merge| merge.split_once(' '));
    let merges: Vec<[&str; 2]> = merges.map(|(left, right)| [left, right]).collect();
    let bos = vocab.bos.filter(|_| original.adds_bos());
    let bos = bos.and_then(|id| Some((id, vocab.tokens.get(id as usize)?)));
    let file = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor(bos),
        "decoder": {
            "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
            "use_regex": true,
        },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": preset.ignore_merges,
            "vocab": listed, "merges": merges,
        },
    });
    let bytes = file.to_string().into_bytes();
    check_same(&original, &Tokenizer::from_json(&bytes)?, None)?;
    Ok(bytes)
}

/// Ids of the tokens in the model's vocabulary, and the added tokens.
///
/// Hugging Face's reader gives an added token the id after all others, unless the vocabulary has
/// it. So those at the very end are only added, as published files have them; those between or
/// behind holes are in both.
fn tokens(vocab: &GgufVocab) -> Result<(Vec<usize>, Vec<Value>), ExportError> {
    // Merges may lead to a user-defined token.
    let merged: HashSet<String> = (vocab.merges.iter())
        .filter_map(|merge| merge.split_once(' '))
        .map(|(left, right)| format!("{left}{right}"))
        .collect();
    let mut listed = Vec::new();
    let mut only_added = Vec::new();
    let mut added = Vec::new();
    for (id, (token, &kind)) in vocab.tokens.iter().zip(&vocab.token_types).enumerate() {
        match kind {
            NORMAL => listed.push(id),
            UNKNOWN | CONTROL | USER_DEFINED => {
                added.push(json!({
                    "id": id, "content": token, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false, "special": kind != USER_DEFINED,
                }));
                match merged.contains(token) {
                    true => listed.push(id),
                    false => only_added.push(id),
                }
            }
            UNUSED => {}
            BYTE => {
                return Err(ExportError::Unsupported {
                    feature: "a token of type byte in byte-level BPE",
                    got: format!("token {id}"),
                });
            }
            got => return Err(TextError::TokenType { id: id as u32, got }.into()),
        }
    }
    let start = listed.last().map_or(0, |&last| last + 1);
    let between = only_added.partition_point(|&id| id < start);
    let whole = listed.len() + between == start
        && only_added[between..]
            .iter()
            .copied()
            .eq(start..start + only_added.len() - between);
    let count = if whole { between } else { only_added.len() };
    listed.extend(&only_added[..count]);
    listed.sort_unstable();
    Ok((listed, added))
}

/// Puts the begin-of-text token in front, where the model wants one.
fn post_processor(bos: Option<(u32, &String)>) -> Value {
    let Some((id, token)) = bos else {
        return json!({
            "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false,
            "use_regex": true,
        });
    };
    let special = |segment: u32| json!({"SpecialToken": {"id": token, "type_id": segment}});
    let sequence = |name: &str, segment: u32| json!({"Sequence": {"id": name, "type_id": segment}});
    json!({
        "type": "TemplateProcessing",
        "single": [special(0), sequence("A", 0)],
        "pair": [special(0), sequence("A", 0), special(1), sequence("B", 1)],
        "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(types: &[i32], merges: &[&str]) -> (Vec<usize>, usize) {
        let tokens = (0..types.len()).map(|id| format!("{}", (b'a' + id as u8) as char));
        let vocab = GgufVocab {
            tokens: tokens.collect(),
            token_types: types.to_vec(),
            merges: merges.iter().map(|&merge| merge.to_owned()).collect(),
            ..GgufVocab::default()
        };
        let (listed, added) = tokens_of(&vocab);
        (listed, added)
    }

    fn tokens_of(vocab: &GgufVocab) -> (Vec<usize>, usize) {
        let (listed, added) = tokens(vocab).unwrap();
        (listed, added.len())
    }

    #[test]
    fn added_tokens_keep_their_ids() {
        // At the end: only added, padding or not.
        assert_eq!(split(&[1, 1, 3, 4, 5], &[]), (vec![0, 1], 2));
        // In front: in both.
        assert_eq!(split(&[3, 3, 1, 1], &[]), (vec![0, 1, 2, 3], 2));
        // Behind a hole, or with one among them: in both.
        assert_eq!(split(&[1, 5, 1, 3], &[]), (vec![0, 2, 3], 1));
        assert_eq!(split(&[1, 3, 5, 3], &[]), (vec![0, 1, 3], 2));
    }
}
