//! The integer matmul: packed weights of every block type times quantised activations.
//!
//! `y[t, r] = sum over steps of scale[r] * scale_x[t] * dot(w - zero, x) + offset[r] * sum_x[t]`,
//! a step being 32 columns: the dot product is exact in 32-bit integers, sums over steps are f32.
//!
//! One micro-kernel ([`crate::step`]) serves all types, all instruction sets and both phases:
//!
//! * **decode** (one token): a tile's blocks are unpacked in registers on their way to the dot
//!   product; each weight is read once from memory, which is what bounds this phase;
//! * **prefill**: [`PART`] steps of a tile are unpacked once to bytes and scales in the L1 cache
//!   ([`expand`]), then read for 4 or 8 tokens at a time, whose sums stay in registers.

use std::marker::PhantomData;
use std::ops::Range;

use retort_formats::GgmlType;

use crate::activations::{Activations, GROUP, record_words};
use crate::error::{CpuError, check_len};
use crate::isa::{Kernel, dispatch};
use crate::output::{Output, Target};
use crate::packed::Packed;
use crate::par;
use crate::quant::{Block, Q4_0, Q4_1, Q4K, Q5K, Q6K, Q8_0, Quant, STEP, STEP_WORDS, TILE};
use crate::simd::Simd;
use crate::step::{Direct, EXPANDED, Expanded, Sums, Weights, step};

/// `out = x Wᵀ (+ bias)`, or added to `out` ([`Output`]), for a quantised type.
///
/// # Shapes
/// `w` [rows, cols], `x` [m, cols], `bias` \[rows\], `out` [m, rows].
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
