//! The integer matmul: packed weights of every block type times quantised activations.
//!
//! `y[t, r] = sum over steps of scale[r] * scale_x[t] * dot(w - zero, x) + offset[r] * sum_x[t]`,
//! a step being 32 columns: the dot product is exact in 32-bit integers, sums over steps are f32.
//!
//! One micro-kernel ([`step`]) serves all types, all instruction sets and both phases:
//!
//! * **decode** (one token): a tile's blocks are unpacked in registers on their way to the dot
//!   product; each weight is read once from memory, which is what bounds this phase;
//! * **prefill**: [`PART`] steps of a tile are unpacked once to bytes and scales in the L1 cache
//!   ([`expand`]), then read for 4 or 8 tokens at a time, whose sums stay in registers.

use std::marker::PhantomData;
use std::ops::Range;

use retort_formats::GgmlType;

use crate::activations::{
    Activations, GROUP, MINUS_8, MINUS_8_FIRST, MINUS_8_SECOND, SCALE, SUM, record_words,
};
use crate::error::{CpuError, check_len};
use crate::isa::{Kernel, dispatch};
use crate::output::{Output, Target};
use crate::packed::Packed;
use crate::par;
use crate::quant::{Block, Q4_0, Q4_1, Q4K, Q5K, Q6K, Q8_0, Quant, STEP, STEP_WORDS, Scales, TILE};
use crate::simd::Simd;

/// `out = x Wᵀ (+ bias)`, or added to `out` ([`Output`]), for a quantised type.
///
/// # Shapes
/// `w` [rows, cols], `x` [m, cols], `bias` [rows], `out` [m, rows].
///
/// # Errors
/// Shapes that do not fit; a float type, which takes [`crate::matmul_dense`].
pub fn matmul_packed(
    w: Packed,
    x: &Activations,
    bias: Option<&[f32]>,
    out: Output,
) -> Result<(), CpuError> {
    check_len("activation columns", w.cols, x.cols)?;
    let target = out.target(x.m, w.rows, bias)?;
    match w.ty {
        GgmlType::Q4_0 => run::<Q4_0>(w, x, target),
        GgmlType::Q4_1 => run::<Q4_1>(w, x, target),
        GgmlType::Q8_0 => run::<Q8_0>(w, x, target),
        GgmlType::Q4_K => run::<Q4K>(w, x, target),
        GgmlType::Q5_K => run::<Q5K>(w, x, target),
        GgmlType::Q6_K => run::<Q6K>(w, x, target),
        GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 => {
            return Err(CpuError::Type {
                expected: "quantised",
                got: w.ty,
            });
        }
    }
    Ok(())
}

fn run<Q: Quant>(w: Packed, x: &Activations, target: Target) {
    if x.m == 0 || w.rows == 0 {
        return;
    }
    par::ranges(w.rows.div_ceil(TILE), x.m * w.cols * TILE, |tiles| {
        dispatch(
            x.isa,
            Tiles::<Q> {
                w,
                x,
                target,
                tiles,
                quant: PhantomData,
            },
        );
    });
}

/// The outputs of some tiles for all tokens.
struct Tiles<'a, Q> {
    w: Packed<'a>,
    x: &'a Activations,
    target: Target<'a>,
    tiles: Range<usize>,
    quant: PhantomData<Q>,
}

impl<Q: Quant> Kernel for Tiles<'_, Q> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if self.x.m == 1 {
            self.decode(s);
        } else {
            self.prefill(s);
        }
    }
}

/// Sums of `P` groups of `G` tokens.
type Sums<S, const G: usize, const P: usize> = [[<S as Simd>::F; G]; P];

impl<Q: Quant> Tiles<'_, Q> {
    fn tile(&self, tile: usize) -> *const u32 {
        let words = self.w.tile_words();
        self.w.words[tile * words..(tile + 1) * words].as_ptr()
    }

    /// One token.
    #[inline(always)]
    fn decode<S: Simd>(&self, s: S) {
        let record = record_words(1, S::X_WORDS);
        let steps = self.w.cols / STEP;
        for tile in self.tiles.clone() {
            for lane in (0..TILE).step_by(S::LANES) {
                let (mut base, mut x) = (self.tile(tile), self.x.words.as_ptr());
                let mut sums: Sums<S, 1, 1> = [[s.zero()]];
                for _ in 0..steps / Q::STEPS {
                    for step_in_block in 0..Q::STEPS {
                        let block = Block { base, lane };
                        // SAFETY: `Packed::new` checked the length of the words and `build` made
                        // a record for every step.
                        unsafe {
                            let w = Direct::<Q>::new(block, step_in_block);
                            step::<S, _, 1, 1>(s, w, [x], &mut sums);
                            x = x.add(record);
                        }
                    }
                    // SAFETY: at most one past the tile's words.
                    base = unsafe { base.add(Q::BLOCK_WORDS) };
                }
                self.target.put(s, 0, tile * TILE + lane, sums[0][0]);
            }
        }
    }

    /// Several tokens, a pass of those whose activations stay in the L2 cache after another.
    #[inline(always)]
    fn prefill<S: Simd>(&self, s: S) {
        let record = record_words(GROUP, S::X_WORDS);
        let group_words = self.w.cols / STEP * record;
        let fit = PASS_BYTES / (group_words * 4).max(1);
        let groups_per_pass = fit.clamp(8, PASS_TOKENS / GROUP) & !1;
        let mut scratch = Scratch::<Q>::new();
        let groups = self.x.m.div_ceil(GROUP);
        for first in (0..groups).step_by(groups_per_pass) {
            let pass = &self.x.words[first * group_words..];
            let tokens = first * GROUP..self.x.m.min((first + groups_per_pass) * GROUP);
            for tile in self.tiles.clone() {
                for lane in (0..TILE).step_by(S::LANES) {
                    scratch.multiply(s, self.tile(tile), lane, pass, group_words, tokens.len());
                    for (i, token) in tokens.clone().enumerate() {
                        let sums = scratch.sums(s, i);
                        self.target.put(s, token, tile * TILE + lane, sums);
                    }
                }
            }
        }
    }
}

/// Steps of a tile that are unpacked at once: 1,024 columns, 23 KB at most.
const PART: usize = 32;
/// Activations of a pass: half of a common L2 cache.
const PASS_BYTES: usize = 512 << 10;
/// Tokens of a pass at most.
const PASS_TOKENS: usize = 256;
/// Words of an unpacked step for each lane: quants, two scales, an offset.
const EXPANDED: usize = STEP_WORDS + 3;

/// Memory of a prefill, on the stack: an unpacked part of a tile, and sums of a pass.
#[repr(align(64))]
struct Scratch<Q> {
    part: [u32; PART * EXPANDED * TILE],
    sums: [f32; PASS_TOKENS * TILE],
    quant: PhantomData<Q>,
}

impl<Q: Quant> Scratch<Q> {
    #[inline(always)]
    fn new() -> Self {
        Self {
            part: [0; PART * EXPANDED * TILE],
            sums: [0.0; PASS_TOKENS * TILE],
            quant: PhantomData,
        }
    }

    /// The sums of a token of the pass.
    #[inline(always)]
    fn sums<S: Simd>(&self, s: S, token: usize) -> S::F {
        let sums = &self.sums[token * S::LANES..(token + 1) * S::LANES];
        // SAFETY: LANES elements.
        unsafe { s.load_f(sums.as_ptr()) }
    }

    /// Products of the rows of `base` (a tile) from `lane` on with `tokens` tokens, the first of
    /// `x`, whose groups are `group_words` apart.
    #[inline(always)]
    fn multiply<S: Simd>(
        &mut self,
        s: S,
        base: *const u32,
        lane: usize,
        x: &[u32],
        group_words: usize,
        tokens: usize,
    ) {
        let record = record_words(GROUP, S::X_WORDS);
        let steps = group_words / record;
        self.sums[..tokens.next_multiple_of(GROUP) * S::LANES].fill(0.0);
        for part in (0..steps).step_by(PART) {
            let part = part..steps.min(part + PART);
            // SAFETY: the tile has `steps` steps, of which at most PART are unpacked; `x` has
            // `groups` groups of `steps` records; the sums have room for PASS_TOKENS tokens.
            unsafe {
                expand::<S, Q>(s, base, lane, part.clone(), self.part.as_mut_ptr());
                let x = x.as_ptr().add(part.start * record);
                let mut group = 0;
                let groups = tokens.div_ceil(GROUP);
                while group < groups {
                    let x = x.add(group * group_words);
                    let sums = self.sums.as_mut_ptr().add(group * GROUP * S::LANES);
                    if S::GROUPS == 2 && group + 2 <= groups {
                        let x = [x, x.add(group_words)];
                        groups_of_tokens::<S, Q, 2>(s, self.part.as_ptr(), part.len(), x, sums);
                        group += 2;
                    } else {
                        groups_of_tokens::<S, Q, 1>(s, self.part.as_ptr(), part.len(), [x], sums);
                        group += 1;
                    }
                }
            }
        }
    }
}

/// Adds the products of `steps` unpacked steps with `P` groups of tokens to their sums.
///
/// # Safety
/// `part` has as many unpacked steps, each `x` as many records, `sums` room for `P` groups.
#[inline(always)]
unsafe fn groups_of_tokens<S: Simd, Q: Quant, const P: usize>(
    s: S,
    part: *const u32,
    steps: usize,
    mut x: [*const u32; P],
    sums: *mut f32,
) {
    let record = record_words(GROUP, S::X_WORDS);
    let mut acc: Sums<S, GROUP, P> = [[s.zero(); GROUP]; P];
    for i in 0..steps {
        // SAFETY: as the caller promises.
        unsafe {
            let w = Expanded::<Q>::new(part.add(i * EXPANDED * S::LANES));
            step::<S, _, GROUP, P>(s, w, x, &mut acc);
            x = x.map(|x| x.add(record));
        }
    }
    for (i, acc) in acc.as_flattened().iter().enumerate() {
        // SAFETY: as the caller promises.
        unsafe {
            let at = sums.add(i * S::LANES);
            s.store_f(at, s.add(s.load_f(at), *acc));
        }
    }
}

/// Unpacks some steps of a tile.
///
/// # Safety
/// The tile has these steps, and `to` room for them.
#[inline(always)]
unsafe fn expand<S: Simd, Q: Quant>(
    s: S,
    tile: *const u32,
    lane: usize,
    steps: Range<usize>,
    mut to: *mut u32,
) {
    for i in steps {
        // SAFETY: as the caller promises.
        unsafe {
            let base = tile.add(i / Q::STEPS * Q::BLOCK_WORDS);
            let w = Direct::<Q>::new(Block { base, lane }, i % Q::STEPS);
            for k in 0..STEP_WORDS {
                s.store(to.add(k * S::LANES), w.quants(s, k));
            }
            let scales = w.scales(s);
            let side = to.add(STEP_WORDS * S::LANES).cast::<f32>();
            s.store_f(side, scales.first);
            if Q::HALVES {
                s.store_f(side.add(S::LANES), scales.second);
            }
            if Q::OFFSET {
                s.store_f(side.add(2 * S::LANES), scales.offset);
            }
            to = to.add(EXPANDED * S::LANES);
        }
    }
}

/// A step of some rows' weights, wherever it is.
trait Weights: Copy {
    type Q: Quant;
    /// # Safety
    /// The step was made from whole blocks, `k < STEP_WORDS`; likewise for `scales`.
    unsafe fn quants<S: Simd>(self, s: S, k: usize) -> S::U;
    unsafe fn scales<S: Simd>(self, s: S) -> Scales<S>;
}

/// In its packed block.
struct Direct<Q> {
    block: Block,
    step: usize,
    quant: PhantomData<Q>,
}

impl<Q> Direct<Q> {
    #[inline(always)]
    fn new(block: Block, step: usize) -> Self {
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

/// Unpacked by [`expand`].
struct Expanded<Q> {
    at: *const u32,
    quant: PhantomData<Q>,
}

impl<Q> Expanded<Q> {
    #[inline(always)]
    fn new(at: *const u32) -> Self {
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
        // SAFETY: as the caller promises; what `expand` did not write is not used.
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
/// # Safety
/// Each `x` is a record of `G` tokens; `w` as its type requires.
#[inline(always)]
unsafe fn step<S: Simd, W: Weights, const G: usize, const P: usize>(
    s: S,
    w: W,
    x: [*const u32; P],
    sums: &mut Sums<S, G, P>,
) {
    let halves = <W::Q as Quant>::HALVES;
    // SAFETY: as the caller promises.
    unsafe {
        let scales = w.scales(s);
        let first_sum = if halves { MINUS_8_FIRST } else { MINUS_8 };
        let mut dots = start::<S, W::Q, G, P>(s, x, first_sum);
        for k in 0..STEP_WORDS {
            if halves && k == STEP_WORDS / 2 {
                finish(s, x, dots, scales.first, sums);
                dots = start::<S, W::Q, G, P>(s, x, MINUS_8_SECOND);
            }
            let since_start = if halves { k % (STEP_WORDS / 2) } else { k };
            let q = w.quants(s, k);
            for p in 0..P {
                for g in 0..G {
                    let x = s.load_x(x[p].add((g * STEP_WORDS + k) * S::X_WORDS));
                    dots[p][g] = s.dot::<W::Q>(dots[p][g], q, x, since_start);
                }
            }
        }
        finish(
            s,
            x,
            dots,
            if halves { scales.second } else { scales.first },
            sums,
        );
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

/// The value `index` of token `g` beside a record's quants.
///
/// # Safety
/// `record` is one of `G` tokens; `index < SIDE`, `g < G`.
#[inline(always)]
unsafe fn side<S: Simd, const G: usize>(record: *const u32, index: usize, g: usize) -> *const u32 {
    // SAFETY: as above.
    unsafe { record.add(G * STEP_WORDS * S::X_WORDS + index * G + g) }
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
    dots: [[S::Dot; G]; P],
    scale: S::F,
    sums: &mut Sums<S, G, P>,
) {
    for p in 0..P {
        for g in 0..G {
            // SAFETY: as above.
            let scale_x = unsafe { side::<S, G>(x[p], SCALE, g).cast::<f32>().read() };
            let scale = s.mul(scale, s.splat_f(scale_x));
            sums[p][g] = s.fma(s.to_f32(s.dot_end(dots[p][g])), scale, sums[p][g]);
        }
    }
}
