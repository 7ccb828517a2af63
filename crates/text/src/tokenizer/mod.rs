//! Byte-level BPE (Sennrich et al. 2016; on bytes: Radford et al. 2019), as Qwen2, Llama 3,
//! SmolLM and GPT-2 use it.
//!
//! A text goes through: special tokens found verbatim, Unicode composition (NFC) where the model
//! has it, splitting into words, merges within each word. The ids equal those of Hugging Face's
//! `tokenizers` for the model's `tokenizer.json`; the merges are that library's, the rest is
//! here, so that every step has a typed error and works the same from a GGUF header.

mod byte_level;
mod gguf;
mod json;
mod model;
mod special;
mod split;
mod table;

use std::borrow::Cow;

use tokenizers::{Model as _, NormalizedString, models::bpe::BPE};

pub use gguf::GgufVocab;
use model::Parts;
use special::{Finder, Part};
use split::Splitter;
pub use split::{Preset, preset};
use table::{Kind, Table};

use crate::{Detokenizer, TextError};

/// What to do with the names of control tokens (`<|im_end|>`) inside a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialTokens {
    /// They become their ids: for rendered templates.
    Parse,
    /// They are text like any other: for what a user wrote. Added tokens that are not control
    /// tokens (often `<think>`) are ordinary vocabulary and still found, as in transformers
    /// (`split_special_tokens`) and llama.cpp (`parse_special = false`).
    AsText,
}

/// Turns text into ids and back. See the module's page.
#[derive(Debug)]
pub struct Tokenizer {
    bpe: BPE,
    table: Table,
    /// Special tokens found before Unicode composition (most), and after it.
    verbatim: Finder,
    composed: Finder,
    nfc: bool,
    splitter: Splitter,
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
}

impl Tokenizer {
    /// From the `tokenizer.ggml.*` entries of a GGUF header.
    pub fn from_gguf(vocab: GgufVocab) -> Result<Self, TextError> {
        Self::from_parts(vocab.into_parts()?)
    }

    /// From the bytes of a Hugging Face `tokenizer.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TextError> {
        Self::from_parts(json::parts(bytes)?)
    }

    fn from_parts(parts: Parts) -> Result<Self, TextError> {
        let bpe = model::build(
            parts.vocab,
            parts.merges,
            parts.ignore_merges,
            parts.unknown,
        )?;
        special::check(&parts.specials, |text| bpe.token_to_id(text))?;
        let (composed, verbatim) = parts.specials.into_iter().partition(|(_, nfc)| *nfc);
        let finder = |specials: Vec<(special::Special, bool)>| {
            Finder::new(specials.into_iter().map(|(special, _)| special).collect())
        };
        Ok(Self {
            bpe,
            table: parts.table,
            verbatim: finder(verbatim),
            composed: finder(composed),
            nfc: parts.nfc,
            splitter: parts.splitter,
            bos: parts.bos,
            eos: parts.eos,
            add_bos: parts.add_bos,
        })
    }

    /// Ids of `text`. Nothing is added at the ends: see [`Self::prepend_bos`].
    ///
    /// A byte that the vocabulary has no token for becomes the unknown token where the model has
    /// one, else it is left out, as in both references (SmolLM2 lacks six control characters and
    /// bytes that start no assigned character).
    pub fn encode(&self, text: &str, special: SpecialTokens) -> Result<Vec<u32>, TextError> {
        let control = special == SpecialTokens::Parse;
        // English text has about four bytes a token.
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        let mut spelled = String::new();
        self.verbatim.split(text, control, |part| {
            let text = match part {
                Part::Id(id) => {
                    ids.push(id);
                    return Ok(());
                }
                Part::Text(text) => self.compose(text),
            };
            self.composed.split(&text, control, |part| match part {
                Part::Id(id) => {
                    ids.push(id);
                    Ok(())
                }
                Part::Text(text) => self.splitter.split(text, |word| {
                    spelled.clear();
                    byte_level::spell(word, &mut spelled);
                    self.encode_word(&spelled, &mut ids)
                }),
            })
        })?;
        Ok(ids)
    }

    fn encode_word(&self, spelled: &str, ids: &mut Vec<u32>) -> Result<(), TextError> {
        let tokens = self
            .bpe
            .tokenize(spelled)
            .map_err(|error| TextError::Encode {
                reason: error.to_string(),
            })?;
        ids.extend(tokens.iter().map(|token| token.id));
        Ok(())
    }

    fn compose<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.nfc || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut normalized = NormalizedString::from(text);
        normalized.nfc();
        Cow::Owned(normalized.get().to_owned())
    }

    /// Puts the begin-of-text token in front where the model wants one and it is not there yet
    /// (chat templates write it themselves).
    pub fn prepend_bos(&self, ids: &mut Vec<u32>) {
        if let Some(bos) = self.bos
            && self.add_bos
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
    }

    /// The begin-of-text token, if the file names one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The end-of-text token, if the file names one. A `tokenizer.json` does not.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// Whether raw prompts start with [`Self::bos`].
    pub fn adds_bos(&self) -> bool {
        self.add_bos
    }

    /// Text of `ids`. Invalid UTF-8 becomes U+FFFD, ids that stand for nothing become nothing;
    /// `skip_special` leaves control tokens out.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        let mut bytes = Vec::new();
        for &id in ids {
            if !(skip_special && self.is_control(id)) {
                bytes.extend_from_slice(self.token_bytes(id).unwrap_or_default());
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Bytes that `id` stands for; none for padding and ids out of range. They need not be valid
    /// UTF-8: a token may be part of a character.
    pub fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.table.get(id).map(|(_, bytes)| bytes)
    }

    /// Whether `id` steers the model rather than being text.
    pub fn is_control(&self, id: u32) -> bool {
        matches!(self.table.get(id), Some((Kind::Control, _)))
    }

    /// Id of a token: of a special token by its text, of another by the vocabulary's spelling of
    /// its bytes (`"Ġthe"`).
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.verbatim
            .id_of(token)
            .or_else(|| self.composed.id_of(token))
            .or_else(|| self.bpe.token_to_id(token))
    }

    /// One past the last id that stands for something: padding at the end of the vocabulary,
    /// which rounds the embedding's rows up, does not count.
    pub fn vocab_size(&self) -> usize {
        self.table.len()
    }

    /// Text of ids as they arrive, control tokens included.
    pub fn detokenizer(&self) -> Detokenizer<'_> {
        Detokenizer::new(self)
    }
}
