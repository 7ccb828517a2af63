//! SwiGLU activation (Shazeer 2020): `y = silu(gate) * up`, with `silu(z) = z / (1 + exp(-z))`.
//! Gate and up arrive side by side, as one projection made them.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Tensor, activation::silu};

use crate::flex;

#[backend_extension(Cube, Flex)]
pub trait SwigluOp: Backend {
    /// `gate_up` [m, 2f] f32 -> [m, f] f32.
    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// # Shapes
/// `gate_up` [m, 2f], gate first -> [m, f], in its dtype.
pub fn swiglu(gate_up: Tensor<2>) -> Tensor<2> {
    if gate_up.device().is_autodiff() || gate_up.dtype() != DType::F32 {
        return swiglu_reference(gate_up);
    }
    Tensor::from_dispatch(<Dispatch as SwigluOp>::swiglu(gate_up.into_dispatch()))
}

/// The formula, differentiable.
pub fn swiglu_reference(gate_up: Tensor<2>) -> Tensor<2> {
    let f = gate_up.dims()[1] / 2;
    silu(gate_up.clone().narrow(1, 0, f)) * gate_up.narrow(1, f, f)
}

impl SwigluOp for Flex {
    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let gate_up = flex::contiguous(gate_up);
        let [m, width] = flex::dims2(&gate_up);
        let mut y = vec![0.0; m * width / 2];
        retort_cpu::swiglu(flex::slice(&gate_up), m, &mut y)
            .expect("gate and up have the same width");
        flex::tensor(y, [m, width / 2])
    }
}
