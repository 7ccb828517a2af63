//! Causal grouped-query attention within each document of a batch, and its backward.
//!
//! Scores are computed for some queries of one document at a time, and again in the backward from
//! the log-sum-exp of each row (Dao et al. 2022, algorithm 4): memory grows with the tokens, not
//! with their square.

use std::ops::Range;

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{Bool, DType, Tensor};
use retort_cpu::train::Heads;

use super::{Documents, on_cpu};
use crate::{Attention, flex};

/// Queries whose scores are in memory at once, where burn's ops compute them.
const CHUNK: usize = 256;

/// The result of the forward pass, which the backward needs too.
#[derive(Clone, Debug)]
pub struct Attended {
    /// [m, heads * d], in the dtype of q, k and v.
    pub out: Tensor<2>,
    /// Logarithm of each row's sum of exponentials, [heads, m] f32.
    pub lse: Tensor<2>,
}

#[backend_extension(Flex)]
trait PackedAttentionOp: Backend {
    /// `qkv` [m, (heads + 2 kv_heads) * d] -> [m, heads * d], [heads, m].
    fn packed_attention(
        qkv: FloatTensor<Self>,
        shape: Attention,
        documents: Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// As above, `d_out` as `out` -> as `qkv`.
    fn packed_attention_backward(
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        shape: Attention,
        documents: Documents,
    ) -> FloatTensor<Self>;
}

/// # Shapes
/// `qkv` [m, (heads + 2 kv_heads) * d], q and k rotated, m the tokens of `documents`.
pub fn packed_attention(qkv: Tensor<2>, shape: Attention, documents: &Documents) -> Attended {
    if on_cpu(&qkv) {
        let (out, lse) = <Dispatch as PackedAttentionOp>::packed_attention(
            qkv.into_dispatch(),
            shape,
            documents.clone(),
        );
        return Attended {
            out: Tensor::from_dispatch(out),
            lse: Tensor::from_dispatch(lse),
        };
    }
    let (mut out, mut lse) = (Vec::new(), Vec::new());
    for document in documents.ranges() {
        let heads = Split::new(&qkv, shape, document.clone());
        for queries in chunks(document.len()) {
            let n = queries.end;
            let scores = heads.scores(queries.clone());
            let max = scores.clone().max_dim(2);
            let e = (scores - max.clone()).exp();
            let sum = e.clone().sum_dim(2);
            let p = (e / sum.clone()).cast(qkv.dtype());
            let part = p.matmul(heads.v.clone().narrow(1, 0, n));
            out.push(heads.join(part));
            lse.push((sum.log() + max).reshape([shape.heads, queries.len()]));
        }
    }
    Attended {
        out: Tensor::cat(out, 0),
        lse: Tensor::cat(lse, 1),
    }
}

/// Gradient of `qkv` from that of the result.
///
/// # Shapes
/// `d_out` [m, heads * d] -> as `qkv`, in its dtype.
pub fn packed_attention_backward(
    qkv: Tensor<2>,
    attended: Attended,
    d_out: Tensor<2>,
    shape: Attention,
    documents: &Documents,
) -> Tensor<2> {
    let Attended { out, lse } = attended;
    if on_cpu(&qkv) {
        return Tensor::from_dispatch(<Dispatch as PackedAttentionOp>::packed_attention_backward(
            qkv.into_dispatch(),
            out.into_dispatch(),
            lse.into_dispatch(),
            d_out.into_dispatch(),
            shape,
            documents.clone(),
        ));
    }
    let dtype = qkv.dtype();
    let mut parts = Vec::new();
    for document in documents.ranges() {
        let (start, t) = (document.start, document.len());
        let heads = Split::new(&qkv, shape, document);
        let zeros = || Tensor::<3>::zeros([shape.kv_heads, t, shape.head_dim], &qkv.device());
        let (mut d_k, mut d_v) = (zeros(), zeros());
        let mut d_q = Vec::new();
        for queries in chunks(t) {
            let (from, c, n) = (start + queries.start, queries.len(), queries.end);
            let rows = [shape.kv_heads, heads.group * c, 1];
            let lse = lse.clone().narrow(1, from, c).reshape(rows);
            let p = (heads.scores(queries.clone()) - lse).exp();
            let (out, d_out) = (
                heads.fold(out.clone().narrow(0, from, c)),
                heads.fold(d_out.clone().narrow(0, from, c)),
            );
            let delta = (out.cast(DType::F32) * d_out.clone().cast(DType::F32)).sum_dim(2);
            let (k, v) = (heads.k.clone(), heads.v.clone());
            let d_p = d_out.clone().matmul(v.narrow(1, 0, n).transpose());
            let d_s = p.clone() * (d_p.cast(DType::F32) - delta);
            let d_s = d_s.mul_scalar(shape.scale).cast(dtype);
            let p = p.cast(dtype);
            d_q.push(heads.join(d_s.clone().matmul(k.narrow(1, 0, n))));
            let q = heads.fold_queries(queries);
            d_k = add_first(d_k, n, d_s.transpose().matmul(q));
            d_v = add_first(d_v, n, p.transpose().matmul(d_out));
        }
        let flat = |x: Tensor<3>| {
            let width = shape.kv_heads * shape.head_dim;
            x.cast(dtype).swap_dims(0, 1).reshape([t, width])
        };
        parts.push(Tensor::cat(
            vec![Tensor::cat(d_q, 0), flat(d_k), flat(d_v)],
            1,
        ));
    }
    Tensor::cat(parts, 0)
}

/// `sum[:, ..n] += part`, in f32.
fn add_first(sum: Tensor<3>, n: usize, part: Tensor<3>) -> Tensor<3> {
    let [heads, _, d] = sum.dims();
    let first = sum.clone().narrow(1, 0, n) + part.cast(DType::F32);
    sum.slice_assign([0..heads, 0..n, 0..d], first)
}

fn chunks(t: usize) -> impl Iterator<Item = Range<usize>> {
    (0..t)
        .step_by(CHUNK)
        .map(move |from| from..t.min(from + CHUNK))
}

/// One document's q, k and v. The query heads of one key head are folded into rows, so that every
/// product is one batched matmul and nothing is repeated.
struct Split {
    /// [t, heads * d]
    q: Tensor<2>,
    /// [kv_heads, t, d]
    k: Tensor<3>,
    v: Tensor<3>,
    group: usize,
    shape: Attention,
}

impl Split {
    fn new(qkv: &Tensor<2>, shape: Attention, document: Range<usize>) -> Self {
        let (t, d) = (document.len(), shape.head_dim);
        let rows = qkv.clone().narrow(0, document.start, t);
        let (q, kv) = (shape.heads * d, shape.kv_heads * d);
        let split = |from| {
            let part = rows.clone().narrow(1, from, kv);
            part.reshape([t, shape.kv_heads, d]).swap_dims(0, 1)
        };
        Self {
            q: rows.clone().narrow(1, 0, q),
            k: split(q),
            v: split(q + kv),
            group: shape.heads / shape.kv_heads,
            shape,
        }
    }

    /// [c, heads * d] -> [kv_heads, group * c, d]
    fn fold(&self, x: Tensor<2>) -> Tensor<3> {
        let c = x.dims()[0];
        let (kv_heads, d) = (self.shape.kv_heads, self.shape.head_dim);
        x.reshape([c, kv_heads, self.group, d])
            .permute([1, 2, 0, 3])
            .reshape([kv_heads, self.group * c, d])
    }

    /// [kv_heads, group * c, d] -> [c, heads * d]
    fn join(&self, x: Tensor<3>) -> Tensor<2> {
        let (kv_heads, d) = (self.shape.kv_heads, self.shape.head_dim);
        let c = x.dims()[1] / self.group;
        x.reshape([kv_heads, self.group, c, d])
            .permute([2, 0, 1, 3])
            .reshape([c, kv_heads * self.group * d])
    }

    fn fold_queries(&self, queries: Range<usize>) -> Tensor<3> {
        let q = self.q.clone();
        self.fold(q.narrow(0, queries.start, queries.len()))
    }

    /// Masked scores of some queries with the keys up to them, [kv_heads, group * c, n] f32.
    fn scores(&self, queries: Range<usize>) -> Tensor<3> {
        let (c, n) = (queries.len(), queries.end);
        let kv_heads = self.shape.kv_heads;
        let k = self.k.clone().narrow(1, 0, n);
        let q = self.fold_queries(queries.clone());
        let scores = q.matmul(k.transpose()).cast(DType::F32);
        let future = Tensor::<2, Bool>::tril_mask([c, n], queries.start as i64, &scores.device());
        scores
            .mul_scalar(self.shape.scale)
            .reshape([kv_heads, self.group, c, n])
            .mask_fill(future.unsqueeze::<4>(), f32::NEG_INFINITY)
            .reshape([kv_heads, self.group * c, n])
    }
}

impl From<Attention> for Heads {
    fn from(shape: Attention) -> Self {
        Self {
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            head_dim: shape.head_dim,
            scale: shape.scale,
        }
    }
}

impl PackedAttentionOp for Flex {
    fn packed_attention(
        qkv: FloatTensor<Self>,
        shape: Attention,
        documents: Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let qkv = flex::contiguous(qkv);
        let [m, _] = flex::dims2(&qkv);
        let width = shape.heads * shape.head_dim;
        let (mut out, mut lse) = (vec![0.0; m * width], vec![0.0; shape.heads * m]);
        let values = flex::slice(&qkv);
        retort_cpu::train::packed_attention(
            shape.into(),
            documents.ends(),
            values,
            &mut out,
            &mut lse,
        )
        .expect("the documents cover the batch");
        (
            flex::tensor(out, [m, width]),
            flex::tensor(lse, [shape.heads, m]),
        )
    }

    fn packed_attention_backward(
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        shape: Attention,
        documents: Documents,
    ) -> FloatTensor<Self> {
        let (qkv, out) = (flex::contiguous(qkv), flex::contiguous(out));
        let (lse, d_out) = (flex::contiguous(lse), flex::contiguous(d_out));
        let dims = flex::dims2(&qkv);
        let mut d_qkv = vec![0.0; dims[0] * dims[1]];
        retort_cpu::train::packed_attention_backward(
            shape.into(),
            documents.ends(),
            flex::slice(&qkv),
            (flex::slice(&out), flex::slice(&lse)),
            flex::slice(&d_out),
            &mut d_qkv,
        )
        .expect("the documents cover the batch");
        flex::tensor(d_qkv, dims)
    }
}
