//! Embedding lookup, one unit for eight columns of one token.

use burn::backend::TensorMetadata;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::CubeBackend;
use burn::tensor::DType;
use cubecl::prelude::*;
use retort_formats::GgmlType;

use super::blocks::{Scales, lowering, quants, scale};
use super::layout::{Layout, bits};
use super::linear::scales;
use super::{F32x4, U32x4, contiguous, count_dispatch, elementwise, empty, unique};
use crate::embedding::{EmbeddingOp, LookupSpec};
use crate::maybe::Maybe;

#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Table {
    /// Tokens to look up.
    m: usize,
    /// Ids of this shard: `first .. first + rows`.
    first: usize,
    rows: usize,
    cols: usize,
    blocks: usize,
}

/// With `fresh`, rows of ids of other shards become zero, else they stay as they are.
#[cube(launch_unchecked)]
fn lookup(
    ids: &[u32],
    words: &[U32x4],
    out: &mut [f32],
    table: Table,
    scales: Scales,
    #[comptime] ty: GgmlType,
    #[comptime] fresh: bool,
) {
    let octets = table.blocks * 4;
    let token = ABSOLUTE_POS / octets;
    if token < table.m {
        let octet = ABSOLUTE_POS % octets;
        let id = ids[token] as usize;
        let here = id >= table.first && id < table.first + table.rows;
        let row = select(here, id - table.first, 0);
        let group = row / 4;
        let block = (group * table.blocks + octet / 4) * comptime!(bits(ty));
        let (scale, offset) = scale(words, &scales, group, octet / 2, ty);
        let quants = quants(words, block, octet % 4, 8usize, ty);
        let lowering = lowering(ty);
        if comptime!(fresh) || here {
            #[unroll]
            for n in 0..8usize {
                let column = octet * 8 + n;
                if column < table.cols {
                    let scale = scale * F32x4::new(lowering.extract(n % 4));
                    let weights = quants[n] * scale + offset;
                    let weight = select(here, weights.extract_dynamic(row % 4), 0.0);
                    out[token * table.cols + column] = weight;
                }
            }
        }
    }
}

impl EmbeddingOp for CubeBackend {
    fn packed_lookup(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        out: Maybe<Self>,
        spec: LookupSpec,
    ) -> FloatTensor<Self> {
        let layout = Layout::new(spec.packed);
        let ids = contiguous(ids);
        let m = ids.shape()[0];
        let previous = out.into_option();
        let fresh = previous.is_none();
        let out = match previous {
            Some(out) => unique(out),
            None => empty(&words, [m, spec.packed.cols], DType::F32),
        };
        if m == 0 {
            return out;
        }
        let (cubes, units) = elementwise(m * layout.blocks() * 4);
        count_dispatch();
        // SAFETY: a row outside of the shard is replaced by row 0, and units past m do nothing.
        unsafe {
            lookup::launch_unchecked(
                &words.client,
                cubes,
                units,
                ids.into_buffer_arg(),
                words.clone().into_buffer_arg(),
                out.clone().into_buffer_arg(),
                TableLaunch::new(
                    m,
                    spec.first,
                    spec.packed.rows,
                    spec.packed.cols,
                    layout.blocks(),
                ),
                scales(&layout),
                spec.packed.ty,
                fresh,
            );
        }
        out
    }
}
