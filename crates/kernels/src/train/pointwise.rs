//! Backward passes of RMSNorm and SwiGLU.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Tensor, activation::sigmoid};

use super::on_cpu;
use crate::flex;

#[backend_extension(Flex)]
trait PointwiseBackwardOp: Backend {
    /// `x`, `dy` [m, d], `gamma` [d] -> `dx` [m, d], `d_gamma` [d].
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// `gate_up` [m, 2f], `dy` [m, f] -> [m, 2f].
    fn swiglu_backward(gate_up: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Gradients of [`crate::rms_norm`]: with `r = 1 / sqrt(mean(x²) + eps)` and `g = gamma dy`,
/// `dx = r (g - x r² mean(g x))` and `d_gamma = sum over rows of dy x r`.
///
/// # Shapes
/// `x`, `dy` [m, d], `gamma` [d] -> `dx` [m, d] in `x`'s dtype, `d_gamma` [d] f32.
pub fn rms_norm_backward(
    x: Tensor<2>,
    gamma: Tensor<1>,
    dy: Tensor<2>,
    eps: f32,
) -> (Tensor<2>, Tensor<1>) {
    if on_cpu(&x) {
        let (dx, d_gamma) = <Dispatch as PointwiseBackwardOp>::rms_norm_backward(
            x.into_dispatch(),
            gamma.into_dispatch(),
            dy.into_dispatch(),
            eps,
        );
        return (Tensor::from_dispatch(dx), Tensor::from_dispatch(d_gamma));
    }
    let (dtype, width) = (x.dtype(), x.dims()[1]);
    let (x, dy) = (x.cast(DType::F32), dy.cast(DType::F32));
    let mean_square = (x.clone() * x.clone()).mean_dim(1);
    let r = (mean_square + eps).sqrt().recip();
    let g = dy.clone() * gamma.unsqueeze::<2>();
    let mean_product = (g.clone() * x.clone()).mean_dim(1);
    let d_gamma = (dy * x.clone() * r.clone()).sum_dim(0).reshape([width]);
    let dx = (g - x * (r.clone() * r.clone() * mean_product)) * r;
    (dx.cast(dtype), d_gamma)
}

/// Gradients of [`crate::swiglu`]: with `σ` the logistic function of the gate,
/// `d_gate = dy up σ (1 + gate (1 - σ))` and `d_up = dy gate σ`.
///
/// # Shapes
/// `gate_up` [m, 2f], gate first, `dy` [m, f] -> [m, 2f], in its dtype.
pub fn swiglu_backward(gate_up: Tensor<2>, dy: Tensor<2>) -> Tensor<2> {
    if on_cpu(&gate_up) {
        return Tensor::from_dispatch(<Dispatch as PointwiseBackwardOp>::swiglu_backward(
            gate_up.into_dispatch(),
            dy.into_dispatch(),
        ));
    }
    let f = dy.dims()[1];
    let (gate, up) = (gate_up.clone().narrow(1, 0, f), gate_up.narrow(1, f, f));
    let sigma = sigmoid(gate.clone());
    let silu = gate * sigma.clone();
    // σ (1 + gate (1 - σ)) = σ + silu (1 - σ)
    let slope = sigma.clone() + silu.clone() * (sigma.neg() + 1.0);
    Tensor::cat(vec![dy.clone() * up * slope, dy * silu], 1)
}

impl PointwiseBackwardOp for Flex {
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, gamma) = (flex::contiguous(x), flex::contiguous(gamma));
        let dy = flex::contiguous(dy);
        let [m, d] = flex::dims2(&x);
        let (mut dx, mut d_gamma) = (vec![0.0; m * d], vec![0.0; d]);
        retort_cpu::train::rms_norm_backward(
            flex::slice(&x),
            flex::slice(&gamma),
            eps,
            flex::slice(&dy),
            &mut dx,
            &mut d_gamma,
        )
        .expect("dy has the shape of x");
        (flex::tensor(dx, [m, d]), flex::tensor(d_gamma, [d]))
    }

    fn swiglu_backward(gate_up: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let (gate_up, dy) = (flex::contiguous(gate_up), flex::contiguous(dy));
        let [m, width] = flex::dims2(&gate_up);
        let mut out = vec![0.0; m * width];
        retort_cpu::train::swiglu_backward(flex::slice(&gate_up), m, flex::slice(&dy), &mut out)
            .expect("gate and up are twice as wide as dy");
        flex::tensor(out, [m, width])
    }
}
