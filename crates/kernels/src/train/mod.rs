//! What training adds to the ops: for each its backward pass, then the loss and the optimiser's
//! step. No gradient goes through burn's autodiff, which would store every row of scores and all
//! logits; it is what the tests compare with.
//!
//! On the CPU in f32 a function here runs its twin in `retort-cpu`; elsewhere it is a composition
//! of burn's ops, in chunks wherever the plain formula would need memory that grows with the
//! square of the length or with the vocabulary times the tokens.

mod adamw;
mod attention;
mod cross_entropy;
mod documents;
mod gradients;
mod linear;
mod pointwise;
mod product;
mod rope;

use burn::tensor::{DType, Tensor};

pub use adamw::{adamw, sum_squares};
pub use attention::{Attended, packed_attention, packed_attention_backward};
pub use cross_entropy::{CrossEntropy, cross_entropy};
pub use documents::Documents;
pub use gradients::Gradients;
pub use pointwise::{rms_norm_backward, swiglu_backward};
pub use retort_cpu::train::AdamW;
pub use rope::{Direction, rotate};

/// The twins in `retort-cpu` apply.
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    crate::packed::is_cpu(&x.device()) && x.dtype() == DType::F32
}
