//! Activations as the integer matmul reads them: blocks of 32, quantised to two signed bytes each.
//!
//! For a block with largest magnitude `a`: `scale = a / 127`, `x = scale * (coarse + fine / 256)`,
//! `coarse = round(x / scale)` and `fine` the rest. The error of a value is at most `scale / 256`,
//! 1/128 of what one byte alone leaves (llama.cpp's Q8_0 activations): small enough that the CPU
//! and a GPU, which multiplies in f32, say the same (`docs/benchmarks.md`). A token that holds an
//! infinity or a NaN gets a NaN scale, so that all its outputs are NaN.
//!
//! Tokens are kept in groups of four (a single token alone), the tail filled with zeros. A group
//! is a sequence of records, one for each 32 columns:
//!
//! ```text
//! quants: token 0 (coarse: 8 x X_WORDS words, fine: as many) | token 1 | ..
//! scale / 256 | scale * sum | -8 * sum | -8 * sum of columns 0..16 | 16..32
//! ```
//!
//! with sums of `256 * coarse + fine` but for the second, which sums `x / scale`. They serve the
//! weights' zero points, `sum((w - 8) x) = sum(w x) - 8 sum(x)`, and offsets.

use std::ops::Range;

use crate::error::{CpuError, check_len, product};
use crate::isa::{Isa, Kernel, dispatch};
use crate::par::{self, Shared};
use crate::quant::{STEP, STEP_WORDS};
use crate::rows;
use crate::simd::Simd;

/// Tokens of a group.
pub(crate) const GROUP: usize = 4;
/// Values of a record beside the quants, for each token; their order is as above.
pub(crate) const SIDE: usize = 5;
pub(crate) const SCALE: usize = 0;
pub(crate) const SUM: usize = 1;
pub(crate) const MINUS_8: usize = 2;
pub(crate) const MINUS_8_FIRST: usize = 3;
pub(crate) const MINUS_8_SECOND: usize = 4;

/// Fine steps of a coarse one, as a float; [`crate::step`] shifts by its logarithm.
const FINE: f32 = (1 << FINE_BITS) as f32;
pub(crate) const FINE_BITS: u32 = 8;

/// Quantised activations [m, cols], made once and used by every matrix that reads them (q, k and
/// v; gate and up). They fit the instruction set they were made on, and kernels given them run
/// on that one.
pub struct Activations {
    pub(crate) isa: Isa,
    pub(crate) m: usize,
    pub(crate) cols: usize,
    pub(crate) words: Vec<u32>,
}

/// Parts of a value: coarse and fine.
pub(crate) const PLANES: usize = 2;

/// Words of the quants of a token in a record.
pub(crate) const fn token_words(x_words: usize) -> usize {
    PLANES * STEP_WORDS * x_words
}

/// Words of a record of `group` tokens.
pub(crate) const fn record_words(group: usize, x_words: usize) -> usize {
    group * (token_words(x_words) + SIDE)
}

/// Where a row of activations comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// x \[m, cols\]
    Plain(&'a [f32]),
    /// RMSNorm of x \[m, cols\] with gamma \[cols\] and epsilon.
    Norm(&'a [f32], &'a [f32], f32),
    /// SwiGLU of gate and up [m, 2 cols].
    Swiglu(&'a [f32]),
}

impl Activations {
    /// Quantises `x` [m, cols].
    ///
    /// # Errors
    /// `x` has not `m * cols` elements, or `cols` is not a multiple of 32.
    pub fn quantize(x: &[f32], m: usize, cols: usize) -> Result<Self, CpuError> {
        check_len("activations", product("activations", m, cols)?, x.len())?;
        Self::build(Source::Plain(x), m, cols)
    }

    /// Quantises the RMSNorm ([`crate::rms_norm`]) of `x` [m, cols] with `gamma` \[cols\], which
    /// is never stored.
    ///
    /// # Errors
    /// As [`Self::quantize`], and a `gamma` of another length.
    pub fn rms_norm(
        x: &[f32],
        gamma: &[f32],
        eps: f32,
        m: usize,
        cols: usize,
    ) -> Result<Self, CpuError> {
        check_len("activations", product("activations", m, cols)?, x.len())?;
        check_len("gamma", cols, gamma.len())?;
        Self::build(Source::Norm(x, gamma, eps), m, cols)
    }

    /// Quantises the SwiGLU ([`crate::swiglu`]) of `gate_up` [m, 2 cols], which is never stored.
    ///
    /// # Errors
    /// As [`Self::quantize`].
    pub fn swiglu(gate_up: &[f32], m: usize, cols: usize) -> Result<Self, CpuError> {
        let expected = product("gate and up", product("gate and up", m, cols)?, 2)?;
        check_len("gate and up", expected, gate_up.len())?;
        Self::build(Source::Swiglu(gate_up), m, cols)
    }

    /// Tokens.
    pub fn m(&self) -> usize {
        self.m
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Tokens of a group here: a single token has no neighbours.
    pub(crate) fn group(&self) -> usize {
        if self.m == 1 { 1 } else { GROUP }
    }

    fn build(source: Source, m: usize, cols: usize) -> Result<Self, CpuError> {
        if !cols.is_multiple_of(STEP) {
            return Err(CpuError::Multiple {
                what: "activation columns",
                got: cols,
                multiple: STEP,
            });
        }
        let isa = Isa::current();
        let mut activations = Self {
            isa,
            m,
            cols,
            words: Vec::new(),
        };
        if m > 0 && cols > 0 {
            dispatch(
                isa,
                Fill {
                    source,
                    to: &mut activations,
                },
            );
        }
        Ok(activations)
    }
}

struct Fill<'a> {
    source: Source<'a>,
    to: &'a mut Activations,
}

impl Kernel for Fill<'_> {
    type Output = ();

    /// Allocates; the rows are then filled in parallel, each piece dispatched again on its thread.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { source, to } = self;
        let group = to.group();
        let group_words = to.cols / STEP * record_words(group, S::X_WORDS);
        let groups = to.m.div_ceil(group);
        to.words = vec![0; groups * group_words];
        let words = Shared(to.words.as_mut_ptr());
        let (isa, m, cols) = (to.isa, to.m, to.cols);
        par::ranges(groups, group * cols * 8, |range| {
            let tokens = range.start * group..m.min(range.end * group);
            dispatch(
                isa,
                Rows {
                    source,
                    tokens,
                    cols,
                    group,
                    words,
                },
            );
        });
    }
}

struct Rows<'a> {
    source: Source<'a>,
    tokens: Range<usize>,
    cols: usize,
    group: usize,
    /// All groups.
    words: Shared<u32>,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let cols = self.cols;
        let record = record_words(self.group, S::X_WORDS);
        let mut row = match self.source {
            Source::Plain(_) => Vec::new(),
            _ => vec![0.0; cols],
        };
        for token in self.tokens {
            let x = match self.source {
                Source::Plain(x) => &x[token * cols..(token + 1) * cols],
                Source::Norm(x, gamma, eps) => {
                    rows::rms_norm_row(
                        s,
                        &x[token * cols..(token + 1) * cols],
                        gamma,
                        eps,
                        &mut row,
                    );
                    &row
                }
                Source::Swiglu(x) => {
                    rows::swiglu_row(s, &x[token * 2 * cols..(token + 1) * 2 * cols], &mut row);
                    &row
                }
            };
            // SAFETY: the group's words, of which this thread alone writes those of its range.
            unsafe {
                let group = token / self.group * (cols / STEP) * record;
                let to = self.words.get().add(group);
                quantize_row(s, x, to, self.group, token % self.group);
            }
        }
    }
}

/// Quantises a row into its records.
///
/// # Safety
/// `to` points to as many records of `group` tokens as `x` has whole steps; `token < group`.
#[inline(always)]
unsafe fn quantize_row<S: Simd>(s: S, x: &[f32], to: *mut u32, group: usize, token: usize) {
    let record = record_words(group, S::X_WORDS);
    let mut poison = s.zero();
    for (step, x) in x.chunks_exact(STEP).enumerate() {
        // SAFETY: as above.
        poison = unsafe { quantize_step(s, x, to.add(step * record), group, token, poison) };
    }
    // 0 times infinity or NaN is NaN, 0 times anything else 0.
    if s.sum(poison) != 0.0 {
        // SAFETY: the scale and the sum of the first record.
        unsafe {
            let side = to
                .add(group * token_words(S::X_WORDS) + token)
                .cast::<f32>();
            side.add(SCALE * group).write(f32::NAN);
            side.add(SUM * group).write(f32::NAN);
        }
    }
}

/// Quantises 32 values into the part of `record` that is `token`'s; returns `poison` plus 0 times
/// each of them.
///
/// # Safety
/// `x` has 32 values; `record` points to a whole record of `group` tokens, `token < group`.
#[inline(always)]
unsafe fn quantize_step<S: Simd>(
    s: S,
    x: &[f32],
    record: *mut u32,
    group: usize,
    token: usize,
    mut poison: S::F,
) -> S::F {
    let x = x.as_ptr();
    let mut largest = s.zero();
    for i in (0..STEP).step_by(S::LANES) {
        // SAFETY: STEP is a multiple of LANES.
        let v = unsafe { s.load_f(x.add(i)) };
        largest = s.max(largest, s.abs(v));
        poison = s.fma(v, s.zero(), poison);
    }
    let largest = s.largest(largest);
    let inverse = 127.0 / largest;
    // Blocks of zeros, or below 4e-37, where the division overflows.
    let (scale, inverse) = if inverse.is_finite() {
        (largest * (1.0 / 127.0), inverse)
    } else {
        (0.0, 0.0)
    };
    let mut quants = [[0i8; STEP]; PLANES];
    let mut sums = [s.zero(); 2];
    for i in (0..STEP).step_by(S::LANES) {
        // SAFETY: as above.
        unsafe {
            let v = s.mul(s.load_f(x.add(i)), s.splat_f(inverse));
            let coarse = s.nearest(v);
            let rest = s.mul(s.sub(v, s.to_f32(coarse)), s.splat_f(FINE));
            let fine = s.nearest(s.max(s.splat_f(-127.0), s.min(s.splat_f(127.0), rest)));
            s.store_i8(quants[0].as_mut_ptr().add(i), coarse);
            s.store_i8(quants[1].as_mut_ptr().add(i), fine);
            let both = s.fma(s.to_f32(coarse), s.splat_f(FINE), s.to_f32(fine));
            sums[2 * i / STEP] = s.add(sums[2 * i / STEP], both);
        }
    }
    // Exact: integers below 2^21.
    let (first, second) = (s.sum(sums[0]) as i32, s.sum(sums[1]) as i32);
    // SAFETY: inside the record, see its layout.
    unsafe {
        let to = record.add(token * token_words(S::X_WORDS));
        let fours = quants.iter().flat_map(|plane| plane.as_chunks::<4>().0);
        for (k, four) in fours.enumerate() {
            s.store_x(to.add(k * S::X_WORDS), *four);
        }
        let side = record.add(group * token_words(S::X_WORDS) + token);
        let put = |index: usize, word: u32| side.add(index * group).write(word);
        let scale = scale / FINE;
        put(SCALE, scale.to_bits());
        put(SUM, (scale * (first + second) as f32).to_bits());
        put(MINUS_8, (-8 * (first + second)) as u32);
        put(MINUS_8_FIRST, (-8 * first) as u32);
        put(MINUS_8_SECOND, (-8 * second) as u32);
    }
    poison
}
