//! The network: a pre-norm decoder with grouped-query attention, rotary positions and SwiGLU,
//! which is Qwen2/2.5 and Llama 3.x alike (they differ in the bias of q, k, v and in scaling the
//! rotary frequencies, both configuration).
//!
//! Per block, with `x` the residual stream [tokens, hidden]:
//!
//! ```text
//! q, k, v = split(norm(x) Wqkvᵀ + b)            one projection
//! x = x + attention(rope(q), rope(k), v) Woᵀ
//! x = x + (silu(norm(x) Wgateᵀ) * norm(x) Wupᵀ) Wdownᵀ
//! ```

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use retort_kernels::{
    Attention, Embedding, Fusion, Linear, RopeTable, attention, attention_reference, rms_norm,
    rope_append, rope_reference,
};

use crate::{Config, KvCache};

/// The decoder without its rotary table, which is no parameter.
#[derive(Module, Debug)]
pub struct Decoder {
    pub embed_tokens: Embedding,
    pub layers: Vec<Block>,
    /// Gamma of the final norm, [hidden].
    pub norm: Param<Tensor<1>>,
    /// None when the embedding table is also the output projection.
    pub lm_head: Option<Linear>,
    #[module(skip)]
    pub shape: Shape,
}

#[derive(Module, Debug)]
pub struct Block {
    pub input_layernorm: Param<Tensor<1>>,
    /// q, k and v as one projection.
    pub qkv_proj: Linear,
    pub o_proj: Linear,
    pub post_attention_layernorm: Param<Tensor<1>>,
    /// gate and up as one projection.
    pub gate_up_proj: Linear,
    pub down_proj: Linear,
}

/// What the forward pass needs of the configuration.
#[derive(Clone, Debug)]
pub struct Shape {
    pub attention: Attention,
    pub rms_norm_eps: f32,
    pub rope: RopeTable,
}

impl Shape {
    /// `positions` is the longest sequence that will be run.
    pub fn new(config: &Config, positions: usize, device: &Device) -> Self {
        let device = device.clone().inner();
        Self {
            attention: Attention {
                heads: config.num_attention_heads,
                kv_heads: config.num_key_value_heads,
                head_dim: config.head_dim,
                scale: (config.head_dim as f32).sqrt().recip(),
            },
            rms_norm_eps: config.rms_norm_eps,
            rope: RopeTable::new(&config.inverse_frequencies(), positions, &device),
        }
    }
}

impl Decoder {
    /// Hidden states after the last block, before the final norm.
    ///
    /// # Shapes
    /// `ids` [batch, t] -> [batch * t, hidden]. With a cache, batch is 1, the tokens follow those
    /// in the cache and are appended to it; without, every row starts at position 0.
    pub fn forward(&self, ids: Tensor<2, Int>, mut cache: Option<&mut KvCache>) -> Tensor<2> {
        let [batch, t] = ids.dims();
        let mut x = self.embed_tokens.forward(ids.reshape([batch * t]));
        for (index, block) in self.layers.iter().enumerate() {
            x = block.forward(x, batch, index, cache.as_deref_mut(), &self.shape);
        }
        if let Some(cache) = cache {
            cache.advance(t);
        }
        x
    }

    /// [`Self::forward`] of one sequence into a cache, for a host that has to do other work in
    /// between: after each block `pause` is told how many are done, and answers whether to stop.
    /// None if it did; the cache then holds what it held before.
    pub async fn forward_with_pauses(
        &self,
        ids: Tensor<2, Int>,
        cache: &mut KvCache,
        mut pause: impl AsyncFnMut(usize) -> bool,
    ) -> Option<Tensor<2>> {
        let t = ids.dims()[1];
        let mut x = self.embed_tokens.forward(ids.reshape([t]));
        for (index, block) in self.layers.iter().enumerate() {
            x = block.forward(x, 1, index, Some(&mut *cache), &self.shape);
            if pause(index + 1).await {
                return None;
            }
        }
        cache.advance(t);
        Some(x)
    }

    /// Scores of every token of the vocabulary.
    ///
    /// # Shapes
    /// `hidden` [m, hidden] -> [m, vocab]
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let head = self.lm_head.as_ref().unwrap_or(&self.embed_tokens.table);
        head.forward(hidden, Fusion::norm(&self.norm, self.shape.rms_norm_eps))
    }

    /// Hidden states after the final norm, what the output projection sees.
    pub fn normalized(&self, hidden: Tensor<2>) -> Tensor<2> {
        rms_norm(hidden, self.norm.val(), self.shape.rms_norm_eps)
    }
}

impl Block {
    fn forward(
        &self,
        x: Tensor<2>,
        batch: usize,
        index: usize,
        cache: Option<&mut KvCache>,
        shape: &Shape,
    ) -> Tensor<2> {
        let eps = shape.rms_norm_eps;
        let qkv = self
            .qkv_proj
            .forward(x.clone(), Fusion::norm(&self.input_layernorm, eps));
        let attended = match cache {
            Some(cache) => attend_cached(qkv, index, cache, shape),
            None => attend(qkv, batch, shape),
        };
        let x = self.o_proj.forward(attended, Fusion::residual(x));
        let gated = Fusion::norm(&self.post_attention_layernorm, eps).swiglu();
        let hidden = self.gate_up_proj.forward(x.clone(), gated);
        self.down_proj.forward(hidden, Fusion::residual(x))
    }
}

/// One sequence, after what the cache holds. `qkv` [t, (heads + 2 kv_heads) * d] -> [t, heads * d].
fn attend_cached(qkv: Tensor<2>, layer: usize, cache: &mut KvCache, shape: &Shape) -> Tensor<2> {
    let past = cache.len();
    let buffers = cache.take(layer, qkv.dims()[0]);
    let (q, k, v) = rope_append(qkv, buffers, &shape.rope, shape.attention, past);
    let attended = attention(q, k.clone(), v.clone(), shape.attention, past);
    cache.put(layer, (k, v));
    attended
}

/// Whole sequences from position 0. `qkv` [batch * t, (heads + 2 kv_heads) * d] -> [batch * t, heads * d].
fn attend(qkv: Tensor<2>, batch: usize, shape: &Shape) -> Tensor<2> {
    let Attention {
        heads,
        kv_heads,
        head_dim: d,
        ..
    } = shape.attention;
    let t = qkv.dims()[0] / batch;
    let mut first = 0;
    let mut split = |n: usize| {
        let part = qkv.clone().narrow(1, first * d, n * d);
        first += n;
        part.reshape([batch, t, n, d]).swap_dims(1, 2)
    };
    let (q, k, v) = (split(heads), split(kv_heads), split(kv_heads));
    let (q, k) = (
        rope_reference(q, &shape.rope),
        rope_reference(k, &shape.rope),
    );
    let attended = attention_reference(q, k, v, shape.attention);
    attended.swap_dims(1, 2).reshape([batch * t, heads * d])
}
