//! What cannot be exported is refused with its name, and leaves nothing behind.

mod common;

use std::fs;
use std::path::Path;

use common::*;
use retort_export::{
    Base, Dtype, ExportError, FileWeights, GgufKind, Provenance, write_gguf, write_hugging_face,
};
use retort_formats::gguf::{Metadata, Value as Entry, Writer};
use retort_report::ReportError;
use serde_json::{Value, json};
use tempfile::tempdir;

fn gguf(base: &Base, weights: &mut Random, path: &Path) -> Result<(), ExportError> {
    let facts = Provenance::new();
    write_gguf(base, weights, &facts, GgufKind::Q8_0, path, &mut quiet)
}

fn hf(base: &Base, weights: &mut Random, path: &Path) -> Result<(), ExportError> {
    let facts = Provenance::new();
    write_hugging_face(base, weights, &facts, Dtype::F16, path, &mut quiet)
}

#[test]
fn wrong_weights_leave_nothing() {
    let q = "model.layers.1.self_attn.q_proj.weight";
    let base = base("qwen2", true, "qwen2");
    type Spoil = fn(&mut Random);
    let cases: [(Spoil, &str); 8] = [
        (
            |w| w.broken = Some("model.norm.weight".into()),
            "the device is gone",
        ),
        (|w| drop(w.tensors.remove(4)), "lack the tensor"),
        (|w| w.tensors.push(w.tensors[0].clone()), "twice"),
        (|w| w.tensors[0].0.shape[0] += 1, "[513, 256]"),
        (|w| w.tensors[3].1.truncate(9), "read as 9 values"),
        (|w| w.tensors[3].1[77] = f32::NAN, "value 77"),
        (|w| w.tensors[3].1[5] = f32::INFINITY, "value 5"),
        (
            |w| {
                w.tensors.push(w.tensors[0].clone());
                w.tensors.last_mut().unwrap().0.name = "lm_head.weight".into();
            },
            "`lm_head.weight`, which the model does not have",
        ),
    ];
    for (spoil, expected) in cases {
        let temp = tempdir().unwrap();
        let mut weights = Random::new(&base, 1);
        assert!(weights.tensors.iter().any(|(info, _)| info.name == q));
        spoil(&mut weights);
        for result in [
            gguf(&base, &mut weights.clone(), &temp.path().join("x.gguf")),
            hf(&base, &mut weights, &temp.path().join("x")),
        ] {
            let text = result.unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
        assert!(names(temp.path()).is_empty(), "{:?}", names(temp.path()));
    }
}

#[test]
fn a_failure_keeps_the_file_that_was_there() {
    let temp = tempdir().unwrap();
    let path = temp.path().join("x.gguf");
    let base = base("qwen2", true, "qwen2");
    let mut weights = Random::new(&base, 1);
    fs::write(&path, "old").unwrap();
    weights.broken = Some("model.norm.weight".into());
    gguf(&base, &mut weights, &path).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(temp.path()), ["x.gguf"]);
    weights.broken = None;
    gguf(&base, &mut weights, &path).unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"GGUF"));
    assert_eq!(names(temp.path()), ["x.gguf"]);
}

fn exists(error: &ExportError) -> bool {
    matches!(error, ExportError::Report(ReportError::Exists { .. }))
}

#[test]
fn a_folder_in_use_is_not_touched() {
    let temp = tempdir().unwrap();
    let base = base("qwen2", true, "qwen2");
    let folder = temp.path().join("x");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "x").unwrap();
    fs::write(temp.path().join("file"), "x").unwrap();
    for path in [&folder, &temp.path().join("file")] {
        let error = hf(&base, &mut Random::new(&base, 1), path).unwrap_err();
        assert!(exists(&error), "{error}");
        assert!(error.hint().is_some());
    }
    let error = gguf(&base, &mut Random::new(&base, 1), &folder).unwrap_err();
    assert!(exists(&error), "{error}");
    assert_eq!(names(&folder), ["mine"]);
    assert_eq!(names(temp.path()), ["file", "x"]);
    let error = gguf(&base, &mut Random::new(&base, 1), Path::new("/")).unwrap_err();
    assert!(exists(&error), "{error}");
}

#[test]
fn what_an_interrupted_export_left_is_replaced() {
    let temp = tempdir().unwrap();
    let base = base("qwen2", true, "qwen2");
    let part = temp.path().join(".x.0.retort-tmp");
    fs::create_dir(&part).unwrap();
    fs::write(part.join("model-00001-of-00009.safetensors"), "half").unwrap();
    hf(&base, &mut Random::new(&base, 1), &temp.path().join("x")).unwrap();
    assert!(!names(&temp.path().join("x")).contains(&"model-00001-of-00009.safetensors".into()));
    assert_eq!(names(temp.path()), ["x"]);
}

#[test]
fn values_too_large_for_the_type_are_located() {
    let temp = tempdir().unwrap();
    let base = base("qwen2", true, "qwen2");
    let mut weights = Random::new(&base, 1);
    let (info, values) = &mut weights.tensors[3];
    let name = info.name.clone();
    values[99] = 1e6;
    let error = hf(&base, &mut weights, &temp.path().join("x")).unwrap_err();
    match &error {
        ExportError::Unrepresentable { tensor, index, .. } => {
            assert_eq!((tensor, *index), (&name, 99));
        }
        other => panic!("{other}"),
    }
    assert!(error.hint().unwrap().contains("bf16"));
}

#[test]
fn unknown_configurations_are_refused() {
    let set = |key: &str, value: Value| {
        let mut config = config("llama", true);
        config[key] = value;
        Base::from_files(files(config, "qwen2"))
            .unwrap_err()
            .to_string()
    };
    for (key, value, expected) in [
        ("model_type", json!("mamba"), "`mamba`"),
        ("hidden_size", json!(0), "hidden_size is 0"),
        ("hidden_size", json!("x"), "config.json"),
        ("num_key_value_heads", json!(3), "a multiple of 3"),
        ("head_dim", json!(63), "an even number"),
        ("rms_norm_eps", json!(0.0), "rms_norm_eps is 0"),
        ("attention_bias", json!(true), "attention_bias"),
        ("hidden_act", json!("gelu"), "gelu"),
        ("use_sliding_window", json!(true), "sliding"),
        ("rope_scaling", json!({"rope_type": "yarn"}), "yarn"),
        ("rope_scaling", json!({"type": "linear"}), "factor"),
        ("vocab_size", json!(1u64 << 40), "vocab_size"),
    ] {
        let text = set(key, value);
        assert!(text.contains(expected), "{key}: {text}");
    }
}

#[test]
fn unknown_tokenizers_are_refused() {
    let temp = tempdir().unwrap();
    let path = temp.path().join("x.gguf");
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut files = files(config("qwen2", true), "qwen2");
        let mut tokenizer: Value = serde_json::from_slice(&files.tokenizer).unwrap();
        edit(&mut tokenizer);
        files.tokenizer = tokenizer.to_string().into_bytes();
        let base = Base::from_files(files)?;
        gguf(&base, &mut Random::new(&base, 1), &path)
    };
    edited(&|_| ()).unwrap();
    fs::remove_file(&path).unwrap();
    let error = edited(&|tokenizer| {
        tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!("[a-z]+");
    });
    let error = error.unwrap_err();
    assert!(matches!(error, ExportError::PreTokenizer { .. }), "{error}");
    assert!(error.to_string().contains("[a-z]+"), "{error}");
    let error = edited(&|tokenizer| tokenizer["model"]["ignore_merges"] = json!(true));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("ignore_merges true")
    );
    let error = edited(&|tokenizer| tokenizer["model"]["type"] = json!("Unigram"));
    assert!(error.unwrap_err().to_string().contains("Unigram"));
    let error = edited(&|tokenizer| tokenizer["added_tokens"][0]["id"] = json!(ROWS));
    assert!(matches!(
        error.unwrap_err(),
        ExportError::Vocabulary { tokens, rows: ROWS } if tokens == ROWS + 1
    ));
    assert!(names(temp.path()).is_empty());
}

#[test]
fn missing_files_are_named() {
    let temp = tempdir().unwrap();
    let missing = |path: &Path, expected: &str| {
        let error = Base::open(path).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some(), "{error}");
    };
    missing(&temp.path().join("none.gguf"), "none.gguf");
    missing(temp.path(), "config.json");
    let write = |name: &str, text: &str| fs::write(temp.path().join(name), text).unwrap();
    write("config.json", "{");
    let error = Base::open(temp.path()).unwrap_err().to_string();
    assert!(error.contains("config.json cannot be used"), "{error}");
    write("config.json", &config("qwen2", true).to_string());
    missing(temp.path(), "tokenizer.json");
    write("tokenizer.json", "{}");
    let error = Base::open(temp.path()).unwrap_err();
    assert!(matches!(error, ExportError::Text(_)), "{error}");
    assert!(FileWeights::open(temp.path()).is_err());
}

/// Every cut and many flipped bytes: an error or a model, never a panic.
#[test]
fn broken_gguf_files_do_not_panic() {
    let temp = tempdir().unwrap();
    let path = temp.path().join("x.gguf");
    let whole = fs::read(golden_model("llama").join("model.gguf")).unwrap();
    for cut in (0..whole.len()).step_by(997) {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(Base::open(&path).is_err(), "{cut}");
    }
    // The header has about 9 kB.
    let mut refused = 0;
    for at in (0..10_000).step_by(47) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        let (base, weights) = (Base::open(&path), FileWeights::open(&path));
        let (Ok(base), Ok(mut weights)) = (base, weights) else {
            refused += 1;
            continue;
        };
        let out = temp.path().join("out");
        let facts = Provenance::new();
        match write_hugging_face(&base, &mut weights, &facts, Dtype::F32, &out, &mut quiet) {
            Ok(()) => fs::remove_dir_all(&out).unwrap(),
            Err(_) => assert!(!out.exists()),
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn one_part_of_several_is_refused() {
    let temp = tempdir().unwrap();
    let path = temp.path().join("x-00001-of-00002.gguf");
    let mut metadata = Metadata::new();
    metadata.set("general.architecture", Entry::String("qwen2".into()));
    metadata.set("split.count", Entry::U16(2));
    let file = fs::File::create(&path).unwrap();
    Writer::new(file, &metadata, Vec::new())
        .unwrap()
        .finish()
        .unwrap();
    let error = Base::open(&path).unwrap_err();
    assert!(error.to_string().contains("several GGUF files"), "{error}");
    assert!(error.hint().unwrap().contains("merge"));
}
