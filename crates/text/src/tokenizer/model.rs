//! From a vocabulary and its merges to the BPE model, everything checked first: the library
//! underneath takes its input on trust.

use std::collections::hash_map::Entry;

use tokenizers::models::bpe::{self, BPE, Vocab};

use super::{special::Special, split::Splitter, table::Table};
use crate::{TextError, error::shown};

/// Seven eighths of 2^19: hash maps of as many entries have 2^19 slots, which keeps their memory
/// under 40 MB. The largest vocabularies in use have 262,144 tokens, Llama 3 has 280,147 merges.
pub(super) const MAX_ENTRIES: usize = 458_752;

/// A tokenizer's data, wherever it came from.
pub(super) struct Parts {
    /// Tokens that merges build and words may equal, spelled as bytes.
    pub vocab: Vec<(String, u32)>,
    pub merges: Vec<(String, String)>,
    /// A word that is a token is that token, whatever the merges say.
    pub ignore_merges: bool,
    /// The token for bytes that have none, and whether one stands for a run of them.
    pub unknown: Option<(String, bool)>,
    pub table: Table,
    /// Tokens found verbatim, and whether after Unicode composition rather than before.
    pub specials: Vec<(Special, bool)>,
    pub nfc: bool,
    pub splitter: Splitter,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub add_bos: bool,
}

pub(super) fn check_entries(field: &'static str, got: usize) -> Result<(), TextError> {
    let max = MAX_ENTRIES;
    match got <= max {
        true => Ok(()),
        false => Err(TextError::Limit { field, got, max }),
    }
}

/// The model. Words are not cached: the library's cache outlives the model, and a page that loads
/// one student after another would keep all of them.
pub(super) fn build(
    tokens: Vec<(String, u32)>,
    merges: Vec<(String, String)>,
    ignore_merges: bool,
    unknown: Option<(String, bool)>,
) -> Result<BPE, TextError> {
    check_entries("number of tokens", tokens.len())?;
    check_entries("number of merges", merges.len())?;
    let mut vocab = Vocab::with_capacity(tokens.len());
    for (token, id) in tokens {
        match vocab.entry(token) {
            Entry::Vacant(entry) => {
                entry.insert(id);
            }
            Entry::Occupied(entry) => {
                return Err(TextError::DuplicateToken {
                    token: shown(entry.key()),
                    first: *entry.get(),
                    second: id,
                });
            }
        }
    }
    // The builder joins the sides in a buffer of the longest token's length.
    let longest = vocab.keys().map(String::len).max().unwrap_or(0);
    let overlong = |(left, right): &&(String, String)| left.len() + right.len() > longest;
    if let Some((left, right)) = merges.iter().find(overlong) {
        let token = shown(&format!("{left}{right}"));
        return Err(TextError::MergeToken { token });
    }
    let mut builder = BPE::builder();
    if let Some((token, fuse)) = unknown {
        if !vocab.contains_key(&token) {
            return Err(TextError::Unsupported {
                field: "model.unk_token",
                got: shown(&token),
                expected: "a token of the vocabulary",
            });
        }
        builder = builder.unk_token(token).fuse_unk(fuse);
    }
    builder
        .vocab_and_merges(vocab, merges)
        .ignore_merges(ignore_merges)
        .cache_capacity(0)
        .build()
        .map_err(|error| match error.downcast_ref() {
            Some(bpe::Error::MergeTokenOutOfVocabulary(token)) => TextError::MergeToken {
                token: shown(token),
            },
            _ => TextError::Encode {
                reason: error.to_string(),
            },
        })
}

/// The two sides of a merge written with a space between them.
pub(super) fn split_merge(text: &str) -> Option<(String, String)> {
    let (left, right) = text.split_once(' ')?;
    let whole = !(left.is_empty() || right.is_empty() || right.contains(' '));
    whole.then(|| (left.to_owned(), right.to_owned()))
}
