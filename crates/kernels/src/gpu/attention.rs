//! Attention over the KV cache: how it is cut into cubes. The kernel is [`super::attend`].
//!
//! One kernel serves prefill and decoding. Its *rows* are queries that share a key and value head:
//! the query heads of the group, and in prefill as many tokens as bring the rows near
//! [`ROWS`]. Every vector of K or V that is read serves all rows, so decoding with a group of 7
//! reads the cache once, not 7 times.
//!
//! Two dozen cubes do not fill a GPU, so for a long cache the positions are split among cubes as
//! well (Dao et al. 2023, Flash-Decoding), and a second dispatch merges the parts. A decoded token
//! of Qwen2.5-1.5B at 4096 positions reads 8 MB of f32 cache a layer, in 2 * 16 cubes.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::tensor::DType;
use cubecl::prelude::*;

use super::attend::{AttendPlan, QueriesLaunch, UNITS, attend, merge};
use super::{contiguous, count_dispatch, dims2, empty};
use crate::Attention;
use crate::attention::AttentionOp;

/// Most rows of a cube: each costs a unit four registers and a cube 1 KiB of shared memory.
const ROWS: usize = 8;
/// Positions worth a cube of their own when decoding, and the most parts.
const PART: usize = 256;
const PARTS: usize = 32;

impl AttentionOp for CubeBackend {
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        shape: Attention,
        past: usize,
    ) -> FloatTensor<Self> {
        let q = contiguous(q);
        let call = Call {
            m: dims2(&q)[0],
            q,
            k: contiguous(k),
            v: contiguous(v),
            shape,
            past,
        };
        match call.k.dtype() {
            _ if call.m == 0 => call.q,
            DType::F16 => call.run::<half::f16>(),
            _ => call.run::<f32>(),
        }
    }
}

struct Call {
    q: CubeTensor,
    m: usize,
    k: CubeTensor,
    v: CubeTensor,
    shape: Attention,
    past: usize,
}

impl Call {
    fn run<F: Float + CubeElement>(self) -> CubeTensor {
        let parts = self.parts();
        if parts == 1 {
            let out = empty(&self.q, self.q.shape(), DType::F32);
            self.attend::<F>(1, &out);
            return out;
        }
        // For each part and head its weighted sum, and a vector of its maximum and its weight.
        let width = self.shape.head_dim + 4;
        let partial = empty(&self.q, [parts, self.shape.heads, width], DType::F32);
        self.attend::<F>(parts, &partial);
        self.merge(parts, partial)
    }

    /// Into how many parts to split the positions.
    fn parts(&self) -> usize {
        let positions = self.past + self.m;
        if self.m > 1 {
            1
        } else {
            (positions / PART).clamp(1, PARTS)
        }
    }

    /// Query heads of a cube: the group, or a part of a large one.
    fn heads(&self) -> usize {
        let group = self.shape.heads / self.shape.kv_heads;
        (1..=ROWS)
            .rev()
            .find(|n| group.is_multiple_of(*n))
            .unwrap_or(1)
    }

    fn attend<F: Float + CubeElement>(&self, parts: usize, out: &CubeTensor) {
        let heads = self.heads();
        let tokens = if self.m == 1 { 1 } else { ROWS / heads };
        let plan = AttendPlan {
            tokens,
            heads,
            quads: self.shape.head_dim / 4,
            split: parts > 1,
        };
        let queries = QueriesLaunch::new(
            self.m,
            self.shape.heads,
            self.shape.heads / self.shape.kv_heads,
            self.k.shape()[1],
            self.past,
            (self.past + self.m).div_ceil(parts),
            self.shape.scale,
        );
        let cubes = CubeCount::Static(
            (self.shape.heads / heads) as u32,
            self.m.div_ceil(tokens) as u32,
            parts as u32,
        );
        count_dispatch();
        // SAFETY: the caches hold the positions below `past + m`; tokens past m are not written.
        unsafe {
            attend::launch_unchecked::<F>(
                &self.q.client,
                cubes,
                CubeDim::new_1d(UNITS as u32),
                self.q.clone().into_buffer_arg(),
                self.k.clone().into_buffer_arg(),
                self.v.clone().into_buffer_arg(),
                out.clone().into_buffer_arg(),
                queries,
                plan,
            );
        }
    }

    fn merge(&self, parts: usize, partial: CubeTensor) -> CubeTensor {
        let out = empty(&self.q, self.q.shape(), DType::F32);
        let quads = self.shape.head_dim / 4;
        count_dispatch();
        // SAFETY: one cube a head, one unit a vector of it.
        unsafe {
            merge::launch_unchecked(
                &self.q.client,
                CubeCount::Static(self.shape.heads as u32, 1, 1),
                CubeDim::new_1d(quads as u32),
                partial.into_buffer_arg(),
                out.clone().into_buffer_arg(),
                parts,
                quads,
            );
        }
        out
    }
}
