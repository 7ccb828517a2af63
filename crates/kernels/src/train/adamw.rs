//! The optimiser's step and the squared norm of a gradient.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use retort_cpu::train::AdamW;

use super::on_cpu;
use crate::flex;

#[backend_extension(Flex)]
trait AdamWOp: Backend {
    /// All [n] -> parameter and both moments, in place.
    fn adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rule: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// [n] -> [1]
    fn sum_squares(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// One step of AdamW (Loshchilov & Hutter 2019, algorithm 2) on one flat parameter: the parameter
/// and its first and second moments after it.
///
/// # Shapes
/// All [n] f32. Hand over the only handle of a buffer: a shared one is copied.
pub fn adamw(
    rule: AdamW,
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    (first, second): (Tensor<1>, Tensor<1>),
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    if on_cpu(&parameter) {
        let (p, m, v) = <Dispatch as AdamWOp>::adamw(
            parameter.into_dispatch(),
            gradient.into_dispatch(),
            first.into_dispatch(),
            second.into_dispatch(),
            rule,
        );
        return (
            Tensor::from_dispatch(p),
            Tensor::from_dispatch(m),
            Tensor::from_dispatch(v),
        );
    }
    let (c1, c2) = rule.bias_corrections();
    let g = gradient.mul_scalar(rule.gradient_scale);
    let m = first.mul_scalar(rule.beta1) + g.clone().mul_scalar(1.0 - rule.beta1);
    let v = second.mul_scalar(rule.beta2) + (g.clone() * g).mul_scalar(1.0 - rule.beta2);
    let root = v.clone().sqrt().mul_scalar(1.0 / c2.sqrt()) + rule.epsilon;
    let step = m.clone().mul_scalar(rule.learning_rate / c1) / root;
    let p = parameter.mul_scalar(1.0 - rule.learning_rate * rule.weight_decay) - step;
    (p, m, v)
}

/// The sum of the squares, [1] f32.
pub fn sum_squares(x: Tensor<1>) -> Tensor<1> {
    if on_cpu(&x) {
        return Tensor::from_dispatch(<Dispatch as AdamWOp>::sum_squares(x.into_dispatch()));
    }
    (x.clone() * x).sum()
}

impl AdamWOp for Flex {
    fn adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rule: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (mut p, g) = (flex::contiguous(parameter), flex::contiguous(gradient));
        let (mut m, mut v) = (flex::contiguous(first), flex::contiguous(second));
        retort_cpu::train::adamw(
            rule,
            p.storage_mut(),
            flex::slice(&g),
            m.storage_mut(),
            v.storage_mut(),
        )
        .expect("gradient and moments have the parameter's length");
        (p, m, v)
    }

    fn sum_squares(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let x = flex::contiguous(x);
        let sum = retort_cpu::train::sum_squares(flex::slice(&x));
        flex::tensor(vec![sum as f32], [1])
    }
}
