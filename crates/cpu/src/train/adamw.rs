//! The optimiser's step and the norm of gradients.

use rayon::prelude::*;

use crate::error::{CpuError, check_len};
use crate::isa::{Isa, Kernel, dispatch};
use crate::simd::Simd;

/// Elements of a piece of work.
const PIECE: usize = 1 << 16;

/// Constants of one step of AdamW (Loshchilov & Hutter 2019, algorithm 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    pub learning_rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    /// Decoupled; 0 for norms and biases.
    pub weight_decay: f32,
    /// From 1.
    pub step: u64,
    /// Factor of the gradient: clipping.
    pub gradient_scale: f32,
}

impl AdamW {
    /// `1 - beta^step` of both averages.
    pub fn bias_corrections(&self) -> (f32, f32) {
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(self.step as f64);
        (correction(self.beta1) as f32, correction(self.beta2) as f32)
    }
}

/// `g = scale * gradient; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²;
/// p = p (1 - lr wd) - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)`, all in place.
///
/// # Shapes
/// All of one length.
///
/// # Errors
/// Different lengths.
pub fn adamw(
    rule: AdamW,
    parameter: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) -> Result<(), CpuError> {
    check_len("gradient", parameter.len(), gradient.len())?;
    check_len("first moment", parameter.len(), first.len())?;
    check_len("second moment", parameter.len(), second.len())?;
    let isa = Isa::current();
    let (c1, c2) = rule.bias_corrections();
    parameter
        .par_chunks_mut(PIECE)
        .zip(gradient.par_chunks(PIECE))
        .zip(first.par_chunks_mut(PIECE))
        .zip(second.par_chunks_mut(PIECE))
        .for_each(|(((p, g), m), v)| {
            let step = Step {
                rule,
                rate: rule.learning_rate / c1,
                root: 1.0 / c2.sqrt(),
                p,
                g,
                m,
                v,
            };
            dispatch(isa, step);
        });
    Ok(())
}

struct Step<'a> {
    rule: AdamW,
    rate: f32,
    /// 1 / sqrt(1 - b2^t)
    root: f32,
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let AdamW {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            gradient_scale,
            ..
        } = self.rule;
        let keep = 1.0 - learning_rate * weight_decay;
        // Plain enough for the compiler to vectorise with the features of `S`.
        let moments = self.m.iter_mut().zip(self.v);
        for ((p, g), (m, v)) in self.p.iter_mut().zip(self.g).zip(moments) {
            let g = g * gradient_scale;
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            *p = *p * keep - self.rate * *m / (v.sqrt() * self.root + epsilon);
        }
    }
}

/// The sum of squares, in f64.
pub fn sum_squares(x: &[f32]) -> f64 {
    let isa = Isa::current();
    let partial: Vec<f64> = x
        .par_chunks(PIECE)
        .map(|x| dispatch(isa, Squares(x)))
        .collect();
    partial.iter().sum()
}

struct Squares<'a>(&'a [f32]);

impl Kernel for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        const LANES: usize = 16;
        let mut sums = [0.0f64; LANES];
        let rows = self.0.chunks_exact(LANES);
        let rest = rows.remainder();
        for row in rows {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += f64::from(x) * f64::from(x);
            }
        }
        let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        sums.iter().sum::<f64>() + rest
    }
}
