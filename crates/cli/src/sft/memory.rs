//! The memory that a run takes, before it begins, and what to change if there is too little.

use std::path::Path;

use anyhow::Result;
use retort_model::Config;
use retort_report::number::bytes;
use retort_train::config::{Adapters, Dtype, RunConfig};
use retort_train::planner::{Demand, MemoryPlan};
use retort_train::sft::Run;
use sysinfo::System;

use crate::device::Chosen;
use crate::note::note;

/// Prints the plan; whether it fits, as far as the system tells.
pub fn show(run: &Run, base: &Path, chosen: &Chosen) -> Result<bool> {
    let config = &run.student.config;
    let base_bytes = base_bytes(base)?;
    let demand = demand(&run.config, config, base_bytes);
    let plan = MemoryPlan::new(config, &demand);
    note(format!(
        "memory: about {} = weights {} + gradients {} + optimiser {} + activations {} + working {}",
        bytes(plan.total()),
        bytes(plan.weights),
        bytes(plan.gradients),
        bytes(plan.moments),
        bytes(plan.kept),
        bytes(plan.working),
    ));
    let available = match (run.config.compute.memory_gb, chosen.is_cpu) {
        (Some(gigabytes), _) => (gigabytes * 1e9) as u64,
        (None, true) => {
            let mut system = System::new();
            system.refresh_memory();
            system.available_memory()
        }
        (None, false) => {
            note("the system does not tell the GPU's memory: set compute.memory_gb to check it");
            return Ok(true);
        }
    };
    if plan.total() <= available {
        return Ok(true);
    }
    note(format!(
        "that is more than the {} there are",
        bytes(available)
    ));
    for (change, demand) in cheaper(&run.config, &demand, config, base_bytes) {
        let total = MemoryPlan::new(config, &demand).total();
        let verdict = match total <= available {
            true => "fits",
            false => "still too much",
        };
        note(format!("  {change}: {}, {verdict}", bytes(total)));
    }
    Ok(false)
}

fn demand(run: &RunConfig, config: &Config, base_bytes: u64) -> Demand {
    let lora = run.lora.as_ref();
    Demand {
        tokens: (run.data.max_length * run.batch.micro_batch) as u64,
        activation_bytes: match run.compute.dtype {
            Dtype::F32 => 4,
            Dtype::Bf16 => 2,
        },
        recompute: run.compute.recompute,
        rule: run.optimizer.rule,
        adapters: lora.map(|lora| adapter_parameters(config, lora)),
        packed_bytes: lora.filter(|lora| lora.quantised).map(|_| base_bytes),
    }
}

/// What could be changed, the mildest first.
fn cheaper(
    run: &RunConfig,
    demand: &Demand,
    config: &Config,
    base_bytes: u64,
) -> Vec<(String, Demand)> {
    let mut changes = Vec::new();
    let mut now = *demand;
    if !now.recompute {
        now.recompute = true;
        changes.push(("compute.recompute = true".into(), now));
    }
    if run.batch.micro_batch > 1 {
        now.tokens = run.data.max_length as u64;
        changes.push(("batch.micro_batch = 1".into(), now));
    }
    if run.data.max_length > 1024 {
        let shorter = run.data.max_length / 2;
        let demand = Demand {
            tokens: shorter as u64,
            ..now
        };
        changes.push((format!("data.max_length = {shorter}"), demand));
    }
    let lora = Adapters::default();
    let adapters = Some(adapter_parameters(config, &lora));
    if run.lora.is_none() {
        now.adapters = adapters;
        changes.push(("lora.rank = 16".into(), now));
    }
    if now.packed_bytes.is_none() {
        now.packed_bytes = Some(base_bytes);
        let change = "lora.quantised = true, with a quantised GGUF file as the base";
        changes.push((change.into(), now));
    }
    changes
}

fn adapter_parameters(config: &Config, lora: &Adapters) -> u64 {
    let (d, f) = (config.hidden_size, config.intermediate_size);
    let (q, kv) = (config.q_width(), config.kv_width());
    let plan = lora.plan();
    // A dense projection has a pair for each of its matrices.
    let pair = |rows: usize, cols: usize| (plan.rank * (rows + cols)) as u64;
    let sizes = [
        (plan.targets.qkv, pair(q, d) + 2 * pair(kv, d)),
        (plan.targets.o, pair(d, q)),
        (plan.targets.gate_up, 2 * pair(f, d)),
        (plan.targets.down, pair(d, f)),
    ];
    let block: u64 = sizes
        .iter()
        .filter(|(target, _)| *target)
        .map(|(_, size)| size)
        .sum();
    block * config.num_hidden_layers as u64
}

/// Bytes of the base's files.
fn base_bytes(path: &Path) -> Result<u64> {
    if path.is_file() {
        return Ok(path.metadata()?.len());
    }
    let mut total = 0;
    for entry in path.read_dir()? {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .ends_with(".safetensors")
        {
            total += entry.metadata()?.len();
        }
    }
    Ok(total)
}
