//! A GGUF file as a checkpoint: llama.cpp's names, and its row order put back.

use std::collections::HashMap;
use std::ops::Range;

use retort_formats::Source;
use retort_formats::gguf::{Header, TensorInfo};

use super::{Checkpoint, TensorSpec, read_rows, shape};
use crate::{Architecture, Config, ModelError, rope::RopeScaling};

/// A GGUF file.
pub struct GgufCheckpoint<S> {
    source: S,
    config: Config,
    tensors: HashMap<String, TensorInfo>,
}

impl<S: Source> GgufCheckpoint<S> {
    /// Reads the configuration out of the header, and the rotary divisors out of the data.
    pub async fn new(source: S, header: &Header) -> Result<Self, ModelError> {
        let tensors = header
            .tensors
            .iter()
            .map(|tensor| (tensor.name.clone(), tensor.clone()))
            .collect::<HashMap<_, _>>();
        let embedding =
            tensors
                .get("token_embd.weight")
                .ok_or_else(|| ModelError::MissingTensor {
                    tensor: "token_embd.weight".into(),
                })?;
        let vocab_size = embedding.dims.get(1).copied().unwrap_or(0) as usize;
        let tied = !tensors.contains_key("output.weight");
        let config = Config::from_gguf(&header.metadata, vocab_size, tied)?;
        let mut checkpoint = Self {
            source,
            config,
            tensors,
        };
        if let Some(divisors) = checkpoint.rope_divisors().await? {
            checkpoint.config.rope_scaling = Some(RopeScaling::Divisors(divisors));
        }
        Ok(checkpoint)
    }

    async fn rope_divisors(&self) -> Result<Option<Vec<f32>>, ModelError> {
        let name = "rope_freqs.weight";
        let Some(info) = self.tensors.get(name) else {
            return Ok(None);
        };
        let spec = gguf_spec(info)?;
        let expected = self.config.head_dim / 2;
        if spec.cols != expected || spec.rows != 1 {
            let got = info.dims.iter().map(|&dim| dim as usize).collect();
            return Err(ModelError::Shape {
                tensor: name.into(),
                expected: vec![expected],
                got,
            });
        }
        let bytes = read_rows(&self.source, name, spec, info.offset, 0..1).await?;
        let mut divisors = vec![0.0; expected];
        retort_formats::blocks::dequantize(spec.ty, &bytes, &mut divisors)?;
        Ok(Some(divisors))
    }

    /// llama.cpp's converter interleaves the two halves of each head of q and k in llama files
    /// (not in qwen2 files), to rotate neighbours. One head's rows are put back here.
    fn is_interleaved(&self, name: &str) -> bool {
        self.config.architecture == Architecture::Llama
            && (name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight"))
    }
}

impl<S: Source> Checkpoint for GgufCheckpoint<S> {
    fn config(&self) -> &Config {
        &self.config
    }

    fn spec(&self, name: &str) -> Result<Option<TensorSpec>, ModelError> {
        let info = gguf_name(name).and_then(|name| self.tensors.get(&name));
        info.map(gguf_spec).transpose()
    }

    async fn read(&self, name: &str, rows: Range<usize>) -> Result<Vec<u8>, ModelError> {
        let missing = || ModelError::MissingTensor {
            tensor: name.into(),
        };
        let info = gguf_name(name)
            .and_then(|name| self.tensors.get(&name))
            .ok_or_else(missing)?;
        let spec = gguf_spec(info)?;
        if !self.is_interleaved(name) {
            return read_rows(&self.source, name, spec, info.offset, rows).await;
        }
        // Only whole heads can be put back in order: widen the range to them, then cut.
        let d = self.config.head_dim;
        let heads = rows.start / d * d..(rows.end.div_ceil(d) * d).min(spec.rows);
        let bytes = read_rows(&self.source, name, spec, info.offset, heads.clone()).await?;
        let row_bytes = spec.row_bytes()?;
        let ordered = deinterleave(&bytes, d, row_bytes);
        let start = (rows.start - heads.start) * row_bytes;
        Ok(ordered[start..start + rows.len() * row_bytes].to_vec())
    }
}

/// Row `j * 2 + half` of a head goes to `half * d / 2 + j`.
fn deinterleave(bytes: &[u8], d: usize, row_bytes: usize) -> Vec<u8> {
    let mut ordered = vec![0; bytes.len()];
    let heads = bytes
        .chunks_exact(d * row_bytes)
        .zip(ordered.chunks_exact_mut(d * row_bytes));
    for (from, to) in heads {
        for (i, row) in from.chunks_exact(row_bytes).enumerate() {
            let place = (i % 2) * d / 2 + i / 2;
            to[place * row_bytes..][..row_bytes].copy_from_slice(row);
        }
    }
    ordered
}

fn gguf_spec(info: &TensorInfo) -> Result<TensorSpec, ModelError> {
    let ty = info.ty.known()?;
    let row_major = info.dims.iter().rev().copied().collect::<Vec<_>>();
    let (rows, cols) = shape(&info.name, &row_major)?;
    Ok(TensorSpec { ty, rows, cols })
}

/// `model.layers.3.self_attn.q_proj.weight` -> `blk.3.attn_q.weight`.
pub fn gguf_name(hf: &str) -> Option<String> {
    match hf {
        "model.embed_tokens.weight" => return Some("token_embd.weight".into()),
        "model.norm.weight" => return Some("output_norm.weight".into()),
        "lm_head.weight" => return Some("output.weight".into()),
        _ => {}
    }
    let (layer, rest) = hf.strip_prefix("model.layers.")?.split_once('.')?;
    let (module, kind) = rest.rsplit_once('.')?;
    let module = match module {
        "input_layernorm" => "attn_norm",
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "post_attention_layernorm" => "ffn_norm",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    Some(format!("blk.{layer}.{module}.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_put_back_in_order() {
        // One head of four rows, one byte each: halves (a0 a1) and (b0 b1) stored a0 b0 a1 b1.
        assert_eq!(deinterleave(b"aAbB", 4, 1), b"abAB");
        assert_eq!(deinterleave(b"a1A1b1B1", 4, 2), b"a1b1A1B1");
    }

    #[test]
    fn names_follow_llama_cpp() {
        let check = |hf: &str, gguf: &str| assert_eq!(gguf_name(hf).as_deref(), Some(gguf));
        check("model.embed_tokens.weight", "token_embd.weight");
        check("model.layers.3.self_attn.q_proj.bias", "blk.3.attn_q.bias");
        check(
            "model.layers.12.mlp.down_proj.weight",
            "blk.12.ffn_down.weight",
        );
        check("lm_head.weight", "output.weight");
        assert_eq!(gguf_name("model.layers.0.self_attn.q_norm.weight"), None);
    }
}
