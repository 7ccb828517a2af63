//! RMSNorm, SwiGLU and RoPE, row by row.

use std::ops::Range;

use crate::error::{CpuError, check_len, product};
use crate::isa::{Isa, Kernel, dispatch};
use crate::par::{self, Shared};
use crate::simd::{self, Simd};

/// RMSNorm (Zhang & Sennrich 2019): `out = x / sqrt(mean(x^2) + eps) * gamma`.
///
/// # Shapes
/// `x` and `out` [m, d] with d the length of `gamma`.
///
/// # Errors
/// `x` is not a whole number of rows, or `out` has another length.
pub fn rms_norm(x: &[f32], gamma: &[f32], eps: f32, out: &mut [f32]) -> Result<(), CpuError> {
    let d = gamma.len();
    whole_rows("x of RMSNorm", x.len(), d)?;
    check_len("output of RMSNorm", x.len(), out.len())?;
    each_row(x, d, out, d, Op::Norm(gamma, eps));
    Ok(())
}

/// SwiGLU (Shazeer 2020): `out = silu(gate) * up`, `silu(x) = x / (1 + e^-x)`.
///
/// # Shapes
/// `gate_up` [m, 2 f]: gate in the first f columns, up in the others; `out` [m, f].
///
/// # Errors
/// The lengths are not those of whole rows.
pub fn swiglu(gate_up: &[f32], m: usize, out: &mut [f32]) -> Result<(), CpuError> {
    let f = out.len().checked_div(m).unwrap_or(0);
    check_len("output of SwiGLU", m * f, out.len())?;
    check_len(
        "gate and up of SwiGLU",
        product("gate and up", out.len(), 2)?,
        gate_up.len(),
    )?;
    each_row(gate_up, 2 * f, out, f, Op::Swiglu);
    Ok(())
}

/// Tables of the rotary embedding, one row a position.
#[derive(Clone, Copy, Debug)]
pub struct RopeTables<'a> {
    /// [positions, head_dim / 2]
    pub cos: &'a [f32],
    /// [positions, head_dim / 2]
    pub sin: &'a [f32],
    pub head_dim: usize,
}

/// Rotary position embedding (Su et al. 2021), rotate-half convention of Hugging Face: with
/// `h = head_dim / 2`, `(x[i], x[i + h])` turns by the angle of its position and `i`.
///
/// # Shapes
/// `x` [m, heads * head_dim], rows at positions `start ..`.
///
/// # Errors
/// The tables end before position `start + m`, or the lengths are not those of whole heads.
pub fn rope_in_place(
    x: &mut [f32],
    m: usize,
    start: usize,
    tables: RopeTables,
) -> Result<(), CpuError> {
    let RopeTables { cos, sin, head_dim } = tables;
    let half = head_dim / 2;
    if m == 0 || half == 0 || !head_dim.is_multiple_of(2) {
        check_len("x of RoPE without rows or even heads", 0, x.len())?;
        return Ok(());
    }
    whole_rows("x of RoPE", x.len(), product("heads", m, head_dim)?)?;
    check_len("sine table of RoPE", cos.len(), sin.len())?;
    let positions = cos.len() / half;
    if start.checked_add(m).is_none_or(|end| end > positions) {
        return Err(CpuError::Range {
            what: "last position of RoPE",
            got: start.saturating_add(m) - 1,
            end: positions,
        });
    }
    let width = x.len() / m;
    for (i, row) in x.chunks_exact_mut(width).enumerate() {
        let angles = (start + i) * half..(start + i + 1) * half;
        let (cos, sin) = (&cos[angles.clone()], &sin[angles]);
        for head in row.chunks_exact_mut(head_dim) {
            let (a, b) = head.split_at_mut(half);
            for (((a, b), cos), sin) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
            }
        }
    }
    Ok(())
}

fn whole_rows(what: &'static str, len: usize, width: usize) -> Result<(), CpuError> {
    if len == 0 || (width > 0 && len.is_multiple_of(width)) {
        return Ok(());
    }
    Err(CpuError::Multiple {
        what,
        got: len,
        multiple: width,
    })
}

#[derive(Clone, Copy)]
enum Op<'a> {
    /// gamma, eps
    Norm(&'a [f32], f32),
    Swiglu,
}

/// Applies `op` to every row of `x` (`from` wide) into `out` (`to` wide), in parallel.
fn each_row(x: &[f32], from: usize, out: &mut [f32], to: usize, op: Op) {
    if out.is_empty() {
        return;
    }
    let isa = Isa::current();
    let shared = Shared(out.as_mut_ptr());
    par::ranges(out.len() / to, from * 4, |range| {
        // SAFETY: the ranges are disjoint and within the rows of `out`.
        let out = unsafe {
            std::slice::from_raw_parts_mut(shared.get().add(range.start * to), range.len() * to)
        };
        let x = &x[range.start * from..range.end * from];
        dispatch(
            isa,
            Rows {
                x,
                from,
                out,
                to,
                op,
            },
        );
    });
}

struct Rows<'a> {
    x: &'a [f32],
    from: usize,
    out: &'a mut [f32],
    to: usize,
    op: Op<'a>,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.x.chunks_exact(self.from);
        for (x, out) in rows.zip(self.out.chunks_exact_mut(self.to)) {
            match self.op {
                Op::Norm(gamma, eps) => rms_norm_row(s, x, gamma, eps, out),
                Op::Swiglu => swiglu_row(s, x, out),
            }
        }
    }
}

/// The whole vectors of a row of `len`; the rest is done element by element.
#[inline(always)]
fn vectors<S: Simd>(_: S, len: usize) -> impl Iterator<Item = usize> {
    let whole: Range<usize> = 0..len / S::LANES;
    whole.map(|i| i * S::LANES)
}

/// One row of [`rms_norm`].
#[inline(always)]
pub(crate) fn rms_norm_row<S: Simd>(s: S, x: &[f32], gamma: &[f32], eps: f32, out: &mut [f32]) {
    let len = x.len().min(gamma.len()).min(out.len());
    let tail = len / S::LANES * S::LANES;
    let mut squares = s.zero();
    for i in vectors(s, len) {
        // SAFETY: whole vectors below `len`.
        let v = unsafe { s.load_f(x.as_ptr().add(i)) };
        squares = s.fma(v, v, squares);
    }
    let squares = s.sum(squares) + x[tail..len].iter().map(|x| x * x).sum::<f32>();
    let inverse = 1.0 / (squares / len as f32 + eps).sqrt();
    for i in vectors(s, len) {
        // SAFETY: whole vectors below `len`.
        unsafe {
            let v = s.mul(s.load_f(x.as_ptr().add(i)), s.splat_f(inverse));
            let v = s.mul(v, s.load_f(gamma.as_ptr().add(i)));
            s.store_f(out.as_mut_ptr().add(i), v);
        }
    }
    for i in tail..len {
        out[i] = x[i] * inverse * gamma[i];
    }
}

/// One row of [`swiglu`]: `gate_up` has twice the length of `out`.
#[inline(always)]
pub(crate) fn swiglu_row<S: Simd>(s: S, gate_up: &[f32], out: &mut [f32]) {
    let (gate, up) = gate_up.split_at(gate_up.len() / 2);
    let len = out.len().min(gate.len());
    for i in vectors(s, len) {
        // SAFETY: whole vectors below `len`.
        unsafe {
            let gate = s.load_f(gate.as_ptr().add(i));
            let e = simd::exp(s, s.sub(s.zero(), gate));
            let silu = s.div(gate, s.add(s.splat_f(1.0), e));
            let up = s.load_f(up.as_ptr().add(i));
            s.store_f(out.as_mut_ptr().add(i), s.mul(silu, up));
        }
    }
    for i in len / S::LANES * S::LANES..len {
        out[i] = gate[i] / (1.0 + (-gate[i]).exp()) * up[i];
    }
}
