//! Where a matmul puts its result.

use crate::error::{CpuError, check_len, product};
use crate::par::Shared;
use crate::simd::Simd;

/// The result [m, rows] of a matmul: written or added, alone or as some columns of a wider
/// matrix.
pub struct Output<'a> {
    data: &'a mut [f32],
    /// Width of `data` and the first column; all of it if `None`.
    columns: Option<(usize, usize)>,
    add: bool,
}

impl<'a> Output<'a> {
    /// Overwrites `data` [m, rows].
    pub fn write(data: &'a mut [f32]) -> Self {
        Self {
            data,
            columns: None,
            add: false,
        }
    }

    /// Adds to `data` [m, rows], the residual stream.
    pub fn add(data: &'a mut [f32]) -> Self {
        Self {
            add: true,
            ..Self::write(data)
        }
    }

    /// Only the columns `first .. first + rows` of `data` [m, width]: the part of a matrix that
    /// was split by rows.
    pub fn columns(self, width: usize, first: usize) -> Self {
        Self {
            columns: Some((width, first)),
            ..self
        }
    }

    /// Checks the shapes.
    pub(crate) fn target<'b>(
        self,
        m: usize,
        rows: usize,
        bias: Option<&'b [f32]>,
    ) -> Result<Target<'b>, CpuError>
    where
        'a: 'b,
    {
        let (width, first) = self.columns.unwrap_or((rows, 0));
        if first.checked_add(rows).is_none_or(|end| end > width) {
            return Err(CpuError::Range {
                what: "last column of the output",
                got: first.saturating_add(rows),
                end: width.saturating_add(1),
            });
        }
        check_len("output", product("output", m, width)?, self.data.len())?;
        if let Some(bias) = bias {
            check_len("bias", rows, bias.len())?;
        }
        Ok(Target {
            data: Shared(self.data.as_mut_ptr()),
            m,
            rows,
            width,
            first,
            bias,
            add: self.add,
        })
    }
}

/// A checked [`Output`] that threads share, each writing rows (output columns) of its own.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    data: Shared<f32>,
    m: usize,
    rows: usize,
    width: usize,
    first: usize,
    bias: Option<&'a [f32]>,
    add: bool,
}

impl Target<'_> {
    /// Puts the results of rows `row ..` of the weights for `token`, leaving out lanes past the
    /// last row.
    #[inline(always)]
    pub(crate) fn put<S: Simd>(&self, s: S, token: usize, row: usize, mut sums: S::F) {
        if token >= self.m || row >= self.rows {
            return;
        }
        // SAFETY: token < m and row < rows, so this is inside the data, whose length was checked.
        let to = unsafe { self.data.get().add(token * self.width + self.first + row) };
        if row + S::LANES <= self.rows {
            // SAFETY: LANES elements of this token's rows, and of the bias.
            unsafe {
                if let Some(bias) = self.bias {
                    sums = s.add(sums, s.load_f(bias.as_ptr().add(row)));
                }
                if self.add {
                    sums = s.add(sums, s.load_f(to));
                }
                s.store_f(to, sums);
            }
            return;
        }
        let mut lanes = [0.0; 16];
        // SAFETY: no vector has more than 16 lanes.
        unsafe { s.store_f(lanes.as_mut_ptr(), sums) };
        for (i, value) in lanes.into_iter().take(self.rows - row).enumerate() {
            self.put_one(token, row + i, value);
        }
    }

    /// Puts one result.
    #[inline(always)]
    pub(crate) fn put_one(&self, token: usize, row: usize, mut value: f32) {
        if token >= self.m || row >= self.rows {
            return;
        }
        if let Some(bias) = self.bias {
            value += bias[row];
        }
        // SAFETY: inside the data, as in `put`.
        unsafe {
            let to = self.data.get().add(token * self.width + self.first + row);
            *to = if self.add { *to + value } else { value };
        }
    }
}
