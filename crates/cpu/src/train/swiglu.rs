//! Backward of SwiGLU.

use rayon::prelude::*;

use crate::error::{CpuError, check_len};
use crate::isa::{Isa, Kernel, dispatch};
use crate::simd::{self, Simd};

/// Gradients of `y = silu(gate) up`: with `σ = 1 / (1 + e^-gate)`,
/// `d_gate = dy up σ (1 + gate (1 - σ))` and `d_up = dy gate σ`.
///
/// # Shapes
/// `gate_up` and `d_gate_up` [m, 2 f], gate first; `dy` [m, f].
///
/// # Errors
/// Shapes that do not fit.
pub fn swiglu_backward(
    gate_up: &[f32],
    m: usize,
    dy: &[f32],
    d_gate_up: &mut [f32],
) -> Result<(), CpuError> {
    let f = dy.len().checked_div(m).unwrap_or(0);
    check_len("gradient of SwiGLU's output", m * f, dy.len())?;
    check_len("gate and up of SwiGLU", 2 * dy.len(), gate_up.len())?;
    check_len("gradient of gate and up", gate_up.len(), d_gate_up.len())?;
    if f == 0 {
        return Ok(());
    }
    let isa = Isa::current();
    d_gate_up
        .par_chunks_exact_mut(2 * f)
        .zip(gate_up.par_chunks_exact(2 * f).zip(dy.par_chunks_exact(f)))
        .with_min_len(8)
        .for_each(|(out, (gate_up, dy))| dispatch(isa, Row { gate_up, dy, out }));
    Ok(())
}

struct Row<'a> {
    gate_up: &'a [f32],
    dy: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let f = self.dy.len();
        let (gate, up) = self.gate_up.split_at(f);
        let (d_gate, d_up) = self.out.split_at_mut(f);
        let whole = f / S::LANES * S::LANES;
        let one = s.splat_f(1.0);
        for i in (0..whole).step_by(S::LANES) {
            // SAFETY: whole vectors of slices of length f.
            unsafe {
                let gate = s.load_f(gate.as_ptr().add(i));
                let up = s.load_f(up.as_ptr().add(i));
                let dy = s.load_f(self.dy.as_ptr().add(i));
                let sigma = s.div(one, s.add(one, simd::exp(s, s.sub(s.zero(), gate))));
                let slope = s.mul(sigma, s.fma(gate, s.sub(one, sigma), one));
                s.store_f(d_gate.as_mut_ptr().add(i), s.mul(dy, s.mul(up, slope)));
                s.store_f(d_up.as_mut_ptr().add(i), s.mul(dy, s.mul(gate, sigma)));
            }
        }
        for i in whole..f {
            let sigma = 1.0 / (1.0 + (-gate[i]).exp());
            d_gate[i] = self.dy[i] * up[i] * sigma * (1.0 + gate[i] * (1.0 - sigma));
            d_up[i] = self.dy[i] * gate[i] * sigma;
        }
    }
}
