//! Muon: momentum whose matrix is made orthogonal before it is applied.

use burn::tensor::Tensor;

/// Coefficients of the quintic iteration (Jordan 2024, "Muon: An optimizer for hidden layers"):
/// singular values end between 0.7 and 1.2 after five rounds, which is close enough to 1.
const QUINTIC: (f32, f32, f32) = (3.4445, -4.7750, 2.0315);
const ROUNDS: usize = 5;

/// Root mean square of AdamW's usual updates, which Muon's are scaled to (Liu et al. 2025,
/// equation 4).
const UPDATE_RMS: f32 = 0.2;

/// Constants of one step for one matrix.
pub(crate) struct Step {
    pub learning_rate: f32,
    pub weight_decay: f32,
    pub momentum: f32,
    pub gradient_scale: f32,
    pub rows: usize,
}

impl Step {
    /// The matrix and its momentum after the step; all flat, of one length.
    pub fn apply(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        momentum: Tensor<1>,
    ) -> (Tensor<1>, Tensor<1>) {
        let len = values.dims()[0];
        let cols = len / self.rows;
        let gradient = gradient.mul_scalar(self.gradient_scale);
        let momentum = momentum.mul_scalar(self.momentum) + gradient.clone();
        // Nesterov's look ahead.
        let ahead = gradient + momentum.clone().mul_scalar(self.momentum);
        let direction = orthogonal(ahead.reshape([self.rows, cols])).flatten(0, 1);
        let scale = UPDATE_RMS * (self.rows.max(cols) as f32).sqrt();
        let kept = values.mul_scalar(1.0 - self.learning_rate * self.weight_decay);
        let values = kept - direction.mul_scalar(self.learning_rate * scale);
        (values, momentum)
    }
}

/// The nearest matrix with singular values near 1, by Newton and Schulz's iteration.
fn orthogonal(x: Tensor<2>) -> Tensor<2> {
    let [rows, cols] = x.dims();
    // The product of the short side with itself is the smaller one.
    let tall = rows > cols;
    let x = if tall { x.transpose() } else { x };
    let norm = (x.clone() * x.clone()).sum().sqrt().add_scalar(1e-7);
    let mut x = x / norm.unsqueeze::<2>();
    let (a, b, c) = QUINTIC;
    for _ in 0..ROUNDS {
        let square = x.clone().matmul(x.clone().transpose());
        let polynomial = square.clone().mul_scalar(b) + square.clone().matmul(square).mul_scalar(c);
        x = x.clone().mul_scalar(a) + polynomial.matmul(x);
    }
    if tall { x.transpose() } else { x }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    fn matrix(rows: usize, cols: usize) -> Tensor<2> {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let values: Vec<f32> = (0..rows * cols)
            .map(|_| (random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0)
            .collect();
        Tensor::from_data(TensorData::new(values, [rows, cols]), &Device::flex())
    }

    /// `x xᵀ` of an orthogonal matrix is the identity. Singular values from 0.7 to 1.2 leave it within
    /// 0.51 of that, in the spectral norm and so in every element.
    #[test]
    fn directions_are_nearly_orthogonal() {
        for (rows, cols) in [(8, 40), (40, 8), (16, 16)] {
            let x = orthogonal(matrix(rows, cols));
            let x = if rows > cols { x.transpose() } else { x };
            let gram = x.clone().matmul(x.transpose());
            let n = rows.min(cols);
            let values = gram.into_data().iter::<f32>().collect::<Vec<_>>();
            let trace: f32 = (0..n).map(|i| values[i * n + i]).sum();
            let off: f32 = (0..n * n)
                .filter(|i| i / n != i % n)
                .map(|i| values[i].abs())
                .fold(0.0, f32::max);
            let mean = trace / n as f32;
            assert!((0.49..1.44).contains(&mean), "{rows} x {cols}: {mean}");
            assert!(off < 0.51, "{rows} x {cols}: {off}");
        }
    }

    #[test]
    fn the_step_has_the_size_of_an_adamw_step() {
        let step = Step {
            learning_rate: 1.0,
            weight_decay: 0.0,
            momentum: 0.95,
            gradient_scale: 1.0,
            rows: 32,
        };
        let zeros = Tensor::<1>::zeros([32 * 64], &Device::flex());
        let (values, _) = step.apply(zeros.clone(), matrix(32, 64).flatten(0, 1), zeros);
        let squares: f32 = values.into_data().iter::<f32>().map(|x| x * x).sum();
        let rms = (squares / (32.0 * 64.0)).sqrt();
        assert!((0.1..0.3).contains(&rms), "{rms}");
    }
}
