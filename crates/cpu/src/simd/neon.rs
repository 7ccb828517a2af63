//! NEON, part of every aarch64 processor: four lanes, a quarter of a packed tile.
//!
//! `smlal` multiplies signed bytes and adds up in 16 bits; quants up to 127 are signed bytes as
//! well, the others are split in nibbles as on AVX2. A lane's four products stay apart until the
//! end.

use std::arch::aarch64::*;

use super::{QuantRange, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Neon;

/// Pairs of 32-bit sums of rows 0 and 1 and of rows 2 and 3, and what was not yet widened to
/// them: of the quants or their low nibbles, and of their high nibbles.
#[derive(Clone, Copy)]
pub(crate) struct Dot {
    initial: i32,
    totals: [int32x4_t; 2],
    low: [int16x8_t; 2],
    high: [int16x8_t; 2],
}

/// `acc + w x` for the first and the last eight bytes.
#[inline(always)]
fn multiply(acc: [int16x8_t; 2], w: uint8x16_t, x: int8x16_t) -> [int16x8_t; 2] {
    // SAFETY: NEON is always there; likewise below.
    unsafe {
        let w = vreinterpretq_s8_u8(w);
        [
            vmlal_s8(acc[0], vget_low_s8(w), vget_low_s8(x)),
            vmlal_high_s8(acc[1], w, x),
        ]
    }
}

#[inline(always)]
fn widen(totals: [int32x4_t; 2], a: [int16x8_t; 2]) -> [int32x4_t; 2] {
    unsafe { [vpadalq_s16(totals[0], a[0]), vpadalq_s16(totals[1], a[1])] }
}

// SAFETY of every block below: NEON is part of the target, and pointers are as the caller
// promises.
impl Simd for Neon {
    const LANES: usize = 4;
    const GROUPS: usize = 1;
    const X_WORDS: usize = 1;
    type U = uint32x4_t;
    type F = float32x4_t;
    type X = int8x16_t;
    type Dot = Dot;

    #[inline(always)]
    unsafe fn load(self, p: *const u32) -> Self::U {
        unsafe { vld1q_u32(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u32, v: Self::U) {
        unsafe { vst1q_u32(p, v) }
    }
    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U {
        unsafe { vmovl_u16(vld1_u16(p)) }
    }
    #[inline(always)]
    fn splat(self, v: u32) -> Self::U {
        unsafe { vdupq_n_u32(v) }
    }
    #[inline(always)]
    fn and(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { vandq_u32(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { vorrq_u32(a, b) }
    }
    #[inline(always)]
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { vaddq_u32(a, b) }
    }
    #[inline(always)]
    fn shl(self, a: Self::U, n: u32) -> Self::U {
        unsafe { vshlq_u32(a, vdupq_n_s32(n as i32)) }
    }
    #[inline(always)]
    fn shr(self, a: Self::U, n: u32) -> Self::U {
        unsafe { vshlq_u32(a, vdupq_n_s32(-(n as i32))) }
    }
    #[inline(always)]
    fn sar(self, a: Self::U, n: u32) -> Self::U {
        unsafe {
            let shifted = vshlq_s32(vreinterpretq_s32_u32(a), vdupq_n_s32(-(n as i32)));
            vreinterpretq_u32_s32(shifted)
        }
    }
    #[inline(always)]
    fn to_f32(self, a: Self::U) -> Self::F {
        unsafe { vcvtq_f32_s32(vreinterpretq_s32_u32(a)) }
    }
    #[inline(always)]
    fn nearest(self, a: Self::F) -> Self::U {
        unsafe { vreinterpretq_u32_s32(vcvtnq_s32_f32(a)) }
    }
    #[inline(always)]
    fn float_bits(self, a: Self::U) -> Self::F {
        unsafe { vreinterpretq_f32_u32(a) }
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::U {
        unsafe { vreinterpretq_u32_f32(a) }
    }

    #[inline(always)]
    unsafe fn load_f(self, p: *const f32) -> Self::F {
        unsafe { vld1q_f32(p) }
    }
    #[inline(always)]
    unsafe fn store_f(self, p: *mut f32, v: Self::F) {
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    fn splat_f(self, v: f32) -> Self::F {
        unsafe { vdupq_n_f32(v) }
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // NaN where either is.
        unsafe { vmaxq_f32(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { vminq_f32(a, b) }
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        unsafe { vaddvq_f32(a) }
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        unsafe { vmaxvq_f32(a) }
    }

    #[inline(always)]
    unsafe fn store_x(self, p: *mut u32, x: [i8; 4]) {
        unsafe { p.write(u32::from_le_bytes(x.map(|x| x as u8))) }
    }
    #[inline(always)]
    unsafe fn load_x(self, p: *const u32) -> Self::X {
        unsafe { vreinterpretq_s8_u32(vld1q_dup_u32(p)) }
    }
    #[inline(always)]
    fn dot_start(self, initial: i32) -> Self::Dot {
        unsafe {
            Dot {
                initial,
                totals: [vdupq_n_s32(0); 2],
                low: [vdupq_n_s16(0); 2],
                high: [vdupq_n_s16(0); 2],
            }
        }
    }
    #[inline(always)]
    fn dot<Q: QuantRange>(
        self,
        mut acc: Self::Dot,
        w: Self::U,
        x: Self::X,
        step: usize,
    ) -> Self::Dot {
        unsafe {
            let w = vreinterpretq_u8_u32(w);
            if Q::MAX > 127 {
                acc.low = multiply(acc.low, vandq_u8(w, vdupq_n_u8(15)), x);
                acc.high = multiply(acc.high, vshrq_n_u8::<4>(w), x);
            } else {
                acc.low = multiply(acc.low, w, x);
                // Products one by one, not in pairs: twice as many fit.
                if (step + 1).is_multiple_of(2 * Q::PAIRS_IN_I16) {
                    acc.totals = widen(acc.totals, acc.low);
                    acc.low = [vdupq_n_s16(0); 2];
                }
            }
        }
        acc
    }
    #[inline(always)]
    fn dot_end(self, acc: Self::Dot) -> Self::U {
        unsafe {
            let low = widen(acc.totals, acc.low);
            let high = widen([vdupq_n_s32(0); 2], acc.high);
            let low = vpaddq_s32(low[0], low[1]);
            let high = vshlq_n_s32::<4>(vpaddq_s32(high[0], high[1]));
            let sum = vaddq_s32(vaddq_s32(low, high), vdupq_n_s32(acc.initial));
            vreinterpretq_u32_s32(sum)
        }
    }
}
