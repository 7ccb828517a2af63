//! AVX-512 with VNNI (Intel Ice Lake and later, AMD Zen 4 and later): sixteen lanes, a whole
//! packed tile in one register, and `vpdpbusd` for four byte products per lane.

use std::arch::x86_64::*;

use super::{QuantRange, Simd};

/// Exists only where the processor has F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has the features above.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

// SAFETY of every block below: a value of the type proves the features, and pointers are as the
// caller promises.
impl Simd for Avx512 {
    const LANES: usize = 16;
    const GROUPS: usize = 2;
    const X_WORDS: usize = 1;
    type U = __m512i;
    type F = __m512;
    type X = __m512i;
    type Dot = __m512i;

    #[inline(always)]
    unsafe fn load(self, p: *const u32) -> Self::U {
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u32, v: Self::U) {
        unsafe { _mm512_storeu_si512(p.cast(), v) }
    }
    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U {
        unsafe { _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast())) }
    }
    #[inline(always)]
    fn splat(self, v: u32) -> Self::U {
        unsafe { _mm512_set1_epi32(v as i32) }
    }
    #[inline(always)]
    fn and(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { _mm512_and_si512(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { _mm512_or_si512(a, b) }
    }
    #[inline(always)]
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { _mm512_add_epi32(a, b) }
    }
    #[inline(always)]
    fn shl(self, a: Self::U, n: u32) -> Self::U {
        unsafe { _mm512_sll_epi32(a, _mm_cvtsi32_si128(n as i32)) }
    }
    #[inline(always)]
    fn shr(self, a: Self::U, n: u32) -> Self::U {
        unsafe { _mm512_srl_epi32(a, _mm_cvtsi32_si128(n as i32)) }
    }
    #[inline(always)]
    fn sar(self, a: Self::U, n: u32) -> Self::U {
        unsafe { _mm512_sra_epi32(a, _mm_cvtsi32_si128(n as i32)) }
    }
    #[inline(always)]
    fn to_f32(self, a: Self::U) -> Self::F {
        unsafe { _mm512_cvtepi32_ps(a) }
    }
    #[inline(always)]
    fn nearest(self, a: Self::F) -> Self::U {
        unsafe { _mm512_cvtps_epi32(a) }
    }
    #[inline(always)]
    unsafe fn store_i8(self, p: *mut i8, v: Self::U) {
        unsafe { _mm_storeu_si128(p.cast(), _mm512_cvtepi32_epi8(v)) }
    }
    #[inline(always)]
    fn float_bits(self, a: Self::U) -> Self::F {
        unsafe { _mm512_castsi512_ps(a) }
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::U {
        unsafe { _mm512_castps_si512(a) }
    }

    #[inline(always)]
    unsafe fn load_f(self, p: *const f32) -> Self::F {
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_f(self, p: *mut f32, v: Self::F) {
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> Self::F {
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(p.cast())) }
    }
    #[inline(always)]
    fn splat_f(self, v: f32) -> Self::F {
        unsafe { _mm512_set1_ps(v) }
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        unsafe { _mm512_reduce_max_ps(a) }
    }

    #[inline(always)]
    unsafe fn store_x(self, p: *mut u32, x: [i8; 4]) {
        unsafe { p.write(u32::from_le_bytes(x.map(|x| x as u8))) }
    }
    #[inline(always)]
    unsafe fn load_x(self, p: *const u32) -> Self::X {
        unsafe { _mm512_set1_epi32(*p as i32) }
    }
    #[inline(always)]
    fn dot_start(self, initial: i32) -> Self::Dot {
        unsafe { _mm512_set1_epi32(initial) }
    }
    #[inline(always)]
    fn dot<Q: QuantRange>(self, acc: Self::Dot, w: Self::U, x: Self::X, _step: usize) -> Self::Dot {
        unsafe { _mm512_dpbusd_epi32(acc, w, x) }
    }
    #[inline(always)]
    fn dot_end(self, acc: Self::Dot) -> Self::U {
        acc
    }
}
