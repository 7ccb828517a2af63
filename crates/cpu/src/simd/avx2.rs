//! AVX2 with FMA and F16C (x86-64 since about 2013): eight lanes, half a packed tile.
//!
//! `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs into 16 bits, so several steps
//! add up in 16 bits (`Q::PAIRS_IN_I16`) before they are widened. Quants above 127 would
//! saturate even one pair: those are split in two nibbles with an accumulator each.

use std::arch::x86_64::*;

use super::{QuantRange, Simd};

/// Exists only where the processor has AVX2, FMA and F16C.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor has the features above.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// Totals in 32 bits, and what was not yet widened: of the quants or their low nibbles, and of
/// their high nibbles.
#[derive(Clone, Copy)]
pub(crate) struct Dot {
    total: __m256i,
    low: __m256i,
    high: __m256i,
}

/// `acc + a.pairs * factor`, 16-bit pairs added into 32 bits.
#[inline(always)]
fn widen(acc: __m256i, a: __m256i, factor: i16) -> __m256i {
    // SAFETY: only called with a value of `Avx2` at hand.
    unsafe { _mm256_add_epi32(acc, _mm256_madd_epi16(a, _mm256_set1_epi16(factor))) }
}

// SAFETY of every block below: a value of the type proves the features, and pointers are as the
// caller promises.
impl Simd for Avx2 {
    const LANES: usize = 8;
    const GROUPS: usize = 1;
    const X_WORDS: usize = 1;
    type U = __m256i;
    type F = __m256;
    type X = __m256i;
    type Dot = Dot;

    #[inline(always)]
    unsafe fn load(self, p: *const u32) -> Self::U {
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u32, v: Self::U) {
        unsafe { _mm256_storeu_si256(p.cast(), v) }
    }
    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U {
        unsafe { _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast())) }
    }
    #[inline(always)]
    fn splat(self, v: u32) -> Self::U {
        unsafe { _mm256_set1_epi32(v as i32) }
    }
    #[inline(always)]
    fn and(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { _mm256_and_si256(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { _mm256_or_si256(a, b) }
    }
    #[inline(always)]
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U {
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    fn shl(self, a: Self::U, n: u32) -> Self::U {
        unsafe { _mm256_sll_epi32(a, _mm_cvtsi32_si128(n as i32)) }
    }
    #[inline(always)]
    fn shr(self, a: Self::U, n: u32) -> Self::U {
        unsafe { _mm256_srl_epi32(a, _mm_cvtsi32_si128(n as i32)) }
    }
    #[inline(always)]
    fn sar(self, a: Self::U, n: u32) -> Self::U {
        unsafe { _mm256_sra_epi32(a, _mm_cvtsi32_si128(n as i32)) }
    }
    #[inline(always)]
    fn to_f32(self, a: Self::U) -> Self::F {
        unsafe { _mm256_cvtepi32_ps(a) }
    }
    #[inline(always)]
    fn nearest(self, a: Self::F) -> Self::U {
        unsafe { _mm256_cvtps_epi32(a) }
    }
    #[inline(always)]
    unsafe fn store_i8(self, p: *mut i8, v: Self::U) {
        unsafe {
            let (low, high) = (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            let words = _mm_packs_epi32(low, high);
            _mm_storel_epi64(p.cast(), _mm_packs_epi16(words, words));
        }
    }
    #[inline(always)]
    fn float_bits(self, a: Self::U) -> Self::F {
        unsafe { _mm256_castsi256_ps(a) }
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::U {
        unsafe { _mm256_castps_si256(a) }
    }

    #[inline(always)]
    unsafe fn load_f(self, p: *const f32) -> Self::F {
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_f(self, p: *mut f32, v: Self::F) {
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> Self::F {
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(p.cast())) }
    }
    #[inline(always)]
    fn splat_f(self, v: f32) -> Self::F {
        unsafe { _mm256_set1_ps(v) }
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        unsafe {
            let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    unsafe fn store_x(self, p: *mut u32, x: [i8; 4]) {
        unsafe { p.write(u32::from_le_bytes(x.map(|x| x as u8))) }
    }
    #[inline(always)]
    unsafe fn load_x(self, p: *const u32) -> Self::X {
        unsafe { _mm256_set1_epi32(*p as i32) }
    }
    #[inline(always)]
    fn dot_start(self, initial: i32) -> Self::Dot {
        unsafe {
            Dot {
                total: _mm256_set1_epi32(initial),
                low: _mm256_setzero_si256(),
                high: _mm256_setzero_si256(),
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
            if Q::MAX > 127 {
                let nibble = _mm256_set1_epi8(15);
                let low = _mm256_and_si256(w, nibble);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(w), nibble);
                acc.low = _mm256_add_epi16(acc.low, _mm256_maddubs_epi16(low, x));
                acc.high = _mm256_add_epi16(acc.high, _mm256_maddubs_epi16(high, x));
            } else {
                acc.low = _mm256_add_epi16(acc.low, _mm256_maddubs_epi16(w, x));
                if (step + 1).is_multiple_of(Q::PAIRS_IN_I16) {
                    acc.total = widen(acc.total, acc.low, 1);
                    acc.low = _mm256_setzero_si256();
                }
            }
        }
        acc
    }
    #[inline(always)]
    fn dot_end(self, acc: Self::Dot) -> Self::U {
        widen(widen(acc.total, acc.low, 1), acc.high, 16)
    }
}
