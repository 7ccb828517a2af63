//! What is meant where a configuration says nothing.

use super::{Adapters, BatchSize, Compute, Course, Dtype, Every, Export, Guard, Samples, Target};
use crate::schedule::Shape;

pub(super) fn max_length() -> usize {
    4096
}

pub(super) fn rank() -> usize {
    16
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn all_targets() -> Vec<Target> {
    vec![Target::Qkv, Target::O, Target::GateUp, Target::Down]
}

impl Default for BatchSize {
    fn default() -> Self {
        Self {
            sequences: 64,
            micro_batch: 1,
        }
    }
}

impl Default for Course {
    fn default() -> Self {
        Self {
            shape: Shape::Cosine,
            warmup: 0.03,
            floor: 0.1,
            max_grad_norm: 1.0,
        }
    }
}

impl Default for Adapters {
    fn default() -> Self {
        Self {
            rank: rank(),
            alpha: None,
            targets: all_targets(),
            quantised: false,
        }
    }
}

impl Default for Compute {
    fn default() -> Self {
        Self {
            dtype: Dtype::F32,
            memory_gb: None,
            recompute: true,
        }
    }
}

impl Default for Every {
    fn default() -> Self {
        Self {
            evaluate: 50,
            sample: 100,
            checkpoint: 100,
            keep: 2,
        }
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            prompts: Vec::new(),
            count: 2,
            max_tokens: 256,
            temperature: 0.0,
        }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self { spike: 6.0 }
    }
}

impl Default for Export {
    fn default() -> Self {
        Self {
            hugging_face: Some("BF16".into()),
            gguf: vec!["Q8_0".into()],
        }
    }
}
