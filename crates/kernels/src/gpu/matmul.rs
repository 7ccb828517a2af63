//! `y = W x` for many rows of activations: prefill.
//!
//! A cube computes 64 rows of W by 64 tokens in steps of one block (32 columns): half of its 256
//! units decode the weights of the step into shared memory, each four columns of a group, the
//! other half copy the activations beside them, 8 KiB each. Then every unit adds a 4 x 4 tile in
//! registers: 64 multiply-adds for eight 128-bit reads of shared memory.
//!
//! Weights are decoded once for 64 tokens, so it takes about 130 tokens until a GPU with 10
//! multiply-adds a byte of bandwidth is bound by arithmetic; x is read rows / 64 times, from cache.
//! Edges are masked where they are written; reads past the end repeat the last row or token.

use cubecl::prelude::*;
use retort_formats::GgmlType;

use super::blocks::{Scales, lowering, quants, scale};
use super::epilogue::{Epilogue, Extent, write};
use super::layout::{COLS, ROWS, bits};
use super::{F32x4, U32x4};

/// Rows of W of a cube.
pub(super) const TILE_ROWS: usize = 64;
/// Tokens of a cube.
pub(super) const TILE_TOKENS: usize = 64;
/// Units of a cube: 16 along the rows, 16 along the tokens.
pub(super) const UNITS: u32 = 256;

/// Groups of rows of a cube.
const GROUPS: usize = TILE_ROWS / ROWS;
/// Vectors of four columns of a step.
const QUADS: usize = COLS / 4;
/// Vectors of each of the two tiles in shared memory.
const TILE: usize = TILE_ROWS * QUADS;

/// What is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MatmulPlan {
    pub ty: GgmlType,
    /// With SwiGLU the first 32 rows of a cube are gates, the others their ups.
    pub epilogue: Epilogue,
    /// The columns are no multiple of 32.
    pub ragged: bool,
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
pub(super) fn matmul(
    x: &[F32x4],
    words: &[U32x4],
    bias: &[f32],
    residual: &[f32],
    out: &mut [f32],
    extent: Extent,
    scales: Scales,
    #[comptime] plan: MatmulPlan,
) {
    let unit = UNIT_POS as usize;
    let (column, line) = (unit % 16, unit / 16);
    let groups = extent.rows.div_ceil(4);
    let first_group = CUBE_POS_X as usize
        * comptime!(if plan.epilogue.swiglu {
            GROUPS / 2
        } else {
            GROUPS
        });
    let first_token = CUBE_POS_Y as usize * TILE_TOKENS;

    // Weights [column of the block][group], activations [token][quad], in one array that the
    // gates and ups are exchanged through in the end.
    let mut tiles = Shared::<[F32x4]>::new_slice(2 * TILE);
    let mut sums = Array::<F32x4>::new(4usize);
    for block in 0..extent.blocks {
        if unit < 128 {
            let group = tile_group(first_group, unit % GROUPS, groups, extent.rows, plan);
            load_weights(words, &mut tiles, &extent, &scales, group, block, plan);
        } else {
            load_inputs(x, &mut tiles, &extent, first_token, block, plan);
        }
        sync_cube();
        for q in 0..QUADS {
            multiply(&tiles, &mut sums, column, line, q);
        }
        sync_cube();
    }

    if comptime!(plan.epilogue.swiglu) {
        #[unroll]
        for i in 0..4usize {
            tiles[(line + 16 * i) * GROUPS + column] = sums[i];
        }
        sync_cube();
    }
    if comptime!(!plan.epilogue.swiglu) || column < GROUPS / 2 {
        #[unroll]
        for i in 0..4usize {
            let token = first_token + line + 16 * i;
            if token < extent.m {
                let up = if comptime!(plan.epilogue.swiglu) {
                    tiles[(line + 16 * i) * GROUPS + GROUPS / 2 + column]
                } else {
                    sums[i]
                };
                let group = first_group + column;
                write(
                    bias,
                    residual,
                    out,
                    &extent,
                    group,
                    token,
                    sums[i],
                    up,
                    plan.epilogue,
                );
            }
        }
    }
}

/// The group of W that is `index`th in the tile; past the end, some group that exists.
#[cube]
fn tile_group(
    first: usize,
    index: usize,
    groups: usize,
    rows: usize,
    #[comptime] plan: MatmulPlan,
) -> usize {
    if comptime!(plan.epilogue.swiglu) {
        let half = GROUPS / 2;
        (first + index % half).min(groups - 1) + index / half * (rows / 4)
    } else {
        (first + index).min(groups - 1)
    }
}

/// Four columns of one group, decoded.
#[cube]
fn load_weights(
    words: &[U32x4],
    tiles: &mut [F32x4],
    extent: &Extent,
    scales: &Scales,
    group: usize,
    block: usize,
    #[comptime] plan: MatmulPlan,
) {
    let unit = UNIT_POS as usize;
    let q = unit / GROUPS;
    let first = (group * extent.blocks + block) * comptime!(bits(plan.ty));
    let (scale, offset) = scale(words, scales, group, block * 2 + q / 4, plan.ty);
    let quants = quants(words, first, q, 4usize, plan.ty);
    let lowering = lowering(plan.ty);
    #[unroll]
    for n in 0..4usize {
        let scale = scale * F32x4::new(lowering.extract(n));
        tiles[(q * 4 + n) * GROUPS + unit % GROUPS] = quants[n] * scale + offset;
    }
}

/// Four vectors of activations. The quads of a token are rotated by its number, so that tokens
/// that are read together lie in different banks.
#[cube]
fn load_inputs(
    x: &[F32x4],
    tiles: &mut [F32x4],
    extent: &Extent,
    first_token: usize,
    block: usize,
    #[comptime] plan: MatmulPlan,
) {
    #[unroll]
    for i in 0..4usize {
        let index = UNIT_POS as usize % 128 + 128 * i;
        let (token, q) = (index / QUADS, index % QUADS);
        let row = (first_token + token).min(extent.m - 1) * extent.quads;
        let column = block * QUADS + q;
        let to = TILE + token * QUADS + (q + token) % QUADS;
        if comptime!(plan.ragged) {
            let live = F32x4::new(f32::cast_from(column < extent.quads));
            tiles[to] = x[row + column.min(extent.quads - 1)] * live;
        } else {
            tiles[to] = x[row + column];
        }
    }
}

/// Adds four columns to the 4 x 4 tile of a unit: tokens `line + 16 i`, rows of group `column`.
#[cube]
fn multiply(tiles: &[F32x4], sums: &mut Array<F32x4>, column: usize, line: usize, q: usize) {
    let mut weights = Sequence::<F32x4>::new();
    #[unroll]
    for n in 0..4usize {
        weights.push(tiles[(q * 4 + n) * GROUPS + column]);
    }
    #[unroll]
    for i in 0..4usize {
        let token = line + 16 * i;
        let x = tiles[TILE + token * QUADS + (q + token) % QUADS];
        #[unroll]
        for n in 0..4usize {
            sums[i] += weights[n] * F32x4::new(x.extract(n));
        }
    }
}
