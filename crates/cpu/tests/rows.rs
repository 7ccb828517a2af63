//! RMSNorm, SwiGLU, RoPE and the activations made of them, against f64.

mod common;

use common::{Random, each_isa};
use retort_cpu::{Activations, CpuError, RopeTables, rms_norm, rope_in_place, swiglu};
use retort_cpu::{Output, matmul_packed};

fn norm(x: &[f32], gamma: &[f32], eps: f32) -> Vec<f64> {
    let squares: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
    let inverse = 1.0 / (squares / x.len() as f64 + f64::from(eps)).sqrt();
    let pairs = x.iter().zip(gamma);
    pairs
        .map(|(&x, &g)| f64::from(x) * inverse * f64::from(g))
        .collect()
}

fn silu(gate: f32, up: f32) -> f64 {
    let gate = f64::from(gate);
    gate / (1.0 + (-gate).exp()) * f64::from(up)
}

#[test]
fn norms_agree() {
    for d in [1, 3, 16, 33, 576] {
        let (x, gamma) = (Random(1).floats(3 * d), Random(2).floats(d));
        each_isa(|isa| {
            let mut out = vec![f32::NAN; 3 * d];
            rms_norm(&x, &gamma, 1e-5, &mut out).unwrap();
            for (x, out) in x.chunks(d).zip(out.chunks(d)) {
                for (expected, &got) in norm(x, &gamma, 1e-5).iter().zip(out) {
                    let error = (f64::from(got) - expected).abs();
                    assert!(
                        error < 2e-6 * expected.abs() + 1e-9,
                        "{isa:?}: {got} for {expected}"
                    );
                }
            }
        });
    }
}

#[test]
fn swiglu_agrees_over_the_whole_range() {
    let f = 1003;
    let mut x = Random(3).floats(2 * f);
    for (i, gate) in x[..f].iter_mut().enumerate() {
        *gate = (i as f32 - 500.0) * 0.25;
    }
    each_isa(|isa| {
        let mut out = vec![f32::NAN; f];
        swiglu(&x, 1, &mut out).unwrap();
        for i in 0..f {
            let expected = silu(x[i], x[f + i]);
            let error = (f64::from(out[i]) - expected).abs();
            assert!(
                error <= 1e-6 * expected.abs() + 1e-34,
                "{isa:?} {}: {}",
                x[i],
                out[i]
            );
        }
        let mut out = [0.0; 17];
        let mut bad = [1.0; 34];
        bad[3] = f32::NAN;
        bad[4] = f32::INFINITY;
        swiglu(&bad, 1, &mut out).unwrap();
        assert!(out[3].is_nan() && out[4] == f32::INFINITY && out[5].is_finite());
    });
}

#[test]
fn rotation_agrees() {
    let (m, heads, head_dim, start) = (3, 2, 8, 4);
    let half = head_dim / 2;
    let angle = |position: usize, i: usize| position as f64 * 0.3f64.powi(i as i32);
    let table = |f: fn(f64) -> f64| {
        let cells = (0..10).flat_map(|p| (0..half).map(move |i| (p, i)));
        cells
            .map(|(p, i)| f(angle(p, i)) as f32)
            .collect::<Vec<_>>()
    };
    let (cos, sin) = (table(f64::cos), table(f64::sin));
    let tables = RopeTables {
        cos: &cos,
        sin: &sin,
        head_dim,
    };
    let x = Random(4).floats(m * heads * head_dim);
    let mut out = x.clone();
    rope_in_place(&mut out, m, start, tables).unwrap();
    for (n, (x, out)) in x.chunks(head_dim).zip(out.chunks(head_dim)).enumerate() {
        for i in 0..half {
            let (sin, cos) = angle(start + n / heads, i).sin_cos();
            let (a, b) = (f64::from(x[i]), f64::from(x[i + half]));
            assert!((f64::from(out[i]) - (a * cos - b * sin)).abs() < 1e-6);
            assert!((f64::from(out[i + half]) - (b * cos + a * sin)).abs() < 1e-6);
        }
    }
    let late = rope_in_place(&mut out, m, 8, tables);
    assert!(matches!(late, Err(CpuError::Range { .. })));
    assert!(rope_in_place(&mut out[1..], m, 0, tables).is_err());
    assert!(rope_in_place(&mut out, m, usize::MAX, tables).is_err());
}

/// Activations made from a norm or a SwiGLU are those made from its result.
#[test]
fn fused_activations_are_the_same() {
    let matrix = common::Matrix::random(retort_formats::GgmlType::Q8_0, 20, 64, 5);
    for m in [1, 5] {
        let (x, gamma) = (Random(6).floats(m * 128), Random(7).floats(64));
        each_isa(|_| {
            let run = |x: &Activations| {
                let mut out = vec![0.0; m * 20];
                matmul_packed(matrix.view(), x, None, Output::write(&mut out)).unwrap();
                out
            };
            let mut plain = vec![0.0; m * 64];
            rms_norm(&x[..m * 64], &gamma, 1e-6, &mut plain).unwrap();
            let apart = Activations::quantize(&plain, m, 64).unwrap();
            let fused = Activations::rms_norm(&x[..m * 64], &gamma, 1e-6, m, 64).unwrap();
            assert_eq!(run(&apart), run(&fused));
            swiglu(&x, m, &mut plain).unwrap();
            let apart = Activations::quantize(&plain, m, 64).unwrap();
            let fused = Activations::swiglu(&x, m, 64).unwrap();
            assert_eq!(run(&apart), run(&fused));
        });
    }
}

#[test]
fn wrong_lengths_are_errors() {
    assert!(rms_norm(&[0.0; 5], &[0.0; 2], 1e-5, &mut [0.0; 5]).is_err());
    assert!(rms_norm(&[0.0; 4], &[0.0; 2], 1e-5, &mut [0.0; 5]).is_err());
    assert!(rms_norm(&[0.0; 4], &[], 1e-5, &mut [0.0; 4]).is_err());
    assert!(swiglu(&[0.0; 5], 1, &mut [0.0; 2]).is_err());
    assert!(swiglu(&[0.0; 4], 0, &mut [0.0; 2]).is_err());
}
