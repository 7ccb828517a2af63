//! Causal attention within each of several documents laid one after another, and its backward.
//!
//! A piece of work is one head of one document, taken some queries at a time: the scores of
//! [`BLOCK`] queries against the keys up to them are all that is ever stored, so memory grows
//! with the length of a document and not with its square. The backward computes them again from
//! the log-sum-exp of each row, as in FlashAttention (Dao et al. 2022, algorithm 4).

use std::ops::Range;

use rayon::prelude::*;

use super::cross_entropy::{exp_in_place, scale_in_place};
use super::matrix::{Matrix, small};
use crate::error::{CpuError, check_len};
use crate::isa::{Isa, Kernel, dispatch};
use crate::par::Shared;
use crate::simd::{self, Simd};

/// Queries of a step.
const BLOCK: usize = 64;

/// How q, k and v lie in the rows of a projection: heads of q, then of k, then of v.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heads {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Factor of the scores.
    pub scale: f32,
}

impl Heads {
    /// Columns of q, k and v together.
    pub fn width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    fn query(&self, head: usize) -> usize {
        head * self.head_dim
    }

    fn key(&self, head: usize) -> usize {
        (self.heads + head / self.group()) * self.head_dim
    }

    fn value(&self, head: usize) -> usize {
        (self.heads + self.kv_heads + head / self.group()) * self.head_dim
    }

    /// Query heads per key and value head.
    fn group(&self) -> usize {
        (self.heads / self.kv_heads.max(1)).max(1)
    }

    fn check(&self, documents: &[usize], qkv: &[f32]) -> Result<usize, CpuError> {
        let tokens = documents.last().copied().unwrap_or(0);
        check_len("q, k and v", tokens * self.width(), qkv.len())?;
        if !documents.is_sorted() {
            return Err(CpuError::Range {
                what: "end of a document",
                got: documents[0],
                end: tokens,
            });
        }
        Ok(tokens)
    }
}

/// Attention of every token to those before it in its own document, and itself.
///
/// # Shapes
/// `documents` holds the ends of the documents, the last one m; `qkv` [m, width], q and k rotated;
/// `out` [m, heads * d]; `lse` [heads, m], the logarithm of each row's sum of exponentials.
///
/// # Errors
/// Shapes that do not fit.
pub fn packed_attention(
    shape: Heads,
    documents: &[usize],
    qkv: &[f32],
    out: &mut [f32],
    lse: &mut [f32],
) -> Result<(), CpuError> {
    let tokens = shape.check(documents, qkv)?;
    let columns = shape.heads * shape.head_dim;
    check_len("attended", tokens * columns, out.len())?;
    check_len("log-sum-exp", tokens * shape.heads, lse.len())?;
    let isa = Isa::current();
    let (out, lse) = (Shared(out.as_mut_ptr()), Shared(lse.as_mut_ptr()));
    blocks(shape, documents)
        .into_par_iter()
        .for_each(|(head, document, queries)| {
            let keys = document.start..queries.end;
            let mut scores = scores(shape, qkv, head, queries.clone(), keys.clone());
            // SAFETY: this head's part of `lse` for these queries, no other piece's.
            let lse = unsafe {
                let from = lse.get().add(head * tokens + queries.start);
                std::slice::from_raw_parts_mut(from, queries.len())
            };
            let first = queries.start - keys.start;
            dispatch(
                isa,
                Softmax {
                    scores: &mut scores,
                    width: keys.len(),
                    first,
                    lse,
                },
            );
            let p = Matrix::new(&scores, queries.len(), keys.len());
            let v = part(shape, qkv, shape.value(head), keys);
            // SAFETY: the columns of this head in the rows of these queries, no other piece's.
            unsafe {
                let out = out.get().add(queries.start * columns + shape.query(head));
                small(out, columns, false, 1.0, p, v);
            }
        });
    Ok(())
}

/// Gradient of q, k and v from that of the result.
///
/// # Shapes
/// As for [`packed_attention`]; `d_out` as `out`, `d_qkv` as `qkv`, overwritten.
///
/// # Errors
/// Shapes that do not fit.
pub fn packed_attention_backward(
    shape: Heads,
    documents: &[usize],
    qkv: &[f32],
    (out, lse): (&[f32], &[f32]),
    d_out: &[f32],
    d_qkv: &mut [f32],
) -> Result<(), CpuError> {
    let tokens = shape.check(documents, qkv)?;
    let columns = shape.heads * shape.head_dim;
    check_len("attended", tokens * columns, out.len())?;
    check_len("gradient of attended", out.len(), d_out.len())?;
    check_len("log-sum-exp", tokens * shape.heads, lse.len())?;
    check_len("gradient of q, k and v", qkv.len(), d_qkv.len())?;
    let (d, width, group) = (shape.head_dim, shape.width(), shape.group());
    // Of each query head on its own, summed by groups below: [heads, m, 2 d].
    let mut d_kv = vec![0.0; shape.heads * tokens * 2 * d];
    let (d_q, shared_kv) = (Shared(d_qkv.as_mut_ptr()), Shared(d_kv.as_mut_ptr()));
    let backward = Backward {
        shape,
        qkv,
        out,
        lse,
        d_out,
        tokens,
        isa: Isa::current(),
    };
    let pieces: Vec<_> = ranges(documents)
        .flat_map(|document| (0..shape.heads).map(move |head| (head, document.clone())))
        .collect();
    pieces.into_par_iter().for_each(|(head, document)| {
        let start = document.start;
        // SAFETY: this document's rows of this head, no other piece's.
        let d_kv = unsafe {
            let from = shared_kv.get().add((head * tokens + start) * 2 * d);
            std::slice::from_raw_parts_mut(from, document.len() * 2 * d)
        };
        for queries in cut(document) {
            // SAFETY: the columns of this head in the rows of these queries, no other piece's.
            unsafe {
                let d_q = d_q.get().add(queries.start * width + shape.query(head));
                backward.queries(head, start, queries, d_q, d_kv);
            }
        }
    });
    d_qkv
        .par_chunks_exact_mut(width)
        .enumerate()
        .for_each(|(token, row)| {
            let (_, kv) = row.split_at_mut(columns);
            let (k, v) = kv.split_at_mut(shape.kv_heads * d);
            let rows = k.chunks_exact_mut(d).zip(v.chunks_exact_mut(d));
            for (kv_head, (k, v)) in rows.enumerate() {
                k.fill(0.0);
                v.fill(0.0);
                for head in kv_head * group..(kv_head + 1) * group {
                    let from = (head * tokens + token) * 2 * d;
                    add(k, &d_kv[from..from + d]);
                    add(v, &d_kv[from + d..from + 2 * d]);
                }
            }
        });
    Ok(())
}

/// The operands of the backward pass.
struct Backward<'a> {
    shape: Heads,
    qkv: &'a [f32],
    out: &'a [f32],
    lse: &'a [f32],
    d_out: &'a [f32],
    tokens: usize,
    isa: Isa,
}

impl Backward<'_> {
    /// Some queries of one head: writes `d_q` (strided by the width), adds to `d_kv` [t, 2 d].
    ///
    /// # Safety
    /// `d_q` is valid for these rows and nobody else touches them meanwhile.
    unsafe fn queries(
        &self,
        head: usize,
        start: usize,
        queries: Range<usize>,
        d_q: *mut f32,
        d_kv: &mut [f32],
    ) {
        let Self { shape, qkv, .. } = *self;
        let (d, columns) = (shape.head_dim, shape.heads * shape.head_dim);
        let keys = start..queries.end;
        let (rows, n) = (queries.len(), keys.len());
        let mut p = scores(shape, qkv, head, queries.clone(), keys.clone());
        let at = queries.start * columns + shape.query(head);
        let d_out = Matrix::strided(&self.d_out[at..], rows, d, columns);
        let v = part(shape, qkv, shape.value(head), keys.clone());
        let mut d_s = vec![0.0; rows * n];
        // SAFETY: `d_s` has `rows` rows of `n`.
        unsafe { small(d_s.as_mut_ptr(), n, false, 1.0, d_out, v.transposed()) };
        let from = head * self.tokens + queries.start;
        dispatch(
            self.isa,
            SoftmaxBackward {
                p: &mut p,
                d_s: &mut d_s,
                width: n,
                first: queries.start - start,
                lse: &self.lse[from..from + rows],
                out: Matrix::strided(&self.out[at..], rows, d, columns),
                d_out,
                scale: shape.scale,
            },
        );
        let (p, d_s) = (Matrix::new(&p, rows, n), Matrix::new(&d_s, rows, n));
        let q = part(shape, qkv, shape.query(head), queries);
        let k = part(shape, qkv, shape.key(head), keys);
        // SAFETY: `d_q` as the caller promises; `d_kv` has a row of 2 d for each token of the
        // document, of which the keys are the first `n`.
        unsafe {
            small(d_q, shape.width(), false, 1.0, d_s, k);
            let (d_k, d_v) = (d_kv.as_mut_ptr(), d_kv.as_mut_ptr().add(d));
            small(d_k, 2 * d, true, 1.0, d_s.transposed(), q);
            small(d_v, 2 * d, true, 1.0, p.transposed(), d_out);
        }
    }
}

/// `scale * q kᵀ` [queries, keys], the future not yet masked.
fn scores(
    shape: Heads,
    qkv: &[f32],
    head: usize,
    queries: Range<usize>,
    keys: Range<usize>,
) -> Vec<f32> {
    let mut scores = vec![0.0; queries.len() * keys.len()];
    let width = keys.len();
    let q = part(shape, qkv, shape.query(head), queries);
    let k = part(shape, qkv, shape.key(head), keys);
    let at = scores.as_mut_ptr();
    // SAFETY: `scores` has a row of `width` for each query.
    unsafe { small(at, width, false, shape.scale, q, k.transposed()) };
    scores
}

/// Some tokens' d columns from `column` on.
fn part(shape: Heads, qkv: &[f32], column: usize, tokens: Range<usize>) -> Matrix<'_> {
    let width = shape.width();
    let from = &qkv[tokens.start * width + column..];
    Matrix::strided(from, tokens.len(), shape.head_dim, width)
}

/// Row `i` sees the first `first + i + 1` columns; the rest becomes 0.
struct Softmax<'a> {
    scores: &'a mut [f32],
    width: usize,
    first: usize,
    lse: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.scores.chunks_exact_mut(self.width).zip(self.lse);
        for (i, (row, lse)) in rows.enumerate() {
            let (past, future) = row.split_at_mut(self.first + i + 1);
            let (max, sum) = exp_in_place(s, past);
            scale_in_place(s, past, 1.0 / sum);
            *lse = max + sum.ln();
            future.fill(0.0);
        }
    }
}

/// Scores to probabilities, and the gradient of those to that of the scores:
/// `p = e^(score - lse)`, `d_s = scale p (d_p - sum(d_out out))`.
struct SoftmaxBackward<'a> {
    p: &'a mut [f32],
    d_s: &'a mut [f32],
    width: usize,
    first: usize,
    lse: &'a [f32],
    out: Matrix<'a>,
    d_out: Matrix<'a>,
    scale: f32,
}

impl Kernel for SoftmaxBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.p.chunks_exact_mut(self.width);
        let rows = rows.zip(self.d_s.chunks_exact_mut(self.width));
        for (i, (p, d_s)) in rows.enumerate() {
            let (out, d_out) = (self.out.row(i), self.d_out.row(i));
            let delta = out.iter().zip(d_out).map(|(a, b)| a * b).sum::<f32>();
            let seen = self.first + i + 1;
            let whole = seen / S::LANES * S::LANES;
            let lse = self.lse[i];
            for j in (0..whole).step_by(S::LANES) {
                // SAFETY: whole vectors of the columns seen.
                unsafe {
                    let (p, d_s) = (p.as_mut_ptr().add(j), d_s.as_mut_ptr().add(j));
                    let e = simd::exp(s, s.sub(s.load_f(p), s.splat_f(lse)));
                    s.store_f(p, e);
                    let slope = s.sub(s.load_f(d_s), s.splat_f(delta));
                    s.store_f(d_s, s.mul(s.mul(slope, e), s.splat_f(self.scale)));
                }
            }
            for j in whole..seen {
                p[j] = (p[j] - lse).exp();
                d_s[j] = (d_s[j] - delta) * p[j] * self.scale;
            }
            p[seen..].fill(0.0);
            d_s[seen..].fill(0.0);
        }
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// The tokens of each document.
fn ranges(documents: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(0).chain(documents.iter().copied());
    starts.zip(documents.iter().copied()).map(|(a, b)| a..b)
}

/// A document's tokens in pieces of [`BLOCK`].
fn cut(document: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = document.end;
    document
        .step_by(BLOCK)
        .map(move |from| from..end.min(from + BLOCK))
}

/// (head, document, queries) of every piece of the forward pass.
fn blocks(shape: Heads, documents: &[usize]) -> Vec<(usize, Range<usize>, Range<usize>)> {
    let mut all = Vec::new();
    for document in ranges(documents) {
        for head in 0..shape.heads {
            for queries in cut(document.clone()) {
                all.push((head, document.clone(), queries));
            }
        }
    }
    all
}
