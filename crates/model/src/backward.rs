//! One step of learning: forward, loss and gradients of a batch of whole documents.
//!
//! The forward pass is that of [`crate::decoder`] with what the backward needs kept: either all of
//! it, or only what enters each block, computing the block again on the way back (gradient
//! checkpointing, Chen et al. 2016). Scores and logits are never kept whole.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use retort_kernels::train::{
    Attended, Direction, Documents, Gradients, cross_entropy, packed_attention,
    packed_attention_backward, rms_norm_backward, rotate, swiglu_backward,
};
use retort_kernels::{Fusion, rms_norm, swiglu};

use crate::Decoder;
use crate::decoder::{Block, Shape};

/// Documents laid one after another, on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// [tokens] u32
    pub ids: Tensor<1, Int>,
    pub documents: Documents,
    /// Tokens whose successor is learnt, [n] u32, ascending.
    pub rows: Tensor<1, Int>,
    /// The successors, [n] u32.
    pub targets: Tensor<1, Int>,
}

impl Batch {
    /// Of each document its ids, and for each of them whether it is to be learnt. The first token
    /// of a document follows nothing, so it is never a target.
    pub fn new<'a>(
        documents: impl IntoIterator<Item = (&'a [u32], &'a [bool])>,
        device: &Device,
    ) -> Self {
        let (mut ids, mut lengths) = (Vec::new(), Vec::new());
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for (document, learnt) in documents {
            let start = ids.len() as u32;
            for (at, (&target, _)) in document
                .iter()
                .zip(learnt)
                .enumerate()
                .skip(1)
                .filter(|(_, (_, learnt))| **learnt)
            {
                rows.push(start + at as u32 - 1);
                targets.push(target);
            }
            ids.extend_from_slice(document);
            lengths.push(document.len());
        }
        let upload = |values: Vec<u32>| {
            let len = values.len();
            Tensor::from_data(TensorData::new(values, [len]), (device, DType::U32))
        };
        Self {
            ids: upload(ids),
            documents: Documents::new(lengths),
            rows: upload(rows),
            targets: upload(targets),
        }
    }

    /// Tokens that are learnt.
    pub fn learnt(&self) -> usize {
        self.targets.dims()[0]
    }
}

/// How a step is computed.
#[derive(Clone, Copy, Debug)]
pub struct StepPlan {
    /// Of activations and of the weights in products; master weights and sums of gradients stay
    /// f32.
    pub compute: DType,
    /// Keep only what enters each block.
    pub recompute: bool,
    /// Factor of the gradients: 1 / (learnt tokens of the whole batch, all its parts together).
    pub scale: f32,
}

/// What a block keeps for its backward pass.
struct Saved {
    /// The block's input, [m, hidden].
    x: Tensor<2>,
    /// q and k rotated, [m, (heads + 2 kv_heads) * d].
    qkv: Tensor<2>,
    attended: Attended,
    /// Between attention and MLP, [m, hidden].
    middle: Tensor<2>,
    /// [m, 2 * intermediate]
    gate_up: Tensor<2>,
}

/// What every block needs of the batch.
struct Layout<'a> {
    documents: &'a Documents,
    /// cos and sin of each token, [m, d].
    angles: Tensor<2>,
    shape: &'a Shape,
}

impl Decoder {
    /// Losses of the learnt tokens, [n] f32.
    pub fn losses(&self, batch: &Batch, compute: DType) -> Tensor<1> {
        let layout = self.layout(batch);
        let mut x = self.embed_tokens.forward(batch.ids.clone()).cast(compute);
        for block in &self.layers {
            x = block.forward_saving(x, &layout).0;
        }
        let hidden = self.normalized(x.select(0, batch.rows.clone()));
        self.cross_entropy(hidden, batch, 1.0, None).0
    }

    /// Losses of the learnt tokens, [n] f32, not scaled; the gradients of `scale` times their sum
    /// are added to `gradients`. A batch that teaches nothing gives none.
    pub fn backward(
        &self,
        batch: &Batch,
        plan: StepPlan,
        gradients: &mut Gradients,
    ) -> Option<Tensor<1>> {
        if batch.learnt() == 0 {
            return None;
        }
        let layout = self.layout(batch);
        let mut kept = Vec::new();
        let table = self.embed_tokens.forward(batch.ids.clone());
        let mut x = table.cast(plan.compute);
        for block in &self.layers {
            let input = x.clone();
            let (out, saved) = block.forward_saving(x, &layout);
            kept.push(if plan.recompute {
                Err(input)
            } else {
                Ok(saved)
            });
            x = out;
        }
        let (shape, width) = (x.dims(), x.dims()[1]);
        let last = x.select(0, batch.rows.clone());
        let hidden = self.normalized(last.clone());
        let (losses, d_hidden) =
            self.cross_entropy(hidden, batch, plan.scale, Some(&mut *gradients));
        let d_hidden = d_hidden.expect("gradients were asked for");
        let eps = self.shape.rms_norm_eps;
        let (d_last, d_gamma) = rms_norm_backward(last, self.norm.val(), d_hidden, eps);
        gradients.add(&self.norm, d_gamma);
        debug_assert_eq!(d_last.dims()[1], width);
        let mut dx = Tensor::zeros(shape, (&d_last.device(), plan.compute)).select_assign(
            0,
            batch.rows.clone(),
            d_last,
            burn::tensor::IndexingUpdateOp::Add,
        );
        for (block, kept) in self.layers.iter().zip(kept).rev() {
            let saved = kept.unwrap_or_else(|input| block.forward_saving(input, &layout).1);
            dx = block.backward(saved, dx, &layout, gradients);
        }
        self.embed_tokens.backward(batch.ids.clone(), dx, gradients);
        Some(losses)
    }

    fn cross_entropy(
        &self,
        hidden: Tensor<2>,
        batch: &Batch,
        scale: f32,
        gradients: Option<&mut Gradients>,
    ) -> (Tensor<1>, Option<Tensor<2>>) {
        let head = self.lm_head.as_ref().unwrap_or(&self.embed_tokens.table);
        let result = cross_entropy(hidden, head, batch.targets.clone(), scale, gradients);
        (result.losses, result.d_hidden)
    }

    fn layout<'a>(&'a self, batch: &'a Batch) -> Layout<'a> {
        Layout {
            documents: &batch.documents,
            angles: self.shape.rope.angles(&batch.documents),
            shape: &self.shape,
        }
    }
}

impl Block {
    /// [`Block::forward`] of whole documents.
    fn forward_saving(&self, x: Tensor<2>, layout: &Layout) -> (Tensor<2>, Saved) {
        let eps = layout.shape.rms_norm_eps;
        let attention = layout.shape.attention;
        let normed = Fusion::norm(&self.input_layernorm, eps);
        let qkv = self.qkv_proj.forward(x.clone(), normed);
        let qkv = rotate(qkv, &layout.angles, attention, Direction::Forward);
        let attended = packed_attention(qkv.clone(), attention, layout.documents);
        let residual = Fusion::residual(x.clone());
        let middle = self.o_proj.forward(attended.out.clone(), residual);
        let normed = Fusion::norm(&self.post_attention_layernorm, eps);
        let gate_up = self.gate_up_proj.forward(middle.clone(), normed);
        let residual = Fusion::residual(middle.clone());
        let out = self.down_proj.forward(swiglu(gate_up.clone()), residual);
        let saved = Saved {
            x,
            qkv,
            attended,
            middle,
            gate_up,
        };
        (out, saved)
    }

    /// The gradient of the block's input from that of its output, [m, hidden] both.
    fn backward(
        &self,
        saved: Saved,
        dy: Tensor<2>,
        layout: &Layout,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let eps = layout.shape.rms_norm_eps;
        let attention = layout.shape.attention;
        let Saved {
            x,
            qkv,
            attended,
            middle,
            gate_up,
        } = saved;

        let activated = swiglu(gate_up.clone());
        let d_activated = self.down_proj.backward(&activated, dy.clone(), gradients);
        let d_gate_up = swiglu_backward(gate_up, d_activated);
        let gamma = &self.post_attention_layernorm;
        let normed = rms_norm(middle.clone(), gamma.val(), eps);
        let d_normed = self.gate_up_proj.backward(&normed, d_gate_up, gradients);
        let (d_middle, d_gamma) = rms_norm_backward(middle, gamma.val(), d_normed, eps);
        gradients.add(gamma, d_gamma);
        let d_middle = d_middle + dy;

        let d_out = self
            .o_proj
            .backward(&attended.out, d_middle.clone(), gradients);
        let d_qkv = packed_attention_backward(qkv, attended, d_out, attention, layout.documents);
        let d_qkv = rotate(d_qkv, &layout.angles, attention, Direction::Backward);
        let gamma = &self.input_layernorm;
        let normed = rms_norm(x.clone(), gamma.val(), eps);
        let d_normed = self.qkv_proj.backward(&normed, d_qkv, gradients);
        let (d_x, d_gamma) = rms_norm_backward(x, gamma.val(), d_normed, eps);
        gradients.add(gamma, d_gamma);
        d_x + d_middle
    }
}
