//! Tiny students: a shape, random weights, and the tiny tokenizers of `crates/text`.
#![allow(
    dead_code,
    reason = "each test program uses its own part of this module"
)]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use pollster::block_on;
use retort_export::{Base, HuggingFaceFiles, Progress, TensorInfo, Weights};
use retort_formats::gguf::{self, Header, TensorInfo as Stored};
use retort_formats::{FileSource, Source, blocks};
use retort_text::{GgufVocab, SpecialTokens, Tokenizer};
use serde_json::{Value, json};

/// The tiny tokenizers.
pub const TOKENIZERS: [&str; 4] = ["qwen2", "llama-bpe", "smollm", "gpt-2"];

pub const ROWS: usize = 512;
pub const TEMPLATE: &str = "{% for m in messages %}<|start|>{{ m['content'] }}<|end|>{% endfor %}";

pub fn quiet(_: Progress<'_>) {}

fn repository() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../..")
}

/// A golden model's folder: `qwen2` or `llama`.
pub fn golden_model(name: &str) -> PathBuf {
    repository().join("tests/golden").join(name)
}

/// The `tokenizer.json` of a tiny tokenizer.
pub fn tokenizer_json(name: &str) -> Vec<u8> {
    let folder = repository().join("crates/text/tests/golden");
    std::fs::read(folder.join(format!("{name}.json"))).unwrap()
}

/// A tiny tokenizer.
pub fn tokenizer(name: &str) -> Tokenizer {
    Tokenizer::from_json(&tokenizer_json(name)).unwrap()
}

/// Texts with their ids, by the library that defines them: special tokens parsed, and not.
pub fn golden_ids(tokenizer: &str) -> Vec<(String, Vec<u32>, Vec<u32>)> {
    let path = repository().join("crates/text/tests/golden/tokenizers.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let ids = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    let rows: Vec<_> = (text.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row["tokenizer"] == tokenizer)
        .map(|row| {
            let text = row["text"].as_str().unwrap().to_owned();
            (text, ids(&row["parse"]), ids(&row["as_text"]))
        })
        .collect();
    assert!(rows.len() > 20, "{tokenizer}: {}", rows.len());
    rows
}

/// Checks a tokenizer against [`golden_ids`].
pub fn assert_golden(tokenizer: &Tokenizer, name: &str) {
    for (text, parse, as_text) in golden_ids(name) {
        let got = tokenizer.encode(&text, SpecialTokens::Parse).unwrap();
        assert_eq!(got, parse, "{name}: {text:?}");
        let got = tokenizer.encode(&text, SpecialTokens::AsText).unwrap();
        assert_eq!(got, as_text, "{name}: {text:?}");
    }
}

/// A `config.json` whose rows are whole blocks of all types.
pub fn config(architecture: &str, tied: bool) -> Value {
    let mut config = json!({
        "architectures": ["X"], "model_type": architecture, "vocab_size": ROWS,
        "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
        "rope_theta": 500000.0, "max_position_embeddings": 2048, "tie_word_embeddings": tied,
        "hidden_act": "silu", "torch_dtype": "bfloat16", "bos_token_id": 0, "eos_token_id": [422],
    });
    if architecture == "llama" {
        config["rope_scaling"] = json!({
            "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        });
    }
    config
}

/// The files of a folder with this configuration and tiny tokenizer.
pub fn files(config: Value, tokenizer: &str) -> HuggingFaceFiles {
    let tokenizer_config = json!({
        "bos_token": "<|begin|>", "eos_token": {"content": "<|end|>"}, "pad_token": "<|end|>",
        "chat_template": TEMPLATE,
    });
    HuggingFaceFiles {
        config,
        tokenizer: tokenizer_json(tokenizer),
        tokenizer_config: Some(tokenizer_config.to_string().into_bytes()),
        ..HuggingFaceFiles::default()
    }
}

pub fn base(architecture: &str, tied: bool, tokenizer: &str) -> Base {
    Base::from_files(files(config(architecture, tied), tokenizer)).unwrap()
}

/// Writes a base's files as a folder without weights.
pub fn write_folder(files: &HuggingFaceFiles, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("config.json", files.config.to_string().as_bytes());
    write("tokenizer.json", &files.tokenizer);
    if let Some(config) = &files.tokenizer_config {
        write("tokenizer_config.json", config);
    }
}

/// Weights in memory, which may be spoiled.
#[derive(Clone)]
pub struct Random {
    pub tensors: Vec<(TensorInfo, Vec<f32>)>,
    /// A tensor that cannot be read.
    pub broken: Option<String>,
    pub reads: HashMap<String, usize>,
}

impl Random {
    /// Values that bf16 and f16 hold exactly: small multiples of 1/128.
    pub fn new(base: &Base, seed: u64) -> Self {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as i64 % 101 - 50
        };
        let tensors = base.tensors().into_iter().map(|info| {
            let count = info.shape.iter().product();
            let values = (0..count).map(|_| next() as f32 / 128.0).collect();
            (info, values)
        });
        Self {
            tensors: tensors.collect(),
            broken: None,
            reads: HashMap::new(),
        }
    }

    pub fn get(&self, name: &str) -> &[f32] {
        let found = self.tensors.iter().find(|(info, _)| info.name == name);
        &found.unwrap().1
    }
}

impl Weights for Random {
    fn tensors(&self) -> Vec<TensorInfo> {
        // In another order than they are written.
        self.tensors
            .iter()
            .rev()
            .map(|(info, _)| info.clone())
            .collect()
    }

    fn read(&mut self, name: &str) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        if self.broken.as_deref() == Some(name) {
            return Err("the device is gone".into());
        }
        *self.reads.entry(name.to_owned()).or_default() += 1;
        Ok(self.get(name).to_vec())
    }
}

/// A GGUF file read back.
pub struct Gguf {
    pub header: Header,
    source: FileSource,
}

impl Gguf {
    pub fn open(path: &Path) -> Self {
        let source = FileSource::open(path).unwrap();
        let header = block_on(gguf::read_header(&source)).unwrap();
        Self { header, source }
    }

    pub fn info(&self, name: &str) -> &Stored {
        self.header.tensor(name).unwrap()
    }

    /// The values as the file has them, rows in its own order.
    pub fn values(&self, name: &str) -> Vec<f32> {
        let info = self.info(name);
        let mut bytes = vec![0; info.bytes as usize];
        block_on(self.source.read_at(info.offset, &mut bytes)).unwrap();
        let mut values = vec![0.0; info.elements() as usize];
        blocks::dequantize(info.ty.known().unwrap(), &bytes, &mut values).unwrap();
        values
    }

    pub fn tokenizer(&self) -> Tokenizer {
        Tokenizer::from_gguf(self.vocab()).unwrap()
    }

    pub fn vocab(&self) -> GgufVocab {
        let metadata = &self.header.metadata;
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        GgufVocab {
            model: metadata.str(&key("model")).unwrap().to_owned(),
            pre: metadata.str(&key("pre")).ok().map(str::to_owned),
            tokens: metadata.strings(&key("tokens")).unwrap().to_vec(),
            token_types: metadata.i32s(&key("token_type")).unwrap().to_vec(),
            merges: metadata
                .strings(&key("merges"))
                .unwrap_or_default()
                .to_vec(),
            bos: metadata.u32(&key("bos_token_id")).ok(),
            eos: metadata.u32(&key("eos_token_id")).ok(),
            add_bos: metadata.bool(&key("add_bos_token")).ok(),
        }
    }
}

/// What is in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
