//! `retort inspect`.

use serde_json::json;

use crate::run::{arg, retort};
use crate::student::{HIDDEN, ROWS, gguf, header_only, hf_folder};

#[test]
fn facts_of_a_gguf_file() {
    let args = [
        "inspect",
        arg(gguf()),
        "--json",
        "--tensors",
        "--context",
        "100",
    ];
    let facts = retort(&args, "").ok().json();
    assert_eq!(facts["name"], "Tiny");
    assert_eq!(facts["unsupported"], json!([]));
    assert_eq!(facts["architecture"]["num_key_value_heads"], 2);
    assert_eq!(facts["parameters"], facts["architecture"]["parameters"]);
    assert_eq!(facts["tensor_count"], 21);
    assert_eq!(facts["tensors_by_type"][0]["type"], "Q8_0");
    assert_eq!(facts["tensors_by_type"][0]["count"], 16);
    assert_eq!(facts["tensors"][0]["dims"], json!([HIDDEN, ROWS]));
    // 2 layers x 2 heads x 32 x keys and values x 4 bytes.
    assert_eq!(facts["memory"]["kv_cache"], 100 * 2 * 64 * 2 * 4);
    assert_eq!(facts["padded_rows"], 1100 - 267);
    assert_eq!(facts["template"]["reasons"], true);
    assert_eq!(facts["metadata"]["tokenizer.ggml.tokens"]["len"], 1100);
    assert_eq!(facts["special_tokens"][1]["token"], "<|end|>");
}

#[test]
fn a_header_alone_is_the_same_but_for_its_missing_data() {
    let facts = |path| {
        retort(&["inspect", arg(path), "--json", "--tensors"], "")
            .ok()
            .json()
    };
    let (whole, header) = (facts(gguf()), facts(header_only()));
    assert_eq!(whole["tensors"], header["tensors"]);
    assert_eq!(whole["memory"], header["memory"]);
    assert_eq!(header["unsupported"].as_array().unwrap().len(), 1);
    assert_eq!(header["unsupported"][0]["what"], "data");
    let text = retort(&["inspect", arg(header_only())], "").ok().stdout;
    assert!(text.contains("the tensors' data is missing"), "{text}");
}

#[test]
fn a_folder_holds_the_same_model() {
    let facts = |path| retort(&["inspect", arg(path), "--json"], "").ok().json();
    let (gguf, folder) = (facts(gguf()), facts(hf_folder()));
    assert_eq!(folder["format"]["kind"], "safetensors");
    assert_eq!(gguf["architecture"], folder["architecture"]);
    assert_eq!(gguf["parameters"], folder["parameters"]);
    assert_eq!(gguf["special_tokens"][0], folder["special_tokens"][0]);
    assert_eq!(folder["unsupported"], json!([]));
}
