//! How much precision each type loses, and what cannot be encoded.

use retort_formats::{FormatError, GgmlType, blocks};

/// Values of a normal distribution, from a seed (Box-Muller over a 64-bit LCG).
fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 + 0.5) / (1u64 << 24) as f32
    };
    (0..count)
        .map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f32::consts::TAU * uniform()).cos())
        .collect()
}

fn round_trip(ty: GgmlType, values: &[f32]) -> Vec<f32> {
    let bytes = blocks::quantize(ty, values).expect("representable values");
    assert_eq!(
        bytes.len(),
        values.len() / ty.block_len() * ty.block_bytes()
    );
    let mut decoded = vec![f32::NAN; values.len()];
    blocks::dequantize(ty, &bytes, &mut decoded).expect("whole blocks");
    decoded
}

/// Root of mean squared error over root of mean square.
fn relative_error(ty: GgmlType, values: &[f32]) -> f64 {
    let sum = |x: &mut dyn Iterator<Item = f64>| x.sum::<f64>();
    let decoded = round_trip(ty, values);
    let pairs = decoded.iter().zip(values);
    let error = sum(&mut pairs.map(|(d, v)| f64::from(d - v).powi(2)));
    (error / sum(&mut values.iter().map(|&v| f64::from(v).powi(2)))).sqrt()
}

/// Weights of a trained model are close to normal. The bounds are the measured errors rounded up
/// by a few percent; the `_K` types miss them without the search for scales.
#[test]
fn errors_on_normal_weights_stay_in_bounds() {
    use GgmlType::*;
    let weights: Vec<f32> = normal(1, 256 * 400).iter().map(|x| x * 0.02).collect();
    let bounds = [
        (F32, 0.0),
        (F16, 2.1e-4),
        (BF16, 1.7e-3),
        (Q8_0, 0.0055),
        (Q4_0, 0.088),
        (Q4_1, 0.080),
        (Q4_K, 0.073),
        (Q5_K, 0.0366),
        (Q6_K, 0.0180),
    ];
    for (ty, bound) in bounds {
        let error = relative_error(ty, &weights);
        assert!(error <= bound, "{ty}: {error} is over {bound}");
    }
}

/// Where the values are not centred, not normal, or evenly spread: bounds for Q4_K, Q5_K, Q6_K,
/// a few percent over what ggml's own encoders reach on the same values.
#[test]
fn k_types_fit_other_distributions() {
    let offset: Vec<f32> = normal(2, 4096).iter().map(|x| x + 3.0).collect();
    let outliers: Vec<f32> = normal(3, 4096).iter().map(|x| x * x * x).collect();
    let uniform: Vec<f32> = (0..4096).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let rows = [
        ("offset", offset, [0.0280, 0.0141, 0.0123]),
        ("outliers", outliers, [0.0920, 0.0500, 0.0258]),
        ("uniform", uniform, [0.0305, 0.0140, 0.0140]),
    ];
    for (name, values, bounds) in rows {
        for (ty, bound) in [GgmlType::Q4_K, GgmlType::Q5_K, GgmlType::Q6_K]
            .into_iter()
            .zip(bounds)
        {
            let error = relative_error(ty, &values);
            assert!(error <= bound, "{name} {ty}: {error} is over {bound}");
        }
    }
}

#[test]
fn simple_blocks_survive_in_every_type() {
    for ty in GgmlType::ALL {
        for value in [0.0, -0.0, 1.0, -1.0, 0.375] {
            let values = vec![value; 256];
            for (decoded, value) in round_trip(ty, &values).iter().zip(values) {
                assert!(
                    (decoded - value).abs() <= 1e-3 * value.abs(),
                    "{ty}: {decoded} {value}"
                );
            }
        }
        // Too small for an f16 scale: zeros, not garbage.
        for decoded in round_trip(ty, &[1e-30; 256]) {
            assert!(decoded.abs() <= 1e-29, "{ty}: {decoded}");
        }
    }
}

#[test]
fn what_cannot_be_encoded_is_named() {
    for ty in GgmlType::ALL.into_iter().filter(|ty| ty.is_quantized()) {
        for (at, bad) in [
            (0, f32::NAN),
            (255, f32::INFINITY),
            (100, f32::NEG_INFINITY),
            (7, 1e38),
        ] {
            let mut values = normal(4, 256);
            values[at] = bad;
            match blocks::quantize(ty, &values) {
                Err(FormatError::Unrepresentable { index, .. }) => assert_eq!(index, at, "{ty}"),
                other => panic!("{ty} {bad}: {other:?}"),
            }
        }
        let short = blocks::quantize(ty, &vec![0.0; ty.block_len() + 1]);
        assert!(
            matches!(short, Err(FormatError::BufferLength { .. })),
            "{ty}: {short:?}"
        );
    }
    assert!(blocks::quantize(GgmlType::F16, &[0.0, 70_000.0]).is_err());
    assert!(blocks::quantize(GgmlType::F16, &[f32::INFINITY, f32::NAN]).is_ok());
}
