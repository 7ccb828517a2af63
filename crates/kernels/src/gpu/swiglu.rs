//! SwiGLU, one unit an element: only where the projection before it could not absorb it.

use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::tensor::DType;
use cubecl::prelude::*;

use super::epilogue::silu;
use super::{contiguous, count_dispatch, dims2, elementwise, empty, or_unread};
use crate::swiglu::SwigluOp;

#[cube(launch_unchecked)]
fn swiglu(
    gate_up: &[f32],
    residual: &[f32],
    out: &mut [f32],
    len: usize,
    f: usize,
    #[comptime] adds: bool,
) {
    if ABSOLUTE_POS < len {
        let gate = ABSOLUTE_POS / f * (2 * f) + ABSOLUTE_POS % f;
        let mut y = silu(gate_up[gate]) * gate_up[gate + f];
        if comptime!(adds) {
            y += residual[ABSOLUTE_POS];
        }
        out[ABSOLUTE_POS] = y;
    }
}

impl SwigluOp for CubeBackend {
    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        run(contiguous(gate_up), None)
    }
}

/// `silu(gate) * up + residual`. `gate_up` [m, 2f], `residual` [m, f], contiguous -> [m, f]
pub(super) fn run(gate_up: CubeTensor, residual: Option<CubeTensor>) -> CubeTensor {
    let [m, width] = dims2(&gate_up);
    let out = empty(&gate_up, [m, width / 2], DType::F32);
    let len = m * width / 2;
    if len == 0 {
        return out;
    }
    let (cubes, units) = elementwise(len);
    let adds = residual.is_some();
    count_dispatch();
    // SAFETY: units past `len` do nothing.
    unsafe {
        swiglu::launch_unchecked(
            &gate_up.client,
            cubes,
            units,
            gate_up.clone().into_buffer_arg(),
            or_unread(residual, &gate_up),
            out.clone().into_buffer_arg(),
            len,
            width / 2,
            adds,
        );
    }
    out
}
