//! `run.toml`: everything that a run is asked to do. Every field that is left out has the value of
//! the recipe in the DeepSeek-R1 paper (Guo et al. 2025, section B.4.3) where that states one.

mod check;
mod defaults;

use std::path::{Path, PathBuf};

use retort_config::{Config, presets};
use retort_dataset::{CorpusFile, HeldOut, HistoryTurns, TooLong};
use retort_model::parameters::{LoraPlan, Targets};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::optimizer::Settings;
use crate::schedule::{Schedule, Shape};
use crate::scratch::Scratch;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// What to call the student.
    pub name: String,
    /// Of everything random: order of the data, adapters, samples.
    #[serde(default)]
    pub seed: u64,
    /// Optimiser steps; or give `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Passes over the corpus; 2 if neither is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// The peak. Without one, that of the published student with this shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    pub student: Base,
    pub data: Data,
    #[serde(default)]
    pub batch: BatchSize,
    #[serde(default)]
    pub schedule: Course,
    #[serde(default)]
    pub optimizer: Settings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<Adapters>,
    #[serde(default)]
    pub compute: Compute,
    #[serde(default)]
    pub every: Every,
    #[serde(default)]
    pub samples: Samples,
    #[serde(default)]
    pub guard: Guard,
    #[serde(default)]
    pub export: Export,
}

/// Where the student starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// A GGUF file, a Hugging Face folder, a URL or `hf:owner/repo`.
    pub base: String,
    /// A chat template instead of the base's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<PathBuf>,
    /// Positions of the student, where it is to go beyond its base's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
    /// Base frequency of the rotary positions, which a longer context may want higher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_theta: Option<f32>,
    /// Where there is no base: one of random weights is made in the folder that `base` names, with
    /// a tokenizer trained on the corpus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<Scratch>,
}

/// What it learns from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub files: Vec<CorpusFile>,
    /// Tokens of a packed sequence, and so of the longest document.
    #[serde(default = "defaults::max_length")]
    pub max_length: usize,
    /// Several documents share a sequence, without seeing each other.
    #[serde(default = "defaults::yes")]
    pub packing: bool,
    #[serde(default)]
    pub too_long: TooLong,
    #[serde(default)]
    pub history_turns: HistoryTurns,
    #[serde(default)]
    pub held_out: HeldOut,
    /// `YYYY-MM-DD`: what a template that shows the day's date (gpt-oss) is told, so that a run can
    /// be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// Sizes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchSize {
    /// Sequences of an optimiser step.
    pub sequences: usize,
    /// Sequences computed at once; more is faster on a large GPU and needs more memory.
    pub micro_batch: usize,
}

/// The learning rate's course.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Course {
    pub shape: Shape,
    /// Share of the steps (below 1), or their number.
    pub warmup: f64,
    /// Last rate as a share of the peak.
    pub floor: f64,
    /// Gradients are scaled down to this global norm; 0 never.
    pub max_grad_norm: f64,
}

/// Low-rank adapters on frozen weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapters {
    #[serde(default = "defaults::rank")]
    pub rank: usize,
    /// Twice the rank if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f32>,
    /// Of `qkv`, `o`, `gate_up` and `down`; all if left out.
    #[serde(default = "defaults::all_targets")]
    pub targets: Vec<Target>,
    /// Leave the base's blocks as they are (QLoRA); else they are f32.
    #[serde(default)]
    pub quantised: bool,
}

/// A projection, or those that are computed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Qkv,
    O,
    GateUp,
    Down,
}

/// How a step is computed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compute {
    pub dtype: Dtype,
    /// Memory of the device, for the check before the first step. Needed where the system does not
    /// tell, which is so of GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_gb: Option<f64>,
    /// Compute each block again on the way back, instead of keeping what it needs: a third more
    /// arithmetic, far less memory.
    pub recompute: bool,
}

/// Of activations. Weights, gradients, moments and the loss are f32 whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    #[default]
    F32,
    Bf16,
}

/// How often, in steps; 0 for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Every {
    /// Loss of what is held out.
    pub evaluate: u64,
    /// Replies of the student.
    pub sample: u64,
    pub checkpoint: u64,
    /// Checkpoints that are kept.
    pub keep: usize,
}

/// Replies that are written while it trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Samples {
    /// Questions; the first ones of what is held out if there is none.
    pub prompts: Vec<String>,
    /// So many of what is held out.
    pub count: usize,
    pub max_tokens: usize,
    /// 0 is greedy.
    pub temperature: f32,
}

/// When a run stops by itself. It always does at a loss that is no number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// A loss this many standard deviations (and half) over its mean is a spike; 0 allows any.
    pub spike: f64,
}

/// What is written when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Export {
    /// `BF16`, `F16` or `F32`: a Hugging Face folder of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hugging_face: Option<String>,
    /// `F16`, `Q8_0`, `Q4_K`, `Q4_0`: a GGUF file each.
    pub gguf: Vec<String>,
}

/// Peaks of the published students (Guo et al. 2025, table of section B.4.3), in the order of
/// [`presets::STUDENTS`].
const PUBLISHED_RATES: [f64; 6] = [1e-4, 8e-5, 7e-5, 6e-5, 5e-5, 2e-5];

impl RunConfig {
    /// Reads the text of a `run.toml`. Paths in it are relative to `folder`, but for names of
    /// datasets on the hub, which are left as they are for the caller to fetch.
    ///
    /// # Errors
    /// It is no TOML, has unknown fields, or asks for what cannot be; the message says where.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, TrainError> {
        let mut config: Self = toml::from_str(text).map_err(TrainError::Toml)?;
        for file in &mut config.data.files {
            if !file.path.starts_with("hf:datasets") {
                file.path = folder.join(&file.path);
            }
        }
        if let Some(template) = &mut config.student.template {
            *template = folder.join(&*template);
        }
        let base = folder.join(&config.student.base);
        if base.exists() || config.student.scratch.is_some() {
            config.student.base = base.to_string_lossy().into_owned();
        }
        config.validate()?;
        Ok(config)
    }

    /// Steps of a run over so many sequences an epoch.
    pub fn steps(&self, sequences: usize) -> u64 {
        self.steps.unwrap_or_else(|| {
            let epochs = self.epochs.unwrap_or(2.0);
            let total = epochs * sequences as f64 / self.batch.sequences as f64;
            (total.ceil() as u64).max(1)
        })
    }

    /// The course of the learning rate.
    ///
    /// # Errors
    /// No rate is given, and no published student has this shape.
    pub fn schedule(&self, config: &Config, steps: u64) -> Result<Schedule, TrainError> {
        let peak = self
            .learning_rate
            .or_else(|| published_rate(config))
            .ok_or(TrainError::NoLearningRate)?;
        let warmup = match self.schedule.warmup {
            share if share < 1.0 => (share * steps as f64).round() as u64,
            number => number as u64,
        };
        Ok(Schedule {
            shape: self.schedule.shape,
            peak,
            floor: self.schedule.floor,
            warmup,
            steps,
        })
    }
}

impl Adapters {
    pub fn plan(&self) -> LoraPlan {
        let has = |target| self.targets.contains(&target);
        LoraPlan {
            rank: self.rank,
            alpha: self.alpha.unwrap_or(2.0 * self.rank as f32),
            targets: Targets {
                qkv: has(Target::Qkv),
                o: has(Target::O),
                gate_up: has(Target::GateUp),
                down: has(Target::Down),
            },
        }
    }
}

/// The rate that the published student of this shape was trained with.
pub fn published_rate(config: &Config) -> Option<f64> {
    let shape = |config: &Config| {
        (
            config.architecture,
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
        )
    };
    let found = presets::STUDENTS
        .iter()
        .position(|preset| shape(&(preset.config)()) == shape(config))?;
    Some(PUBLISHED_RATES[found])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "name = 'a'\n[student]\nbase = 'b'\n[data]\nfiles = [{path = 'c.jsonl'}]";

    fn parse(text: &str) -> Result<RunConfig, TrainError> {
        RunConfig::parse(text, Path::new("/runs"))
    }

    #[test]
    fn a_short_file_is_the_recipe() {
        let config = parse(SHORT).unwrap();
        assert_eq!(config.data.files[0].path, Path::new("/runs/c.jsonl"));
        assert_eq!(config.batch.sequences, 64);
        assert_eq!(config.steps(640), 20);
        let shape = (presets::STUDENTS[3].config)();
        let schedule = config.schedule(&shape, 200).unwrap();
        assert_eq!(
            (schedule.peak, schedule.floor, schedule.warmup),
            (6e-5, 0.1, 6)
        );
    }

    /// What was resolved is written into the run's folder, and read again to resume.
    #[test]
    fn what_is_written_reads_as_itself() {
        let text = format!("{SHORT}\n[lora]\nrank = 8\n[schedule]\nwarmup = 10");
        let config = parse(&text).unwrap();
        let written = toml::to_string(&config).unwrap();
        assert_eq!(parse(&written).unwrap(), config);
        assert_eq!(config.lora.unwrap().plan().alpha, 16.0);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, named) in [
            ("name = 1", "name"),
            (&SHORT.replace("path", "pth"), "pth"),
            (
                &format!("steps = 1\nepochs = 1.0\n{SHORT}"),
                "steps and epochs",
            ),
            (
                &format!("{SHORT}\n[batch]\nsequences = 2\nmicro_batch = 3"),
                "micro_batch",
            ),
            (&format!("{SHORT}\n[schedule]\nshape = 'step'"), "shape"),
            (&format!("{SHORT}\n[schedule]\nfloor = nan"), "floor"),
            (&format!("learning_rate = 0.0\n{SHORT}"), "learning_rate"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_shape_without_a_published_rate_needs_one() {
        let mut shape = (presets::STUDENTS[0].config)();
        assert_eq!(published_rate(&shape), Some(1e-4));
        shape.num_hidden_layers = 3;
        let error = parse(SHORT).unwrap().schedule(&shape, 10).unwrap_err();
        assert!(matches!(error, TrainError::NoLearningRate), "{error}");
    }
}
