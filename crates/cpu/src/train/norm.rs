//! Backward of RMSNorm.

use rayon::prelude::*;

use crate::error::{CpuError, check_len};
use crate::isa::{Isa, Kernel, dispatch};
use crate::simd::Simd;

/// Rows whose contributions to the gradient of gamma are summed together.
const PIECE: usize = 32;

/// Gradients of `y = x r gamma`, `r = 1 / sqrt(mean(x²) + eps)`: with `g = gamma dy`,
/// `dx = r (g - x r² mean(g x))` and `d_gamma += sum over rows of dy x r`.
///
/// # Shapes
/// `x`, `dy`, `dx` [m, d], `gamma` and `d_gamma` \[d\].
///
/// # Errors
/// Shapes that do not fit.
pub fn rms_norm_backward(
    x: &[f32],
    gamma: &[f32],
    eps: f32,
    dy: &[f32],
    dx: &mut [f32],
    d_gamma: &mut [f32],
) -> Result<(), CpuError> {
    let d = gamma.len();
    check_len("gradient of RMSNorm's output", x.len(), dy.len())?;
    check_len("gradient of RMSNorm's input", x.len(), dx.len())?;
    check_len("gradient of gamma", d, d_gamma.len())?;
    if d == 0 || !x.len().is_multiple_of(d) {
        return Err(CpuError::Multiple {
            what: "x of RMSNorm",
            got: x.len(),
            multiple: d,
        });
    }
    let isa = Isa::current();
    let partial: Vec<Vec<f32>> = dx
        .par_chunks_mut(PIECE * d)
        .zip(x.par_chunks(PIECE * d).zip(dy.par_chunks(PIECE * d)))
        .map(|(dx, (x, dy))| {
            let mut d_gamma = vec![0.0; d];
            let rows = Rows {
                x,
                gamma,
                eps,
                dy,
                dx,
                d_gamma: &mut d_gamma,
            };
            dispatch(isa, rows);
            d_gamma
        })
        .collect();
    for piece in partial {
        for (sum, value) in d_gamma.iter_mut().zip(piece) {
            *sum += value;
        }
    }
    Ok(())
}

struct Rows<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    eps: f32,
    dy: &'a [f32],
    dx: &'a mut [f32],
    d_gamma: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let d = self.gamma.len();
        let rows = self.x.chunks_exact(d).zip(self.dy.chunks_exact(d));
        for ((x, dy), dx) in rows.zip(self.dx.chunks_exact_mut(d)) {
            row(s, (x, dy, self.gamma), self.eps, dx, self.d_gamma);
        }
    }
}

#[inline(always)]
fn row<S: Simd>(
    s: S,
    (x, dy, gamma): (&[f32], &[f32], &[f32]),
    eps: f32,
    dx: &mut [f32],
    d_gamma: &mut [f32],
) {
    let d = gamma.len();
    let whole = d / S::LANES * S::LANES;
    let (mut squares, mut products) = (s.zero(), s.zero());
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: whole vectors of slices of length d.
        let (x, dy, g) = unsafe { load3(s, x, dy, gamma, i) };
        squares = s.fma(x, x, squares);
        products = s.fma(s.mul(g, dy), x, products);
    }
    let (mut squares, mut products) = (s.sum(squares), s.sum(products));
    for i in whole..d {
        squares += x[i] * x[i];
        products += gamma[i] * dy[i] * x[i];
    }
    let r = 1.0 / (squares / d as f32 + eps).sqrt();
    let factor = r * r * products / d as f32;
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: as above.
        unsafe {
            let (x, dy, g) = load3(s, x, dy, gamma, i);
            let inner = s.sub(s.mul(g, dy), s.mul(x, s.splat_f(factor)));
            s.store_f(dx.as_mut_ptr().add(i), s.mul(inner, s.splat_f(r)));
            let at = d_gamma.as_mut_ptr().add(i);
            let term = s.mul(dy, s.mul(x, s.splat_f(r)));
            s.store_f(at, s.add(s.load_f(at), term));
        }
    }
    for i in whole..d {
        dx[i] = r * (gamma[i] * dy[i] - x[i] * factor);
        d_gamma[i] += dy[i] * x[i] * r;
    }
}

/// # Safety
/// A whole vector from `i` on lies inside all three.
#[inline(always)]
unsafe fn load3<S: Simd>(s: S, a: &[f32], b: &[f32], c: &[f32], i: usize) -> (S::F, S::F, S::F) {
    // SAFETY: as the caller promises.
    unsafe {
        (
            s.load_f(a.as_ptr().add(i)),
            s.load_f(b.as_ptr().add(i)),
            s.load_f(c.as_ptr().add(i)),
        )
    }
}
