//! The block types: where a packed block keeps its fields, and how a step of 32 columns of it
//! becomes unsigned bytes and scales. Everything else in the matmul is the same for all types.
//!
//! A weight is `scale * (stored - ZERO) + offset`. The types differ in which part they use:
//!
//! | type | stored | zero | scale, each columns | offset |
//! |---|---|---|---|---|
//! | Q4_0 | 0..=15 | 8 | d, 32 | |
//! | Q4_1 | 0..=15 | | d, 32 | m |
//! | Q8_0 | 0..=255 (sign bit flipped) | 128 | d, 32 | |
//! | Q4_K | 0..=15 | | d * sc, 32 | -dmin * m |
//! | Q5_K | 0..=31 | | d * sc, 32 | -dmin * m |
//! | Q6_K | 0..=63 | 32 | d * sc, 16 | |
//!
//! Source of the layouts: `ggml-common.h` and `ggml-quants.c` of ggml, and the GGUF specification.

use retort_formats::GgmlType;

use crate::simd::{QuantRange, Simd};

/// Rows of a packed tile: the lanes of the widest vector.
pub(crate) const TILE: usize = 16;
/// Columns that share one scale of the activations.
pub(crate) const STEP: usize = 32;
/// Words of four quants in a step.
pub(crate) const STEP_WORDS: usize = STEP / 4;

/// A part of a GGUF block, in the order in which the packed block keeps them.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    /// A 16-bit float at this byte.
    Half(usize),
    /// This many 32-bit words from this byte on.
    Words(usize, usize),
    /// The same with the sign bit of each byte flipped, so that signed quants become unsigned.
    Flipped(usize, usize),
}

/// The fields of a GGUF block of a quantised type; none for the float types.
pub(crate) fn fields(ty: GgmlType) -> &'static [Field] {
    use Field::{Flipped, Half, Words};
    match ty {
        GgmlType::Q4_0 => &[Half(0), Words(2, 4)],
        GgmlType::Q4_1 => &[Half(0), Half(2), Words(4, 4)],
        GgmlType::Q8_0 => &[Half(0), Flipped(2, 8)],
        GgmlType::Q4_K => &[Half(0), Half(2), Words(4, 3), Words(16, 32)],
        GgmlType::Q5_K => &[Half(0), Half(2), Words(4, 3), Words(16, 8), Words(48, 32)],
        // By half blocks, high bits first: the order in which steps first touch them, which is
        // what a processor's prefetcher can follow.
        GgmlType::Q6_K => &[
            Half(208),
            Words(192, 4),
            Words(128, 8),
            Words(0, 16),
            Words(160, 8),
            Words(64, 16),
        ],
        GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 => &[],
    }
}

/// A packed block of sixteen rows, seen from the lanes that start at one of them.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// First word of the block.
    pub base: *const u32,
    /// First row of the lanes.
    pub lane: usize,
}

impl Block {
    /// The `field`th half of a block that starts with halves.
    ///
    /// # Safety
    /// The block is whole and has that many halves; likewise for `words`.
    #[inline(always)]
    unsafe fn half<S: Simd>(self, s: S, field: usize) -> S::F {
        // SAFETY: as above.
        unsafe { s.load_f16(self.base.cast::<u16>().add(field * TILE + self.lane)) }
    }

    /// Word `index` of each row, counted after `halves` halves.
    #[inline(always)]
    unsafe fn words<S: Simd>(self, s: S, halves: usize, index: usize) -> S::U {
        // SAFETY: as above.
        unsafe { s.load(self.base.add(halves * TILE / 2 + index * TILE + self.lane)) }
    }
}

/// Scales of a step: `first` of columns 0..16, `second` of 16..32 (the same unless
/// [`Quant::HALVES`]), and the offset (zero unless [`Quant::OFFSET`]).
pub(crate) struct Scales<S: Simd> {
    pub first: S::F,
    pub second: S::F,
    pub offset: S::F,
}

/// A block type.
pub(crate) trait Quant: QuantRange + 'static {
    /// Words of a packed block of [`TILE`] rows.
    const BLOCK_WORDS: usize;
    /// Steps of 32 columns in a block.
    const STEPS: usize;
    /// The zero point over 8, as a shift: 8 << n is subtracted from the stored quants.
    const ZERO: Option<u32> = None;
    /// Whether weights have an offset.
    const OFFSET: bool = false;
    /// Whether 16 columns share a scale, not 32.
    const HALVES: bool = false;

    /// Quants `4 * k .. 4 * k + 4` of a step, one byte each.
    ///
    /// # Safety
    /// `block` is whole, `step < STEPS`, `k < STEP_WORDS`; likewise for `scales`.
    unsafe fn quants<S: Simd>(s: S, block: Block, step: usize, k: usize) -> S::U;
    /// The scales of a step.
    unsafe fn scales<S: Simd>(s: S, block: Block, step: usize) -> Scales<S>;
}

pub(crate) struct Q4_0;
pub(crate) struct Q4_1;
pub(crate) struct Q8_0;
pub(crate) struct Q4K;
pub(crate) struct Q5K;
pub(crate) struct Q6K;

impl QuantRange for Q4_0 {
    const MAX: u32 = 15;
}
impl QuantRange for Q4_1 {
    const MAX: u32 = 15;
}
impl QuantRange for Q8_0 {
    const MAX: u32 = 255;
}
impl QuantRange for Q4K {
    const MAX: u32 = 15;
}
impl QuantRange for Q5K {
    const MAX: u32 = 31;
}
impl QuantRange for Q6K {
    const MAX: u32 = 63;
}

/// The low (`high` = 0) or high (1) nibbles of four bytes.
#[inline(always)]
fn nibbles<S: Simd>(s: S, v: S::U, high: usize) -> S::U {
    s.and(s.shr(v, 4 * high as u32), s.splat(0x0f0f_0f0f))
}

/// One scale for all 32 columns, no offset.
#[inline(always)]
fn plain<S: Simd>(s: S, scale: S::F) -> Scales<S> {
    Scales {
        first: scale,
        second: scale,
        offset: s.zero(),
    }
}

// SAFETY of every block below: as the traits' methods require.

impl Quant for Q4_0 {
    const BLOCK_WORDS: usize = TILE / 2 + TILE * 4;
    const STEPS: usize = 1;
    const ZERO: Option<u32> = Some(0);

    /// Byte j holds columns j (low nibble) and j + 16 (high).
    #[inline(always)]
    unsafe fn quants<S: Simd>(s: S, block: Block, _: usize, k: usize) -> S::U {
        nibbles(s, unsafe { block.words(s, 1, k % 4) }, k / 4)
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(s: S, block: Block, _: usize) -> Scales<S> {
        plain(s, unsafe { block.half(s, 0) })
    }
}

impl Quant for Q4_1 {
    const BLOCK_WORDS: usize = TILE + TILE * 4;
    const STEPS: usize = 1;
    const OFFSET: bool = true;

    #[inline(always)]
    unsafe fn quants<S: Simd>(s: S, block: Block, _: usize, k: usize) -> S::U {
        nibbles(s, unsafe { block.words(s, 2, k % 4) }, k / 4)
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(s: S, block: Block, _: usize) -> Scales<S> {
        let offset = unsafe { block.half(s, 1) };
        Scales {
            offset,
            ..plain(s, unsafe { block.half(s, 0) })
        }
    }
}

impl Quant for Q8_0 {
    const BLOCK_WORDS: usize = TILE / 2 + TILE * 8;
    const STEPS: usize = 1;
    const ZERO: Option<u32> = Some(4);

    #[inline(always)]
    unsafe fn quants<S: Simd>(s: S, block: Block, _: usize, k: usize) -> S::U {
        unsafe { block.words(s, 1, k) }
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(s: S, block: Block, _: usize) -> Scales<S> {
        plain(s, unsafe { block.half(s, 0) })
    }
}

/// Six-bit scale and minimum of step `step` (0..8) of Q4_K and Q5_K.
///
/// Twelve bytes a row hold them: bytes 0..4 scales 0..4 and bytes 4..8 minima 0..4 in the low six
/// bits; bytes 8..12 the low four bits of scales 4..8 (low nibble) and minima 4..8 (high), whose
/// top two bits are those of bytes 0..4 and 4..8.
#[inline(always)]
unsafe fn k_scales<S: Simd>(s: S, block: Block, step: usize) -> Scales<S> {
    let byte = 8 * (step as u32 % 4);
    let (d, dmin) = unsafe { (block.half(s, 0), block.half(s, 1)) };
    let (scales, minima) = unsafe { (block.words(s, 2, 0), block.words(s, 2, 1)) };
    let (scale, minimum) = if step < 4 {
        let six = s.splat(63);
        (
            s.and(s.shr(scales, byte), six),
            s.and(s.shr(minima, byte), six),
        )
    } else {
        let low = unsafe { block.words(s, 2, 2) };
        let (four, two) = (s.splat(15), s.splat(0x30));
        (
            s.or(
                s.and(s.shr(low, byte), four),
                s.and(s.shr(scales, byte + 2), two),
            ),
            s.or(
                s.and(s.shr(low, byte + 4), four),
                s.and(s.shr(minima, byte + 2), two),
            ),
        )
    };
    Scales {
        offset: s.sub(s.zero(), s.mul(dmin, s.to_f32(minimum))),
        ..plain(s, s.mul(d, s.to_f32(scale)))
    }
}

impl Quant for Q4K {
    const BLOCK_WORDS: usize = TILE + TILE * 35;
    const STEPS: usize = 8;
    const OFFSET: bool = true;

    /// 32 bytes hold two steps: the even one in the low nibbles, the odd one in the high.
    #[inline(always)]
    unsafe fn quants<S: Simd>(s: S, block: Block, step: usize, k: usize) -> S::U {
        nibbles(
            s,
            unsafe { block.words(s, 2, 3 + step / 2 * 8 + k) },
            step % 2,
        )
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(s: S, block: Block, step: usize) -> Scales<S> {
        unsafe { k_scales(s, block, step) }
    }
}

impl Quant for Q5K {
    const BLOCK_WORDS: usize = TILE + TILE * 43;
    const STEPS: usize = 8;
    const OFFSET: bool = true;

    /// As Q4_K, with bit `step` of 32 bytes as the fifth bit.
    #[inline(always)]
    unsafe fn quants<S: Simd>(s: S, block: Block, step: usize, k: usize) -> S::U {
        let low = nibbles(
            s,
            unsafe { block.words(s, 2, 11 + step / 2 * 8 + k) },
            step % 2,
        );
        let fifth = s.shr(unsafe { block.words(s, 2, 3 + k) }, step as u32);
        s.or(low, s.shl(s.and(fifth, s.splat(0x0101_0101)), 4))
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(s: S, block: Block, step: usize) -> Scales<S> {
        unsafe { k_scales(s, block, step) }
    }
}

impl Quant for Q6K {
    const BLOCK_WORDS: usize = TILE / 2 + TILE * 52;
    const STEPS: usize = 8;
    const ZERO: Option<u32> = Some(2);
    const HALVES: bool = true;

    /// A half block of 128 columns is four steps, of which 64 bytes hold the low four bits (two
    /// steps in the low nibbles, two in the high) and 32 bytes the high two bits of all four.
    #[inline(always)]
    unsafe fn quants<S: Simd>(s: S, block: Block, step: usize, k: usize) -> S::U {
        let (half, part) = (step / 4, step % 4);
        let high = unsafe { block.words(s, 1, 4 + half * 24 + k) };
        let low = unsafe { block.words(s, 1, 12 + half * 24 + part % 2 * 8 + k) };
        let high = s.and(s.shr(high, 2 * part as u32), s.splat(0x0303_0303));
        s.or(nibbles(s, low, part / 2), s.shl(high, 4))
    }
    /// Sixteen signed bytes, one for 16 columns.
    #[inline(always)]
    unsafe fn scales<S: Simd>(s: S, block: Block, step: usize) -> Scales<S> {
        let d = unsafe { block.half(s, 0) };
        let bytes = unsafe { block.words(s, 1, step / 2) };
        let i = step % 2 * 2;
        Scales {
            first: s.mul(d, s.to_f32(signed_byte(s, bytes, i))),
            second: s.mul(d, s.to_f32(signed_byte(s, bytes, i + 1))),
            offset: s.zero(),
        }
    }
}

/// Byte `i` of each lane, with its sign.
#[inline(always)]
fn signed_byte<S: Simd>(s: S, v: S::U, i: usize) -> S::U {
    s.sar(s.shl(v, 24 - 8 * i as u32), 24)
}
