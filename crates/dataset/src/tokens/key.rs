//! What the contents of a cache file depend on, as one hash.

use std::fs::File;
use std::io;
use std::path::Path;

use retort_text::{Message, SpecialTokens};
use sha2::{Digest, Sha256};

use super::format::VERSION;
use crate::{CorpusFile, DatasetError, HistoryTurns, Student};

/// What the student's text side was made from. A [`Tokenizer`](retort_text::Tokenizer) and a
/// template cannot be asked, so whoever loads them says.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// A hash of the tokenizer's file, or its bytes.
    pub tokenizer: &'a [u8],
    /// Source of the chat template.
    pub template: &'a str,
}

/// Text that pre-tokenizers and normalizers treat differently.
const PROBE: &str = "It's 3.14159, isn't IT'S? cafe\u{301}\n\n\t 12345  世界🦙 \\boxed{42}</think>";

pub(super) fn key(
    files: &[CorpusFile],
    student: &Student<'_>,
    identity: &Identity<'_>,
    history: HistoryTurns,
) -> Result<[u8; 32], DatasetError> {
    let mut hash = Fields(Sha256::new());
    hash.add(&VERSION.to_le_bytes());
    hash.add(&[history as u8]);
    hash.add(identity.tokenizer);
    hash.add(identity.template.as_bytes());
    student_behaviour(student, &mut hash);
    for file in files {
        let mut options = file.clone();
        // A moved file is the same file.
        options.path.clear();
        let options = serde_json::to_vec(&options).unwrap_or_default();
        hash.add(&options);
        let kind = file.path.extension().unwrap_or_default();
        hash.add(kind.as_encoded_bytes());
        hash.add(&contents(&file.path)?);
    }
    Ok(hash.0.finalize().into())
}

/// In case the identity is not told truly: the vocabulary, and what becomes of two probes.
fn student_behaviour(student: &Student<'_>, hash: &mut Fields) {
    let tokenizer = student.tokenizer;
    let mut vocabulary = Fields(Sha256::new());
    for id in 0..tokenizer.vocab_size() as u32 {
        vocabulary.add(tokenizer.token_bytes(id).unwrap_or_default());
        vocabulary.add(&[u8::from(tokenizer.is_control(id))]);
    }
    hash.add(&vocabulary.0.finalize());
    let ids = tokenizer.encode(PROBE, SpecialTokens::Parse);
    hash.add(bytemuck::cast_slice(&ids.unwrap_or_default()));
    hash.add(bytemuck::cast_slice(student.stop_ids));
    let turns = [
        Message::new("user", PROBE),
        Message::new("assistant", PROBE),
    ];
    for (turns, add_generation_prompt) in [(&turns[..1], true), (&turns[..], false)] {
        let options = student.options(add_generation_prompt);
        let shown = student.template.render(turns, &options);
        hash.add(shown.unwrap_or_default().as_bytes());
    }
}

fn contents(path: &Path) -> Result<[u8; 32], DatasetError> {
    let failed = |error| DatasetError::Read {
        path: path.to_owned(),
        error,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).map_err(failed)?;
    Ok(hash.finalize().into())
}

/// Hashes fields so that no two lists of fields give the same bytes.
struct Fields(Sha256);

impl Fields {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
