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
        for row in (0..rows).step_by(tall) {
            // SAFETY: as the caller promises.
            unsafe {
                let b = b.offset(0, column);
                let (a, c) = (a.offset(row, 0), c.offset(row, column));
                if wide {
                    some_rows::<S, WIDTH>(s, tall.min(rows - row), depth, a, b, c);
                } else {
                    some_rows::<S, 1>(s, tall.min(rows - row), depth, a, b, c);
                }
            }
        }
        column += if wide { WIDTH * S::LANES } else { S::LANES };
    }
}

impl Rows<*const f32> {
    /// The matrix from a later row and column on.
    ///
    /// # Safety
    /// They are inside it, or one past.
    #[inline(always)]
    unsafe fn offset(self, row: usize, column: usize) -> Self {
        // SAFETY: as above.
        let at = unsafe { self.at.add(row * self.stride + column) };
        Self { at, ..self }
    }
}

impl Rows<*mut f32> {
    /// As for `*const`.
    ///
    /// # Safety
    /// As for `*const`.
    #[inline(always)]
    unsafe fn offset(self, row: usize, column: usize) -> Self {
        // SAFETY: as above.
        let at = unsafe { self.at.add(row * self.stride + column) };
        Self { at, ..self }
    }
}

/// A block of 1 to 8 rows; more than 4 only with 32 registers.
///
/// # Safety
/// As [`gemm`].
#[inline(always)]
unsafe fn some_rows<S: Simd, const N: usize>(
    s: S,
    rows: usize,
    depth: usize,
    a: Rows<*const f32>,
    b: Rows<*const f32>,
    c: Rows<*mut f32>,
) {
    // SAFETY: as the caller promises.
    unsafe {
        match rows {
            1 => block::<S, 1, N>(s, depth, a, b, c),
            2 => block::<S, 2, N>(s, depth, a, b, c),
            3 => block::<S, 3, N>(s, depth, a, b, c),
            4 => block::<S, 4, N>(s, depth, a, b, c),
            5 if S::GROUPS == 2 => block::<S, 5, N>(s, depth, a, b, c),
            6 if S::GROUPS == 2 => block::<S, 6, N>(s, depth, a, b, c),
            7 if S::GROUPS == 2 => block::<S, 7, N>(s, depth, a, b, c),
            8 if S::GROUPS == 2 => block::<S, 8, N>(s, depth, a, b, c),
            _ => debug_assert!(false, "gemm cuts at {rows} rows"),
        }
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
