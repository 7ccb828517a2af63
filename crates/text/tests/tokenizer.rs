//! The tokenizer against Hugging Face's, and what it promises beyond ids.

mod common;

use std::sync::LazyLock;

use common::{NAMES, gguf, json, rows, tokenizers};
use proptest::prelude::*;
use retort_text::{ChatTemplate, GgufVocab, SpecialTokens, TextError, Tokenizer};
use serde_json::Value;

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn ids_are_those_of_hugging_face() {
    let rows = rows("tokenizers.jsonl");
    for name in NAMES {
        let rows: Vec<_> = rows.iter().filter(|row| row["tokenizer"] == name).collect();
        assert_eq!(rows.len(), 25);
        for (tokenizer, from) in tokenizers(name).iter().zip(["json", "gguf"]) {
            for row in &rows {
                let text = row["text"].as_str().unwrap();
                for (mode, key) in [
                    (SpecialTokens::Parse, "parse"),
                    (SpecialTokens::AsText, "as_text"),
                ] {
                    let got = tokenizer.encode(text, mode).unwrap();
                    assert_eq!(got, ids(&row[key]), "{name} {from} {key} {text:?}");
                }
            }
        }
    }
}

#[test]
fn bytes_without_a_token_become_the_unknown_token_where_there_is_one() {
    let file = json("unknown");
    let tokenizer = Tokenizer::from_json(file.as_bytes()).unwrap();
    let fused = file.replace("\"fuse_unk\":false", "\"fuse_unk\":true");
    let fused = Tokenizer::from_json(fused.as_bytes()).unwrap();
    let unknown = tokenizer.id_of("<unk>").unwrap();
    let mut met = 0;
    for row in rows("tokenizers.jsonl") {
        if row["tokenizer"] != "unknown" {
            continue;
        }
        let text = row["text"].as_str().unwrap();
        let expected = ids(&row["parse"]);
        let encode = |tokenizer: &Tokenizer| tokenizer.encode(text, SpecialTokens::Parse).unwrap();
        assert_eq!(encode(&tokenizer), expected, "{text:?}");
        met += expected.iter().filter(|&&id| id == unknown).count();
        assert!(encode(&fused).len() <= expected.len());
    }
    assert!(met > 100, "{met}");
}

#[test]
fn text_survives() {
    for row in rows("tokenizers.jsonl") {
        if row["tokenizer"] == "unknown" {
            continue;
        }
        let text = row["text"].as_str().unwrap();
        // Composed by the tokenizer: not the same bytes.
        if row["tokenizer"] == "qwen2" && text.contains('\u{301}') {
            continue;
        }
        for tokenizer in tokenizers(row["tokenizer"].as_str().unwrap()) {
            let ids = tokenizer.encode(text, SpecialTokens::Parse).unwrap();
            assert_eq!(tokenizer.decode(&ids, false), text);
        }
    }
}

#[test]
fn control_tokens_can_be_hidden() {
    for tokenizer in tokenizers("qwen2") {
        let text = "<|start|>user<think>x</think><|end|>";
        let ids = tokenizer.encode(text, SpecialTokens::Parse).unwrap();
        assert_eq!(tokenizer.decode(&ids, true), "user<think>x</think>");
        let mut shown = tokenizer.detokenizer();
        let mut hidden = tokenizer.detokenizer().skip_special(true);
        let push = |detokenizer: &mut retort_text::Detokenizer| -> String {
            ids.iter().map(|&id| detokenizer.push(id)).collect()
        };
        assert_eq!(push(&mut shown), text);
        assert_eq!(push(&mut hidden), "user<think>x</think>");
        assert!(tokenizer.is_control(tokenizer.id_of("<|end|>").unwrap()));
        assert!(!tokenizer.is_control(tokenizer.id_of("<think>").unwrap()));
    }
}

#[test]
fn the_begin_token_is_added_once_and_only_where_asked() {
    for tokenizer in tokenizers("llama-bpe") {
        let bos = tokenizer.bos().unwrap();
        assert_eq!(tokenizer.id_of("<|begin|>"), Some(bos));
        assert!(tokenizer.adds_bos());
        let mut ids = tokenizer.encode("dog", SpecialTokens::Parse).unwrap();
        let bare = ids.clone();
        tokenizer.prepend_bos(&mut ids);
        tokenizer.prepend_bos(&mut ids);
        assert_eq!(ids, [&[bos], &bare[..]].concat());
    }
    for tokenizer in tokenizers("qwen2") {
        let mut ids = vec![5];
        tokenizer.prepend_bos(&mut ids);
        assert_eq!(ids, [5]);
    }
    let vocab = GgufVocab {
        add_bos: Some(true),
        ..gguf("qwen2")
    };
    let tokenizer = Tokenizer::from_gguf(vocab).unwrap();
    assert!(tokenizer.adds_bos());
    assert_eq!(tokenizer.eos(), tokenizer.id_of("<|end|>"));
}

#[test]
fn padding_and_holes_stand_for_nothing() {
    let [json, gguf] = tokenizers("llama-bpe");
    assert_eq!(json.vocab_size(), 501);
    assert_eq!(gguf.vocab_size(), 501);
    let last = gguf.token_bytes(500).unwrap();
    assert_eq!(last, b" asleep");
    for id in [499, 501, 507, 508, u32::MAX] {
        assert_eq!(gguf.token_bytes(id), None);
        assert_eq!(json.token_bytes(id), None);
    }
    assert_eq!(gguf.decode(&[499, 500, 505], false), " asleep");
    assert_eq!(json.id_of("Ġasleep"), Some(500));
    assert_eq!(json.id_of(" asleep"), None);
}

#[test]
fn byte_tokens_stand_for_their_byte() {
    let mut vocab = gguf("gpt-2");
    let id = vocab.tokens.len() - 1;
    vocab.tokens[id] = "<0xC3>".into();
    vocab.token_types[id] = 6;
    let tokenizer = Tokenizer::from_gguf(vocab.clone()).unwrap();
    assert_eq!(tokenizer.token_bytes(id as u32), Some(&[0xc3][..]));
    vocab.tokens[id] = "<0x1>".into();
    let error = Tokenizer::from_gguf(vocab).unwrap_err();
    assert!(matches!(error, TextError::ByteToken { .. }), "{error}");
}

#[test]
fn a_tokenizer_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Tokenizer>();
    shared::<ChatTemplate>();
}

#[test]
fn what_is_not_supported_is_named() {
    let refused = |change: fn(&mut GgufVocab)| {
        let mut vocab = gguf("qwen2");
        change(&mut vocab);
        let error = Tokenizer::from_gguf(vocab).unwrap_err();
        assert!(error.hint().is_some());
        error.to_string()
    };
    let text = refused(|vocab| vocab.pre = Some("tekken".into()));
    assert!(
        text.contains("tokenizer.ggml.pre") && text.contains("`tekken`"),
        "{text}"
    );
    let text = refused(|vocab| vocab.model = "llama".into());
    assert!(
        text.contains("tokenizer.ggml.model") && text.contains("`llama`"),
        "{text}"
    );
    let text = refused(|vocab| vocab.pre = None);
    assert!(text.contains("tokenizer.ggml.pre is missing"), "{text}");
}

/// Replaces the one occurrence of `from` in the Llama file and gives the error.
fn refused_json(from: &str, to: &str) -> String {
    let file = json("llama-bpe");
    assert!(file.contains(from), "{from}");
    let changed = file.replacen(from, to, 1);
    Tokenizer::from_json(changed.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn parts_of_a_tokenizer_json_that_would_change_ids_are_refused_by_name() {
    for (from, to, named) in [
        (
            r#""normalizer":null"#,
            r#""normalizer":{"type":"NFKC"}"#,
            "normalizer is `\"NFKC\"`",
        ),
        (
            r#""type":"BPE""#,
            r#""type":"Unigram""#,
            "model.type is `Unigram`",
        ),
        (
            r#""unk_token":null"#,
            r#""unk_token":"<unk>""#,
            "model.unk_token",
        ),
        (
            r#""byte_fallback":false"#,
            r#""byte_fallback":true"#,
            "model.byte_fallback",
        ),
        (r#""dropout":null"#, r#""dropout":0.5"#, "model.dropout"),
        (
            r#""lstrip":false"#,
            r#""lstrip":true"#,
            "added_tokens.lstrip",
        ),
        (
            r#""add_prefix_space":false"#,
            r#""add_prefix_space":true"#,
            "add_prefix_space",
        ),
        (
            r#""behavior":"Isolated""#,
            r#""behavior":"Removed""#,
            "pre_tokenizer.Split",
        ),
        (
            r#""decoder":{"type":"ByteLevel""#,
            r#""decoder":{"type":"WordPiece""#,
            "decoder",
        ),
        (
            r#""single":["#,
            r#""single":[{"SpecialToken":{"id":"<|end|>"}},"#,
            "TemplateProcessing",
        ),
    ] {
        let text = refused_json(from, to);
        assert!(text.contains(named), "{to}: {text}");
    }
}

#[test]
fn older_files_write_merges_as_text() {
    let file: Value = serde_json::from_str(&json("qwen2")).unwrap();
    let mut old = file.clone();
    for merge in old["model"]["merges"].as_array_mut().unwrap() {
        *merge = format!(
            "{} {}",
            merge[0].as_str().unwrap(),
            merge[1].as_str().unwrap()
        )
        .into();
    }
    old["model"].as_object_mut().unwrap().remove("type");
    let [new, _] = tokenizers("qwen2");
    let old = Tokenizer::from_json(old.to_string().as_bytes()).unwrap();
    let text = "The quick brown fox doesn't mind 12345.";
    assert_eq!(
        old.encode(text, SpecialTokens::Parse).unwrap(),
        new.encode(text, SpecialTokens::Parse).unwrap()
    );
}

/// Built once: a property is tried a few hundred times.
static TINY: LazyLock<Vec<Tokenizer>> =
    LazyLock::new(|| NAMES.map(tokenizers).into_iter().flatten().collect());

proptest! {
    #[test]
    fn streamed_text_is_the_whole_text(ids in prop::collection::vec(0..520u32, 0..60)) {
        let tokenizer = &TINY[0];
        for skip in [false, true] {
            let mut detokenizer = tokenizer.detokenizer().skip_special(skip);
            let mut text: String = ids.iter().map(|&id| detokenizer.push(id)).collect();
            text.push_str(&detokenizer.finish());
            prop_assert_eq!(text, tokenizer.decode(&ids, skip));
        }
    }

    #[test]
    fn any_text_survives(text in "(\\PC|\\s|<think>|<\\|end\\|>){0,40}") {
        // The first two compose their text.
        for tokenizer in &TINY[2..] {
            for mode in [SpecialTokens::Parse, SpecialTokens::AsText] {
                let ids = tokenizer.encode(&text, mode).unwrap();
                prop_assert_eq!(tokenizer.decode(&ids, false), text.clone());
            }
        }
    }
}
