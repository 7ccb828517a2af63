//! Root-mean-square normalisation (Zhang & Sennrich 2019, eq. 4):
//! `y = x / sqrt(mean(x²) + eps) * gamma`, over the last axis.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Tensor};

use crate::flex;

#[backend_extension(Cube, Flex)]
pub trait RmsNormOp: Backend {
    /// `x` [m, d] f32, `gamma` [d] f32 -> [m, d] f32.
    fn rms_norm(x: FloatTensor<Self>, gamma: FloatTensor<Self>, eps: f32) -> FloatTensor<Self>;
}

/// Normalises each row of `x`.
///
/// # Shapes
/// `x` [m, d], `gamma` [d] -> [m, d], in `x`'s dtype.
pub fn rms_norm(x: Tensor<2>, gamma: Tensor<1>, eps: f32) -> Tensor<2> {
    if x.device().is_autodiff() || x.dtype() != DType::F32 {
        return rms_norm_reference(x, gamma, eps);
    }
    let y = <Dispatch as RmsNormOp>::rms_norm(x.into_dispatch(), gamma.into_dispatch(), eps);
    Tensor::from_dispatch(y)
}

/// The formula, differentiable; the mean is taken in f32 whatever `x` is.
pub fn rms_norm_reference(x: Tensor<2>, gamma: Tensor<1>, eps: f32) -> Tensor<2> {
    let dtype = x.dtype();
    let x = x.cast(DType::F32);
    let mean_square = (x.clone() * x.clone()).mean_dim(1);
    let y = x / (mean_square + eps).sqrt();
    y.cast(dtype) * gamma.unsqueeze::<2>().cast(dtype)
}

impl RmsNormOp for Flex {
    fn rms_norm(x: FloatTensor<Self>, gamma: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        let (x, gamma) = (flex::contiguous(x), flex::contiguous(gamma));
        let [m, d] = flex::dims2(&x);
        let mut y = vec![0.0; m * d];
        retort_cpu::rms_norm(flex::slice(&x), flex::slice(&gamma), eps, &mut y)
            .expect("gamma has the width of x");
        flex::tensor(y, [m, d])
    }
}
