//! RMSNorm, one cube a row: before a tiled matmul, and on its own. The matvec absorbs it.

use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::tensor::DType;
use cubecl::prelude::*;

use super::{contiguous, count_dispatch, dims2, empty, grid};
use crate::rms_norm::RmsNormOp;

const UNITS: usize = 256;

/// `d` is the number of vectors of a row, N their width.
#[cube(launch_unchecked)]
fn rms_norm<N: Size>(
    x: &[Vector<f32, N>],
    gamma: &[Vector<f32, N>],
    out: &mut [Vector<f32, N>],
    m: usize,
    d: usize,
    eps: f32,
) {
    let row = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) as usize;
    let first = row.min(m - 1) * d;
    let unit = UNIT_POS as usize;
    let mut squares = 0.0f32;
    for i in range_stepped(unit, d, UNITS) {
        let value = x[first + i];
        squares += value.dot(value);
    }
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    shared[unit] = squares;
    sync_cube();
    let mut stride = comptime!(UNITS / 2).runtime();
    while stride > 0 {
        if unit < stride {
            shared[unit] += shared[unit + stride];
        }
        sync_cube();
        stride /= 2;
    }
    let mean = shared[0] / f32::cast_from(d * N::value());
    let inverse = (mean + eps).inverse_sqrt();
    if row < m {
        for i in range_stepped(unit, d, UNITS) {
            out[first + i] = x[first + i] * Vector::new(inverse) * gamma[i];
        }
    }
}

impl RmsNormOp for CubeBackend {
    fn rms_norm(x: FloatTensor<Self>, gamma: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        run(contiguous(x), contiguous(gamma), eps)
    }
}

/// `x` [m, d], `gamma` [d], contiguous -> [m, d]
pub(super) fn run(x: CubeTensor, gamma: CubeTensor, eps: f32) -> CubeTensor {
    let [m, d] = dims2(&x);
    let out = empty(&x, [m, d], DType::F32);
    if m == 0 {
        return out;
    }
    let lanes = if d.is_multiple_of(4) { 4 } else { 1 };
    let (cubes_x, cubes_y) = grid(m);
    count_dispatch();
    // SAFETY: every index is below m * d.
    unsafe {
        rms_norm::launch_unchecked(
            &x.client,
            CubeCount::Static(cubes_x, cubes_y, 1),
            CubeDim::new_1d(UNITS as u32),
            lanes,
            x.clone().into_buffer_arg(),
            gamma.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            m,
            d / lanes,
            eps,
        );
    }
    out
}
