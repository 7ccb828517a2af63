//! WebAssembly simd128: four lanes, a quarter of a packed tile.
//!
//! Without byte dot products the four bytes of a lane are taken as two 16-bit pairs, even bytes
//! and odd bytes, for `i32x4.dot_i16x8_s`; activations are stored in that order (two words for
//! four of them). With relaxed SIMD the bytes multiply directly and add up in 16 bits, as on
//! AVX2 (see there), with the same activations as everywhere else.

use std::arch::wasm32::*;

use super::{QuantRange, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Simd128;

#[cfg(not(target_feature = "relaxed-simd"))]
mod variant {
    use super::*;

    pub const X_WORDS: usize = 2;
    /// (x0, x2) and (x1, x3), in every lane.
    pub type X = (v128, v128);
    pub type Dot = v128;

    #[inline(always)]
    pub unsafe fn store_x(p: *mut u32, x: [i8; 4]) {
        let pair = |a: i8, b: i8| (i16::from(a) as u16 as u32) | (i16::from(b) as u16 as u32) << 16;
        // SAFETY: as the caller of `Simd::store_x` promises.
        unsafe {
            p.write(pair(x[0], x[2]));
            p.add(1).write(pair(x[1], x[3]));
        }
    }

    #[inline(always)]
    pub unsafe fn load_x(p: *const u32) -> X {
        // SAFETY: as the caller of `Simd::load_x` promises.
        unsafe { (v128_load32_splat(p), v128_load32_splat(p.add(1))) }
    }

    #[inline(always)]
    pub fn start(initial: i32) -> Dot {
        i32x4_splat(initial)
    }

    #[inline(always)]
    pub fn step<Q: QuantRange>(acc: Dot, w: v128, x: X, _step: usize) -> Dot {
        let even = i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xff)), x.0);
        let odd = i32x4_dot_i16x8(u16x8_shr(w, 8), x.1);
        i32x4_add(i32x4_add(acc, even), odd)
    }

    #[inline(always)]
    pub fn end(acc: Dot) -> v128 {
        acc
    }

    /// `pmax(b, a)` is `b < a ? a : b`: one instruction on x86, unlike `f32x4.max`.
    #[inline(always)]
    pub fn max(a: v128, b: v128) -> v128 {
        f32x4_pmax(b, a)
    }

    #[inline(always)]
    pub fn min(a: v128, b: v128) -> v128 {
        f32x4_pmin(b, a)
    }
}

#[cfg(target_feature = "relaxed-simd")]
mod variant {
    use super::*;

    pub const X_WORDS: usize = 1;
    pub type X = v128;

    #[derive(Clone, Copy)]
    pub struct Dot {
        total: v128,
        low: v128,
        high: v128,
    }

    #[inline(always)]
    pub unsafe fn store_x(p: *mut u32, x: [i8; 4]) {
        // SAFETY: as the caller of `Simd::store_x` promises.
        unsafe { p.write(u32::from_le_bytes(x.map(|x| x as u8))) }
    }

    #[inline(always)]
    pub unsafe fn load_x(p: *const u32) -> X {
        // SAFETY: as the caller of `Simd::load_x` promises.
        unsafe { v128_load32_splat(p) }
    }

    #[inline(always)]
    pub fn start(initial: i32) -> Dot {
        Dot {
            total: i32x4_splat(initial),
            low: i16x8_splat(0),
            high: i16x8_splat(0),
        }
    }

    /// The second factor has seven bits, which makes the instruction exact on every processor.
    #[inline(always)]
    fn pairs(acc: v128, w: v128, x: X) -> v128 {
        i16x8_add(acc, i16x8_relaxed_dot_i8x16_i7x16(x, w))
    }

    #[inline(always)]
    pub fn step<Q: QuantRange>(mut acc: Dot, w: v128, x: X, step: usize) -> Dot {
        if Q::MAX > 127 {
            let nibble = u8x16_splat(15);
            acc.low = pairs(acc.low, v128_and(w, nibble), x);
            acc.high = pairs(acc.high, v128_and(u16x8_shr(w, 4), nibble), x);
        } else {
            acc.low = pairs(acc.low, w, x);
            if (step + 1).is_multiple_of(Q::PAIRS_IN_I16) {
                acc.total = i32x4_add(acc.total, i32x4_extadd_pairwise_i16x8(acc.low));
                acc.low = i16x8_splat(0);
            }
        }
        acc
    }

    #[inline(always)]
    pub fn end(acc: Dot) -> v128 {
        let low = i32x4_extadd_pairwise_i16x8(acc.low);
        let high = i32x4_shl(i32x4_extadd_pairwise_i16x8(acc.high), 4);
        i32x4_add(i32x4_add(acc.total, low), high)
    }

    /// With this feature LLVM turns `pmax` and selects into `relaxed_max`, which may lose a NaN.
    #[inline(always)]
    pub fn max(a: v128, b: v128) -> v128 {
        f32x4_max(a, b)
    }

    #[inline(always)]
    pub fn min(a: v128, b: v128) -> v128 {
        f32x4_min(a, b)
    }
}

// SAFETY of every block below: pointers are as the caller promises.
impl Simd for Simd128 {
    const LANES: usize = 4;
    const GROUPS: usize = 1;
    const X_WORDS: usize = variant::X_WORDS;
    type U = v128;
    type F = v128;
    type X = variant::X;
    type Dot = variant::Dot;

    #[inline(always)]
    unsafe fn load(self, p: *const u32) -> Self::U {
        unsafe { v128_load(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u32, v: Self::U) {
        unsafe { v128_store(p.cast(), v) }
    }
    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U {
        unsafe { u32x4_load_extend_u16x4(p) }
    }
    #[inline(always)]
    fn splat(self, v: u32) -> Self::U {
        u32x4_splat(v)
    }
    #[inline(always)]
    fn and(self, a: Self::U, b: Self::U) -> Self::U {
        v128_and(a, b)
    }
    #[inline(always)]
    fn or(self, a: Self::U, b: Self::U) -> Self::U {
        v128_or(a, b)
    }
    #[inline(always)]
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U {
        u32x4_add(a, b)
    }
    #[inline(always)]
    fn shl(self, a: Self::U, n: u32) -> Self::U {
        u32x4_shl(a, n)
    }
    #[inline(always)]
    fn shr(self, a: Self::U, n: u32) -> Self::U {
        u32x4_shr(a, n)
    }
    #[inline(always)]
    fn sar(self, a: Self::U, n: u32) -> Self::U {
        i32x4_shr(a, n)
    }
    #[inline(always)]
    fn to_f32(self, a: Self::U) -> Self::F {
        f32x4_convert_i32x4(a)
    }
    #[inline(always)]
    fn nearest(self, a: Self::F) -> Self::U {
        i32x4_trunc_sat_f32x4(f32x4_nearest(a))
    }
    #[inline(always)]
    unsafe fn store_i8(self, p: *mut i8, v: Self::U) {
        let words = i16x8_narrow_i32x4(v, v);
        unsafe { v128_store32_lane::<0>(i8x16_narrow_i16x8(words, words), p.cast()) }
    }
    #[inline(always)]
    fn float_bits(self, a: Self::U) -> Self::F {
        a
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::U {
        a
    }

    #[inline(always)]
    unsafe fn load_f(self, p: *const f32) -> Self::F {
        unsafe { v128_load(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_f(self, p: *mut f32, v: Self::F) {
        unsafe { v128_store(p.cast(), v) }
    }
    #[inline(always)]
    fn splat_f(self, v: f32) -> Self::F {
        f32x4_splat(v)
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_div(a, b)
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        #[cfg(target_feature = "relaxed-simd")]
        return f32x4_relaxed_madd(a, b, c);
        #[cfg(not(target_feature = "relaxed-simd"))]
        return f32x4_add(f32x4_mul(a, b), c);
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        variant::max(a, b)
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        variant::min(a, b)
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let two = f32x4_add(a, i32x4_shuffle::<2, 3, 0, 1>(a, a));
        f32x4_extract_lane::<0>(two) + f32x4_extract_lane::<1>(two)
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        let two = self.max(a, i32x4_shuffle::<2, 3, 0, 1>(a, a));
        f32x4_extract_lane::<0>(two).max(f32x4_extract_lane::<1>(two))
    }

    #[inline(always)]
    unsafe fn store_x(self, p: *mut u32, x: [i8; 4]) {
        unsafe { variant::store_x(p, x) }
    }
    #[inline(always)]
    unsafe fn load_x(self, p: *const u32) -> Self::X {
        unsafe { variant::load_x(p) }
    }
    #[inline(always)]
    fn dot_start(self, initial: i32) -> Self::Dot {
        variant::start(initial)
    }
    #[inline(always)]
    fn dot<Q: QuantRange>(self, acc: Self::Dot, w: Self::U, x: Self::X, step: usize) -> Self::Dot {
        variant::step::<Q>(acc, w, x, step)
    }
    #[inline(always)]
    fn dot_end(self, acc: Self::Dot) -> Self::U {
        variant::end(acc)
    }
}
