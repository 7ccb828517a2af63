//! `f32` to blocks.

use half::{bf16, f16};

use super::{SUPER, k_search};
use crate::{FormatError, GgmlType};

/// Encodes whole blocks of values.
///
/// `F16` and `BF16` round to nearest even. `Q8_0`, `Q4_0` and `Q4_1` are ggml's reference
/// conversions, bit-equal to the `gguf` Python package. The `_K` types search for the scales that
/// minimise a weighted squared error; the blocks decode anywhere, but are not ggml's bit for bit.
///
/// # Errors
/// [`FormatError::BufferLength`] where `values` is not a whole number of blocks,
/// [`FormatError::Unrepresentable`] for a value, or a block's scale, that would become infinite,
/// and for infinities and NaNs in the types that share a scale.
pub fn quantize(ty: GgmlType, values: &[f32]) -> Result<Vec<u8>, FormatError> {
    let (len, size) = (ty.block_len(), ty.block_bytes());
    if !values.len().is_multiple_of(len) {
        let (what, got) = ("values of whole blocks", values.len() as u64);
        let expected = got.next_multiple_of(len as u64);
        return Err(FormatError::BufferLength {
            ty,
            what,
            expected,
            got,
        });
    }
    let mut bytes = vec![0; values.len() / len * size];
    match ty {
        GgmlType::F32 => each(
            ty,
            values,
            &mut bytes,
            |&[x]: &[f32; 1], b: &mut [u8; 4]| {
                *b = x.to_le_bytes();
                Some(())
            },
        ),
        GgmlType::F16 => each(
            ty,
            values,
            &mut bytes,
            |&[x]: &[f32; 1], b: &mut [u8; 2]| {
                let half = f16::from_f32(x);
                *b = half.to_le_bytes();
                (half.is_finite() || !x.is_finite()).then_some(())
            },
        ),
        GgmlType::BF16 => each(
            ty,
            values,
            &mut bytes,
            |&[x]: &[f32; 1], b: &mut [u8; 2]| {
                let half = bf16::from_f32(x);
                *b = half.to_le_bytes();
                (half.is_finite() || !x.is_finite()).then_some(())
            },
        ),
        GgmlType::Q8_0 => each(ty, values, &mut bytes, q8_0),
        GgmlType::Q4_0 => each(ty, values, &mut bytes, q4_0),
        GgmlType::Q4_1 => each(ty, values, &mut bytes, q4_1),
        GgmlType::Q4_K => each(ty, values, &mut bytes, q4_k),
        GgmlType::Q5_K => each(ty, values, &mut bytes, q5_k),
        GgmlType::Q6_K => each(ty, values, &mut bytes, q6_k),
    }?;
    Ok(bytes)
}

/// Applies `encode` to every block; `None` from it means that the block cannot be represented.
fn each<const LEN: usize, const BYTES: usize>(
    ty: GgmlType,
    values: &[f32],
    bytes: &mut [u8],
    encode: impl Fn(&[f32; LEN], &mut [u8; BYTES]) -> Option<()>,
) -> Result<(), FormatError> {
    for (i, (x, block)) in values
        .as_chunks()
        .0
        .iter()
        .zip(bytes.as_chunks_mut().0)
        .enumerate()
    {
        encode(x, block).ok_or_else(|| {
            // The largest value is the one that made the scale overflow; a NaN is larger still.
            let at = (0..LEN)
                .max_by(|&a, &b| x[a].abs().total_cmp(&x[b].abs()))
                .unwrap_or(0);
            FormatError::Unrepresentable {
                ty,
                index: i * LEN + at,
                value: x[at],
            }
        })?;
    }
    Ok(())
}

/// The block's value of largest magnitude, the first of several; `None` where one is not finite.
fn signed_max(x: &[f32]) -> Option<f32> {
    // Not from 0: a block of zeros keeps the sign of its first.
    let mut max = *x.first()?;
    for &x in x {
        if !x.is_finite() {
            return None;
        }
        if x.abs() > max.abs() {
            max = x;
        }
    }
    Some(max)
}

/// `1 / d`, and 0 for a `d` so small that it is zero as an f16 anyway.
fn inverse(d: f32) -> f32 {
    let inverse = 1.0 / d;
    if inverse.is_finite() { inverse } else { 0.0 }
}

/// Writes `x` as an f16; `None` where that is infinite.
fn put_half(block: &mut [u8], at: usize, x: f32) -> Option<f32> {
    let half = f16::from_f32(x);
    block[at..at + 2].copy_from_slice(&half.to_le_bytes());
    half.is_finite().then(|| half.to_f32())
}

fn q8_0(x: &[f32; 32], block: &mut [u8; 34]) -> Option<()> {
    let d = signed_max(x)?.abs() / 127.0;
    let inverse = inverse(d);
    put_half(block, 0, d)?;
    for (q, &x) in block[2..].iter_mut().zip(x) {
        *q = (x * inverse).round() as i8 as u8;
    }
    Some(())
}

fn q4_0(x: &[f32; 32], block: &mut [u8; 18]) -> Option<()> {
    // The value of largest magnitude becomes level 0, which is exactly -8.
    let d = signed_max(x)? / -8.0;
    let inverse = inverse(d);
    put_half(block, 0, d)?;
    let level = |x: f32| ((x * inverse + 8.5) as u8).min(15);
    for (i, q) in block[2..].iter_mut().enumerate() {
        *q = level(x[i]) | level(x[i + 16]) << 4;
    }
    Some(())
}

fn q4_1(x: &[f32; 32], block: &mut [u8; 20]) -> Option<()> {
    signed_max(x)?;
    let min = x.iter().copied().fold(f32::INFINITY, f32::min);
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let d = (max - min) / 15.0;
    let inverse = inverse(d);
    put_half(block, 0, d)?;
    put_half(block, 2, min)?;
    let level = |x: f32| (((x - min) * inverse + 0.5) as u8).min(15);
    for (i, q) in block[4..].iter_mut().enumerate() {
        *q = level(x[i]) | level(x[i + 16]) << 4;
    }
    Some(())
}

/// Scales and levels of the eight sub-blocks of `Q4_K` (`top` 15) and `Q5_K` (`top` 31).
/// Writes `d`, `dmin` and the packed 6-bit scales to `head`, the levels to the result.
fn affine_super(x: &[f32; SUPER], head: &mut [u8], top: u8) -> Option<[u8; SUPER]> {
    signed_max(x)?;
    let (subs, _) = x.as_chunks::<32>();
    let fits: [(f32, f32); 8] = std::array::from_fn(|i| k_search::affine(&subs[i], top));
    let step = |max: f32| max / 63.0;
    let d = put_half(
        head,
        0,
        step(fits.iter().fold(0.0, |max, fit| fit.0.max(max))),
    )?;
    let dmin = put_half(
        head,
        2,
        step(fits.iter().fold(0.0, |max, fit| fit.1.max(max))),
    )?;
    let six_bits = |x: f32, step: f32| ((x * inverse(step)).round_ties_even() as u8).min(63);

    let mut levels = [0; SUPER];
    let (out, _) = levels.as_chunks_mut::<32>();
    for (i, (scale, min)) in fits.into_iter().enumerate() {
        let (scale, min) = (six_bits(scale, d), six_bits(min, dmin));
        put_scale_min(&mut head[4..16], i, scale, min);
        // The levels are chosen for the scales as stored, not for those that were found.
        let (scale, min) = (d * f32::from(scale), dmin * f32::from(min));
        let inverse = inverse(scale);
        for (q, &x) in out[i].iter_mut().zip(&subs[i]) {
            *q = (((x + min) * inverse).round_ties_even() as u8).min(top);
        }
    }
    Some(levels)
}

/// The inverse of [`super::scale_min`]; `packed` starts as zeros.
fn put_scale_min(packed: &mut [u8], i: usize, scale: u8, min: u8) {
    if i < 4 {
        packed[i] |= scale;
        packed[i + 4] |= min;
    } else {
        packed[i + 4] |= (scale & 15) | min << 4;
        packed[i - 4] |= scale >> 4 << 6;
        packed[i] |= min >> 4 << 6;
    }
}

fn q4_k(x: &[f32; SUPER], block: &mut [u8; 144]) -> Option<()> {
    let (head, qs) = block.split_at_mut(16);
    let levels = affine_super(x, head, 15)?;
    for (qs, levels) in qs.chunks_exact_mut(32).zip(levels.chunks_exact(64)) {
        for (i, q) in qs.iter_mut().enumerate() {
            *q = levels[i] | levels[i + 32] << 4;
        }
    }
    Some(())
}

fn q5_k(x: &[f32; SUPER], block: &mut [u8; 176]) -> Option<()> {
    let (head, rest) = block.split_at_mut(16);
    let levels = affine_super(x, head, 31)?;
    let (fifth, qs) = rest.split_at_mut(32);
    let pairs = qs.chunks_exact_mut(32).zip(levels.chunks_exact(64));
    for (pair, (qs, levels)) in pairs.enumerate() {
        for (i, (q, fifth)) in qs.iter_mut().zip(&mut *fifth).enumerate() {
            let (low, high) = (levels[i], levels[i + 32]);
            *q = (low & 15) | (high & 15) << 4;
            *fifth |= (low >> 4 | high >> 4 << 1) << (2 * pair);
        }
    }
    Some(())
}

fn q6_k(x: &[f32; SUPER], block: &mut [u8; 210]) -> Option<()> {
    signed_max(x)?;
    let (subs, _) = x.as_chunks::<16>();
    let fits: [f32; 16] = std::array::from_fn(|i| k_search::symmetric(&subs[i]));
    // The scale of largest magnitude becomes -128, one more step than 127.
    let d = put_half(block, 208, signed_max(&fits)? / -128.0)?;
    let per_step = inverse(d);
    for (i, (fit, sub)) in fits.into_iter().zip(subs).enumerate() {
        let scale = (fit * per_step).round_ties_even() as i8;
        block[192 + i] = scale as u8;
        let inverse = inverse(d * f32::from(scale));
        for (j, &x) in sub.iter().enumerate() {
            let q = (x * inverse).round_ties_even().clamp(-32.0, 31.0);
            put_six_bits(block, 16 * i + j, (q as i8 + 32) as u8);
        }
    }
    Some(())
}

/// Stores the six bits of value `at` of a `Q6_K` block: see the decoder for the order.
fn put_six_bits(block: &mut [u8], at: usize, q: u8) {
    let (half, run, i) = (at / 128, at % 128 / 32, at % 32);
    block[64 * half + 32 * (run % 2) + i] |= (q & 15) << (4 * (run / 2));
    block[128 + 32 * half + i] |= q >> 4 << (2 * run);
}
