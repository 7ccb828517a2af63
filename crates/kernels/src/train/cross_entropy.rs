//! The final projection and the cross-entropy of its logits, some tokens at a time: the logits of
//! a whole batch would be tokens times vocabulary, 20 GB for 32K tokens of a Qwen2.5.

use burn::backend::{
    Backend, Dispatch, Flex, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::{DType, IndexingUpdateOp, Int, Tensor, activation::log_softmax};

use super::{Gradients, on_cpu};
use crate::{Fusion, Linear, flex};

/// Bytes of logits that are in memory at once, gradients in their place.
const CHUNK_BYTES: usize = 64 << 20;

#[backend_extension(Flex)]
trait CrossEntropyOp: Backend {
    /// `logits` [c, vocabulary], `targets` [c] u32 -> losses [c], and in place of the logits
    /// `scale (softmax - onehot)`.
    fn softmax_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// What a backward pass of the loss gives.
#[derive(Debug)]
pub struct CrossEntropy {
    /// -log p of each target, [n] f32, not scaled.
    pub losses: Tensor<1>,
    /// Gradient of `scale * sum(losses)` by the hidden states, [n, hidden]; None if only the loss
    /// was asked for.
    pub d_hidden: Option<Tensor<2>>,
}

/// `loss = log(sum e^logits) - logits[target]` with `logits = hidden Wᵀ`, and the gradients of
/// `scale * sum(losses)`: that of W goes to `gradients`.
///
/// # Shapes
/// `hidden` [n, d] after the final norm, n > 0; `targets` [n] u32, below the rows of `head`.
pub fn cross_entropy(
    hidden: Tensor<2>,
    head: &Linear,
    targets: Tensor<1, Int>,
    scale: f32,
    mut gradients: Option<&mut Gradients>,
) -> CrossEntropy {
    let n = hidden.dims()[0];
    let rows = (CHUNK_BYTES / (4 * head.rows())).max(1);
    let (mut losses, mut d_hidden) = (Vec::new(), Vec::new());
    for from in (0..n).step_by(rows) {
        let len = rows.min(n - from);
        let x = hidden.clone().narrow(0, from, len);
        let targets = targets.clone().narrow(0, from, len);
        let logits = head.forward(x.clone(), Fusion::default());
        let (loss, d_logits) = softmax_cross_entropy(logits, targets, scale);
        losses.push(loss);
        if let Some(gradients) = gradients.as_deref_mut() {
            d_hidden.push(head.backward(&x, d_logits, gradients));
        }
    }
    CrossEntropy {
        losses: Tensor::cat(losses, 0),
        d_hidden: gradients.map(|_| Tensor::cat(d_hidden, 0)),
    }
}

/// Losses [c] f32, and the gradient of the logits [c, vocabulary] in their dtype.
fn softmax_cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    scale: f32,
) -> (Tensor<1>, Tensor<2>) {
    if on_cpu(&logits) {
        let (losses, d_logits) = <Dispatch as CrossEntropyOp>::softmax_cross_entropy(
            logits.into_dispatch(),
            targets.into_dispatch(),
            scale,
        );
        return (
            Tensor::from_dispatch(losses),
            Tensor::from_dispatch(d_logits),
        );
    }
    let (dtype, c) = (logits.dtype(), logits.dims()[0]);
    let index = targets.reshape([c, 1]);
    let log_p = log_softmax(logits.cast(DType::F32), 1);
    let losses = log_p.clone().gather(1, index.clone()).reshape([c]).neg();
    let minus = Tensor::<2>::full([c, 1], -1.0, (&log_p.device(), DType::F32));
    let d = log_p.exp().scatter(1, index, minus, IndexingUpdateOp::Add);
    (losses, d.mul_scalar(scale).cast(dtype))
}

impl CrossEntropyOp for Flex {
    fn softmax_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let mut logits = flex::contiguous(logits);
        let targets = targets
            .as_slice::<u32>()
            .expect("targets are contiguous u32");
        let mut losses = vec![0.0; targets.len()];
        let values = logits.storage_mut::<f32>();
        retort_cpu::train::softmax_cross_entropy(values, targets, scale, &mut losses)
            .expect("targets are tokens of the vocabulary");
        let len = losses.len();
        (flex::tensor(losses, [len]), logits)
    }
}
