//! Rotation of whole batches, at the positions of their documents; its gradient is the rotation
//! back.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;

use super::{Documents, on_cpu};
use crate::{Attention, RopeTable, flex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    /// By minus the angle: the transpose of the rotation, which is its gradient.
    Backward,
}

impl Direction {
    fn sign(self) -> f32 {
        match self {
            Self::Forward => 1.0,
            Self::Backward => -1.0,
        }
    }
}

#[backend_extension(Flex)]
trait RotateOp: Backend {
    /// `qkv` [m, width], `angles` [m, d]: the heads before `end` turn, in place.
    fn rotate(
        qkv: FloatTensor<Self>,
        angles: FloatTensor<Self>,
        end: usize,
        sign: f32,
    ) -> FloatTensor<Self>;
}

impl RopeTable {
    /// cos and sin of every token of a batch, [tokens, d].
    pub fn angles(&self, documents: &Documents) -> Tensor<2> {
        let table = self.table().clone();
        let positions = documents.positions(&table.device());
        table.select(0, positions)
    }
}

/// Turns q and k, leaves v.
///
/// # Shapes
/// `qkv` [m, (heads + 2 kv_heads) * d], `angles` [m, d] f32 -> as `qkv`, in its dtype.
pub fn rotate(
    qkv: Tensor<2>,
    angles: &Tensor<2>,
    shape: Attention,
    direction: Direction,
) -> Tensor<2> {
    let d = shape.head_dim;
    let heads = shape.heads + shape.kv_heads;
    if on_cpu(&qkv) {
        return Tensor::from_dispatch(<Dispatch as RotateOp>::rotate(
            qkv.into_dispatch(),
            angles.clone().into_dispatch(),
            heads * d,
            direction.sign(),
        ));
    }
    let [m, width] = qkv.dims();
    let angle = |from| {
        let part = angles.clone().narrow(1, from, d / 2).cast(qkv.dtype());
        part.reshape([m, 1, d / 2])
    };
    let (cos, sin) = (angle(0), angle(d / 2).mul_scalar(direction.sign()));
    let turned = qkv.clone().narrow(1, 0, heads * d).reshape([m, heads, d]);
    let a = turned.clone().narrow(2, 0, d / 2);
    let b = turned.narrow(2, d / 2, d / 2);
    let left = a.clone() * cos.clone() - b.clone() * sin.clone();
    let right = b * cos + a * sin;
    let turned = Tensor::cat(vec![left, right], 2).reshape([m, heads * d]);
    let rest = qkv.narrow(1, heads * d, width - heads * d);
    Tensor::cat(vec![turned, rest], 1)
}

impl RotateOp for Flex {
    fn rotate(
        qkv: FloatTensor<Self>,
        angles: FloatTensor<Self>,
        end: usize,
        sign: f32,
    ) -> FloatTensor<Self> {
        let (mut qkv, angles) = (flex::contiguous(qkv), flex::contiguous(angles));
        let ([_, width], [_, d]) = (flex::dims2(&qkv), flex::dims2(&angles));
        let rows = qkv.storage_mut::<f32>().chunks_exact_mut(width);
        for (row, angles) in rows.zip(flex::slice::<f32>(&angles).chunks_exact(d)) {
            let (cos, sin) = angles.split_at(d / 2);
            for head in row[..end].chunks_exact_mut(d) {
                let (a, b) = head.split_at_mut(d / 2);
                for (((a, b), cos), sin) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                    let sin = sin * sign;
                    (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                }
            }
        }
        qkv
    }
}
