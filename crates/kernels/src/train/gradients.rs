//! Gradients of parameters, summed over the parts of a batch.

use std::collections::{HashMap, HashSet};

use burn::module::{Param, ParamId};
use burn::tensor::{DType, IndexingUpdateOp, Int, Tensor};

use super::product::{View, add_product};

/// Sums of gradients, f32 whatever the compute dtype is, for the parameters that are trained.
#[derive(Debug, Default)]
pub struct Gradients {
    trained: HashSet<ParamId>,
    sums: HashMap<ParamId, Tensor<1>>,
}

impl Gradients {
    /// Nothing yet, of these parameters.
    pub fn new(trained: impl IntoIterator<Item = ParamId>) -> Self {
        Self {
            trained: trained.into_iter().collect(),
            sums: HashMap::new(),
        }
    }

    /// The parameter is trained: its gradient is worth computing.
    pub fn wants<const D: usize>(&self, parameter: &Param<Tensor<D>>) -> bool {
        self.trained.contains(&parameter.id)
    }

    /// Adds `gradient`, of the parameter's shape.
    pub fn add<const D: usize>(&mut self, parameter: &Param<Tensor<D>>, gradient: Tensor<D>) {
        if !self.wants(parameter) {
            return;
        }
        let gradient = gradient.cast(DType::F32).flatten::<1>(0, D - 1);
        let sum = match self.sums.remove(&parameter.id) {
            Some(sum) => sum + gradient,
            None => gradient,
        };
        self.sums.insert(parameter.id, sum);
    }

    /// Adds `dyᵀ x`, the gradient of W in `y = x Wᵀ`.
    ///
    /// # Shapes
    /// `parameter` [n, k], `dy` [m, n], `x` [m, k].
    pub(super) fn add_product(&mut self, parameter: &Param<Tensor<2>>, dy: View, x: View) {
        if !self.wants(parameter) {
            return;
        }
        let sum = self.sums.remove(&parameter.id);
        let sum = sum.map(|sum| sum.reshape(parameter.dims()));
        let sum = add_product(sum, 1.0, dy.transposed(), x).cast(DType::F32);
        self.sums.insert(parameter.id, sum.flatten(0, 1));
    }

    /// Adds each row of `rows` to the gradient of row `id` of a table.
    ///
    /// # Shapes
    /// `parameter` [vocabulary, d], `ids` [m], `rows` [m, d].
    pub fn add_rows(&mut self, parameter: &Param<Tensor<2>>, ids: Tensor<1, Int>, rows: Tensor<2>) {
        if !self.wants(parameter) {
            return;
        }
        let shape = parameter.dims();
        let sum = match self.sums.remove(&parameter.id) {
            Some(sum) => sum.reshape(shape),
            None => Tensor::zeros(shape, (&rows.device(), DType::F32)),
        };
        let sum = sum.select_assign(0, ids, rows.cast(DType::F32), IndexingUpdateOp::Add);
        self.sums.insert(parameter.id, sum.flatten(0, 1));
    }

    /// The sum of a parameter's gradients, flat; None where nothing flowed back to it.
    pub fn get(&self, id: ParamId) -> Option<&Tensor<1>> {
        self.sums.get(&id)
    }

    /// Takes a sum out, so that its buffer can be reused.
    pub fn take(&mut self, id: ParamId) -> Option<Tensor<1>> {
        self.sums.remove(&id)
    }

    /// Adds a sum that was computed elsewhere, on another device for instance.
    pub fn add_sum(&mut self, id: ParamId, gradient: Tensor<1>) {
        let sum = match self.sums.remove(&id) {
            Some(sum) => sum + gradient,
            None => gradient,
        };
        self.sums.insert(id, sum);
    }
}
