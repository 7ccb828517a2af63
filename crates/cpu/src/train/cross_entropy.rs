//! Cross-entropy of rows of logits, and its gradient in their place.

use rayon::prelude::*;

use crate::error::{CpuError, check_len};
use crate::isa::{Isa, Kernel, dispatch};
use crate::simd::{self, Simd};

/// `loss = log(sum e^logits) - logits[target]`, and in place of the logits
/// `scale * (softmax(logits) - onehot(target))`.
///
/// # Shapes
/// `logits` [rows, vocabulary], `targets` and `losses` \[rows\], each target below the vocabulary.
///
/// # Errors
/// Shapes that do not fit, a target outside of the vocabulary.
pub fn softmax_cross_entropy(
    logits: &mut [f32],
    targets: &[u32],
    scale: f32,
    losses: &mut [f32],
) -> Result<(), CpuError> {
    let rows = targets.len();
    check_len("losses", rows, losses.len())?;
    let vocabulary = logits.len().checked_div(rows).unwrap_or(0);
    check_len("logits", rows * vocabulary, logits.len())?;
    if let Some(&target) = targets.iter().find(|&&t| t as usize >= vocabulary) {
        return Err(CpuError::Range {
            what: "target token",
            got: target as usize,
            end: vocabulary,
        });
    }
    if vocabulary == 0 {
        return Ok(());
    }
    let isa = Isa::current();
    logits
        .par_chunks_exact_mut(vocabulary)
        .zip(targets.par_iter().zip(losses))
        .for_each(|(logits, (&target, loss))| {
            let target = target as usize;
            *loss = dispatch(
                isa,
                Row {
                    logits,
                    target,
                    scale,
                },
            );
        });
    Ok(())
}

struct Row<'a> {
    logits: &'a mut [f32],
    target: usize,
    scale: f32,
}

impl Kernel for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let Self {
            logits,
            target,
            scale,
        } = self;
        let target_logit = logits[target];
        let (max, sum) = exp_in_place(s, logits);
        let factor = scale / sum;
        scale_in_place(s, logits, factor);
        logits[target] -= scale;
        sum.ln() + max - target_logit
    }
}

/// `x = e^(x - max(x))`; the maximum and the sum. NaN anywhere makes the sum NaN.
#[inline(always)]
pub(super) fn exp_in_place<S: Simd>(s: S, x: &mut [f32]) -> (f32, f32) {
    let whole = x.len() / S::LANES * S::LANES;
    let mut top = s.splat_f(f32::NEG_INFINITY);
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: whole vectors of x.
        top = s.max(unsafe { s.load_f(x.as_ptr().add(i)) }, top);
    }
    let max = x[whole..].iter().copied().fold(s.largest(top), f32::max);
    let mut sums = s.zero();
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: as above.
        unsafe {
            let at = x.as_mut_ptr().add(i);
            let e = simd::exp(s, s.sub(s.load_f(at), s.splat_f(max)));
            s.store_f(at, e);
            sums = s.add(sums, e);
        }
    }
    let mut sum = s.sum(sums);
    for x in &mut x[whole..] {
        *x = (*x - max).exp();
        sum += *x;
    }
    (max, sum)
}

#[inline(always)]
pub(super) fn scale_in_place<S: Simd>(s: S, x: &mut [f32], factor: f32) {
    let whole = x.len() / S::LANES * S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: whole vectors of x.
        unsafe {
            let at = x.as_mut_ptr().add(i);
            s.store_f(at, s.mul(s.load_f(at), s.splat_f(factor)));
        }
    }
    for x in &mut x[whole..] {
        *x *= factor;
    }
}
