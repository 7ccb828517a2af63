//! Decoding of the vectors of [`super::layout`], shared by every kernel that reads weights.
//!
//! A weight is `scale * quant + offset`, with one scale and offset for 16 or 32 columns. All of
//! it is exact in f32, in the order of ggml's own `dequantize_row`: a scale has 11 bits, or 17 to
//! 18 times a 6- or 8-bit sub-scale, a quant at most 6 (8 under an 11-bit scale), so products
//! take at most 24 bits and only the final sum of Q4_1, Q4_K and Q5_K rounds, as it does there.

use cubecl::prelude::*;
use retort_formats::GgmlType;

use super::layout::{bits, super_scales};
use super::{F32x4, U32x4};

type I32x4 = Vector<i32, Const<4>>;

/// The f16 in the low half of each word, exactly; infinities and NaN become finite, which no sane
/// weight is.
///
/// With the exponent moved from f16's bias to f32's, a normal number is done. A subnormal comes
/// out as `2^-15 (1 + m/1024)` where `2^-14 m/1024` is meant, that is twice it minus `2^-14`,
/// which for a normal number is never the smaller of the two. No f32 subnormals, that GPUs flush,
/// occur on the way.
#[cube]
pub(super) fn f16_low(words: U32x4) -> F32x4 {
    let magnitude = (words & U32x4::new(0x7fff)) << U32x4::new(13);
    let moved = F32x4::reinterpret(magnitude + U32x4::new(0x3800_0000));
    let exact = moved.min(moved * F32x4::new(2.0) - F32x4::new(0.000_061_035_156));
    let sign = (words & U32x4::new(0x8000)) << U32x4::new(16);
    F32x4::reinterpret(U32x4::reinterpret(exact) | sign)
}

/// The f16 in the high half of each word.
#[cube]
pub(super) fn f16_high(words: U32x4) -> F32x4 {
    f16_low(words >> U32x4::new(16))
}

/// The quants of columns `len index ..` (`len` 4 or 8) of the block whose first vector is `block`:
/// `len` vectors of four rows. Floats are quants of scale 1.
///
/// Quants of less than a byte are masked, not shifted, out of their word: that of column n comes
/// `16^(n % 4)` times too large. [`lowering`] is the factor to put that right, which a matvec
/// takes into an activation once for four rows.
#[cube]
pub(super) fn quants(
    words: &[U32x4],
    block: usize,
    index: usize,
    #[comptime] len: usize,
    #[comptime] ty: GgmlType,
) -> Sequence<F32x4> {
    let mut quants = Sequence::<F32x4>::new();
    if comptime!(bits(ty) < 8) {
        let octet = index / comptime!(8 / len);
        let low = words[block + octet];
        let high = high_bits(words, block, octet, ty);
        if comptime!(len == 8) {
            push_nibbles(&mut quants, low, high, ty);
            let half = U32x4::new(16);
            push_nibbles(&mut quants, low >> half, high >> half, ty);
        } else {
            let half = U32x4::new(index as u32 % 2 * 16);
            push_nibbles(&mut quants, low >> half, high >> half, ty);
        }
    } else {
        let count = comptime!(bits(ty) * len / 32);
        let first = block + index * count;
        #[unroll]
        for w in 0..count {
            push_word(&mut quants, words[first + w], ty);
        }
    }
    quants
}

/// What the quants of four columns are to be multiplied with, see [`quants`].
#[cube]
pub(super) fn lowering(#[comptime] ty: GgmlType) -> F32x4 {
    let mut factors = F32x4::new(1.0);
    if comptime!(bits(ty) < 8) {
        factors.insert(1usize, 0.0625);
        factors.insert(2usize, 0.003_906_25);
        factors.insert(3usize, 0.000_244_140_63);
    }
    factors
}

/// The word with the high bits of an octet, those of its column n from bit 4n on; zero for
/// four-bit types.
#[cube]
fn high_bits(words: &[U32x4], block: usize, octet: usize, #[comptime] ty: GgmlType) -> U32x4 {
    if comptime!(ty == GgmlType::Q5_K) {
        words[block + 4] >> U32x4::new(octet as u32)
    } else if comptime!(ty == GgmlType::Q6_K) {
        words[block + 4 + octet / 2] >> U32x4::new(octet as u32 % 2 * 2)
    } else {
        U32x4::new(0)
    }
}

/// Four quants from the low halves of their words.
#[cube]
fn push_nibbles(quants: &mut Sequence<F32x4>, low: U32x4, high: U32x4, #[comptime] ty: GgmlType) {
    #[unroll]
    for n in 0..4u32 {
        let nibble = low & U32x4::new(15 << (4 * n));
        if comptime!(bits(ty) == 4) {
            quants.push(F32x4::cast_from(nibble));
        } else {
            let mask = comptime!((1u32 << (bits(ty) - 4)) - 1) << (4 * n + 4);
            let above = (high << U32x4::new(4)) & U32x4::new(mask);
            quants.push(F32x4::cast_from(nibble | above));
        }
    }
}

/// The quants of one word of a byte, half or whole word type.
#[cube]
fn push_word(quants: &mut Sequence<F32x4>, word: U32x4, #[comptime] ty: GgmlType) {
    if comptime!(ty == GgmlType::Q8_0) {
        let word = I32x4::reinterpret(word);
        #[unroll]
        for n in 0..4u32 {
            let top = word << I32x4::cast_from(U32x4::new(24 - 8 * n));
            quants.push(F32x4::cast_from(top >> I32x4::new(24)));
        }
    } else if comptime!(ty == GgmlType::F16) {
        quants.push(f16_low(word));
        quants.push(f16_high(word));
    } else if comptime!(ty == GgmlType::BF16) {
        quants.push(F32x4::reinterpret(word << U32x4::new(16)));
        quants.push(F32x4::reinterpret(word & U32x4::new(0xffff_0000)));
    } else {
        quants.push(F32x4::reinterpret(word));
    }
}

/// Where the scales of a matrix are, in vectors.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Scales {
    pub start: usize,
    /// Vectors of a group.
    pub per_group: usize,
}

/// Scale and offset of columns `16 half ..` of the rows of `group`.
#[cube]
pub(super) fn scale(
    words: &[U32x4],
    scales: &Scales,
    group: usize,
    half: usize,
    #[comptime] ty: GgmlType,
) -> (F32x4, F32x4) {
    let first = scales.start + group * scales.per_group;
    if comptime!(ty == GgmlType::Q4_0 || ty == GgmlType::Q8_0) {
        let pair = words[first + half / 4];
        let scale = f16_low(pair >> U32x4::new(16 * (half as u32 / 2 % 2)));
        (
            scale,
            scale * F32x4::new(comptime!(if ty == GgmlType::Q4_0 { -8.0 } else { 0.0 })),
        )
    } else if comptime!(ty == GgmlType::Q4_1) {
        let word = words[first + half / 2];
        (f16_low(word), f16_high(word))
    } else if comptime!(ty == GgmlType::Q6_K) {
        let at = first + half / 16 * comptime!(super_scales(ty));
        let word = I32x4::reinterpret(words[at + 1 + half % 16 / 4]);
        let top = word << I32x4::cast_from(U32x4::new(24 - 8 * (half as u32 % 4)));
        let scale = f16_low(words[at]) * F32x4::cast_from(top >> I32x4::new(24));
        (scale, scale * F32x4::new(-32.0))
    } else if comptime!(has_scale(ty)) {
        let at = first + half / 16 * comptime!(super_scales(ty));
        let shift = U32x4::new(half as u32 % 16 / 2 * 4);
        let high = words[at + 3] >> shift;
        let scale = (words[at + 1] >> shift) & U32x4::new(15);
        let scale = scale | ((high & U32x4::new(3)) << U32x4::new(4));
        let least = (words[at + 2] >> shift) & U32x4::new(15);
        let least = least | ((high & U32x4::new(12)) << U32x4::new(2));
        let both = words[at];
        (
            f16_low(both) * F32x4::cast_from(scale),
            -(f16_high(both) * F32x4::cast_from(least)),
        )
    } else {
        (F32x4::new(1.0), F32x4::new(0.0))
    }
}

/// Whether weights are more than their quants.
pub(super) fn has_scale(ty: GgmlType) -> bool {
    !matches!(ty, GgmlType::F32 | GgmlType::F16 | GgmlType::BF16)
}

/// Whether weights have an offset.
pub(super) fn has_offset(ty: GgmlType) -> bool {
    has_scale(ty) && ty != GgmlType::Q8_0
}
