//! RoPE and the append to the KV cache, one unit a pair of one head of one token: 768 units for a
//! decoded token of 12 + 2 * 2 heads of 128, a dispatch of latency only.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::tensor::DType;
use cubecl::prelude::*;

use super::{contiguous, count_dispatch, dims2, elementwise, empty, unique};
use crate::Attention;
use crate::rope::RopeOp;

#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Heads {
    m: usize,
    heads: usize,
    kv_heads: usize,
    /// Half of the width of a head.
    half: usize,
    capacity: usize,
    past: usize,
}

/// F is the type of the cache; activations and angles are f32.
#[cube(launch_unchecked)]
fn rope_append<F: Float>(
    qkv: &[f32],
    table: &[f32],
    q: &mut [f32],
    k: &mut [F],
    v: &mut [F],
    shape: Heads,
) {
    let pair = ABSOLUTE_POS % shape.half;
    let heads = shape.heads + 2 * shape.kv_heads;
    let head = ABSOLUTE_POS / shape.half % heads;
    let token = ABSOLUTE_POS / (shape.half * heads);
    if token < shape.m {
        let d = 2 * shape.half;
        let from = (token * heads + head) * d + pair;
        let position = shape.past + token;
        let (a, b) = (qkv[from], qkv[from + shape.half]);
        let angle = position * d + pair;
        let (cos, sin) = (table[angle], table[angle + shape.half]);
        let (left, right) = (a * cos - b * sin, b * cos + a * sin);
        if head < shape.heads {
            let to = (token * shape.heads + head) * d + pair;
            q[to] = left;
            q[to + shape.half] = right;
        } else if head < shape.heads + shape.kv_heads {
            let to = ((head - shape.heads) * shape.capacity + position) * d + pair;
            k[to] = F::cast_from(left);
            k[to + shape.half] = F::cast_from(right);
        } else {
            let kv_head = head - shape.heads - shape.kv_heads;
            let to = (kv_head * shape.capacity + position) * d + pair;
            v[to] = F::cast_from(a);
            v[to + shape.half] = F::cast_from(b);
        }
    }
}

impl RopeOp for CubeBackend {
    fn rope_append(
        qkv: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        table: FloatTensor<Self>,
        shape: Attention,
        past: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let qkv = contiguous(qkv);
        let (k, v) = (unique(k), unique(v));
        let [m, _] = dims2(&qkv);
        let q = empty(&qkv, [m, shape.heads * shape.head_dim], DType::F32);
        let units = m * (shape.heads + 2 * shape.kv_heads) * shape.head_dim / 2;
        if units > 0 {
            let heads = HeadsLaunch::new(
                m,
                shape.heads,
                shape.kv_heads,
                shape.head_dim / 2,
                k.shape()[1],
                past,
            );
            match k.dtype() {
                DType::F16 => launch::<half::f16>(units, qkv, contiguous(table), &q, &k, &v, heads),
                _ => launch::<f32>(units, qkv, contiguous(table), &q, &k, &v, heads),
            }
        }
        (q, k, v)
    }
}

fn launch<F: Float + CubeElement>(
    units: usize,
    qkv: CubeTensor,
    table: CubeTensor,
    q: &CubeTensor,
    k: &CubeTensor,
    v: &CubeTensor,
    heads: HeadsLaunch,
) {
    let (cubes, units) = elementwise(units);
    count_dispatch();
    // SAFETY: the caches hold `past + m` positions, and units past m tokens do nothing.
    unsafe {
        rope_append::launch_unchecked::<F>(
            &q.client,
            cubes,
            units,
            qkv.into_buffer_arg(),
            table.into_buffer_arg(),
            q.clone().into_buffer_arg(),
            k.clone().into_buffer_arg(),
            v.clone().into_buffer_arg(),
            heads,
        );
    }
}
