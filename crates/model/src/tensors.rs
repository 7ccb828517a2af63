//! A decoder's weights under their Hugging Face names, adapters merged: what an export writes.

use std::ops::Range;

use burn::module::Param;
use burn::tensor::Tensor;
use retort_kernels::{Linear, Shard, Weight};

use crate::{Config, Decoder};

/// A tensor as Hugging Face names it. It holds no values: [`NamedTensor::read`] makes them.
pub struct NamedTensor<'a> {
    pub name: String,
    pub shape: Vec<usize>,
    part: Part<'a>,
}

enum Part<'a> {
    /// Some elements of a norm or a bias.
    Vector(&'a Param<Tensor<1>>, Range<usize>),
    /// Some rows of a projection.
    Rows(&'a Linear, Range<usize>),
}

impl NamedTensor<'_> {
    /// The values, flat, f32. Of a low-rank pair `W + scale B A`; of packed blocks what they mean.
    pub fn read(&self) -> Tensor<1> {
        match &self.part {
            Part::Vector(param, range) => param.val().slice(range.clone()),
            Part::Rows(linear, range) => rows(linear, range.clone()).flatten(0, 1),
        }
    }
}

impl Decoder {
    /// Every tensor in the order of the forward pass.
    pub fn tensors<'a>(&'a self, config: &Config) -> Vec<NamedTensor<'a>> {
        let mut found = Vec::new();
        let (q, kv, f) = (
            config.q_width(),
            config.kv_width(),
            config.intermediate_size,
        );
        let (d, vocab) = (config.hidden_size, config.vocab_size);
        push_linear(
            &mut found,
            &self.embed_tokens.table,
            "model",
            &[("embed_tokens", vocab)],
        );
        for (index, block) in self.layers.iter().enumerate() {
            let module = format!("model.layers.{index}");
            push_vector(
                &mut found,
                &block.input_layernorm,
                format!("{module}.input_layernorm.weight"),
            );
            let qkv = [
                ("self_attn.q_proj", q),
                ("self_attn.k_proj", kv),
                ("self_attn.v_proj", kv),
            ];
            push_linear(&mut found, &block.qkv_proj, &module, &qkv);
            push_linear(
                &mut found,
                &block.o_proj,
                &module,
                &[("self_attn.o_proj", d)],
            );
            push_vector(
                &mut found,
                &block.post_attention_layernorm,
                format!("{module}.post_attention_layernorm.weight"),
            );
            let gate_up = [("mlp.gate_proj", f), ("mlp.up_proj", f)];
            push_linear(&mut found, &block.gate_up_proj, &module, &gate_up);
            push_linear(
                &mut found,
                &block.down_proj,
                &module,
                &[("mlp.down_proj", d)],
            );
        }
        push_vector(&mut found, &self.norm, "model.norm.weight".into());
        if let Some(head) = &self.lm_head {
            for tensor in linear_tensors(head, &[("lm_head".into(), vocab)]) {
                found.push(tensor);
            }
        }
        found
    }
}

fn push_vector<'a>(found: &mut Vec<NamedTensor<'a>>, param: &'a Param<Tensor<1>>, name: String) {
    let len = param.dims()[0];
    found.push(NamedTensor {
        name,
        shape: vec![len],
        part: Part::Vector(param, 0..len),
    });
}

fn push_linear<'a>(
    found: &mut Vec<NamedTensor<'a>>,
    linear: &'a Linear,
    parent: &str,
    modules: &[(&str, usize)],
) {
    let named = modules
        .iter()
        .map(|(module, rows)| (format!("{parent}.{module}"), *rows))
        .collect::<Vec<_>>();
    found.extend(linear_tensors(linear, &named));
}

fn linear_tensors<'a>(linear: &'a Linear, modules: &[(String, usize)]) -> Vec<NamedTensor<'a>> {
    let cols = linear.shards[0].weight.dims()[1];
    let mut found = Vec::new();
    let mut first = 0;
    for (module, rows) in modules {
        let range = first..first + rows;
        first += rows;
        found.push(NamedTensor {
            name: format!("{module}.weight"),
            shape: vec![*rows, cols],
            part: Part::Rows(linear, range.clone()),
        });
        if let Some(bias) = &linear.bias {
            found.push(NamedTensor {
                name: format!("{module}.bias"),
                shape: vec![*rows],
                part: Part::Vector(bias, range),
            });
        }
    }
    found
}

/// Rows of a projection, out of the shards that hold them.
fn rows(linear: &Linear, range: Range<usize>) -> Tensor<2> {
    let mut first = 0;
    let mut parts = Vec::new();
    for shard in &linear.shards {
        let held = shard.weight.dims()[0];
        let from = range.start.max(first);
        let to = range.end.min(first + held);
        if from < to {
            parts.push(merged(shard).narrow(0, from - first, to - from));
        }
        first += held;
    }
    match parts.len() {
        1 => parts.remove(0),
        _ => Tensor::cat(parts, 0),
    }
}

fn merged(shard: &Shard) -> Tensor<2> {
    let weight = match &shard.weight {
        Weight::Dense(weight) => weight.val(),
        Weight::Packed(packed) => packed.dequantize(),
    };
    match &shard.lora {
        Some(lora) => weight + lora.b.val().matmul(lora.a.val()).mul_scalar(lora.scale),
        None => weight,
    }
}
