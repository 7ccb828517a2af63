//! A small model whose reply is known.
//!
//! Embeddings `e(t)` are rows of random signs, nearly orthogonal to each other. The output row of
//! the token that is to follow `t` is `e(t)`, so its logit stands far above all others whatever the
//! sampling. The two layers between are real, of weights too small to change the outcome.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use retort_formats::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use retort_formats::hf::{FolderWriter, HfTensorSpec};
use retort_formats::{GgmlType, blocks};
use serde_json::json;

use crate::run::folder;

pub const HIDDEN: usize = 128;
pub const ROWS: usize = 1100;
const LAYERS: usize = 2;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD_DIM: usize = 32;
const FFN: usize = 256;

pub const BEGIN: &str = "<|begin|>";
pub const END: &str = "<|end|>";
/// What is thought, in tokens.
pub const THOUGHT: [&str; 2] = ["Let me see. ", "It is Paris."];
/// What is answered, in tokens.
pub const ANSWER: [&str; 2] = ["\n\nThe capital ", "is Paris."];

/// A thought is opened at the end of the prompt, and old ones are dropped, as in R1's template.
pub const TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
{{ '<|' + message['role'] + '|>' + message['content'] + '\n' }}{% endfor %}\
{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}";

/// After the last word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Stop,
    /// The answer again, without end.
    Again,
}

/// A GGUF file that answers and stops.
pub fn gguf() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| write_gguf("student.gguf", Then::Stop))
}

/// A GGUF file that never stops.
pub fn endless() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| write_gguf("endless.gguf", Then::Again))
}

/// The header of [`gguf`] alone.
pub fn header_only() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let file = fs::read(gguf()).expect("the student");
        let source = retort_formats::MemorySource::new(file.clone());
        let header = pollster::block_on(retort_formats::gguf::read_header(&source));
        let path = folder("students").join("header.gguf");
        let data_start = header.expect("a header").data_start as usize;
        fs::write(&path, &file[..data_start]).expect("the header is written");
        path
    })
}

/// The same model as a Hugging Face folder.
pub fn hf_folder() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(write_folder)
}

/// Token by id: bytes, special tokens, words, padding.
fn vocabulary() -> Vec<(String, i32)> {
    const NORMAL: i32 = 1;
    const CONTROL: i32 = 3;
    const USER_DEFINED: i32 = 4;
    const UNUSED: i32 = 5;
    let mut tokens: Vec<(String, i32)> = (0..=255)
        .map(|byte| (byte_char(byte).to_string(), NORMAL))
        .collect();
    for name in [BEGIN, END, "<|user|>", "<|assistant|>", "<|system|>"] {
        tokens.push((name.into(), CONTROL));
    }
    for name in ["<think>", "</think>"] {
        tokens.push((name.into(), USER_DEFINED));
    }
    for word in THOUGHT.iter().chain(&ANSWER) {
        tokens.push((word.bytes().map(byte_char).collect(), NORMAL));
    }
    for id in tokens.len()..ROWS {
        tokens.push((format!("[PAD{id}]"), UNUSED));
    }
    tokens
}

/// The id of a token by its text.
pub fn id(text: &str) -> usize {
    let name: String = text.bytes().map(byte_char).collect();
    let find = |name: &str| vocabulary().iter().position(|(token, _)| token == name);
    find(text)
        .or_else(|| find(&name))
        .expect("a token of the vocabulary")
}

/// GPT-2's printable character for a byte (`bytes_to_unicode`).
fn byte_char(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&other| !printable(other)).count() as u32;
    char::from_u32(0x100 + before).expect("a letter")
}

/// Pairs of a token and the one that follows it. A prompt ends with a line break.
fn successors(then: Then) -> Vec<(usize, usize)> {
    let mut text = vec![usize::from(b'\n')];
    text.extend(THOUGHT.iter().map(|word| id(word)));
    text.push(id("</think>"));
    text.extend(ANSWER.iter().map(|word| id(word)));
    text.push(match then {
        Then::Stop => id(END),
        Then::Again => id(ANSWER[0]),
    });
    text.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// SplitMix64's mixing, as a number from -1 to 1.
fn noise(seed: u64) -> f32 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn embedding() -> Vec<f32> {
    (0..ROWS * HIDDEN)
        .map(|i| noise(i as u64 + 1).signum())
        .collect()
}

fn output(then: Then) -> Vec<f32> {
    let signs = embedding();
    let mut rows = vec![0.0; signs.len()];
    for (before, next) in successors(then) {
        for column in 0..HIDDEN {
            rows[next * HIDDEN + column] += 0.25 * signs[before * HIDDEN + column];
        }
    }
    rows
}

/// Name, rows, columns: GGUF's names with Hugging Face's beside them. A vector has no rows.
fn tensors() -> Vec<(String, String, Option<usize>, usize)> {
    let (q, kv) = (HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM);
    let mut all = vec![(
        "token_embd".into(),
        "model.embed_tokens".into(),
        Some(ROWS),
        HIDDEN,
    )];
    for layer in 0..LAYERS {
        for (gguf, hf, rows, cols) in [
            ("attn_norm", "input_layernorm", None, HIDDEN),
            ("attn_q", "self_attn.q_proj", Some(q), HIDDEN),
            ("attn_k", "self_attn.k_proj", Some(kv), HIDDEN),
            ("attn_v", "self_attn.v_proj", Some(kv), HIDDEN),
            ("attn_output", "self_attn.o_proj", Some(HIDDEN), q),
            ("ffn_norm", "post_attention_layernorm", None, HIDDEN),
            ("ffn_gate", "mlp.gate_proj", Some(FFN), HIDDEN),
            ("ffn_up", "mlp.up_proj", Some(FFN), HIDDEN),
            ("ffn_down", "mlp.down_proj", Some(HIDDEN), FFN),
        ] {
            all.push((
                format!("blk.{layer}.{gguf}"),
                format!("model.layers.{layer}.{hf}"),
                rows,
                cols,
            ));
        }
    }
    all.push(("output_norm".into(), "model.norm".into(), None, HIDDEN));
    all.push(("output".into(), "lm_head".into(), Some(ROWS), HIDDEN));
    all
}

/// The values of a tensor by its GGUF name.
fn values(name: &str, len: usize, then: Then) -> Vec<f32> {
    match name {
        "token_embd" => embedding(),
        "output" => output(then),
        _ if name.contains("norm") => vec![1.0; len],
        _ => (0..len).map(|i| 0.02 * noise((len + i) as u64)).collect(),
    }
}

fn metadata() -> Metadata {
    let string = |text: &str| Value::String(text.into());
    let mut metadata = Metadata::new();
    metadata.set("general.architecture", string("llama"));
    metadata.set("general.name", string("Tiny"));
    for (key, number) in [
        ("block_count", LAYERS),
        ("context_length", 2048),
        ("embedding_length", HIDDEN),
        ("feed_forward_length", FFN),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KV_HEADS),
        ("attention.key_length", HEAD_DIM),
    ] {
        metadata.set(format!("llama.{key}"), Value::U32(number as u32));
    }
    metadata.set("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5));
    metadata.set("llama.rope.freq_base", Value::F32(10_000.0));
    let (tokens, kinds): (Vec<_>, Vec<_>) = vocabulary().into_iter().unzip();
    metadata.set("tokenizer.ggml.model", string("gpt2"));
    metadata.set("tokenizer.ggml.pre", string("qwen2"));
    metadata.set("tokenizer.ggml.tokens", Value::Array(Array::String(tokens)));
    metadata.set("tokenizer.ggml.token_type", Value::Array(Array::I32(kinds)));
    metadata.set(
        "tokenizer.ggml.merges",
        Value::Array(Array::String(Vec::new())),
    );
    metadata.set("tokenizer.ggml.bos_token_id", Value::U32(id(BEGIN) as u32));
    metadata.set("tokenizer.ggml.eos_token_id", Value::U32(id(END) as u32));
    metadata.set("tokenizer.ggml.add_bos_token", Value::Bool(true));
    metadata.set("tokenizer.chat_template", string(TEMPLATE));
    metadata
}

fn write_gguf(name: &str, then: Then) -> PathBuf {
    let specs: Vec<TensorSpec> = tensors()
        .into_iter()
        .map(|(name, _, rows, cols)| TensorSpec {
            name: format!("{name}.weight"),
            dims: [Some(cols), rows]
                .into_iter()
                .flatten()
                .map(|dim| dim as u64)
                .collect(),
            ty: if rows.is_some() {
                GgmlType::Q8_0
            } else {
                GgmlType::F32
            },
        })
        .collect();
    let path = folder("students").join(name);
    let file = BufWriter::new(File::create(&path).expect("a file"));
    let mut writer = Writer::new(file, &metadata(), specs.clone()).expect("a header");
    for (spec, (name, _, rows, cols)) in specs.iter().zip(tensors()) {
        let values = values(&name, rows.unwrap_or(1) * cols, then);
        let bytes = blocks::quantize(spec.ty, &values).expect("values fit");
        writer.write(&spec.name, &bytes).expect("a tensor");
    }
    writer.finish().expect("all tensors were written");
    path
}

fn write_folder() -> PathBuf {
    let specs = tensors()
        .into_iter()
        .map(|(_, name, rows, cols)| HfTensorSpec {
            name: format!("{name}.weight"),
            dims: [rows, Some(cols)]
                .into_iter()
                .flatten()
                .map(|dim| dim as u64)
                .collect(),
            ty: GgmlType::F32,
        })
        .collect();
    let path = folder("students").join("folder");
    let mut writer = FolderWriter::create(&path, specs, 1 << 20).expect("a folder");
    while let Some(due) = writer.due().map(str::to_owned) {
        let module = due.strip_suffix(".weight").expect("a weight");
        let (name, _, rows, cols) = tensors()
            .into_iter()
            .find(|(_, hf, ..)| hf == module)
            .expect("a known tensor");
        let values = values(&name, rows.unwrap_or(1) * cols, Then::Stop);
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        writer.write(&due, &bytes).expect("a tensor");
    }
    for (name, value) in [
        ("config.json", config_json()),
        ("tokenizer.json", tokenizer_json()),
        ("tokenizer_config.json", tokenizer_config_json()),
    ] {
        writer
            .write_file(name, value.to_string().as_bytes())
            .expect("a file");
    }
    writer.finish().expect("all tensors were written");
    path
}

fn config_json() -> serde_json::Value {
    json!({
        "model_type": "llama", "vocab_size": ROWS, "hidden_size": HIDDEN,
        "intermediate_size": FFN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "max_position_embeddings": 2048, "tie_word_embeddings": false,
    })
}

fn tokenizer_json() -> serde_json::Value {
    let vocabulary = vocabulary();
    let special = |kind: i32| kind == 3 || kind == 4;
    let vocab: serde_json::Map<_, _> = (0..)
        .zip(&vocabulary)
        .filter(|(_, (_, kind))| *kind == 1)
        .map(|(id, (token, _))| (token.clone(), json!(id)))
        .collect();
    let added: Vec<_> = (0..)
        .zip(&vocabulary)
        .filter(|(_, (_, kind))| special(*kind))
        .map(|(id, (token, kind)): (usize, _)| {
            json!({
                "id": id, "content": token, "special": *kind == 3, "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false,
            })
        })
        .collect();
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true,
    });
    let text = |name: &str| json!({"Sequence": {"id": name, "type_id": 0}});
    let token = json!({"SpecialToken": {"id": BEGIN, "type_id": 0}});
    let begin = json!({
        "type": "TemplateProcessing",
        "single": [token, text("A")],
        "pair": [token, text("A"), token, text("B")],
        "special_tokens": {BEGIN: {"id": BEGIN, "ids": [id(BEGIN)], "tokens": [BEGIN]}},
    });
    json!({
        "version": "1.0", "added_tokens": added, "normalizer": null,
        "pre_tokenizer": byte_level, "decoder": byte_level, "post_processor": begin,
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    })
}

fn tokenizer_config_json() -> serde_json::Value {
    json!({
        "bos_token": {"content": BEGIN}, "eos_token": END, "add_bos_token": true,
        "chat_template": TEMPLATE,
    })
}
