//! One optimiser step: gradients of a batch in parts, clipping, the update.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use retort_kernels::train::{Gradients, sum_squares};
use retort_model::Decoder;
use retort_model::backward::{Batch, StepPlan};
use retort_model::decoder::Shape;

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

/// A decoder and its optimiser, and copies of the decoder on other devices.
///
/// With copies, the parts of a batch go to the devices in turn; the sums of their gradients meet on
/// the first device, which holds the optimiser's state and takes the step.
pub struct Trainer {
    // Taken while the optimiser writes it in place; there at all other times.
    decoder: Option<Decoder>,
    optimizer: Optimizer,
    settings: StepSettings,
    others: Vec<Replica>,
}

/// The decoder on another device.
struct Replica {
    device: Device,
    /// The rotary table there, which is no parameter.
    shape: Shape,
    /// Renewed after each step.
    decoder: Option<Decoder>,
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
            others: Vec::new(),
        }
    }

    /// Computes on these devices too, each with the shape that is on it.
    pub fn with_devices(mut self, devices: impl IntoIterator<Item = (Device, Shape)>) -> Self {
        let replica = |(device, shape)| Replica {
            device,
            shape,
            decoder: None,
        };
        self.others = devices.into_iter().map(replica).collect();
        self.renew();
        self
    }

    /// The device of a part of a batch, by its index.
    pub fn device_of(&self, part: usize) -> Device {
        match part % (self.others.len() + 1) {
            0 => self.decoder().norm.device(),
            other => self.others[other - 1].device.clone(),
        }
    }

    fn renew(&mut self) {
        let decoder = self.decoder().clone();
        for other in &mut self.others {
            let mut copy = decoder.clone().to_device(&other.device);
            copy.shape = other.shape.clone();
            other.decoder = Some(copy);
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
    /// of all parts together, so that it does not matter how the batch was cut. Part `i` is on
    /// [`Self::device_of`] it. Reads each device once.
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
        let devices = self.others.len() + 1;
        let mut sums: Vec<(Gradients, Option<Tensor<1>>)> = (0..devices)
            .map(|_| (self.optimizer.gradients(), None))
            .collect();
        for (index, part) in parts.iter().enumerate() {
            let at = index % devices;
            let copy = at.checked_sub(1).map(|at| &self.others[at]);
            let decoder = copy.map_or(self.decoder.as_ref(), |copy| copy.decoder.as_ref());
            let decoder = decoder.expect("only an update takes it");
            let (gradients, loss) = &mut sums[at];
            if let Some(losses) = decoder.backward(part, plan, gradients) {
                let sum = losses.sum();
                *loss = Some(match loss.take() {
                    Some(loss) => loss + sum,
                    None => sum,
                });
            }
        }
        let (gradients, loss) = self.meet(sums);
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

    /// The sums of all devices on the first.
    fn meet(&self, sums: Vec<(Gradients, Option<Tensor<1>>)>) -> (Gradients, Option<Tensor<1>>) {
        let first = self.device_of(0);
        let mut sums = sums.into_iter();
        let (mut gradients, mut loss) = sums.next().unwrap_or_default();
        for (mut others, other_loss) in sums {
            for parameter in self.optimizer.trained() {
                if let Some(sum) = others.take(parameter.id) {
                    gradients.add_sum(parameter.id, sum.to_device(&first));
                }
            }
            let other_loss = other_loss.map(|loss| loss.to_device(&first));
            loss = match (loss, other_loss) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
        (gradients, loss)
    }

    /// Applies gradients, clipped to the global norm.
    pub fn apply(&mut self, computed: Computed, learning_rate: f64) -> StepReport {
        let Computed { gradients, report } = computed;
        // PyTorch's `clip_grad_norm_` adds the same 1e-6.
        let scale = (self.settings.max_grad_norm / (report.grad_norm + 1e-6)).min(1.0);
        // Where a copy shares its device's memory, the optimiser could not write in place.
        for other in &mut self.others {
            other.decoder = None;
        }
        let decoder = self.decoder.take().expect("only an update takes it");
        let decoder = self
            .optimizer
            .update(decoder, gradients, learning_rate, scale as f32);
        self.decoder = Some(decoder);
        self.renew();
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
