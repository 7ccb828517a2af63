//! The six students of the DeepSeek-R1 distillation, as the shapes of their base models.

use crate::rope::{Llama3, RopeScaling};
use crate::{Architecture, Config};

/// A student by name, and the number of parameters that its base model's card states.
pub struct Preset {
    pub name: &'static str,
    /// Base model on the Hugging Face hub.
    pub base: &'static str,
    pub parameters: u64,
    pub config: fn() -> Config,
}

/// The Math bases of the two small students have another base frequency than Qwen2.5.
const MATH_ROPE_THETA: f32 = 10_000.0;

/// Smallest first.
pub const STUDENTS: [Preset; 6] = [
    Preset {
        name: "qwen2.5-1.5b",
        base: "Qwen/Qwen2.5-Math-1.5B",
        parameters: 1_543_714_304,
        config: || Config {
            tie_word_embeddings: true,
            rope_theta: MATH_ROPE_THETA,
            ..qwen(151_936, 1536, 8960, 28, 12, 2)
        },
    },
    Preset {
        name: "qwen2.5-7b",
        base: "Qwen/Qwen2.5-Math-7B",
        parameters: 7_615_616_512,
        config: || Config {
            rope_theta: MATH_ROPE_THETA,
            ..qwen(152_064, 3584, 18_944, 28, 28, 4)
        },
    },
    Preset {
        name: "qwen2.5-14b",
        base: "Qwen/Qwen2.5-14B",
        parameters: 14_770_033_664,
        config: || Config {
            rms_norm_eps: 1e-5,
            ..qwen(152_064, 5120, 13_824, 48, 40, 8)
        },
    },
    Preset {
        name: "qwen2.5-32b",
        base: "Qwen/Qwen2.5-32B",
        parameters: 32_763_876_352,
        config: || Config {
            rms_norm_eps: 1e-5,
            ..qwen(152_064, 5120, 27_648, 64, 40, 8)
        },
    },
    Preset {
        name: "llama-3.1-8b",
        base: "meta-llama/Llama-3.1-8B",
        parameters: 8_030_261_248,
        config: || llama(4096, 14_336, 32, 32),
    },
    Preset {
        name: "llama-3.3-70b",
        base: "meta-llama/Llama-3.3-70B-Instruct",
        parameters: 70_553_706_496,
        config: || llama(8192, 28_672, 80, 64),
    },
];

fn qwen(
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
) -> Config {
    Config {
        architecture: Architecture::Qwen2,
        vocab_size,
        hidden_size,
        intermediate_size,
        num_hidden_layers,
        num_attention_heads,
        num_key_value_heads,
        head_dim: 128,
        rms_norm_eps: 1e-6,
        rope_theta: 1_000_000.0,
        rope_scaling: None,
        max_position_embeddings: 131_072,
        tie_word_embeddings: false,
        attention_bias: true,
    }
}

fn llama(
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
) -> Config {
    Config {
        architecture: Architecture::Llama,
        vocab_size: 128_256,
        hidden_size,
        intermediate_size,
        num_hidden_layers,
        num_attention_heads,
        num_key_value_heads: 8,
        head_dim: 128,
        rms_norm_eps: 1e-5,
        rope_theta: 500_000.0,
        rope_scaling: Some(RopeScaling::Llama3(Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192,
        })),
        max_position_embeddings: 131_072,
        tie_word_embeddings: false,
        attention_bias: false,
    }
}

#[cfg(test)]
mod tests {
    use super::STUDENTS;

    #[test]
    fn parameter_counts_equal_the_published_ones() {
        for preset in &STUDENTS {
            assert_eq!(
                (preset.config)().parameters(),
                preset.parameters,
                "{}",
                preset.name
            );
        }
    }
}
