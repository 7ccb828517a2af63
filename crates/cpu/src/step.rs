//! The micro-kernel of the integer matmul: one step of weights, packed or unpacked, times some
//! tokens.

use std::marker::PhantomData;

use crate::activations::{
    FINE_BITS, MINUS_8, MINUS_8_FIRST, MINUS_8_SECOND, SCALE, SUM, token_words,
};
use crate::quant::{Block, Quant, STEP_WORDS, Scales};
use crate::simd::Simd;

/// Sums of `P` groups of `G` tokens.
pub(crate) type Sums<S, const G: usize, const P: usize> = [[<S as Simd>::F; G]; P];

/// Words of an unpacked step for each lane: quants, two scales, an offset.
pub(crate) const EXPANDED: usize = STEP_WORDS + 3;

/// A step of some rows' weights, wherever it is.
pub(crate) trait Weights: Copy {
    type Q: Quant;
    /// # Safety
    /// The step was made from whole blocks, `k < STEP_WORDS`; likewise for `scales`.
    unsafe fn quants<S: Simd>(self, s: S, k: usize) -> S::U;
    unsafe fn scales<S: Simd>(self, s: S) -> Scales<S>;
}

/// In its packed block.
pub(crate) struct Direct<Q> {
    block: Block,
    step: usize,
    quant: PhantomData<Q>,
}

impl<Q> Direct<Q> {
    #[inline(always)]
    pub(crate) fn new(block: Block, step: usize) -> Self {
        Self {
            block,
            step,
            quant: PhantomData,
        }
    }
}

impl<Q> Clone for Direct<Q> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<Q> Copy for Direct<Q> {}

impl<Q: Quant> Weights for Direct<Q> {
    type Q = Q;
    #[inline(always)]
    unsafe fn quants<S: Simd>(self, s: S, k: usize) -> S::U {
        // SAFETY: as the caller promises.
        unsafe { Q::quants(s, self.block, self.step, k) }
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(self, s: S) -> Scales<S> {
        // SAFETY: as the caller promises.
        unsafe { Q::scales(s, self.block, self.step) }
    }
}

/// Unpacked in L1: quants, then scales, each for all lanes.
pub(crate) struct Expanded<Q> {
    at: *const u32,
    quant: PhantomData<Q>,
}

impl<Q> Expanded<Q> {
    #[inline(always)]
    pub(crate) fn new(at: *const u32) -> Self {
        Self {
            at,
            quant: PhantomData,
        }
    }
}

impl<Q> Clone for Expanded<Q> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<Q> Copy for Expanded<Q> {}

impl<Q: Quant> Weights for Expanded<Q> {
    type Q = Q;
    #[inline(always)]
    unsafe fn quants<S: Simd>(self, s: S, k: usize) -> S::U {
        // SAFETY: as the caller promises.
        unsafe { s.load(self.at.add(k * S::LANES)) }
    }
    #[inline(always)]
    unsafe fn scales<S: Simd>(self, s: S) -> Scales<S> {
        // SAFETY: as the caller promises; a scale that the type lacks is read but not used.
        unsafe {
            let side = self.at.add(STEP_WORDS * S::LANES).cast::<f32>();
            Scales {
                first: s.load_f(side),
                second: s.load_f(side.add(S::LANES)),
                offset: s.load_f(side.add(2 * S::LANES)),
            }
        }
    }
}

/// The micro-kernel: adds a step of weights times `P` groups of `G` tokens to the sums.
///
/// The dot products with the coarse and the fine part of the activations are exact integers, put
/// together as `256 * coarse + fine`, below 2^29 for bytes.
///
/// # Safety
/// Each `x` is a record of `G` tokens; `w` as its type requires.
#[inline(always)]
pub(crate) unsafe fn step<S: Simd, W: Weights, const G: usize, const P: usize>(
    s: S,
    w: W,
    x: [*const u32; P],
    sums: &mut Sums<S, G, P>,
) {
    let halves = <W::Q as Quant>::HALVES;
    // SAFETY: as the caller promises.
    unsafe {
        let scales = w.scales(s);
        if halves {
            let half = STEP_WORDS / 2;
            let dots = products::<S, W, G, P>(s, w, x, 0, half, MINUS_8_FIRST);
            finish(s, x, dots, scales.first, sums);
            let dots = products::<S, W, G, P>(s, w, x, half, half, MINUS_8_SECOND);
            finish(s, x, dots, scales.second, sums);
        } else {
            let dots = products::<S, W, G, P>(s, w, x, 0, STEP_WORDS, MINUS_8);
            finish(s, x, dots, scales.first, sums);
        }
        if <W::Q as Quant>::OFFSET {
            for p in 0..P {
                for g in 0..G {
                    let sum = s.splat_f(side::<S, G>(x[p], SUM, g).cast::<f32>().read());
                    sums[p][g] = s.fma(scales.offset, sum, sums[p][g]);
                }
            }
        }
    }
}

/// Dot products of words `first .. first + count` of a step with both parts of the activations.
///
/// # Safety
/// As [`step`]; `zero` is the correction for these words.
#[inline(always)]
unsafe fn products<S: Simd, W: Weights, const G: usize, const P: usize>(
    s: S,
    w: W,
    x: [*const u32; P],
    first: usize,
    count: usize,
    zero: usize,
) -> [[S::U; G]; P] {
    // SAFETY: as the caller promises.
    unsafe {
        let mut coarse = [[s.dot_start(0); G]; P];
        let mut fine = start::<S, W::Q, G, P>(s, x, zero);
        if G == 1 {
            // Weights are unpacked here: once for both parts.
            for k in 0..count {
                let q = w.quants(s, first + k);
                add::<S, W::Q, G, P>(s, &mut coarse, q, x, first + k, k);
                add::<S, W::Q, G, P>(s, &mut fine, q, x, STEP_WORDS + first + k, k);
            }
        } else {
            // Accumulators of one part fill the registers.
            for k in 0..count {
                let q = w.quants(s, first + k);
                add::<S, W::Q, G, P>(s, &mut coarse, q, x, first + k, k);
            }
            for k in 0..count {
                let q = w.quants(s, first + k);
                add::<S, W::Q, G, P>(s, &mut fine, q, x, STEP_WORDS + first + k, k);
            }
        }
        let mut both = [[s.splat(0); G]; P];
        for p in 0..P {
            for g in 0..G {
                let coarse = s.shl(s.dot_end(coarse[p][g]), FINE_BITS);
                both[p][g] = s.add_u(coarse, s.dot_end(fine[p][g]));
            }
        }
        both
    }
}

/// Adds the products of four weights with word `index` of each token's quants.
///
/// # Safety
/// As [`step`].
#[inline(always)]
unsafe fn add<S: Simd, Q: Quant, const G: usize, const P: usize>(
    s: S,
    dots: &mut [[S::Dot; G]; P],
    q: S::U,
    x: [*const u32; P],
    index: usize,
    since_start: usize,
) {
    for p in 0..P {
        for g in 0..G {
            // SAFETY: as the caller promises.
            let x = unsafe { s.load_x(x[p].add(g * token_words(S::X_WORDS) + index * S::X_WORDS)) };
            dots[p][g] = s.dot::<Q>(dots[p][g], q, x, since_start);
        }
    }
}

/// The value `index` of token `g` beside a record's quants.
///
/// # Safety
/// `record` is one of `G` tokens; `index < SIDE`, `g < G`.
#[inline(always)]
unsafe fn side<S: Simd, const G: usize>(record: *const u32, index: usize, g: usize) -> *const u32 {
    // SAFETY: as above.
    unsafe { record.add(G * token_words(S::X_WORDS) + index * G + g) }
}

/// Dot products that start at minus the zero point times the sum of the activations.
///
/// # Safety
/// As [`step`].
#[inline(always)]
unsafe fn start<S: Simd, Q: Quant, const G: usize, const P: usize>(
    s: S,
    x: [*const u32; P],
    sum: usize,
) -> [[S::Dot; G]; P] {
    let mut dots = [[s.dot_start(0); G]; P];
    if let Some(zero) = Q::ZERO {
        for p in 0..P {
            for g in 0..G {
                // SAFETY: as above.
                let minus_8 = unsafe { side::<S, G>(x[p], sum, g).cast::<i32>().read() };
                dots[p][g] = s.dot_start(minus_8 << zero);
            }
        }
    }
    dots
}

/// Adds finished dot products, scaled, to the sums.
///
/// # Safety
/// As [`step`].
#[inline(always)]
unsafe fn finish<S: Simd, const G: usize, const P: usize>(
    s: S,
    x: [*const u32; P],
    dots: [[S::U; G]; P],
    scale: S::F,
    sums: &mut Sums<S, G, P>,
) {
    for p in 0..P {
        for g in 0..G {
            // SAFETY: as above.
            let scale_x = unsafe { side::<S, G>(x[p], SCALE, g).cast::<f32>().read() };
            let scale = s.mul(scale, s.splat_f(scale_x));
            sums[p][g] = s.fma(s.to_f32(dots[p][g]), scale, sums[p][g]);
        }
    }
}
