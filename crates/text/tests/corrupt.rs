//! Broken and hostile vocabularies: each is read or refused with a typed error, nothing panics,
//! and nothing allocates more than the input's size plus 64 MB.

mod common;
mod counting;

use common::{NAMES, gguf, json};
use counting::peak_allocation;
use proptest::prelude::*;
use retort_text::{GgufVocab, SpecialTokens, TextError, Tokenizer};
use serde_json::{Value, json};

const ALLOWANCE: usize = 64 << 20;

/// A text that meets special tokens, numbers, and characters of every length.
const TEXT: &str = "<|start|>It's 1234 <think>é 世 🦙\n\n</think>\u{0}<|end|>";

/// Reads a vocabulary and, if it is accepted, uses it. Returns the error.
fn check(
    what: &str,
    size: usize,
    read: impl FnOnce() -> Result<Tokenizer, TextError>,
) -> Option<TextError> {
    let (result, peak) = peak_allocation(read);
    assert!(peak <= size + ALLOWANCE, "{what}: {peak} bytes for {size}");
    match result {
        Ok(tokenizer) => {
            for mode in [SpecialTokens::Parse, SpecialTokens::AsText] {
                if let Ok(ids) = tokenizer.encode(TEXT, mode) {
                    tokenizer.decode(&ids, true);
                    assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
                }
            }
            tokenizer.decode(&[0, 1, u32::MAX], false);
            None
        }
        Err(error) => {
            let text = error.to_string();
            assert!((10..600).contains(&text.len()), "{what}: {text}");
            Some(error)
        }
    }
}

fn check_json(what: &str, bytes: &[u8]) -> Option<TextError> {
    check(what, bytes.len(), || Tokenizer::from_json(bytes))
}

fn check_gguf(what: &str, vocab: GgufVocab) -> Option<TextError> {
    let strings = vocab.tokens.iter().chain(&vocab.merges);
    let size = strings.map(|text| text.len() + 24).sum::<usize>() + 4 * vocab.token_types.len();
    check(what, size, || Tokenizer::from_gguf(vocab))
}

/// A pseudo-random number that depends on `at` only.
fn noise(at: usize) -> usize {
    ((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize
}

#[test]
fn truncated_files_are_refused() {
    for name in NAMES {
        let file = json(name);
        assert!(check_json(name, file.as_bytes()).is_none());
        for cut in 0..50 {
            let len = file.len() * cut / 50;
            let error = check_json(&format!("{name} cut to {len}"), &file.as_bytes()[..len]);
            assert!(matches!(error, Some(TextError::Json { .. })), "{error:?}");
        }
    }
}

#[test]
fn flipped_bytes_are_read_or_refused() {
    let mut refused = 0;
    for name in NAMES {
        let file = json(name).into_bytes();
        for flip in 0..100 {
            let at = noise(flip) % file.len();
            let mut flipped = file.clone();
            flipped[at] ^= 1 << (flip % 8);
            let what = format!("{name} with bit {} of byte {at} flipped", flip % 8);
            refused += usize::from(check_json(&what, &flipped).is_some());
        }
    }
    // Most bytes are part of a token that a merge needs, or of the structure.
    assert!(refused > 200, "{refused}");
}

#[test]
fn absurd_json_is_refused() {
    let good: Value = serde_json::from_str(&json("llama-bpe")).unwrap();
    let refused = |what: &str, change: &dyn Fn(&mut Value)| {
        let mut file = good.clone();
        change(&mut file);
        let error = check_json(what, file.to_string().as_bytes());
        assert!(error.is_some(), "{what}");
        error.unwrap()
    };
    for id in [
        json!(4_000_000_000u32),
        json!(1 << 24),
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(null),
    ] {
        refused("absurd id", &|file| {
            file["model"]["vocab"]["new"] = id.clone()
        });
        refused("absurd added id", &|file| {
            file["added_tokens"][0]["id"] = id.clone()
        });
    }
    let error = refused("two tokens, one id", &|file| {
        file["model"]["vocab"]["new"] = json!(65)
    });
    assert!(
        matches!(error, TextError::DuplicateId { id: 65, .. }),
        "{error}"
    );
    let error = refused("added token, other id", &|file| {
        file["model"]["vocab"]["<think>"] = json!(600);
    });
    assert!(
        matches!(
            error,
            TextError::DuplicateToken { .. } | TextError::DuplicateId { .. }
        ),
        "{error}"
    );
    for merge in [
        json!(["a", "nope"]),
        json!(["nope", "a"]),
        json!(["z", "q"]),
    ] {
        let error = refused("unknown merge", &|file| {
            file["model"]["merges"][7] = merge.clone()
        });
        assert!(matches!(error, TextError::MergeToken { .. }), "{error}");
    }
    for merge in [
        json!("a"),
        json!("a b c"),
        json!(" a"),
        json!(["a"]),
        json!(["a", "b", "c"]),
        json!(1),
        json!([1, 2]),
    ] {
        refused("malformed merge", &|file| {
            file["model"]["merges"][7] = merge.clone()
        });
    }
    for (part, value) in [
        ("model", json!(null)),
        ("model", json!([])),
        ("pre_tokenizer", json!(null)),
        ("pre_tokenizer", json!(7)),
        ("pre_tokenizer", json!({"type": "Sequence"})),
        ("pre_tokenizer", json!("x".repeat(100_000))),
        ("decoder", json!(null)),
        ("normalizer", json!([[[]]])),
        ("post_processor", json!({"type": "TemplateProcessing"})),
        ("added_tokens", json!({})),
    ] {
        refused(part, &|file| file[part] = value.clone());
    }
    for pattern in ["(", "((a{1000}){1000}){1000}(?!b)", "[", r"\p{Nope}"] {
        refused(pattern, &|file| {
            file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!(pattern);
        });
    }
    let deep = format!("{{\"model\":{}", "[".repeat(100_000));
    assert!(check_json("deep", deep.as_bytes()).is_some());
}

/// A change that must be refused.
type Change = (&'static str, fn(&mut GgufVocab));

const CHANGES: [Change; 19] = [
    ("no types", |v| v.token_types.clear()),
    ("fewer types", |v| v.token_types.truncate(9)),
    ("more types", |v| v.token_types.push(1)),
    ("no tokens", |v| v.tokens.clear()),
    ("fewer tokens", |v| v.tokens.truncate(9)),
    ("duplicate token", |v| v.tokens[40] = v.tokens[41].clone()),
    ("type 0", |v| v.token_types[3] = 0),
    ("type 7", |v| v.token_types[3] = 7),
    ("type -1", |v| v.token_types[3] = i32::MIN),
    ("byte token without a byte", |v| v.token_types[300] = 6),
    ("merge of an unknown token", |v| {
        v.merges[5] = "a nope".into()
    }),
    ("merge to an unknown token", |v| v.merges[5] = "z q".into()),
    ("merge without a space", |v| v.merges[5] = "ab".into()),
    ("merge of three", |v| v.merges[5] = "a b c".into()),
    ("empty merge", |v| v.merges[5] = String::new()),
    ("huge merge", |v| {
        v.merges[5] = "a ".to_owned() + &"b".repeat(1 << 20)
    }),
    ("bos out of range", |v| v.bos = Some(1 << 20)),
    ("eos out of range", |v| v.eos = Some(u32::MAX)),
    ("bos wanted but unknown", |v| {
        (v.add_bos, v.bos) = (Some(true), None)
    }),
];

#[test]
fn inconsistent_gguf_vocabularies_are_refused() {
    for name in NAMES {
        assert!(check_gguf(name, gguf(name)).is_none());
        for (what, change) in CHANGES {
            let mut vocab = gguf(name);
            change(&mut vocab);
            assert!(check_gguf(what, vocab).is_some(), "{name}: {what}");
        }
    }
}

#[test]
fn absurd_counts_are_refused_without_building_anything() {
    let mut vocab = gguf("qwen2");
    vocab.tokens.resize(500_000, String::new());
    vocab.token_types.resize(500_000, 5);
    let error = check_gguf("many tokens", vocab);
    assert!(matches!(error, Some(TextError::Limit { .. })), "{error:?}");
    let mut vocab = gguf("qwen2");
    vocab.merges.resize(500_000, "a b".into());
    let error = check_gguf("many merges", vocab);
    assert!(matches!(error, Some(TextError::Limit { .. })), "{error:?}");
    let tokens: Vec<_> = (0..500_000).map(|id| format!("\"{id}\":{id}")).collect();
    let file = format!("{{\"model\":{{\"vocab\":{{{}}}}}}}", tokens.join(","));
    let error = check_json("many tokens", file.as_bytes());
    assert!(matches!(error, Some(TextError::Json { .. })), "{error:?}");
}

#[test]
fn the_largest_vocabulary_stays_within_the_allowance() {
    let mut vocab = gguf("llama-bpe");
    let len = vocab.tokens.len();
    for id in len..450_000 {
        // A letter and a number; each longer one is a merge of a shorter one and a digit.
        vocab.tokens.push(format!("q{id}"));
        vocab.token_types.push(4);
    }
    for id in (len..450_000).filter(|id| id / 10 >= len) {
        vocab.merges.push(format!("q{} {}", id / 10, id % 10));
    }
    assert!(vocab.merges.len() > 400_000);
    let error = check_gguf("largest", vocab);
    assert!(error.is_none(), "{error:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_change_of_bytes_is_read_or_refused(
        name in prop::sample::select(&NAMES[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        keep: bool,
    ) {
        let mut file = json(name).into_bytes();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if !keep {
            file.truncate(cut.index(file.len()));
        }
        check_json(name, &file);
    }

    #[test]
    fn any_vocabulary_is_read_or_refused(
        tokens in prop::collection::vec("[a-cĠ<>]{0,3}", 0..40),
        types in prop::collection::vec(1..7i32, 0..40),
        merges in prop::collection::vec("[a-c]{0,2} [a-c]{0,2}", 0..10),
        bos in prop::option::of(0..50u32),
        pre in prop::sample::select(&["qwen2", "llama-bpe", "default", "x"][..]),
    ) {
        let mut types = types;
        types.resize(tokens.len(), 1);
        check_gguf("any", GgufVocab {
            model: "gpt2".into(),
            pre: Some(pre.into()),
            tokens,
            token_types: types,
            merges,
            bos,
            ..GgufVocab::default()
        });
    }
}
