//! The float micro-kernel that dense prefill and attention share: `C += A B` with A read element
//! by element (a broadcast), B and C by vectors of columns.

use crate::simd::Simd;

/// Vectors of columns that a block of C is wide.
const WIDTH: usize = 2;

/// A row-major matrix without bounds.
#[derive(Clone, Copy)]
pub(crate) struct Rows<T> {
    pub at: T,
    /// Elements from a row to the next.
    pub stride: usize,
}

/// `c[r, n] += sum over k of a[r, k] b[k, n]` for `rows` rows, `depth` values of k and `columns`
/// columns, a multiple of the lanes.
///
/// # Safety
/// The matrices have these rows and columns; `c` overlaps neither `a` nor `b`.
#[inline(always)]
pub(crate) unsafe fn gemm<S: Simd>(
    s: S,
    (rows, depth, columns): (usize, usize, usize),
    a: Rows<*const f32>,
    b: Rows<*const f32>,
    c: Rows<*mut f32>,
) {
    // Sixteen registers hold 4 x 2 sums, the operands and little else; 32 hold 8 x 2.
    let tall = if S::GROUPS == 2 { 8 } else { 4 };
    let mut column = 0;
    while column < columns {
        let wide = column + WIDTH * S::LANES <= columns;
        // SAFETY: as the caller promises.
        unsafe {
            let b = Rows {
                at: b.at.add(column),
                ..b
            };
            let mut row = 0;
            while row < rows {
                let high = row + tall <= rows;
                let a = Rows {
                    at: a.at.add(row * a.stride),
                    ..a
                };
                let c = Rows {
                    at: c.at.add(row * c.stride + column),
                    ..c
                };
                match (high, wide) {
                    (true, true) if S::GROUPS == 2 => block::<S, 8, WIDTH>(s, depth, a, b, c),
                    (true, true) => block::<S, 4, WIDTH>(s, depth, a, b, c),
                    (true, false) if S::GROUPS == 2 => block::<S, 8, 1>(s, depth, a, b, c),
                    (true, false) => block::<S, 4, 1>(s, depth, a, b, c),
                    (false, true) => block::<S, 1, WIDTH>(s, depth, a, b, c),
                    (false, false) => block::<S, 1, 1>(s, depth, a, b, c),
                }
                row += if high { tall } else { 1 };
            }
        }
        column += if wide { WIDTH * S::LANES } else { S::LANES };
    }
}

/// A block of `R` rows and `N` vectors of C.
///
/// # Safety
/// As [`gemm`].
#[inline(always)]
unsafe fn block<S: Simd, const R: usize, const N: usize>(
    s: S,
    depth: usize,
    a: Rows<*const f32>,
    b: Rows<*const f32>,
    c: Rows<*mut f32>,
) {
    let mut sums = [[s.zero(); N]; R];
    for k in 0..depth {
        // SAFETY: as the caller promises.
        unsafe {
            let b = b.at.add(k * b.stride);
            let mut columns = [s.zero(); N];
            for n in 0..N {
                columns[n] = s.load_f(b.add(n * S::LANES));
            }
            for r in 0..R {
                let a = s.splat_f(a.at.add(r * a.stride + k).read());
                for n in 0..N {
                    sums[r][n] = s.fma(a, columns[n], sums[r][n]);
                }
            }
        }
    }
    for r in 0..R {
        for n in 0..N {
            // SAFETY: as the caller promises.
            unsafe {
                let at = c.at.add(r * c.stride + n * S::LANES);
                s.store_f(at, s.add(s.load_f(at), sums[r][n]));
            }
        }
    }
}
