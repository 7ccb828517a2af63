//! Backward of projections and of the embedding.

use burn::tensor::{Int, Tensor};

use super::Gradients;
use super::product::{View, add_product, add_to_columns, product};
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
            let dy = View::columns(&dy, first, rows);
            first += rows;
            dx = Some(shard.backward(x, dy, dx, gradients));
        }
        dx.expect("a projection has at least one shard")
    }

    /// `x Wᵀ` of all shards side by side, on the CPU.
    pub(crate) fn product_on_cpu(&self, x: &Tensor<2>) -> Tensor<2> {
        let shape = [x.dims()[0], self.rows()];
        let mut first = 0;
        let mut y = None;
        for shard in &self.shards {
            let dense = shard.weight.dense();
            let transposed = View::of(&dense).transposed();
            y = Some(add_to_columns(
                y,
                shape,
                first,
                1.0,
                View::of(x),
                transposed,
            ));
            if let Some(lora) = &shard.lora {
                let inner = lora.inner(x);
                let b = View::of(&lora.b.val()).transposed();
                y = Some(add_to_columns(y, shape, first, 1.0, View::of(&inner), b));
            }
            first += dense.dims()[0];
        }
        y.expect("a projection has at least one shard")
    }
}

impl Shard {
    /// `dx` of the shards before this one, with its own added.
    fn backward(
        &self,
        x: &Tensor<2>,
        dy: View,
        dx: Option<Tensor<2>>,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        if let Weight::Dense(weight) = &self.weight {
            gradients.add_product(weight, dy.clone(), View::of(x));
        }
        let dense = self.weight.dense().cast(x.dtype());
        let dx = add_product(dx, 1.0, dy.clone(), View::of(&dense));
        match &self.lora {
            Some(lora) => lora.backward(x, dy, dx, gradients),
            None => dx,
        }
    }
}

impl Lora {
    /// `scale * x Aᵀ`, [m, rank].
    fn inner(&self, x: &Tensor<2>) -> Tensor<2> {
        let a = self.a.val().cast(x.dtype());
        product(self.scale, View::of(x), View::of(&a).transposed())
    }

    /// Of `y = scale (x Aᵀ) Bᵀ`.
    fn backward(
        &self,
        x: &Tensor<2>,
        dy: View,
        dx: Tensor<2>,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let (a, b) = (self.a.val().cast(x.dtype()), self.b.val().cast(x.dtype()));
        gradients.add_product(&self.b, dy.clone(), View::of(&self.inner(x)));
        let d_inner = product(self.scale, dy, View::of(&b));
        gradients.add_product(&self.a, View::of(&d_inner), View::of(x));
        add_product(Some(dx), 1.0, View::of(&d_inner), View::of(&a))
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
