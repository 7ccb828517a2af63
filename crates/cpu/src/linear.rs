//! One call for a weight matrix of any type.

use bytemuck::cast_slice;
use half::{bf16, f16, slice::HalfBitsSliceExt};
use retort_formats::GgmlType;

use crate::{Activations, CpuError, Dense, Output, Packed, matmul_dense, matmul_packed};

/// `out = x Wᵀ (+ bias)`, or added to `out`: quantises `x` for quantised weights, computes in f32
/// for float ones.
///
/// # Shapes
/// `w` [rows, cols], `x` [m, cols], `bias` \[rows\], `out` [m, rows].
///
/// # Errors
/// Shapes that do not fit.
pub fn linear(
    w: Packed,
    x: &[f32],
    m: usize,
    bias: Option<&[f32]>,
    out: Output,
) -> Result<(), CpuError> {
    let (rows, cols) = (w.rows, w.cols);
    let len = rows * cols;
    match w.ty {
        GgmlType::F32 => {
            let data: &[f32] = cast_slice(w.words);
            matmul_dense(Dense::new(data, rows, cols)?, x, m, bias, out)
        }
        // An odd number of halves was filled up to a word.
        GgmlType::F16 => {
            let data: &[f16] = cast_slice::<_, u16>(w.words)[..len].reinterpret_cast();
            matmul_dense(Dense::new(data, rows, cols)?, x, m, bias, out)
        }
        GgmlType::BF16 => {
            let data: &[bf16] = cast_slice::<_, u16>(w.words)[..len].reinterpret_cast();
            matmul_dense(Dense::new(data, rows, cols)?, x, m, bias, out)
        }
        _ => matmul_packed(w, &Activations::quantize(x, m, cols)?, bias, out),
    }
}
