//! Hugging Face folders, read back.

mod common;

use std::fs;

use common::*;
use pollster::block_on;
use retort_export::{
    Base, Dtype, FileWeights, GgufKind, Provenance, Weights, write_gguf, write_hugging_face,
};
use retort_formats::hf::Folder;
use retort_text::Tokenizer;
use serde_json::{Value, json};
use tempfile::tempdir;

fn folder_of(path: &std::path::Path) -> Folder {
    block_on(Folder::open(path)).unwrap()
}

#[test]
fn a_gguf_base_becomes_a_folder_with_the_same_ids() {
    let temp = tempdir().unwrap();
    for name in TOKENIZERS {
        for architecture in ["qwen2", "llama"] {
            let (gguf, out) = (temp.path().join("x.gguf"), temp.path().join("out"));
            let hf = base(architecture, true, name);
            let mut weights = Random::new(&hf, 1);
            let facts = Provenance::new();
            write_gguf(&hf, &mut weights, &facts, GgufKind::F16, &gguf, &mut quiet).unwrap();
            let base = Base::open(&gguf).unwrap();
            let mut stored = FileWeights::open(&gguf).unwrap();
            let facts = Provenance::new().with("name", "Tiny").unwrap();
            write_hugging_face(&base, &mut stored, &facts, Dtype::Bf16, &out, &mut quiet).unwrap();

            let folder = folder_of(&out);
            let written = Tokenizer::from_json(folder.tokenizer_json.as_deref().unwrap()).unwrap();
            let original = Gguf::open(&gguf).tokenizer();
            assert_golden(&written, name);
            assert_eq!(written.adds_bos(), original.adds_bos());
            assert_eq!(written.vocab_size(), original.vocab_size());
            for id in 0..original.vocab_size() as u32 {
                assert_eq!(written.token_bytes(id), original.token_bytes(id), "{id}");
                assert_eq!(written.is_control(id), original.is_control(id), "{id}");
            }
            // The values were chosen to be exact in F16 and in BF16.
            let mut back = FileWeights::open(&out).unwrap();
            for info in base.tensors() {
                assert_eq!(back.read(&info.name).unwrap(), weights.get(&info.name));
            }
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

#[test]
fn a_configuration_is_made_from_gguf_metadata() {
    let temp = tempdir().unwrap();
    for name in ["qwen2", "llama"] {
        let golden = golden_model(name);
        let out = temp.path().join(name);
        let base = Base::open(golden.join("model.gguf")).unwrap();
        let mut weights = FileWeights::open(golden.join("model.gguf")).unwrap();
        let facts = Provenance::new().with("seed", "7").unwrap();
        write_hugging_face(&base, &mut weights, &facts, Dtype::F32, &out, &mut quiet).unwrap();
        let expected: Value =
            serde_json::from_slice(&fs::read(golden.join("config.json")).unwrap()).unwrap();
        let folder = folder_of(&out);
        for key in [
            "model_type",
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "hidden_act",
            "max_position_embeddings",
            "rms_norm_eps",
            "tie_word_embeddings",
        ] {
            assert_eq!(folder.config[key], expected[key], "{name} {key}");
        }
        assert_eq!(folder.config["torch_dtype"], "float32");
        let mut rope = expected["rope_parameters"].clone();
        let theta = rope.as_object_mut().unwrap().remove("rope_theta");
        assert_eq!(folder.config["rope_theta"], theta.unwrap());
        let plain = folder.config["rope_scaling"].is_null() && rope["rope_type"] == "default";
        assert!(plain || folder.config["rope_scaling"] == rope, "{name}");
        let facts: Value =
            serde_json::from_slice(&fs::read(out.join("retort.json")).unwrap()).unwrap();
        assert_eq!(facts["provenance"]["seed"], "7");
        assert_eq!(
            facts["provenance"]["base_model.name"],
            format!("golden {name}")
        );
        let generation: Value =
            serde_json::from_slice(folder.generation_config.as_deref().unwrap()).unwrap();
        assert_eq!(generation["eos_token_id"], 256);
        // The folder is a base itself, and of the same model.
        assert_eq!(Base::open(&out).unwrap().tensors(), base.tensors());
        // The very weights.
        let mut golden = FileWeights::open(&golden).unwrap();
        let mut back = FileWeights::open(&out).unwrap();
        for info in base.tensors() {
            assert_eq!(
                back.read(&info.name).unwrap(),
                golden.read(&info.name).unwrap()
            );
        }
    }
}

#[test]
fn files_of_a_hugging_face_base_are_kept() {
    let temp = tempdir().unwrap();
    let (from, out) = (temp.path().join("from"), temp.path().join("out"));
    let mut files = files(config("qwen2", true), "smollm");
    files.config["quantization_config"] = json!({"quant_method": "x"});
    files.config["anything"] = json!([1, 2.5]);
    write_folder(&files, &from);
    fs::write(from.join("merges.txt"), "a b").unwrap();
    let base = Base::open(&from).unwrap();
    let mut weights = Random::new(&base, 1);
    let facts = Provenance::new();
    // An empty folder may be there already.
    fs::create_dir(&out).unwrap();
    write_hugging_face(&base, &mut weights, &facts, Dtype::F16, &out, &mut quiet).unwrap();
    assert_eq!(
        names(&out),
        [
            "chat_template.jinja",
            "config.json",
            "generation_config.json",
            "merges.txt",
            "model.safetensors",
            "retort.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    );
    let folder = folder_of(&out);
    assert_eq!(
        folder.tokenizer_json.as_deref(),
        Some(files.tokenizer.as_slice())
    );
    assert_eq!(folder.tokenizer_config, files.tokenizer_config);
    assert_eq!(folder.chat_template.as_deref(), Some(TEMPLATE));
    let mut expected = files.config.clone();
    expected["torch_dtype"] = json!("float16");
    expected
        .as_object_mut()
        .unwrap()
        .remove("quantization_config");
    assert_eq!(folder.config, expected);
    assert_eq!(folder.tensors[0].dtype.name(), "F16");
    assert_eq!(names(temp.path()), ["from", "out"]);
}

#[test]
fn a_base_without_companions_gets_plain_ones() {
    let temp = tempdir().unwrap();
    let out = temp.path().join("out");
    let mut files = files(config("qwen2", true), "qwen2");
    files.tokenizer_config = None;
    files.chat_template = Some("{{ 1 }}".into());
    let base = Base::from_files(files).unwrap();
    let mut weights = Random::new(&base, 1);
    let facts = Provenance::new();
    write_hugging_face(&base, &mut weights, &facts, Dtype::Bf16, &out, &mut quiet).unwrap();
    let folder = folder_of(&out);
    let parsed = |bytes: Option<Vec<u8>>| -> Value {
        serde_json::from_slice(bytes.as_deref().unwrap()).unwrap()
    };
    let config = parsed(folder.tokenizer_config);
    assert_eq!(config["eos_token"], "<|end|>");
    assert_eq!(config["chat_template"], "{{ 1 }}");
    assert_eq!(config["tokenizer_class"], "PreTrainedTokenizerFast");
    assert_eq!(
        parsed(folder.generation_config)["eos_token_id"],
        json!([422])
    );
    assert_eq!(folder.chat_template.as_deref(), Some("{{ 1 }}"));
}
