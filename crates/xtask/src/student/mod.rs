//! GGUF files that no one trained: random weights in a student's true shape, for benchmarks, and
//! tiny students with a known text, for tests. Never committed; the same seed gives the same file.

mod random;
mod requantize;
mod scripted;
mod vocabulary;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use retort_formats::GgmlType;
use retort_formats::gguf::{Metadata, TensorSpec, Value, Writer};

pub use random::{Mix, RandomStudent};
pub use requantize::{to_f32, to_q4_0};
pub use scripted::{Ending, ScriptedStudent};
use vocabulary::Vocabulary;

/// The shape of a Qwen2 decoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    pub layers: usize,
    pub hidden: usize,
    pub ffn: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Rows of the embedding, padding included.
    pub vocab: usize,
    /// Positions.
    pub context: usize,
    pub rope_base: f32,
    /// The output shares the embedding's matrix.
    pub tied: bool,
}

impl Shape {
    /// DeepSeek-R1-Distill-Qwen-1.5B, whose output matrix, other than its base model's, is its own.
    pub const QWEN_1_5B: Self = Self {
        layers: 28,
        hidden: 1536,
        ffn: 8960,
        heads: 12,
        kv_heads: 2,
        head_dim: 128,
        vocab: 151_936,
        context: 131_072,
        rope_base: 10_000.0,
        tied: false,
    };

    /// DeepSeek-R1-Distill-Qwen-7B.
    pub const QWEN_7B: Self = Self {
        hidden: 3584,
        ffn: 18_944,
        heads: 28,
        kv_heads: 4,
        vocab: 152_064,
        ..Self::QWEN_1_5B
    };

    /// Names and dimensions (columns first) of all tensors, in llama.cpp's order.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let Self {
            hidden, ffn, vocab, ..
        } = *self;
        let queries = self.heads * self.head_dim;
        let keys = self.kv_heads * self.head_dim;
        let mut tensors = vec![("token_embd.weight".to_owned(), vec![hidden, vocab])];
        for layer in 0..self.layers {
            let mut add = |name: &str, dims: &[usize]| {
                tensors.push((format!("blk.{layer}.{name}"), dims.to_vec()));
            };
            add("attn_norm.weight", &[hidden]);
            for (name, width) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
                add(&format!("{name}.weight"), &[hidden, width]);
                add(&format!("{name}.bias"), &[width]);
            }
            add("attn_output.weight", &[queries, hidden]);
            add("ffn_norm.weight", &[hidden]);
            add("ffn_gate.weight", &[hidden, ffn]);
            add("ffn_up.weight", &[hidden, ffn]);
            add("ffn_down.weight", &[ffn, hidden]);
        }
        tensors.push(("output_norm.weight".to_owned(), vec![hidden]));
        if !self.tied {
            tensors.push(("output.weight".to_owned(), vec![hidden, vocab]));
        }
        tensors
    }

    fn metadata(&self, name: &str, vocabulary: Vocabulary) -> Metadata {
        let mut metadata = Metadata::new();
        let mut set = |key: &str, value: Value| metadata.set(key, value);
        set("general.architecture", Value::String("qwen2".to_owned()));
        set("general.name", Value::String(name.to_owned()));
        for (key, number) in [
            ("block_count", self.layers),
            ("context_length", self.context),
            ("embedding_length", self.hidden),
            ("feed_forward_length", self.ffn),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("attention.key_length", self.head_dim),
            ("attention.value_length", self.head_dim),
        ] {
            // Every number of a shape is far below 2^32.
            set(&format!("qwen2.{key}"), Value::U32(number as u32));
        }
        set("qwen2.rope.freq_base", Value::F32(self.rope_base));
        set("qwen2.attention.layer_norm_rms_epsilon", Value::F32(1e-6));
        vocabulary.add_to(&mut metadata);
        metadata
    }
}

/// Writes a student to `path`: each tensor has the type that `ty` says, and the bytes that `fill`
/// writes in pieces.
fn write(
    path: &Path,
    metadata: &Metadata,
    shape: &Shape,
    ty: impl Fn(&str, &[usize]) -> GgmlType,
    mut fill: impl FnMut(&TensorSpec, &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let part = path.with_extension("gguf.part");
    let file = File::create(&part).with_context(|| part.display().to_string())?;
    let specs: Vec<TensorSpec> = shape
        .tensors()
        .into_iter()
        .map(|(name, dims)| TensorSpec {
            ty: ty(&name, &dims),
            dims: dims.iter().map(|&dim| dim as u64).collect(),
            name,
        })
        .collect();
    let mut writer = Writer::new(BufWriter::new(file), metadata, specs.clone())?;
    for spec in &specs {
        fill(spec, &mut |bytes| Ok(writer.write(&spec.name, bytes)?))
            .with_context(|| spec.name.clone())?;
    }
    let mut out = writer.finish()?;
    out.flush()?;
    std::fs::rename(&part, path).with_context(|| path.display().to_string())
}

/// SplitMix64: small, good enough, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `end`; the bias is below 2^-32 for the small ranges used here.
    fn below(&mut self, end: usize) -> usize {
        (((self.next() >> 32) * end as u64) >> 32) as usize
    }

    /// Mean 0 and standard deviation 1, nearly normal: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f32 {
        let sum: f32 = (0..12)
            .map(|_| (self.next() >> 40) as f32 / (1 << 24) as f32)
            .sum();
        sum - 6.0
    }
}
