//! The vocabulary of a GGUF header.

use super::{
    byte_level,
    model::{Parts, check_entries, split_merge},
    special::Special,
    split::{self, Splitter},
    table::{Kind, Table},
};
use crate::{TextError, error::shown};

/// The `tokenizer.ggml.*` entries of a GGUF header, as they are in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GgufVocab {
    /// `tokenizer.ggml.model`; `"gpt2"` means byte-level BPE.
    pub model: String,
    /// `tokenizer.ggml.pre`: the name of the pre-tokenizer.
    pub pre: Option<String>,
    /// `tokenizer.ggml.tokens`: the token of each id.
    pub tokens: Vec<String>,
    /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused,
    /// 6 byte.
    pub token_types: Vec<i32>,
    /// `tokenizer.ggml.merges`: two tokens with a space between, the first merge first.
    pub merges: Vec<String>,
    /// `tokenizer.ggml.bos_token_id`.
    pub bos: Option<u32>,
    /// `tokenizer.ggml.eos_token_id`.
    pub eos: Option<u32>,
    /// `tokenizer.ggml.add_bos_token`; the pre-tokenizer's habit where absent.
    pub add_bos: Option<bool>,
}

impl GgufVocab {
    pub(super) fn into_parts(self) -> Result<Parts, TextError> {
        self.check()?;
        let name = self.pre.as_deref().ok_or(TextError::Missing {
            field: "tokenizer.ggml.pre",
        })?;
        let preset = split::preset(name)?;
        let add_bos = self.add_bos.unwrap_or(preset.add_bos);
        if add_bos && self.bos.is_none() {
            return Err(TextError::Missing {
                field: "tokenizer.ggml.bos_token_id",
            });
        }
        let merges = (self.merges.iter().enumerate())
            .map(|(index, merge)| {
                split_merge(merge).ok_or_else(|| TextError::Merge {
                    index,
                    text: shown(merge),
                })
            })
            .collect::<Result<_, _>>()?;
        let Tokens {
            vocab,
            table,
            specials,
        } = tokens(self.tokens, &self.token_types)?;
        Ok(Parts {
            vocab,
            merges,
            ignore_merges: preset.ignore_merges,
            unknown: None,
            table,
            specials,
            nfc: preset.nfc,
            splitter: Splitter::new(preset.patterns.iter().copied())?,
            bos: self.bos,
            eos: self.eos,
            add_bos,
        })
    }

    fn check(&self) -> Result<(), TextError> {
        if self.model != "gpt2" {
            return Err(TextError::Unsupported {
                field: "tokenizer.ggml.model",
                got: shown(&self.model),
                expected: "gpt2 (byte-level BPE)",
            });
        }
        let len = self.tokens.len();
        check_entries("tokenizer.ggml.tokens", len)?;
        check_entries("tokenizer.ggml.merges", self.merges.len())?;
        if self.token_types.len() != len {
            return Err(TextError::Length {
                field: "tokenizer.ggml.token_type",
                got: self.token_types.len(),
                expected: len,
            });
        }
        for (field, id) in [
            ("tokenizer.ggml.bos_token_id", self.bos),
            ("tokenizer.ggml.eos_token_id", self.eos),
        ] {
            if let Some(id) = id.filter(|&id| id as usize >= len) {
                return Err(TextError::TokenId { field, id, len });
            }
        }
        Ok(())
    }
}

struct Tokens {
    vocab: Vec<(String, u32)>,
    table: Table,
    specials: Vec<(Special, bool)>,
}

/// Sorts the tokens by their types (llama.cpp, `enum llama_token_type`).
fn tokens(tokens: Vec<String>, types: &[i32]) -> Result<Tokens, TextError> {
    let bytes = tokens.iter().map(String::len).sum();
    let mut table = Table::with_capacity(tokens.len(), bytes);
    let mut vocab = Vec::with_capacity(tokens.len());
    let mut specials = Vec::new();
    for ((id, token), &kind) in (0..).zip(tokens).zip(types) {
        let mut special = |text: &str, control| {
            let text = text.to_owned();
            specials.push((Special { text, id, control }, false));
        };
        match kind {
            1 => {
                table.push(Kind::Text, |out| byte_level::read(&token, out))?;
                vocab.push((token, id));
            }
            // An unknown-token token is never text either.
            2 | 3 => {
                special(&token, true);
                table.push(Kind::Control, |out| out.extend_from_slice(token.as_bytes()))?;
            }
            // Merges may lead to a user-defined token, so it is in the vocabulary too.
            4 => {
                special(&token, false);
                table.push(Kind::Text, |out| out.extend_from_slice(token.as_bytes()))?;
                vocab.push((token, id));
            }
            5 => table.push(Kind::Unused, |_| ())?,
            6 => {
                let byte = byte_of(id, &token)?;
                table.push(Kind::Text, |out| out.push(byte))?;
            }
            got => return Err(TextError::TokenType { id, got }),
        }
    }
    table.trim();
    Ok(Tokens {
        vocab,
        table,
        specials,
    })
}

/// The byte that `<0x0A>` names.
fn byte_of(id: u32, token: &str) -> Result<u8, TextError> {
    token
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'))
        .filter(|digits| digits.len() == 2)
        .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        .ok_or_else(|| TextError::ByteToken {
            id,
            token: shown(token),
        })
}
