//! `y = W f(x)` for one to a few rows of activations: decoding.
//!
//! A cube holds `groups` groups of four rows; `units` units walk along the columns of a group in
//! steps of 16, each step two 128-bit loads of a four-bit type (four of Q8_0, sixteen of F32),
//! neighbours on neighbouring vectors, and one or four of scales that neighbours share. A step is
//! 64 multiply-adds a unit for 4 vectors of activations, which four rows use before the next
//! load. Partial sums meet in shared memory once, at the end.
//!
//! The norm costs no pass of its own: `norm(x) = x gamma / rms`, so the products use `x gamma`,
//! each row of units sums the squares of the columns it reads anyway, and the sum is divided once.
//!
//! Bytes decide: a token of a 1.5B model at 4.5 bits is 0.87 GB of weights, or 870 us at 1 TB/s
//! and 13 ms at 68 GB/s (M1). A step takes three operations a weight (mask, convert, multiply-add)
//! and about 100 for scales and activations, so some 290 for 36 bytes of Q4_0, 8 a byte: an M1 (8
//! cores of 128 lanes at 1.28 GHz, 68 GB/s) has 19 for each byte it can read, an RTX 4090 41. A
//! square matrix of 1536 gives 96 cubes of 128 units, 8960 rows give 560, a vocabulary 9496.
//! These are estimates: no hardware GPU has run this yet.

use cubecl::prelude::*;
use retort_formats::GgmlType;

use super::blocks::{Scales, has_offset, lowering, quants, scale};
use super::epilogue::{Epilogue, Extent, write};
use super::layout::bits;
use super::{F32x4, U32x4};

/// What is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MatvecPlan {
    pub ty: GgmlType,
    /// Rows of activations a cube multiplies with the weights it reads.
    pub tokens: usize,
    /// Units along the columns, a power of two.
    pub units: usize,
    /// Groups of rows of a cube.
    pub groups: usize,
    pub norm: bool,
    pub epilogue: Epilogue,
    /// The columns are no multiple of 16, so that the last step reads past them.
    pub ragged: bool,
}

impl MatvecPlan {
    /// Sums a unit holds.
    const fn sums(&self) -> usize {
        self.tokens * if self.epilogue.swiglu { 2 } else { 1 }
    }

    const fn cube(&self) -> usize {
        self.units * self.groups
    }
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
pub(super) fn matvec(
    x: &[F32x4],
    words: &[U32x4],
    gamma: &[F32x4],
    bias: &[f32],
    residual: &[f32],
    out: &mut [f32],
    extent: Extent,
    scales: Scales,
    #[comptime] plan: MatvecPlan,
) {
    let cube = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) as usize;
    let group = cube * plan.groups + UNIT_POS_Y as usize;
    let live = group < extent.rows.div_ceil(4);
    let group = select(live, group, 0);
    let first_token = CUBE_POS_Z as usize * plan.tokens;

    let mut sums = Array::<F32x4>::new(plan.sums());
    let mut squares = Array::<f32>::new(plan.tokens);
    for step in range_stepped(UNIT_POS_X as usize, extent.blocks * 2, plan.units) {
        let inputs = load(x, gamma, &mut squares, &extent, first_token, step, plan);
        accumulate(
            words, &inputs, &mut sums, &extent, &scales, group, step, 0usize, plan,
        );
        if comptime!(plan.epilogue.swiglu) {
            let up = group + extent.rows / 4;
            let tokens = plan.tokens;
            accumulate(
                words, &inputs, &mut sums, &extent, &scales, up, step, tokens, plan,
            );
        }
    }
    let (sums, squares) = reduce(&sums, &squares, plan);
    if UNIT_POS_X == 0 && live {
        #[unroll]
        for t in 0..plan.tokens {
            let token = first_token + t;
            if token < extent.m {
                let columns = f32::cast_from(extent.quads * 4);
                let inverse = if comptime!(plan.norm) {
                    (squares[t] / columns + extent.eps).inverse_sqrt()
                } else {
                    1.0f32.runtime()
                };
                let gate = sums[t] * F32x4::new(inverse);
                let up = if comptime!(plan.epilogue.swiglu) {
                    sums[plan.tokens + t] * F32x4::new(inverse)
                } else {
                    gate
                };
                write(
                    bias,
                    residual,
                    out,
                    &extent,
                    group,
                    token,
                    gate,
                    up,
                    plan.epilogue,
                );
            }
        }
    }
}

/// The activations of a step.
#[derive(CubeType)]
struct Inputs {
    /// Four vectors of four columns for each token, lowered as the quants ask for.
    lowered: Sequence<F32x4>,
    /// The sum of the 16 columns of each token.
    totals: Sequence<f32>,
}

/// The 16 columns of a step of each token, times gamma.
#[cube]
fn load(
    x: &[F32x4],
    gamma: &[F32x4],
    squares: &mut Array<f32>,
    extent: &Extent,
    first_token: usize,
    step: usize,
    #[comptime] plan: MatvecPlan,
) -> Inputs {
    let mut lowered = Sequence::<F32x4>::new();
    let mut totals = Sequence::<f32>::new();
    let lowering = lowering(plan.ty);
    #[unroll]
    for t in 0..plan.tokens {
        let row = (first_token + t).min(extent.m - 1) * extent.quads;
        let mut total = F32x4::new(0.0);
        #[unroll]
        for i in 0..4usize {
            let quad = step * 4 + i;
            let value = if comptime!(plan.ragged) {
                let live = F32x4::new(f32::cast_from(quad < extent.quads));
                x[row + quad.min(extent.quads - 1)] * live
            } else {
                x[row + quad]
            };
            let scaled = if comptime!(plan.norm) {
                squares[t] += value.dot(value);
                value * gamma[quad.min(extent.quads - 1)]
            } else {
                value
            };
            total += scaled;
            if comptime!(bits(plan.ty) < 8) {
                lowered.push(scaled * lowering);
            } else {
                lowered.push(scaled);
            }
        }
        totals.push(total.vector_sum());
    }
    Inputs { lowered, totals }
}

/// Adds one step of a group to the sums `first ..` of each token.
#[cube]
#[allow(clippy::too_many_arguments)]
fn accumulate(
    words: &[U32x4],
    inputs: &Inputs,
    sums: &mut Array<F32x4>,
    extent: &Extent,
    scales: &Scales,
    group: usize,
    step: usize,
    #[comptime] first: usize,
    #[comptime] plan: MatvecPlan,
) {
    let block = (group * extent.blocks + step / 2) * comptime!(bits(plan.ty));
    let (scale, offset) = scale(words, scales, group, step, plan.ty);
    let left = quants(words, block, step % 2 * 2, 8usize, plan.ty);
    let right = quants(words, block, step % 2 * 2 + 1, 8usize, plan.ty);
    #[unroll]
    for t in 0..plan.tokens {
        let mut dot = F32x4::new(0.0);
        #[unroll]
        for i in 0..2usize {
            let near = inputs.lowered[t * 4 + i];
            let far = inputs.lowered[t * 4 + 2 + i];
            #[unroll]
            for n in 0..4usize {
                dot += left[4 * i + n] * F32x4::new(near.extract(n));
                dot += right[4 * i + n] * F32x4::new(far.extract(n));
            }
        }
        if comptime!(has_offset(plan.ty)) {
            sums[first + t] += scale * dot + offset * F32x4::new(inputs.totals[t]);
        } else {
            sums[first + t] += scale * dot;
        }
    }
}

/// Sums over the units of a group; unit 0 of each gets them.
#[cube]
fn reduce(
    sums: &Array<F32x4>,
    squares: &Array<f32>,
    #[comptime] plan: MatvecPlan,
) -> (Sequence<F32x4>, Sequence<f32>) {
    let cube = comptime!(plan.cube());
    let unit = UNIT_POS as usize;
    let mut shared = Shared::<[F32x4]>::new_slice(comptime!(plan.sums() * plan.cube()));
    let mut shared_squares = Shared::<[f32]>::new_slice(comptime!(if plan.norm {
        plan.tokens * plan.cube()
    } else {
        1
    }));
    #[unroll]
    for i in 0..plan.sums() {
        shared[i * cube + unit] = sums[i];
    }
    if comptime!(plan.norm) {
        #[unroll]
        for t in 0..plan.tokens {
            shared_squares[t * cube + unit] = squares[t];
        }
    }
    sync_cube();
    let mut stride = comptime!(plan.units / 2).runtime();
    while stride > 0 {
        if (UNIT_POS_X as usize) < stride {
            #[unroll]
            for i in 0..plan.sums() {
                let at = i * cube + unit;
                shared[at] = shared[at] + shared[at + stride];
            }
            if comptime!(plan.norm) {
                #[unroll]
                for t in 0..plan.tokens {
                    let at = t * cube + unit;
                    shared_squares[at] += shared_squares[at + stride];
                }
            }
        }
        sync_cube();
        stride /= 2;
    }
    let mut all = Sequence::<F32x4>::new();
    let mut all_squares = Sequence::<f32>::new();
    #[unroll]
    for i in 0..plan.sums() {
        all.push(shared[i * cube + unit]);
    }
    if comptime!(plan.norm) {
        #[unroll]
        for t in 0..plan.tokens {
            all_squares.push(shared_squares[t * cube + unit]);
        }
    }
    (all, all_squares)
}
