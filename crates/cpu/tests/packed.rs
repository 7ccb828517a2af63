//! Packing changes the order of the bytes and nothing else.

mod common;

use common::{Matrix, QUANTISED};
use retort_cpu::{CpuError, packed};
use retort_formats::GgmlType;

#[test]
fn unpack_is_the_inverse_of_pack() {
    for ty in QUANTISED
        .into_iter()
        .chain([GgmlType::F32, GgmlType::F16, GgmlType::BF16])
    {
        for (rows, blocks) in [(1, 1), (15, 3), (16, 2), (37, 3), (0, 2), (3, 0)] {
            let matrix = Matrix::random(ty, rows, blocks * ty.block_len(), 1);
            let back = packed::unpack(ty, rows, matrix.cols, &matrix.words).unwrap();
            assert_eq!(back, matrix.bytes, "{} {rows} x {blocks} blocks", ty.name());
        }
    }
}

#[test]
fn rows_dequantise_exactly() {
    for ty in QUANTISED
        .into_iter()
        .chain([GgmlType::F32, GgmlType::F16, GgmlType::BF16])
    {
        let (rows, cols) = (19, 3 * ty.block_len());
        let matrix = Matrix::random(ty, rows, cols, 2);
        let mut row = vec![0.0; cols];
        for r in 0..rows {
            packed::row(ty, rows, cols, &matrix.words, r, &mut row).unwrap();
            let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&row), bits(&matrix.values[r * cols..(r + 1) * cols]));
        }
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let q4 = GgmlType::Q4_0;
    assert!(matches!(
        packed::pack(q4, 2, 32, &[0; 35]),
        Err(CpuError::Length { .. })
    ));
    assert!(matches!(
        packed::pack(q4, 2, 33, &[0; 36]),
        Err(CpuError::Blocks(_))
    ));
    assert!(packed::pack(q4, usize::MAX, 32, &[]).is_err());
    assert!(packed::packed_words(q4, usize::MAX / 2, 1 << 20).is_err());
    assert!(packed::Packed::new(q4, 16, 32, &[0; 71]).is_err());
    assert!(packed::unpack(q4, 16, 32, &[0; 73]).is_err());
    let words = vec![0; 72];
    assert!(packed::row(q4, 16, 32, &words, 0, &mut [0.0; 31]).is_err());
    assert!(matches!(
        packed::row(q4, 16, 32, &words, 16, &mut [0.0; 32]),
        Err(CpuError::Range { .. })
    ));
}
