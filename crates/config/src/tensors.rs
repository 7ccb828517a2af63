//! The tensors of a decoder: their names in both formats, and their shapes.

use crate::Config;

/// One tensor of the model.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Hugging Face's name.
    pub name: String,
    /// llama.cpp's name.
    pub gguf_name: String,
    /// Row-major, as Hugging Face counts.
    pub shape: Vec<usize>,
    pub role: Role,
    /// Of the block it is in; 0 outside of the blocks.
    pub layer: usize,
}

/// What decides a tensor's type in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A norm or a bias.
    Vector,
    Embedding,
    Output,
    Value,
    Down,
    /// Any other matrix of a block.
    Matrix,
}

impl Tensor {
    /// Number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Values in a row.
    pub fn cols(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

impl Config {
    /// All tensors, from the embedding to the output.
    pub fn tensors(&self) -> Vec<Tensor> {
        let (d, f) = (self.hidden_size, self.intermediate_size);
        let (q, kv) = (self.q_width(), self.kv_width());
        let mut all = Vec::new();
        let mut add = |name: String, shape: &[usize], role, layer| {
            // Every name in the list below has one.
            let gguf_name = gguf_name(&name).unwrap_or_else(|| name.clone());
            let shape = shape.to_vec();
            all.push(Tensor {
                name,
                gguf_name,
                shape,
                role,
                layer,
            });
        };
        let table = [self.vocab_size, d];
        add(
            "model.embed_tokens.weight".into(),
            &table,
            Role::Embedding,
            0,
        );
        for layer in 0..self.num_hidden_layers {
            let mut block = |module: &str, shape: &[usize], role| {
                add(format!("model.layers.{layer}.{module}"), shape, role, layer);
            };
            block("input_layernorm.weight", &[d], Role::Vector);
            for (module, rows, role) in [
                ("q_proj", q, Role::Matrix),
                ("k_proj", kv, Role::Matrix),
                ("v_proj", kv, Role::Value),
            ] {
                block(&format!("self_attn.{module}.weight"), &[rows, d], role);
                if self.attention_bias {
                    block(&format!("self_attn.{module}.bias"), &[rows], Role::Vector);
                }
            }
            block("self_attn.o_proj.weight", &[d, q], Role::Matrix);
            block("post_attention_layernorm.weight", &[d], Role::Vector);
            block("mlp.gate_proj.weight", &[f, d], Role::Matrix);
            block("mlp.up_proj.weight", &[f, d], Role::Matrix);
            block("mlp.down_proj.weight", &[d, f], Role::Down);
        }
        add("model.norm.weight".into(), &[d], Role::Vector, 0);
        if !self.tie_word_embeddings {
            add("lm_head.weight".into(), &table, Role::Output, 0);
        }
        all
    }
}

/// Hugging Face's and llama.cpp's names of the tensors outside of the blocks.
const OUTER: [(&str, &str); 3] = [
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.norm.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// The same of the modules in a block.
const MODULES: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// `model.layers.3.self_attn.q_proj.weight` -> `blk.3.attn_q.weight`.
pub fn gguf_name(name: &str) -> Option<String> {
    if let Some((_, outer)) = OUTER.iter().find(|(hf, _)| *hf == name) {
        return Some((*outer).to_owned());
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (module, kind) = rest.rsplit_once('.')?;
    let (_, module) = MODULES.iter().find(|(hf, _)| *hf == module)?;
    Some(format!("blk.{layer}.{module}.{kind}"))
}

/// `blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`.
pub fn hugging_face_name(name: &str) -> Option<String> {
    if let Some((outer, _)) = OUTER.iter().find(|(_, gguf)| *gguf == name) {
        return Some((*outer).to_owned());
    }
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (module, kind) = rest.rsplit_once('.')?;
    let (module, _) = MODULES.iter().find(|(_, gguf)| *gguf == module)?;
    Some(format!("model.layers.{layer}.{module}.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::STUDENTS;

    #[test]
    fn the_weights_are_the_published_number() {
        for preset in &STUDENTS {
            let tensors = (preset.config)().tensors();
            let weights: usize = tensors.iter().map(Tensor::elements).sum();
            assert_eq!(preset.parameters, weights as u64, "{}", preset.name);
        }
    }

    #[test]
    fn names_translate_both_ways() {
        for (hf, gguf) in [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("model.layers.3.self_attn.q_proj.bias", "blk.3.attn_q.bias"),
            (
                "model.layers.12.mlp.down_proj.weight",
                "blk.12.ffn_down.weight",
            ),
            ("lm_head.weight", "output.weight"),
        ] {
            assert_eq!(gguf_name(hf).as_deref(), Some(gguf));
            assert_eq!(hugging_face_name(gguf).as_deref(), Some(hf));
        }
        assert_eq!(gguf_name("model.layers.0.self_attn.q_norm.weight"), None);
        assert_eq!(hugging_face_name("rope_freqs.weight"), None);
    }
}
