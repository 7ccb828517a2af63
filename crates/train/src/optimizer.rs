//! Optimisers over a decoder's parameters: AdamW, and Muon for the matrices inside the blocks.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::Tensor;
use retort_kernels::train::{AdamW, Gradients, adamw};
use retort_model::Decoder;
use retort_model::parameters::{Parameter, Role};
use serde::{Deserialize, Serialize};

use crate::muon;

/// Which rule changes the matrices; tables, norms, biases and adapters always get AdamW.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Loshchilov & Hutter 2019.
    #[default]
    AdamW,
    /// Jordan 2024, with the scale that lets it share AdamW's learning rate and decay (Liu et al.
    /// 2025, "Muon is Scalable for LLM Training", section 2.2).
    Muon,
}

/// Constants of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub rule: Rule,
    /// Decay of the averages of the gradient and of its square.
    pub betas: (f32, f32),
    pub epsilon: f32,
    /// Decoupled, of matrices and tables; norms and biases never decay.
    pub weight_decay: f32,
    /// Decay of Muon's average of the gradient.
    pub momentum: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rule: Rule::AdamW,
            betas: (0.9, 0.95),
            epsilon: 1e-8,
            weight_decay: 0.0,
            momentum: 0.95,
        }
    }
}

/// What an optimiser remembers of one parameter, flat.
#[derive(Clone, Debug)]
pub struct Moments {
    /// The average of the gradient.
    pub first: Tensor<1>,
    /// The average of its square; Muon has none.
    pub second: Option<Tensor<1>>,
}

/// The optimiser of one decoder.
#[derive(Debug)]
pub struct Optimizer {
    settings: Settings,
    trained: Vec<Parameter>,
    moments: HashMap<ParamId, Moments>,
    /// Steps taken.
    step: u64,
}

impl Optimizer {
    /// Trains the adapters where the decoder has some, and everything dense where it has none.
    pub fn new(settings: Settings, decoder: &Decoder) -> Self {
        let mut trained = decoder.parameters();
        if trained.iter().any(Parameter::is_adapter) {
            trained.retain(Parameter::is_adapter);
        }
        Self {
            settings,
            trained,
            moments: HashMap::new(),
            step: 0,
        }
    }

    /// The parameters that are trained, in the order of the forward pass.
    pub fn trained(&self) -> &[Parameter] {
        &self.trained
    }

    /// Sums for a batch's gradients.
    pub fn gradients(&self) -> Gradients {
        Gradients::new(self.trained.iter().map(|parameter| parameter.id))
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// What is remembered of a parameter; None before its first gradient.
    pub fn moments(&self, id: ParamId) -> Option<&Moments> {
        self.moments.get(&id)
    }

    /// Puts back what [`Self::moments`] gave after `step` steps.
    pub fn restore(&mut self, step: u64, moments: HashMap<ParamId, Moments>) {
        self.step = step;
        self.moments = moments;
    }

    /// One step. The gradients are multiplied by `gradient_scale` first (clipping).
    pub fn update(
        &mut self,
        decoder: Decoder,
        mut gradients: Gradients,
        learning_rate: f64,
        gradient_scale: f32,
    ) -> Decoder {
        self.step += 1;
        let parameters: HashMap<ParamId, Parameter> = self
            .trained
            .iter()
            .map(|parameter| (parameter.id, parameter.clone()))
            .collect();
        decoder.map_parameters(
            |id| parameters.contains_key(&id),
            |id, values| match gradients.take(id) {
                Some(gradient) => self.apply(
                    &parameters[&id],
                    values,
                    gradient,
                    learning_rate,
                    gradient_scale,
                ),
                // Nothing flowed back to it: a row of the table, say, in a batch of one document.
                None => values,
            },
        )
    }

    fn apply(
        &mut self,
        parameter: &Parameter,
        values: Tensor<1>,
        gradient: Tensor<1>,
        learning_rate: f64,
        gradient_scale: f32,
    ) -> Tensor<1> {
        let settings = self.settings;
        let decays = !matches!(parameter.role, Role::Norm | Role::Bias);
        let weight_decay = if decays { settings.weight_decay } else { 0.0 };
        let Moments { first, second } = self.moments.remove(&parameter.id).unwrap_or(Moments {
            first: values.zeros_like(),
            second: None,
        });
        if settings.rule == Rule::Muon && parameter.role == Role::Matrix {
            let step = muon::Step {
                learning_rate: learning_rate as f32,
                weight_decay,
                momentum: settings.momentum,
                gradient_scale,
                rows: parameter.shape[0],
            };
            let (values, first) = step.apply(values, gradient, first);
            let second = None;
            self.moments.insert(parameter.id, Moments { first, second });
            return values;
        }
        let second = second.unwrap_or_else(|| values.zeros_like());
        let rule = AdamW {
            learning_rate: learning_rate as f32,
            beta1: settings.betas.0,
            beta2: settings.betas.1,
            epsilon: settings.epsilon,
            weight_decay,
            step: self.step,
            gradient_scale,
        };
        let (values, first, second) = adamw(rule, values, gradient, (first, second));
        let second = Some(second);
        self.moments.insert(parameter.id, Moments { first, second });
        values
    }
}
