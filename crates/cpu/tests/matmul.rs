//! Every block type on every instruction set, against products of the dequantised weights in f64.

mod common;

use common::{Matrix, QUANTISED, Random, each_isa, product, rounding};
use retort_cpu::{Activations, Output, linear, matmul_packed};
use retort_formats::GgmlType;

/// Sums of n terms in f32, each of whose steps rounds by 2^-24 of what it has.
fn summing(size: f64) -> f64 {
    2e-6 * size + 1e-6
}

fn check(matrix: &Matrix, x: &[f32], m: usize, out: &[f32], bound: impl Fn(usize, usize) -> f64) {
    let Matrix {
        rows, cols, values, ..
    } = matrix;
    for t in 0..m {
        for r in 0..*rows {
            let (expected, size) = product(values, x, *cols, r, t);
            let error = (f64::from(out[t * rows + r]) - expected).abs();
            let allowed = summing(size) + bound(r, t);
            assert!(
                error <= allowed,
                "{} {rows}x{cols} m {m} token {t} row {r}: {} for {expected}, {error:e} > {allowed:e}",
                matrix.ty.name(),
                out[t * rows + r],
            );
        }
    }
}

fn shapes(ty: GgmlType) -> Vec<(usize, usize)> {
    let block = ty.block_len();
    vec![
        (1, block),
        (5, 2 * block),
        (16, 3 * block),
        (33, 5 * block),
        (49, 1280),
    ]
}

/// Activations that quantise without error leave only the rounding of f32 sums.
#[test]
fn products_are_exact_for_exact_activations() {
    for ty in QUANTISED {
        for (rows, cols) in shapes(ty) {
            let matrix = Matrix::random(ty, rows, cols, 1);
            for m in 1..=9 {
                let x = Random(m as u64).exact(m * cols);
                each_isa(|_| {
                    let x8 = Activations::quantize(&x, m, cols).unwrap();
                    let mut out = vec![f32::NAN; m * rows];
                    matmul_packed(matrix.view(), &x8, None, Output::write(&mut out)).unwrap();
                    check(&matrix, &x, m, &out, |_, _| 0.0);
                });
            }
        }
    }
}

#[test]
fn products_are_within_the_rounding_of_the_activations() {
    for ty in QUANTISED {
        let matrix = Matrix::random(ty, 40, 512, 2);
        for m in [1, 2, 7, 300] {
            let x = Random(9).floats(m * 512);
            each_isa(|_| {
                let mut out = vec![f32::NAN; m * 40];
                linear(matrix.view(), &x, m, None, Output::write(&mut out)).unwrap();
                check(&matrix, &x, m, &out, |r, t| {
                    rounding(&matrix.values, &x, 512, r, t)
                });
            });
        }
    }
}

#[test]
fn float_matrices_agree() {
    for ty in [GgmlType::F32, GgmlType::F16, GgmlType::BF16] {
        for (rows, cols) in [(1, 1), (5, 33), (67, 300)] {
            let values = Random(3).floats(rows * cols);
            let bytes: Vec<u8> = match ty {
                GgmlType::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                GgmlType::F16 => values
                    .iter()
                    .flat_map(|&v| half::f16::from_f32(v).to_le_bytes())
                    .collect(),
                _ => values
                    .iter()
                    .flat_map(|&v| half::bf16::from_f32(v).to_le_bytes())
                    .collect(),
            };
            let matrix = Matrix::from_blocks(ty, rows, cols, bytes);
            for m in [1, 3, 5, 9, 261] {
                let x = Random(m as u64).floats(m * cols);
                each_isa(|_| {
                    let mut out = vec![f32::NAN; m * rows];
                    linear(matrix.view(), &x, m, None, Output::write(&mut out)).unwrap();
                    check(&matrix, &x, m, &out, |_, _| 0.0);
                });
            }
        }
    }
}

#[test]
fn bias_residual_and_columns() {
    for ty in [GgmlType::Q4_0, GgmlType::F32] {
        let (rows, cols, width) = (21, 64, 50);
        let matrix = match ty {
            GgmlType::F32 => {
                let values = Random(4).floats(rows * cols);
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                Matrix::from_blocks(ty, rows, cols, bytes)
            }
            _ => Matrix::random(ty, rows, cols, 4),
        };
        let bias = Random(5).floats(rows);
        for m in [1, 6] {
            let x = Random(6).exact(m * cols);
            each_isa(|_| {
                let before = Random(7).floats(m * width);
                let mut wide = before.clone();
                let out = Output::add(&mut wide).columns(width, 13);
                linear(matrix.view(), &x, m, Some(&bias), out).unwrap();
                let mut part = Vec::new();
                for (now, before) in wide.chunks(width).zip(before.chunks(width)) {
                    assert_eq!(now[..13], before[..13]);
                    assert_eq!(now[34..], before[34..]);
                    part.extend((0..rows).map(|r| now[13 + r] - before[13 + r] - bias[r]));
                }
                // Adding and taking away again rounds twice more.
                check(&matrix, &x, m, &part, |_, _| 1e-4);
            });
        }
    }
}

/// A value that is not finite spoils the outputs of its token, and no other's.
#[test]
fn infinities_and_nans_propagate() {
    for ty in QUANTISED {
        let (rows, cols, m) = (20, 512, 5);
        let matrix = Matrix::random(ty, rows, cols, 8);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = Random(9).floats(m * cols);
            x[2 * cols + 77] = bad;
            each_isa(|_| {
                let mut out = vec![0.0; m * rows];
                linear(matrix.view(), &x, m, None, Output::write(&mut out)).unwrap();
                for (t, out) in out.chunks(rows).enumerate() {
                    assert!(
                        out.iter().all(|y| y.is_finite() == (t != 2)),
                        "{} {t}",
                        ty.name()
                    );
                }
                let mut out = vec![0.0; rows];
                let x = &x[2 * cols..3 * cols];
                linear(matrix.view(), x, 1, None, Output::write(&mut out)).unwrap();
                assert!(out.iter().all(|y| !y.is_finite()));
            });
        }
        // A scale that is not finite spoils its row.
        let mut bytes = matrix.bytes.clone();
        let row = ty.row_bytes(cols).unwrap();
        let at = if ty == GgmlType::Q6_K { 208 } else { 0 };
        bytes[3 * row + at..3 * row + at + 2].copy_from_slice(&0x7c00u16.to_le_bytes());
        let broken = Matrix::from_blocks(ty, rows, cols, bytes);
        let x = Random(10).floats(m * cols);
        for m in [1, m] {
            each_isa(|_| {
                let mut out = vec![0.0; m * rows];
                let x = &x[..m * cols];
                linear(broken.view(), x, m, None, Output::write(&mut out)).unwrap();
                for out in out.chunks(rows) {
                    for (r, y) in out.iter().enumerate() {
                        assert_eq!(y.is_finite(), r != 3, "{} row {r}: {y}", ty.name());
                    }
                }
            });
        }
    }
}

/// Subnormal scales and tiny or zero activations are ordinary numbers.
#[test]
fn tiny_values() {
    let mut matrix = Matrix::random(GgmlType::Q4_0, 16, 64, 11);
    for block in matrix.bytes.chunks_exact_mut(18) {
        block[..2].copy_from_slice(&0x0123u16.to_le_bytes());
    }
    let matrix = Matrix::from_blocks(GgmlType::Q4_0, 16, 64, matrix.bytes);
    let x = Random(12).exact(64);
    each_isa(|_| {
        let mut out = vec![f32::NAN; 16];
        linear(matrix.view(), &x, 1, None, Output::write(&mut out)).unwrap();
        check(&matrix, &x, 1, &out, |_, _| 0.0);
        for tiny in [0.0, 1e-44, 1e-38, -1e-37] {
            linear(matrix.view(), &[tiny; 64], 1, None, Output::write(&mut out)).unwrap();
            assert!(out.iter().all(|y| y.abs() < 1e-30), "{tiny}: {out:?}");
        }
    });
}

#[test]
fn wrong_lengths_are_errors() {
    let matrix = Matrix::random(GgmlType::Q4_0, 16, 64, 13);
    let view = matrix.view();
    let x = Activations::quantize(&[0.0; 64], 1, 64).unwrap();
    assert!(matmul_packed(view, &x, None, Output::write(&mut [0.0; 15])).is_err());
    assert!(matmul_packed(view, &x, Some(&[0.0; 17]), Output::write(&mut [0.0; 16])).is_err());
    let out = &mut [0.0; 20];
    assert!(matmul_packed(view, &x, None, Output::write(out).columns(20, 5)).is_err());
    assert!(matmul_packed(view, &x, None, Output::write(out).columns(20, usize::MAX)).is_err());
    let narrow = Activations::quantize(&[0.0; 32], 1, 32).unwrap();
    assert!(matmul_packed(view, &narrow, None, Output::write(&mut [0.0; 16])).is_err());
    assert!(Activations::quantize(&[0.0; 64], 2, 64).is_err());
    assert!(Activations::quantize(&[0.0; 48], 1, 48).is_err());
    assert!(Activations::quantize(&[], usize::MAX, 64).is_err());
    assert!(Activations::rms_norm(&[0.0; 64], &[0.0; 32], 1e-5, 1, 64).is_err());
    assert!(Activations::swiglu(&[0.0; 64], 1, 64).is_err());
}

/// No tokens, no rows, no columns.
#[test]
fn empty_products() {
    let matrix = Matrix::random(GgmlType::Q8_0, 16, 32, 14);
    linear(matrix.view(), &[], 0, None, Output::write(&mut [])).unwrap();
    let none = Matrix::random(GgmlType::Q8_0, 0, 32, 14);
    linear(none.view(), &[0.0; 64], 2, None, Output::write(&mut [])).unwrap();
    let narrow = Matrix::random(GgmlType::Q8_0, 3, 0, 14);
    for m in [1, 2] {
        let mut out = vec![f32::NAN; 3 * m];
        linear(narrow.view(), &[], m, None, Output::write(&mut out)).unwrap();
        assert!(out.iter().all(|&y| y == 0.0));
    }
}
