//! RMSNorm, SwiGLU, RoPE.

use burn::tensor::DType;
use retort_kernels::{Attention, RopeTable, rms_norm, rope_append, swiglu};

use crate::support::{Rng, assert_close, devices, tensor, values};

#[test]
fn rms_norm_of_any_width() {
    for (m, d) in [(1, 576), (5, 10), (33, 1536)] {
        let mut rng = Rng(37);
        let (x, gamma) = (rng.floats(m * d), rng.floats(d));
        let expected: Vec<f64> = x
            .chunks_exact(d)
            .flat_map(|row| {
                let mean = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / d as f64;
                let inverse = (mean + 1e-6).sqrt().recip();
                let scaled = move |(&x, &g): (&f32, &f32)| f64::from(x) * inverse * f64::from(g);
                row.iter().zip(&gamma).map(scaled).collect::<Vec<_>>()
            })
            .collect();
        for (device, _) in devices("rms_norm", 0.0) {
            let y = rms_norm(
                tensor(&x, [m, d], &device),
                tensor(&gamma, [d], &device),
                1e-6,
            );
            assert_close(
                &format!("{m} x {d} on {device:?}"),
                &values(y),
                &expected,
                1e-5,
            );
        }
    }
}

#[test]
fn swiglu_of_any_width() {
    for (m, f) in [(1, 4864), (3, 7)] {
        let x: Vec<f32> = Rng(41).floats(m * 2 * f).iter().map(|x| x * 20.0).collect();
        let expected: Vec<f64> = x
            .chunks_exact(2 * f)
            .flat_map(|row| {
                let (gate, up) = row.split_at(f);
                let gated = |(&z, &up): (&f32, &f32)| {
                    f64::from(z) / (1.0 + (-f64::from(z)).exp()) * f64::from(up)
                };
                gate.iter().zip(up).map(gated).collect::<Vec<_>>()
            })
            .collect();
        for (device, _) in devices("swiglu", 0.0) {
            let y = swiglu(tensor(&x, [m, 2 * f], &device));
            assert_close(
                &format!("{m} x {f} on {device:?}"),
                &values(y),
                &expected,
                1e-5,
            );
        }
    }
}

#[test]
fn rope_rotates_and_appends_in_place() {
    let shape = Attention {
        heads: 6,
        kv_heads: 2,
        head_dim: 64,
        scale: 1.0,
    };
    for (m, past) in [(1, 0), (1, 77), (5, 1)] {
        check_rope(shape, m, past, DType::F32);
    }
    check_rope(shape, 3, 9, DType::F16);
}

fn check_rope(shape: Attention, m: usize, past: usize, cache: DType) {
    let Attention {
        heads,
        kv_heads,
        head_dim: d,
        ..
    } = shape;
    let (capacity, width) = (96, heads + 2 * kv_heads);
    let mut rng = Rng(43);
    let qkv = rng.floats(m * width * d);
    let old = rng.floats(kv_heads * capacity * d);
    let inv_freq: Vec<f32> = (0..d / 2)
        .map(|i| 1e4f32.powf(-2.0 * i as f32 / d as f32))
        .collect();

    let head = |token: usize, head: usize| &qkv[(token * width + head) * d..][..d];
    let rotated = |token: usize, index: usize| rotate(head(token, index), past + token, &inv_freq);
    let mut q = Vec::new();
    let (mut k, mut v) = (widen(&old), widen(&old));
    for token in 0..m {
        (0..heads).for_each(|index| q.extend(rotated(token, index)));
        for kv in 0..kv_heads {
            let at = (kv * capacity + past + token) * d;
            k[at..at + d].copy_from_slice(&rotated(token, heads + kv));
            v[at..at + d].copy_from_slice(&widen(head(token, heads + kv_heads + kv)));
        }
    }

    for (device, _) in devices("rope", 0.0) {
        if cache == DType::F16 && device == burn::tensor::Device::flex() {
            continue; // The CPU keeps its cache in f32.
        }
        let table = RopeTable::new(&inv_freq, capacity, &device);
        let buffer = || tensor(&old, [kv_heads, capacity, d], &device).cast(cache);
        let qkv = tensor(&qkv, [m, width * d], &device);
        let (q_got, k_got, v_got) = rope_append(qkv, (buffer(), buffer()), &table, shape, past);
        let tolerance = if cache == DType::F16 { 1e-3 } else { 1e-5 };
        assert_eq!(k_got.dtype(), cache);
        assert_close("q", &values(q_got), &q, 1e-5);
        assert_close("k", &values(k_got.cast(DType::F32)), &k, tolerance);
        assert_close("v", &values(v_got.cast(DType::F32)), &v, tolerance);
    }
}

fn rotate(x: &[f32], position: usize, inv_freq: &[f32]) -> Vec<f64> {
    let half = inv_freq.len();
    let turned = |i: usize, sign: f64, j: usize| {
        // The angle as the table has it: a product in f32.
        let angle = f64::from(position as f32 * inv_freq[i % half]);
        f64::from(x[i]) * angle.cos() + sign * f64::from(x[j]) * angle.sin()
    };
    (0..half)
        .map(|i| turned(i, -1.0, i + half))
        .chain((half..2 * half).map(|i| turned(i, 1.0, i - half)))
        .collect()
}

fn widen(x: &[f32]) -> Vec<f64> {
    x.iter().copied().map(f64::from).collect()
}
