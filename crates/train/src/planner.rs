//! Memory that a run needs, told before its first step.

use retort_model::Config;
use serde::Serialize;

use crate::optimizer::Rule;

const F32: u64 = 4;
/// Logits in memory at once, and the pass over them (`retort-kernels`' `CHUNK_BYTES`).
const LOSS_CHUNK: u64 = 64 << 20;

/// What decides about the memory of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Tokens of one micro-batch.
    pub tokens: u64,
    /// Bytes of an activation: 4 in f32, 2 in bf16.
    pub activation_bytes: u64,
    pub recompute: bool,
    pub rule: Rule,
    /// Parameters of the adapters, if only these are trained.
    pub adapters: Option<u64>,
    /// Bytes of the frozen weights under adapters, if they are kept as blocks.
    pub packed_bytes: Option<u64>,
}

/// Bytes by purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    pub weights: u64,
    pub gradients: u64,
    /// What the optimiser remembers.
    pub moments: u64,
    /// Activations that wait for the backward pass.
    pub kept: u64,
    /// Of the block that is being computed, and the loss.
    pub working: u64,
}

impl MemoryPlan {
    pub fn new(config: &Config, demand: &Demand) -> Self {
        let total = config.parameters();
        let trained = demand.adapters.unwrap_or(total);
        let dense = F32 * total;
        let weights = demand.packed_bytes.unwrap_or(dense) + F32 * demand.adapters.unwrap_or(0);
        let matrices = total.saturating_sub(table_parameters(config));
        let moments = match (demand.rule, demand.adapters) {
            // One average for a matrix in a block, two for a table.
            (Rule::Muon, None) => F32 * (matrices + 2 * (total - matrices)),
            _ => 2 * F32 * trained,
        };
        let (d, f) = (config.hidden_size as u64, config.intermediate_size as u64);
        let (q, kv) = (config.q_width() as u64, config.kv_width() as u64);
        let layers = config.num_hidden_layers as u64;
        // Input, q k v, attention's result, the middle, gate and up.
        let saved = demand.tokens * demand.activation_bytes * (2 * d + 2 * q + 2 * kv + 2 * f);
        let input = demand.tokens * demand.activation_bytes * d;
        let kept = match demand.recompute {
            true => layers * input + saved,
            false => layers * saved,
        };
        // The widest point of the way back: gate and up, their gradient, what they activate and
        // its gradient, and three streams of the residual's width.
        let block = demand.tokens * demand.activation_bytes * (6 * f + 3 * d);
        // Off f32 each product casts its matrix; the largest is the table's or the MLP's.
        let cast = match demand.activation_bytes {
            4 => 0,
            bytes => bytes * (2 * d * f).max(d * config.vocab_size as u64),
        };
        let dequantised = match demand.packed_bytes {
            Some(_) => F32 * (2 * d * f).max(d * config.vocab_size as u64),
            None => 0,
        };
        Self {
            weights,
            gradients: F32 * trained,
            moments,
            kept,
            working: block.max(2 * LOSS_CHUNK) + cast + dequantised,
        }
    }

    pub fn total(&self) -> u64 {
        self.weights + self.gradients + self.moments + self.kept + self.working
    }
}

fn table_parameters(config: &Config) -> u64 {
    let tables = if config.tie_word_embeddings { 1 } else { 2 };
    tables * (config.vocab_size * config.hidden_size) as u64
}

/// Floating-point operations of one step's matrix products: 6 for each weight and token (2 forward,
/// 4 backward; Kaplan et al. 2020, section 2.1), with 2 more where blocks are computed twice, and
/// the products of attention, of which causality needs half. Looking up embeddings is free.
pub fn step_flops(config: &Config, lengths: impl Iterator<Item = u64>, learnt: u64) -> f64 {
    let layers = config.num_hidden_layers as f64;
    let head = (config.vocab_size * config.hidden_size) as f64;
    let blocks = config.parameters().saturating_sub(table_parameters(config)) as f64;
    let (mut tokens, mut squares) = (0.0, 0.0);
    for length in lengths {
        tokens += length as f64;
        squares += (length * length) as f64;
    }
    let scores = layers * config.q_width() as f64 * squares;
    6.0 * (blocks * tokens + head * learnt as f64 + scores)
}

#[cfg(test)]
mod tests {
    use retort_config::presets::STUDENTS;

    use super::*;

    fn demand(tokens: u64) -> Demand {
        Demand {
            tokens,
            activation_bytes: 4,
            recompute: true,
            rule: Rule::AdamW,
            adapters: None,
            packed_bytes: None,
        }
    }

    #[test]
    fn full_training_holds_sixteen_bytes_a_parameter() {
        let config = (STUDENTS[0].config)();
        let plan = MemoryPlan::new(&config, &demand(0));
        let state = plan.weights + plan.gradients + plan.moments;
        assert_eq!(state, 16 * STUDENTS[0].parameters);
    }

    #[test]
    fn memory_grows_linearly_with_the_tokens() {
        let config = (STUDENTS[0].config)();
        let total = |tokens| MemoryPlan::new(&config, &demand(tokens)).total();
        assert_eq!(
            total(32_768) - total(16_384),
            2 * (total(16_384) - total(8192))
        );
    }

    #[test]
    fn adapters_on_blocks_fit_where_full_training_does_not() {
        let config = (STUDENTS[1].config)();
        let full = MemoryPlan::new(&config, &demand(4096)).total();
        let quantised = Demand {
            adapters: Some(40_000_000),
            packed_bytes: Some(4_700_000_000),
            ..demand(4096)
        };
        let adapters = MemoryPlan::new(&config, &quantised).total();
        assert!(full > 100 << 30 && adapters < 16 << 30, "{full} {adapters}");
    }

    /// 6 N D within a tenth, for documents that are short against the width.
    #[test]
    fn flops_are_six_a_parameter_and_token() {
        let config = (STUDENTS[4].config)();
        let flops = step_flops(&config, [1024u64; 8].into_iter(), 8192);
        let rule = 6.0 * STUDENTS[4].parameters as f64 * 8192.0;
        assert!((flops / rule - 1.0).abs() < 0.1, "{}", flops / rule);
    }
}
