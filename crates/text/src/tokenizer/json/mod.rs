//! The vocabulary of a Hugging Face `tokenizer.json`.
//!
//! The file is read here and not by `tokenizers`, whose reader trusts it: merges can index out of
//! bounds there, and any regular expression is compiled. Everything that would change the ids and
//! is not implemented is refused by name.

mod components;

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    byte_level,
    model::{MAX_ENTRIES, Parts, check_entries, split_merge},
    special::Special,
    split::Splitter,
    table::{Kind, Table},
};
use crate::{TextError, error::shown};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(borrow, default)]
    normalizer: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pre_tokenizer: Option<&'a RawValue>,
    #[serde(borrow, default)]
    post_processor: Option<&'a RawValue>,
    #[serde(borrow, default)]
    decoder: Option<&'a RawValue>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    dropout: Option<f32>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: Vocab,
    #[serde(default)]
    merges: Vec<Merge>,
}

/// Ids by token, in the file's order.
struct Vocab(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Vocab {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Vocab;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map from tokens to ids, as BPE has")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocab, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() == MAX_ENTRIES {
                        return Err(A::Error::custom(format_args!(
                            "the vocabulary has more than {MAX_ENTRIES} tokens"
                        )));
                    }
                    pairs.push(pair);
                }
                Ok(Vocab(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// `["a", "b"]`, or `"a b"` in older files.
struct Merge(String, String);

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sides;

        impl<'de> Visitor<'de> for Sides {
            type Value = Merge;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("two tokens, in a list or with one space between")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Merge, E> {
                split_merge(text)
                    .map(|(left, right)| Merge(left, right))
                    .ok_or_else(|| {
                        E::invalid_value(serde::de::Unexpected::Str(&shown(text)), &self)
                    })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Merge, A::Error> {
                let mut side = |at: usize| {
                    seq.next_element()?
                        .ok_or_else(|| A::Error::invalid_length(at, &"two tokens"))
                };
                Ok(Merge(side(0)?, side(1)?))
            }
        }

        deserializer.deserialize_any(Sides)
    }
}

pub(super) fn parts(bytes: &[u8]) -> Result<Parts, TextError> {
    let file: File = serde_json::from_slice(bytes).map_err(|error| TextError::Json {
        reason: error.to_string(),
    })?;
    check_model(&file.model)?;
    check_entries("model.merges", file.model.merges.len())?;
    check_entries("added_tokens", file.added_tokens.len())?;
    let nfc = components::composes(file.normalizer)?;
    let patterns = components::patterns(file.pre_tokenizer)?;
    components::check_decoder(file.decoder)?;
    let begin = components::begin_token(file.post_processor)?;
    let vocab = file.model.vocab.0;
    let table = table(&vocab, &file.added_tokens)?;
    let specials = specials(file.added_tokens)?;
    let bos = begin.map(|text| begin_id(&text, &specials)).transpose()?;
    let merges = file.model.merges.into_iter();
    Ok(Parts {
        vocab,
        merges: merges.map(|Merge(left, right)| (left, right)).collect(),
        ignore_merges: file.model.ignore_merges,
        unknown: (file.model.unk_token).map(|token| (token, file.model.fuse_unk)),
        table,
        specials,
        nfc,
        splitter: Splitter::new(patterns.iter().map(String::as_str))?,
        bos,
        eos: None,
        add_bos: bos.is_some(),
    })
}

fn check_model(model: &Model) -> Result<(), TextError> {
    let refuse = |field, got: &dyn fmt::Display, expected| {
        let got = shown(&got.to_string());
        Err(TextError::Unsupported {
            field,
            got,
            expected,
        })
    };
    // Old files do not name the type.
    if let Some(kind) = model.kind.as_deref().filter(|kind| *kind != "BPE") {
        return refuse("model.type", &kind, "BPE");
    }
    if let Some(dropout) = model.dropout.filter(|&dropout| dropout != 0.0) {
        return refuse("model.dropout", &dropout, "none");
    }
    for (field, affix) in [
        (
            "model.continuing_subword_prefix",
            &model.continuing_subword_prefix,
        ),
        ("model.end_of_word_suffix", &model.end_of_word_suffix),
    ] {
        if let Some(affix) = affix.as_deref().filter(|affix| !affix.is_empty()) {
            return refuse(field, &affix, "none");
        }
    }
    if model.byte_fallback {
        return refuse("model.byte_fallback", &true, "false");
    }
    Ok(())
}

/// Holes between ids are fine, far jumps are not: the table has a row for every id.
const MAX_ID: u32 = 2 * MAX_ENTRIES as u32;

/// What each id stands for; added tokens may repeat tokens of the vocabulary.
fn table(vocab: &[(String, u32)], added: &[Added]) -> Result<Table, TextError> {
    let rows = || {
        let base = vocab.iter().map(|(token, id)| (*id, token.as_str(), None));
        base.chain(
            (added.iter()).map(|token| (token.id, token.content.as_str(), Some(token.special))),
        )
    };
    let mut owners: Vec<Option<(&str, Option<bool>)>> = Vec::new();
    for (id, token, control) in rows() {
        if id > MAX_ID {
            return Err(TextError::Limit {
                field: "token id",
                got: id as usize,
                max: MAX_ID as usize,
            });
        }
        let index = id as usize;
        if owners.len() <= index {
            owners.resize(index + 1, None);
        }
        if let Some((first, _)) = owners[index].replace((token, control))
            && (first != token || control.is_none())
        {
            return Err(TextError::DuplicateId {
                id,
                first: shown(first),
                second: shown(token),
            });
        }
    }
    let bytes = rows().map(|(_, token, _)| token.len()).sum();
    let mut table = Table::with_capacity(owners.len(), bytes);
    for owner in owners {
        match owner {
            None => table.push(Kind::Unused, |_| ())?,
            Some((token, None)) => table.push(Kind::Text, |out| byte_level::read(token, out))?,
            Some((token, Some(control))) => {
                let kind = if control { Kind::Control } else { Kind::Text };
                table.push(kind, |out| out.extend_from_slice(token.as_bytes()))?;
            }
        }
    }
    Ok(table)
}

fn specials(added: Vec<Added>) -> Result<Vec<(Special, bool)>, TextError> {
    let special = |token: Added| {
        for (field, set) in [
            ("added_tokens.single_word", token.single_word),
            ("added_tokens.lstrip", token.lstrip),
            ("added_tokens.rstrip", token.rstrip),
        ] {
            if set {
                return Err(TextError::Unsupported {
                    field,
                    got: format!("true for {}", shown(&token.content)),
                    expected: "false",
                });
            }
        }
        let special = Special {
            text: token.content,
            id: token.id,
            control: token.special,
        };
        Ok((special, token.normalized))
    };
    added.into_iter().map(special).collect()
}

fn begin_id(text: &str, specials: &[(Special, bool)]) -> Result<u32, TextError> {
    (specials.iter())
        .find(|(special, _)| special.text == text)
        .map(|(special, _)| special.id)
        .ok_or_else(|| TextError::Unsupported {
            field: "post_processor",
            got: shown(text),
            expected: "an added token",
        })
}
