//! Block conversions against the `gguf` Python package, bit for bit.

use retort_formats::{GgmlType, blocks};

/// The two halves of a golden file: encoded blocks and values, in the order it has them.
fn golden(ty: GgmlType, kind: &str) -> (Vec<u8>, Vec<f32>) {
    let path = format!(
        "{}/tests/golden/{ty}.{kind}",
        std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")
    );
    let file = std::fs::read(&path).expect(&path);
    let value_bytes = 4 * ty.block_len();
    let count = file.len() / (ty.block_bytes() + value_bytes);
    assert_eq!(
        count * (ty.block_bytes() + value_bytes),
        file.len(),
        "{path}"
    );
    assert!(count > 8, "{path}");
    let (encoded, values) = if kind == "dequantize" {
        file.split_at(count * ty.block_bytes())
    } else {
        let (values, encoded) = file.split_at(count * value_bytes);
        (encoded, values)
    };
    let values = values
        .as_chunks()
        .0
        .iter()
        .map(|&le| f32::from_le_bytes(le))
        .collect();
    (encoded.to_vec(), values)
}

#[test]
fn every_type_dequantizes_as_gguf_does() {
    for ty in GgmlType::ALL {
        let (encoded, expected) = golden(ty, "dequantize");
        let mut values = vec![f32::NAN; expected.len()];
        blocks::dequantize(ty, &encoded, &mut values).expect("whole blocks");
        for (i, (got, expected)) in values.iter().zip(&expected).enumerate() {
            assert_eq!(
                got.to_bits(),
                expected.to_bits(),
                "{ty} value {i}: {got} {expected}"
            );
        }
    }
}

#[test]
fn reference_types_quantize_as_gguf_does() {
    use GgmlType::*;
    for ty in [F16, BF16, Q8_0, Q4_0, Q4_1] {
        let (expected, values) = golden(ty, "quantize");
        let encoded = blocks::quantize(ty, &values).expect("finite values");
        let size = ty.block_bytes();
        for (i, (got, expected)) in encoded.chunks(size).zip(expected.chunks(size)).enumerate() {
            assert_eq!(got, expected, "{ty} block {i}");
        }
    }
}
