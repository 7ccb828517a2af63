//! Random weights in a true shape: what a student costs, without what it knows.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use retort_formats::gguf::TensorSpec;
use retort_formats::{GgmlType, blocks};

use super::vocabulary::Vocabulary;
use super::{Random, Shape, write};
use crate::fetch::Progress;

/// Distinct blocks per kind of tensor. A file of gigabytes repeats them in random order, which no
/// kernel can notice.
const POOL: usize = 512;

/// Which type each tensor has, after llama.cpp's quantiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mix {
    /// Q4_0, with a Q6_K output.
    #[value(name = "q4_0")]
    Q4_0,
    /// Q4_K, with Q6_K for the output and for half of the `attn_v` and `ffn_down` matrices.
    #[value(name = "q4_k_m")]
    Q4KM,
}

/// A student of random weights.
#[derive(Clone, Copy, Debug)]
pub struct RandomStudent {
    pub shape: Shape,
    pub mix: Mix,
    pub seed: u64,
}

impl RandomStudent {
    pub fn write(&self, name: &str, path: &Path) -> Result<()> {
        let mut vocabulary = Vocabulary::bytes();
        vocabulary.pad_to(self.shape.vocab);
        let metadata = self.shape.metadata(name, vocabulary);
        let total = self.bytes()?;
        let progress = Progress::new(name, total, 0);
        let mut random = Random(self.seed);
        let mut pools = HashMap::new();
        let ty = |name: &str, dims: &[usize]| self.ty(name, dims);
        write(path, &metadata, &self.shape, ty, |spec, out| {
            let pool = pools
                .entry((spec.ty, kind(&spec.name), spec.dims[0]))
                .or_insert_with(|| {
                    let values = pool_values(spec, &mut random);
                    blocks::quantize(spec.ty, &values)
                });
            let pool = pool.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
            let rows: u64 = spec.dims[1..].iter().product();
            let row_bytes = spec.ty.row_bytes(spec.dims[0] as usize)?;
            let block_bytes = spec.ty.block_bytes();
            let mut row = vec![0; row_bytes];
            for _ in 0..rows {
                for block in row.chunks_exact_mut(block_bytes) {
                    let at = random.below(pool.len() / block_bytes) * block_bytes;
                    block.copy_from_slice(&pool[at..at + block_bytes]);
                }
                out(&row)?;
                progress.add(row_bytes as u64);
            }
            Ok(())
        })
    }

    /// Bytes of all tensors.
    fn bytes(&self) -> Result<u64> {
        let mut total = 0;
        for (name, dims) in self.shape.tensors() {
            let rows: usize = dims[1..].iter().product();
            total += (self.ty(&name, &dims).row_bytes(dims[0])? * rows) as u64;
        }
        Ok(total)
    }

    fn ty(&self, name: &str, dims: &[usize]) -> GgmlType {
        if dims.len() == 1 {
            return GgmlType::F32;
        }
        match self.mix {
            _ if name == "output.weight" => GgmlType::Q6_K,
            Mix::Q4_0 => GgmlType::Q4_0,
            Mix::Q4KM if self.is_sensitive(name) => GgmlType::Q6_K,
            Mix::Q4KM => GgmlType::Q4_K,
        }
    }

    /// llama.cpp's `use_more_bits`: the first and last eighth of the layers, and every third of
    /// the others.
    fn is_sensitive(&self, name: &str) -> bool {
        let Some((layer, kind)) = name
            .strip_prefix("blk.")
            .and_then(|rest| rest.split_once('.'))
        else {
            return false;
        };
        let (Ok(layer), "attn_v.weight" | "ffn_down.weight") = (layer.parse::<usize>(), kind)
        else {
            return false;
        };
        let layers = self.shape.layers;
        let eighth = layers / 8;
        layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
    }
}

/// What decides the size of the numbers of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Norm,
    Bias,
    Weight,
}

fn kind(name: &str) -> Kind {
    match () {
        () if name.contains("norm") => Kind::Norm,
        () if name.ends_with("bias") => Kind::Bias,
        () => Kind::Weight,
    }
}

/// Numbers that keep activations near 1: norms of 1, small biases, and matrices whose rows have a
/// length of 1.
fn pool_values(spec: &TensorSpec, random: &mut Random) -> Vec<f32> {
    let scale = (spec.dims[0] as f32).sqrt().recip();
    (0..POOL * spec.ty.block_len())
        .map(|_| match kind(&spec.name) {
            Kind::Norm => 1.0,
            Kind::Bias => 0.1 * random.normal(),
            Kind::Weight => scale * random.normal(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the published Q4_K_M files, without their headers and to 1 %.
    #[test]
    fn files_are_as_large_as_the_published_ones() {
        for (shape, published) in [(Shape::QWEN_1_5B, 1_117e6), (Shape::QWEN_7B, 4_683e6)] {
            let student = RandomStudent {
                shape,
                mix: Mix::Q4KM,
                seed: 0,
            };
            let bytes = student.bytes().unwrap() as f64;
            assert!((bytes / published - 1.0).abs() < 0.01, "{bytes}");
        }
    }
}
