//! Products of strided matrices, by the `gemm` crate.

use crate::error::{CpuError, check_len};

/// A matrix inside a slice, at any strides: transposes and column ranges cost nothing.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub cols: usize,
    /// Elements from a row to the next.
    pub row_stride: usize,
    /// Elements from a column to the next.
    pub col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major and without gaps.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// Row-major, `row_stride` elements from a row to the next.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        Self {
            data,
            rows,
            cols,
            row_stride,
            col_stride: 1,
        }
    }

    pub fn transposed(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// A row of a matrix whose columns are neighbours.
    pub(super) fn row(&self, row: usize) -> &'a [f32] {
        let from = row * self.row_stride;
        &self.data[from..from + self.cols]
    }

    /// The last element lies inside the slice.
    fn check(&self, what: &'static str) -> Result<(), CpuError> {
        if self.rows == 0 || self.cols == 0 {
            return Ok(());
        }
        let last = (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride;
        if last < self.data.len() {
            return Ok(());
        }
        Err(CpuError::Range {
            what,
            got: last,
            end: self.data.len(),
        })
    }
}

/// `c += alpha * a b`, on the pool that the caller runs in.
///
/// # Shapes
/// `a` [m, k], `b` [k, n], `c` [m, n] row-major, `c_stride` elements from a row to the next.
///
/// # Errors
/// Shapes that do not fit.
pub fn matmul_add(
    c: &mut [f32],
    c_stride: usize,
    alpha: f32,
    a: Matrix,
    b: Matrix,
) -> Result<(), CpuError> {
    check_len("inner dimension of a matmul", a.cols, b.rows)?;
    a.check("left matrix")?;
    b.check("right matrix")?;
    let out = Matrix::strided(c, a.rows, b.cols, c_stride);
    out.check("result of a matmul")?;
    product(c.as_mut_ptr(), c_stride, true, alpha, a, b, threads(a, b));
    Ok(())
}

/// `alpha * a b`, on the pool that the caller runs in.
///
/// # Shapes
/// `a` [m, k], `b` [k, n] -> [m, n] row-major.
///
/// # Errors
/// Shapes that do not fit.
pub fn matmul(alpha: f32, a: Matrix, b: Matrix) -> Result<Vec<f32>, CpuError> {
    check_len("inner dimension of a matmul", a.cols, b.rows)?;
    a.check("left matrix")?;
    b.check("right matrix")?;
    let len = a.rows * b.cols;
    if a.cols == 0 {
        return Ok(vec![0.0; len]);
    }
    // Zeros would be written once and read once for nothing.
    let mut c = Vec::with_capacity(len);
    product(c.as_mut_ptr(), b.cols, false, alpha, a, b, threads(a, b));
    // SAFETY: the product wrote all rows of all columns.
    unsafe { c.set_len(len) };
    Ok(c)
}

/// Handing a piece over costs more than a small product.
fn threads(a: Matrix, b: Matrix) -> gemm::Parallelism {
    match a.rows * a.cols * b.cols {
        0..1_000_000 => gemm::Parallelism::None,
        _ => gemm::Parallelism::Rayon(0),
    }
}

/// `c = alpha * a b`, or added to `c`. On the calling thread.
///
/// # Safety
/// `c` is valid for the rows of `a` by the columns of `b`, `c_stride` apart, and nobody else
/// touches those elements meanwhile; the operands lie inside their slices.
pub(super) unsafe fn small(
    c: *mut f32,
    c_stride: usize,
    add: bool,
    alpha: f32,
    a: Matrix,
    b: Matrix,
) {
    debug_assert_eq!(a.cols, b.rows);
    debug_assert!(a.check("left").is_ok() && b.check("right").is_ok());
    product(c, c_stride, add, alpha, a, b, gemm::Parallelism::None);
}

fn product(
    c: *mut f32,
    c_stride: usize,
    add: bool,
    alpha: f32,
    a: Matrix,
    b: Matrix,
    parallelism: gemm::Parallelism,
) {
    if a.rows == 0 || b.cols == 0 || a.cols == 0 {
        return;
    }
    let stride = |stride: usize| stride as isize;
    // SAFETY: the callers checked that every element named lies in its slice, and `c` is borrowed
    // mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            c,
            1,
            stride(c_stride),
            add,
            a.data.as_ptr(),
            stride(a.col_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.col_stride),
            stride(b.row_stride),
            1.0,
            alpha,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_multiplied_where_they_lie() {
        // a: columns 1 to 3 of 2 x 4; b: the transpose of 2 x 2.
        let a: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let a = Matrix::strided(&a[1..], 2, 2, 4);
        let b = Matrix::new(&[1.0, 10.0, 100.0, 1000.0], 2, 2).transposed();
        let product = matmul(2.0, a, b).unwrap();
        assert_eq!(product, [42.0, 4200.0, 130.0, 13000.0]);
        // Added to the last two of three columns.
        let mut c = [1.0; 6];
        matmul_add(&mut c[1..], 3, 2.0, a, b).unwrap();
        assert_eq!(c, [1.0, 43.0, 4201.0, 1.0, 131.0, 13001.0]);
    }

    #[test]
    fn nothing_in_common_is_zero() {
        let (a, b) = (Matrix::new(&[], 2, 0), Matrix::new(&[], 0, 3));
        assert_eq!(matmul(1.0, a, b).unwrap(), [0.0; 6]);
    }

    #[test]
    fn matrices_stay_inside_their_slices() {
        let data = [0.0; 6];
        let a = Matrix::new(&data, 2, 3);
        assert!(matmul(1.0, a, a).is_err());
        assert!(matmul(1.0, Matrix::new(&data, 3, 3), a.transposed()).is_err());
        let mut c = [0.0; 3];
        assert!(matmul_add(&mut c, 2, 1.0, a, a.transposed()).is_err());
    }
}
