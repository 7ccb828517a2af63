//! Rotary position embedding (Su et al. 2021) in the half-split convention of Hugging Face:
//! with `d` the head width and `a_i = position * inv_freq_i` for `i < d/2`,
//!
//! `y[i] = x[i] cos a_i - x[i + d/2] sin a_i`, `y[i + d/2] = x[i + d/2] cos a_i + x[i] sin a_i`.
//!
//! While generating, rotation and the append to the KV cache are one dispatch.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{Device, Tensor, TensorData};

use crate::{Attention, flex};

/// cos and sin of every position, f32 whatever the activations are (f16 angles drift).
#[derive(Clone, Debug)]
pub struct RopeTable {
    /// [positions, d]: cos in the first d/2 columns, sin in the others.
    table: Tensor<2>,
}

impl RopeTable {
    /// `inv_freq` [d/2], in radians per position.
    pub fn new(inv_freq: &[f32], positions: usize, device: &Device) -> Self {
        let half = inv_freq.len();
        let mut table = vec![0.0f32; positions * 2 * half];
        for (position, row) in table.chunks_exact_mut(2 * half).enumerate() {
            let (cos, sin) = row.split_at_mut(half);
            for ((cos, sin), freq) in cos.iter_mut().zip(sin).zip(inv_freq) {
                (*sin, *cos) = (position as f32 * freq).sin_cos();
            }
        }
        let data = TensorData::new(table, [positions, 2 * half]);
        Self {
            table: Tensor::from_data(data, device),
        }
    }

    pub fn positions(&self) -> usize {
        self.table.dims()[0]
    }

    /// [positions, d]: cos in the first d/2 columns, sin in the others.
    #[cfg(feature = "train")]
    pub(crate) fn table(&self) -> &Tensor<2> {
        &self.table
    }
}

#[backend_extension(Cube, Flex)]
pub trait RopeOp: Backend {
    /// `qkv` [m, (heads + 2 kv_heads) * d] f32 at positions `past ..`, `k` and `v`
    /// [kv_heads, capacity, d], written in place at those positions, `table` [positions, d].
    /// -> rotated q [m, heads * d], and the two caches.
    fn rope_append(
        qkv: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        table: FloatTensor<Self>,
        shape: Attention,
        past: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Rotates q and k, appends k and v to the cache; returns q and the caches.
///
/// # Shapes
/// `qkv` [m, (heads + 2 kv_heads) * d]; caches [kv_heads, capacity, d], `past + m <= capacity`;
/// q [m, heads * d].
///
/// Hand the caches over, do not keep clones: a shared buffer is copied before it is written.
pub fn rope_append(
    qkv: Tensor<2>,
    (k, v): (Tensor<3>, Tensor<3>),
    table: &RopeTable,
    shape: Attention,
    past: usize,
) -> (Tensor<2>, Tensor<3>, Tensor<3>) {
    let (q, k, v) = <Dispatch as RopeOp>::rope_append(
        qkv.into_dispatch(),
        k.into_dispatch(),
        v.into_dispatch(),
        table.table.clone().into_dispatch(),
        shape,
        past,
    );
    (
        Tensor::from_dispatch(q),
        Tensor::from_dispatch(k),
        Tensor::from_dispatch(v),
    )
}

/// The rotation alone, differentiable: `x` [batch, heads, t, d] at positions 0 .. t.
pub fn rope_reference(x: Tensor<4>, table: &RopeTable) -> Tensor<4> {
    let [_, _, t, d] = x.dims();
    let half = d / 2;
    let dtype = x.dtype();
    let device = x.device();
    let row = |from| {
        let part = table
            .table
            .clone()
            .slice([0..t, from..from + half])
            .cast(dtype);
        part.to_device(&device).unsqueeze::<4>()
    };
    let (cos, sin) = (row(0), row(half));
    let (a, b) = (x.clone().narrow(3, 0, half), x.narrow(3, half, half));
    let left = a.clone() * cos.clone() - b.clone() * sin.clone();
    let right = b * cos + a * sin;
    Tensor::cat(vec![left, right], 3)
}

impl RopeOp for Flex {
    fn rope_append(
        qkv: FloatTensor<Self>,
        mut k: FloatTensor<Self>,
        mut v: FloatTensor<Self>,
        table: FloatTensor<Self>,
        shape: Attention,
        past: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let Attention {
            heads,
            kv_heads,
            head_dim: d,
            ..
        } = shape;
        let qkv = flex::contiguous(qkv);
        let [m, width] = flex::dims2(&qkv);
        let capacity = k.layout().shape()[1];
        let table = flex::slice::<f32>(&table);
        let mut q = vec![0.0; m * heads * d];
        let (k_all, v_all) = (k.storage_mut::<f32>(), v.storage_mut::<f32>());
        for (i, row) in flex::slice::<f32>(&qkv).chunks_exact(width).enumerate() {
            let position = past + i;
            let angles = &table[position * d..(position + 1) * d];
            let (q_row, kv) = row.split_at(heads * d);
            let (k_row, v_row) = kv.split_at(kv_heads * d);
            for (x, y) in q_row
                .chunks_exact(d)
                .zip(q[i * heads * d..].chunks_exact_mut(d))
            {
                rotate(x, angles, y);
            }
            for head in 0..kv_heads {
                let from = head * d..(head + 1) * d;
                let to = (head * capacity + position) * d;
                rotate(&k_row[from.clone()], angles, &mut k_all[to..to + d]);
                v_all[to..to + d].copy_from_slice(&v_row[from]);
            }
        }
        (flex::tensor(q, [m, heads * d]), k, v)
    }
}

/// One head: `x` [d] -> `y` [d], `angles` = d/2 cosines, then d/2 sines.
fn rotate(x: &[f32], angles: &[f32], y: &mut [f32]) {
    let half = x.len() / 2;
    let (cos, sin) = angles.split_at(half);
    let ((a, b), (y_a, y_b)) = (x.split_at(half), y.split_at_mut(half));
    for i in 0..half {
        y_a[i] = a[i] * cos[i] - b[i] * sin[i];
        y_b[i] = b[i] * cos[i] + a[i] * sin[i];
    }
}
