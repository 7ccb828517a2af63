//! One optimiser step: gradients of a batch in parts, clipping, the update.

use burn::tensor::{DType, Tensor};
use retort_kernels::train::{Gradients, sum_squares};
use retort_model::Decoder;
use retort_model::backward::{Batch, StepPlan};

use crate::TrainError;
use crate::optimizer::Optimizer;

/// How every step of a run is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSettings {
    /// Of activations: f32, or bf16 on devices that have it. Master weights, sums of gradients,
    /// moments and the loss are f32.
    pub compute: DType,
    /// Keep only what enters each block, and compute it again on the way back.
    pub recompute: bool,
    /// Gradients are scaled down to this global norm; infinite for never.
    pub max_grad_norm: f64,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Mean cross-entropy of the learnt tokens of the whole batch, in nats.
    pub loss: f64,
    /// Of all gradients together, before clipping.
    pub grad_norm: f64,
    /// Tokens learnt.
    pub learnt: usize,
    /// Tokens read, prompts included.
    pub tokens: usize,
}

/// A decoder and its optimiser.
pub struct Trainer {
    // Taken while the optimiser writes it in place; there at all other times.
    decoder: Option<Decoder>,
    optimizer: Optimizer,
    settings: StepSettings,
}

/// The gradients of a batch, not applied yet.
pub struct Computed {
    gradients: Gradients,
    report: StepReport,
}

impl Computed {
    pub fn report(&self) -> StepReport {
        self.report
    }
}

impl Trainer {
    pub fn new(decoder: Decoder, optimizer: Optimizer, settings: StepSettings) -> Self {
        Self {
            decoder: Some(decoder),
            optimizer,
            settings,
        }
    }

    pub fn decoder(&self) -> &Decoder {
        self.decoder.as_ref().expect("only an update takes it")
    }

    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Both, to replace their values by those of a checkpoint.
    pub fn into_parts(self) -> (Decoder, Optimizer, StepSettings) {
        let decoder = self.decoder.expect("only an update takes it");
        (decoder, self.optimizer, self.settings)
    }

    /// Loss and gradients of a batch given in parts. The loss is the mean over the learnt tokens
    /// of all parts together, so that it does not matter how the batch was cut. Reads the device
    /// once.
    ///
    /// # Errors
    /// No token is learnt, or the device fails.
    pub async fn compute(&self, parts: &[Batch]) -> Result<Computed, TrainError> {
        let learnt = parts.iter().map(Batch::learnt).sum::<usize>();
        if learnt == 0 {
            return Err(TrainError::NothingLearnt);
        }
        let plan = StepPlan {
            compute: self.settings.compute,
            recompute: self.settings.recompute,
            scale: 1.0 / learnt as f32,
        };
        let mut gradients = self.optimizer.gradients();
        let mut loss: Option<Tensor<1>> = None;
        for part in parts {
            if let Some(losses) = self.decoder().backward(part, plan, &mut gradients) {
                let sum = losses.sum();
                loss = Some(loss.map_or(sum.clone(), |loss| loss + sum));
            }
        }
        let squares = self
            .optimizer
            .trained()
            .iter()
            .filter_map(|parameter| gradients.get(parameter.id))
            .map(|gradient| sum_squares(gradient.clone()))
            .collect::<Vec<_>>();
        let loss = loss.ok_or(TrainError::NothingLearnt)?;
        let figures = read(Tensor::cat([vec![loss], squares].concat(), 0)).await?;
        let norm = figures[1..].iter().map(|x| f64::from(*x)).sum::<f64>();
        Ok(Computed {
            gradients,
            report: StepReport {
                loss: f64::from(figures[0]) / learnt as f64,
                grad_norm: norm.sqrt(),
                learnt,
                tokens: parts.iter().map(|part| part.documents.tokens()).sum(),
            },
        })
    }

    /// Applies gradients, clipped to the global norm.
    pub fn apply(&mut self, computed: Computed, learning_rate: f64) -> StepReport {
        let Computed { gradients, report } = computed;
        // PyTorch's `clip_grad_norm_` adds the same 1e-6.
        let scale = (self.settings.max_grad_norm / (report.grad_norm + 1e-6)).min(1.0);
        let decoder = self.decoder.take().expect("only an update takes it");
        let decoder = self
            .optimizer
            .update(decoder, gradients, learning_rate, scale as f32);
        self.decoder = Some(decoder);
        report
    }

    /// Mean loss of the learnt tokens of batches that are not trained on, and their number.
    ///
    /// # Errors
    /// The device fails.
    pub async fn evaluate(&self, batches: &[Batch]) -> Result<(f64, usize), TrainError> {
        let (mut sum, mut learnt) = (0.0, 0);
        for batch in batches.iter().filter(|batch| batch.learnt() > 0) {
            let losses = self.decoder().losses(batch, self.settings.compute).sum();
            sum += f64::from(read(losses).await?[0]);
            learnt += batch.learnt();
        }
        Ok((sum / learnt.max(1) as f64, learnt))
    }

    /// Lends the decoder to `f`, to generate with it for instance.
    pub async fn lend<T>(&mut self, f: impl AsyncFnOnce(Decoder) -> (Decoder, T)) -> T {
        let decoder = self.decoder.take().expect("only an update takes it");
        let (decoder, result) = f(decoder).await;
        self.decoder = Some(decoder);
        result
    }
}

/// The values of a tensor, without blocking the thread.
pub(crate) async fn read(tensor: Tensor<1>) -> Result<Vec<f32>, TrainError> {
    let data = tensor
        .into_data_async()
        .await
        .map_err(|error| TrainError::Device(error.to_string()))?;
    data.try_into_vec::<f32>()
        .map_err(|error| TrainError::Device(format!("{error:?}")))
}
