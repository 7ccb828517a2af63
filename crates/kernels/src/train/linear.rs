//! Backward of projections and of the embedding.

use burn::tensor::{Int, Tensor};

use super::Gradients;
use crate::linear::{Lora, Shard, Weight};
use crate::{Embedding, Linear};

impl Linear {
    /// The gradient of `x` in `y = x Wᵀ + bias`; those of W, bias and adapters are added to
    /// `gradients` where they are trained.
    ///
    /// # Shapes
    /// `x` [m, cols], what the projection itself saw (after a norm); `dy` [m, rows] -> [m, cols].
    pub fn backward(&self, x: &Tensor<2>, dy: Tensor<2>, gradients: &mut Gradients) -> Tensor<2> {
        if let Some(bias) = self.bias.as_ref().filter(|bias| gradients.wants(bias)) {
            let rows = dy.dims()[1];
            gradients.add(bias, dy.clone().sum_dim(0).reshape([rows]));
        }
        let mut first = 0;
        let mut dx = None;
        for shard in &self.shards {
            let rows = shard.weight.dims()[0];
            let dy = dy.clone().narrow(1, first, rows);
            first += rows;
            let part = shard.backward(x, dy, gradients);
            dx = Some(match dx {
                Some(dx) => dx + part,
                None => part,
            });
        }
        dx.expect("a projection has at least one shard")
    }
}

impl Shard {
    fn backward(&self, x: &Tensor<2>, dy: Tensor<2>, gradients: &mut Gradients) -> Tensor<2> {
        // A packed matrix is dequantised for this product and dropped after it.
        let dense = match &self.weight {
            Weight::Dense(weight) => {
                gradients.add_product(weight, dy.clone(), x.clone());
                weight.val()
            }
            Weight::Packed(packed) => packed.dequantize(),
        };
        let dx = dy.clone().matmul(dense.cast(dy.dtype()));
        match &self.lora {
            Some(lora) => dx + lora.backward(x, dy, gradients),
            None => dx,
        }
    }
}

impl Lora {
    /// Of `y = scale (x Aᵀ) Bᵀ`.
    fn backward(&self, x: &Tensor<2>, dy: Tensor<2>, gradients: &mut Gradients) -> Tensor<2> {
        let dtype = x.dtype();
        let (a, b) = (self.a.val().cast(dtype), self.b.val().cast(dtype));
        let dy = dy.mul_scalar(self.scale);
        let inner = x.clone().matmul(a.clone().transpose());
        gradients.add_product(&self.b, dy.clone(), inner);
        let d_inner = dy.matmul(b);
        gradients.add_product(&self.a, d_inner.clone(), x.clone());
        d_inner.matmul(a)
    }
}

impl Embedding {
    /// Adds the gradient of the rows looked up; packed tables are never trained.
    ///
    /// # Shapes
    /// `ids` [m] u32, `dy` [m, d].
    pub fn backward(&self, ids: Tensor<1, Int>, dy: Tensor<2>, gradients: &mut Gradients) {
        // A dense table is one parameter.
        if let [shard] = self.table.shards.as_slice()
            && let Weight::Dense(weight) = &shard.weight
        {
            gradients.add_rows(weight, ids, dy);
        }
    }
}
