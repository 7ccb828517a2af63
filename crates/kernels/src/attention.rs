//! Causal grouped-query attention (Ainslie et al. 2023): query head `h` reads key and value head
//! `h / (heads / kv_heads)`;
//! `out = softmax(q kᵀ * scale, over positions up to the query's own) v`.
//!
//! Generation reads a preallocated KV cache and keeps a running softmax (Milakov & Gimelshein
//! 2018), so no row of scores is ever stored whole; lengths are run-time values, so a growing
//! cache compiles nothing new.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{Tensor, activation::softmax};

use crate::flex;

/// Shape of the attention of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Factor of the scores, 1 / sqrt(head_dim).
    pub scale: f32,
}

#[backend_extension(Cube, Flex)]
pub trait AttentionOp: Backend {
    /// `q` [m, heads * d] f32 at positions `past ..`; `k`, `v` [kv_heads, capacity, d] filled up
    /// to `past + m` -> [m, heads * d] f32.
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        shape: Attention,
        past: usize,
    ) -> FloatTensor<Self>;
}

/// Attention over the KV cache, prefill and decode alike.
///
/// # Shapes
/// `q` [m, heads * d] at positions `past ..`; caches [kv_heads, capacity, d] -> [m, heads * d].
pub fn attention(
    q: Tensor<2>,
    k: Tensor<3>,
    v: Tensor<3>,
    shape: Attention,
    past: usize,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as AttentionOp>::attention(
        q.into_dispatch(),
        k.into_dispatch(),
        v.into_dispatch(),
        shape,
        past,
    ))
}

/// The formula, differentiable, for whole sequences without a cache.
///
/// # Shapes
/// `q` [batch, heads, t, d], `k` and `v` [batch, kv_heads, t, d] -> [batch, heads, t, d].
pub fn attention_reference(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    shape: Attention,
) -> Tensor<4> {
    let [batch, heads, t, d] = q.dims();
    let group = heads / shape.kv_heads;
    let expand = |x: Tensor<4>| {
        x.unsqueeze_dim::<5>(2)
            .repeat_dim(2, group)
            .reshape([batch, heads, t, d])
    };
    let scores = q.matmul(expand(k).swap_dims(2, 3)).mul_scalar(shape.scale);
    let device = scores.device();
    let future = Tensor::<2, burn::tensor::Bool>::tril_mask([t, t], 0, &device);
    let scores = scores.mask_fill(future.unsqueeze::<4>(), f32::NEG_INFINITY);
    softmax(scores, 3).matmul(expand(v))
}

impl AttentionOp for Flex {
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        shape: Attention,
        past: usize,
    ) -> FloatTensor<Self> {
        let q = flex::contiguous(q);
        let [m, width] = flex::dims2(&q);
        let capacity = k.layout().shape()[1];
        let cache = retort_cpu::KvCache {
            k: flex::slice::<f32>(&k),
            v: flex::slice::<f32>(&v),
            kv_heads: shape.kv_heads,
            capacity,
            head_dim: shape.head_dim,
        };
        let queries = retort_cpu::Queries {
            q: flex::slice(&q),
            heads: shape.heads,
            past,
            scale: shape.scale,
        };
        let mut out = vec![0.0; m * width];
        retort_cpu::attention(queries, cache, &mut out).expect("the cache holds the queries");
        flex::tensor(out, [m, width])
    }
}
