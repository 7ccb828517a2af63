//! Attention over the cache: prefill and decoding, groups, widths, lengths.

use burn::tensor::{DType, Device};
use half::f16;
use retort_kernels::{Attention, attention};

use crate::support::{Rng, assert_close, devices, gpu, tensor, values};

struct Case {
    shape: Attention,
    m: usize,
    past: usize,
    cache: DType,
}

impl Case {
    fn new(group: usize, head_dim: usize, m: usize, past: usize) -> Self {
        let scale = (head_dim as f32).sqrt().recip();
        let shape = Attention {
            heads: 2 * group,
            kv_heads: 2,
            head_dim,
            scale,
        };
        Self {
            shape,
            m,
            past,
            cache: DType::F32,
        }
    }

    fn capacity(&self) -> usize {
        self.past + self.m + 3
    }

    #[track_caller]
    fn check(&self, device: &Device, tolerance: f64) {
        let Attention {
            heads,
            kv_heads,
            head_dim: d,
            ..
        } = self.shape;
        let mut rng = Rng(47);
        // Scores from -10 to 10, so that the softmax is far from flat.
        let q: Vec<f32> = rng
            .floats(self.m * heads * d)
            .iter()
            .map(|q| q * 3.0)
            .collect();
        let cache = |rng: &mut Rng| -> Vec<f32> {
            let values = rng.floats(kv_heads * self.capacity() * d);
            values.iter().map(|&x| f16::from_f32(x).to_f32()).collect()
        };
        let (k, v) = (cache(&mut rng), cache(&mut rng));
        let upload = |x: &[f32]| tensor(x, [kv_heads, self.capacity(), d], device).cast(self.cache);
        let got = attention(
            tensor(&q, [self.m, heads * d], device),
            upload(&k),
            upload(&v),
            self.shape,
            self.past,
        );
        let what = format!(
            "{:?}, m {}, past {} on {device:?}",
            self.shape, self.m, self.past
        );
        assert_close(&what, &values(got), &self.reference(&q, &k, &v), tolerance);
    }

    fn reference(&self, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f64> {
        let Attention {
            heads,
            kv_heads,
            head_dim: d,
            scale,
        } = self.shape;
        let mut out = Vec::new();
        for (row, q) in q.chunks_exact(d).enumerate() {
            let first = row % heads / (heads / kv_heads) * self.capacity() * d;
            let positions = self.past + row / heads + 1;
            let scores: Vec<f64> = k[first..]
                .chunks_exact(d)
                .take(positions)
                .map(|k| f64::from(scale) * dot(q, k))
                .collect();
            let highest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
            let total: f64 = weights.iter().sum();
            out.extend((0..d).map(|column| {
                let values = v[first + column..].iter().step_by(d);
                weights
                    .iter()
                    .zip(values)
                    .map(|(w, &v)| w * f64::from(v))
                    .sum::<f64>()
                    / total
            }));
        }
        out
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

#[test]
fn groups_widths_and_lengths() {
    for group in [1, 3, 7] {
        for head_dim in [64, 128] {
            for (m, past) in [(1, 0), (1, 77), (2, 1), (5, 77), (33, 0), (33, 130)] {
                for (device, _) in devices("attention", 0.0) {
                    Case::new(group, head_dim, m, past).check(&device, 2e-5);
                }
            }
        }
    }
}

#[test]
fn a_long_cache_is_split_and_merged() {
    for past in [511, 512, 1000, 2500] {
        for (device, _) in devices("long attention", 0.0) {
            Case::new(4, 64, 1, past).check(&device, 2e-5);
        }
    }
}

#[test]
fn a_wide_group_and_a_width_that_divides_nothing() {
    for (group, head_dim) in [(16, 64), (2, 96), (1, 20)] {
        for (m, past) in [(1, 5), (7, 140)] {
            for (device, _) in devices("odd attention", 0.0) {
                Case::new(group, head_dim, m, past).check(&device, 2e-5);
            }
        }
    }
}

#[test]
fn an_f16_cache_is_read_as_it_is() {
    let Some(device) = gpu("f16 attention") else {
        return;
    };
    for (m, past) in [(1, 77), (1, 600), (5, 20)] {
        let case = Case {
            cache: DType::F16,
            ..Case::new(3, 64, m, past)
        };
        case.check(&device, 2e-5);
    }
}
