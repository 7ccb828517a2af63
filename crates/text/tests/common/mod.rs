//! The tiny tokenizers of `golden/`, as a `tokenizer.json` and as a GGUF vocabulary.
#![allow(
    dead_code,
    reason = "each test program uses its own part of this module"
)]

use std::path::PathBuf;

use retort_text::{GgufVocab, Tokenizer};
use serde_json::Value;

pub const NAMES: [&str; 4] = ["qwen2", "llama-bpe", "smollm", "gpt-2"];

/// Padding rows that [`gguf`] adds, as files with a rounded-up vocabulary have.
pub const PADDING: usize = 7;

pub fn golden(file: &str) -> String {
    let path = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
        .join("tests/golden");
    std::fs::read_to_string(path.join(file)).unwrap()
}

pub fn rows(file: &str) -> Vec<Value> {
    let text = golden(file);
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn json(name: &str) -> String {
    golden(&format!("{name}.json"))
}

/// What a converter writes into a GGUF header for the same tokenizer.
pub fn gguf(name: &str) -> GgufVocab {
    let file: Value = serde_json::from_str(&json(name)).unwrap();
    let mut tokens: Vec<(u64, String, i32)> = Vec::new();
    for (token, id) in file["model"]["vocab"].as_object().unwrap() {
        tokens.push((id.as_u64().unwrap(), token.clone(), 1));
    }
    for added in file["added_tokens"].as_array().unwrap() {
        let kind = if added["special"] == true { 3 } else { 4 };
        let text = added["content"].as_str().unwrap().to_owned();
        tokens.push((added["id"].as_u64().unwrap(), text, kind));
    }
    let len = tokens.iter().map(|(id, _, _)| id + 1).max().unwrap() as usize + PADDING;
    let mut vocab = GgufVocab {
        model: "gpt2".into(),
        pre: Some(name.into()),
        tokens: (0..len).map(|id| format!("[PAD{id}]")).collect(),
        token_types: vec![5; len],
        merges: (file["model"]["merges"].as_array().unwrap().iter())
            .map(|merge| {
                format!(
                    "{} {}",
                    merge[0].as_str().unwrap(),
                    merge[1].as_str().unwrap()
                )
            })
            .collect(),
        ..GgufVocab::default()
    };
    for (id, token, kind) in tokens {
        vocab.tokens[id as usize] = token;
        vocab.token_types[id as usize] = kind;
    }
    let id_of = |text: &str| {
        let found = vocab.tokens.iter().position(|token| token == text);
        found.map(|id| id as u32)
    };
    (vocab.bos, vocab.eos) = (id_of("<|begin|>"), id_of("<|end|>"));
    vocab
}

/// The tokenizer, by both ways.
pub fn tokenizers(name: &str) -> [Tokenizer; 2] {
    [
        Tokenizer::from_json(json(name).as_bytes()).unwrap(),
        Tokenizer::from_gguf(gguf(name)).unwrap(),
    ]
}
