//! Matmul with float weights, kept in their type and summed in f32; activations stay f32.
//!
//! * **up to [`FEW`] tokens**: dot products along the columns, four rows at a time;
//! * **more**: a tile of rows is transposed (and converted) to f32 in the L1 cache, a part of
//!   the columns at a time, and multiplied with every token by [`crate::gemm`].

use std::ops::Range;

use crate::element::Element;
use crate::error::{CpuError, check_len, product};
use crate::gemm::{Rows, gemm};
use crate::isa::{Isa, Kernel, dispatch};
use crate::output::{Output, Target};
use crate::par;
use crate::simd::Simd;

/// A float matrix [rows, cols], row-major, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
}

impl<'a, T: Element> Dense<'a, T> {
    /// # Errors
    /// `data` has not `rows * cols` elements.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Result<Self, CpuError> {
        check_len("matrix", product("matrix", rows, cols)?, data.len())?;
        Ok(Self { data, rows, cols })
    }
}

/// `out = x Wᵀ (+ bias)`, or added to `out` ([`Output`]).
///
/// # Shapes
/// `w` [rows, cols], `x` [m, cols], `bias` \[rows\], `out` [m, rows].
///
/// # Errors
/// Shapes that do not fit.
pub fn matmul_dense<T: Element>(
    w: Dense<T>,
    x: &[f32],
    m: usize,
    bias: Option<&[f32]>,
    out: Output,
) -> Result<(), CpuError> {
    check_len("activations", product("activations", m, w.cols)?, x.len())?;
    let target = out.target(m, w.rows, bias)?;
    if m == 0 || w.rows == 0 {
        return Ok(());
    }
    let isa = Isa::current();
    par::ranges(w.rows.div_ceil(TILE), m * w.cols * TILE, |tiles| {
        let rows = tiles.start * TILE..w.rows.min(tiles.end * TILE);
        dispatch(
            isa,
            Task {
                w,
                x,
                m,
                target,
                rows,
            },
        );
    });
    Ok(())
}

/// Rows of a tile: two of the widest vectors.
const TILE: usize = 32;
/// Tokens for which transposing does not pay.
const FEW: usize = 4;
/// Columns that are transposed at once: 16 KB.
const PART: usize = 128;
/// Tokens of a pass, whose sums then take 32 KB.
const PASS: usize = 256;

/// The outputs of some rows for all tokens.
struct Task<'a, T> {
    w: Dense<'a, T>,
    x: &'a [f32],
    m: usize,
    target: Target<'a>,
    rows: Range<usize>,
}

impl<T: Element> Kernel for Task<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if self.m > FEW {
            self.transposed(s);
            return;
        }
        let cols = self.w.cols;
        for token in 0..self.m {
            let x = &self.x[token * cols..(token + 1) * cols];
            let mut row = self.rows.start;
            while row < self.rows.end {
                if row + 4 <= self.rows.end {
                    self.dots::<S, 4>(s, x, token, row);
                    row += 4;
                } else {
                    self.dots::<S, 1>(s, x, token, row);
                    row += 1;
                }
            }
        }
    }
}

impl<T: Element> Task<'_, T> {
    /// `R` rows times one token.
    #[inline(always)]
    fn dots<S: Simd, const R: usize>(&self, s: S, x: &[f32], token: usize, row: usize) {
        let cols = self.w.cols;
        let w = &self.w.data[row * cols..(row + R) * cols];
        let mut sums = [s.zero(); R];
        let whole = cols / S::LANES * S::LANES;
        for i in (0..whole).step_by(S::LANES) {
            // SAFETY: whole vectors below `cols` of rows below `R`.
            unsafe {
                let x = s.load_f(x.as_ptr().add(i));
                for r in 0..R {
                    sums[r] = s.fma(T::load(s, w.as_ptr().add(r * cols + i)), x, sums[r]);
                }
            }
        }
        for r in 0..R {
            let mut sum = s.sum(sums[r]);
            for i in whole..cols {
                sum += w[r * cols + i].to_f32() * x[i];
            }
            self.target.put_one(token, row + r, sum);
        }
    }

    /// All rows times all tokens.
    #[inline(always)]
    fn transposed<S: Simd>(&self, s: S) {
        let cols = self.w.cols;
        let mut part = vec![0.0f32; PART * TILE];
        let mut sums = vec![0.0f32; PASS.min(self.m) * TILE];
        for first in (0..self.m).step_by(PASS) {
            let tokens = PASS.min(self.m - first);
            for row in self.rows.clone().step_by(TILE) {
                let rows = TILE.min(self.rows.end - row);
                sums.fill(0.0);
                for column in (0..cols).step_by(PART) {
                    let depth = PART.min(cols - column);
                    for r in 0..rows {
                        let w = &self.w.data[(row + r) * cols + column..][..depth];
                        for (k, w) in w.iter().enumerate() {
                            part[k * TILE + r] = w.to_f32();
                        }
                    }
                    let x = self.x[first * cols + column..].as_ptr();
                    // SAFETY: `tokens` rows of x with `depth` more columns; the part has `depth`
                    // rows of TILE columns, the sums `tokens`.
                    unsafe {
                        gemm(
                            s,
                            (tokens, depth, TILE),
                            Rows {
                                at: x,
                                stride: cols,
                            },
                            Rows {
                                at: part.as_ptr(),
                                stride: TILE,
                            },
                            Rows {
                                at: sums.as_mut_ptr(),
                                stride: TILE,
                            },
                        );
                    }
                }
                for (token, sums) in sums.chunks_exact(TILE).take(tokens).enumerate() {
                    for lane in (0..rows).step_by(S::LANES) {
                        // SAFETY: LANES divides TILE.
                        let sums = unsafe { s.load_f(sums.as_ptr().add(lane)) };
                        let valid = self.rows.end - (row + lane);
                        self.put(s, first + token, row + lane, sums, valid);
                    }
                }
            }
        }
    }

    /// Puts at most `valid` lanes: the next rows are another thread's.
    #[inline(always)]
    fn put<S: Simd>(&self, s: S, token: usize, row: usize, sums: S::F, valid: usize) {
        if valid >= S::LANES {
            self.target.put(s, token, row, sums);
            return;
        }
        let mut lanes = [0.0; 16];
        // SAFETY: no vector has more than 16 lanes.
        unsafe { s.store_f(lanes.as_mut_ptr(), sums) };
        for (i, value) in lanes.into_iter().take(valid).enumerate() {
            self.target.put_one(token, row + i, value);
        }
    }
}
