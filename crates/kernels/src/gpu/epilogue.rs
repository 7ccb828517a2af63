//! What a projection absorbs after its products: bias, SwiGLU and residual.

use cubecl::prelude::*;

use super::F32x4;

/// Which of them, compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Epilogue {
    pub bias: bool,
    /// Row r is a gate, row `r + rows` its up.
    pub swiglu: bool,
    pub residual: bool,
}

/// Lengths and offsets of a projection.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Extent {
    /// Rows of activations.
    pub m: usize,
    /// Columns of the result that this shard writes.
    pub rows: usize,
    /// Vectors of four columns of a row of activations.
    pub quads: usize,
    /// Blocks of a row of weights.
    pub blocks: usize,
    /// Columns of the whole result, and the first of this shard.
    pub width: usize,
    pub offset: usize,
    /// Epsilon of the norm.
    pub eps: f32,
}

/// Writes the results of the four rows of `group` for one token. `gate` holds their products, and
/// `up` those of the rows `rows` further on if there is a SwiGLU.
#[cube]
#[allow(clippy::too_many_arguments)]
pub(super) fn write(
    bias: &[f32],
    residual: &[f32],
    out: &mut [f32],
    extent: &Extent,
    group: usize,
    token: usize,
    gate: F32x4,
    up: F32x4,
    #[comptime] epilogue: Epilogue,
) {
    #[unroll]
    for r in 0..4usize {
        let row = group * 4 + r;
        if row < extent.rows {
            let column = extent.offset + row;
            let at = token * extent.width + column;
            let mut y = gate.extract(r);
            if comptime!(epilogue.bias) {
                y += bias[column];
            }
            if comptime!(epilogue.swiglu) {
                let mut up = up.extract(r);
                if comptime!(epilogue.bias) {
                    up += bias[extent.rows + row];
                }
                y = silu(y) * up;
            }
            if comptime!(epilogue.residual) {
                y += residual[at];
            }
            out[at] = y;
        }
    }
}

/// `z / (1 + exp(-z))`
#[cube]
pub(super) fn silu(z: f32) -> f32 {
    z / (1.0 + (-z).exp())
}
