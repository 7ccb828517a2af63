//! Optimiser steps on the CPU beside a plain PyTorch loop and TRL, and how memory grows with the
//! length of a document.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::native::{build, pairs};
use super::table::{Goal, Table};
use super::{Bench, Reading};
use crate::process;

const SPEED: Goal = Goal {
    floor: 0.7,
    aim: 1.0,
};
const MEMORY: Goal = Goal {
    floor: 1.0,
    aim: 1.0,
};
/// How much faster than its length the memory of a document may grow: 2 would be its square.
const GROWTH: Goal = Goal {
    floor: 1.1,
    aim: 1.02,
};
const THREADS: &str = "2";
/// Of a document that needs next to nothing beside the model.
const SHORTEST: u32 = 16;
const LENGTHS: [u32; 4] = [1024, 2048, 4096, 8192];

pub(super) fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let retort = build(bench)?;
    let model = folder(bench, &retort)?;
    for (what, ours, theirs) in [
        ("all weights", vec![], vec![]),
        (
            "LoRA of rank 16",
            vec!["--lora", "16"],
            vec!["--lora", "16"],
        ),
    ] {
        for trainer in ["raw", "trl"] {
            let mut rounds = Vec::new();
            for _ in 0..bench.options.rounds {
                let peer = peer(bench, &model, trainer, &theirs)?;
                let own = own(bench, &retort, &model, "512", "6", &ours)?;
                rounds.push((own, peer));
            }
            let name = match trainer {
                "raw" => "PyTorch",
                _ => "TRL",
            };
            let speeds = pairs(&rounds, |reading| reading.train);
            let row = format!("training, {what}, 512 tokens: tok/s");
            table.pair(&row, name, &speeds, false, SPEED);
            let memory = pairs(&rounds, |reading| reading.memory_mb);
            let row = format!("training, {what}, 512 tokens: peak MB");
            table.pair(&row, name, &memory, true, MEMORY);
        }
    }
    growth(bench, &retort, &model, table)
}

/// Peak memory of one document of each length, blocks recomputed. With adapters, for the optimiser's
/// state of all weights would hide the activations.
fn growth(bench: &Bench, retort: &Path, model: &Path, table: &mut Table) -> Result<()> {
    let peak = |length: u32| {
        let length = length.to_string();
        let with = ["--lora", "16", "--recompute"];
        let reading = own(bench, retort, model, &length, "3", &with)?;
        reading.memory_mb.context("the system tells no memory")
    };
    let model_alone = peak(SHORTEST)?;
    println!("  {SHORTEST} tokens: {model_alone} MB");
    let mut documents = Vec::new();
    for length in LENGTHS {
        let peak = peak(length)?;
        println!("  {length} tokens: {peak} MB");
        documents.push(peak - model_alone);
    }
    let (shortest, longest) = (LENGTHS[0], LENGTHS[LENGTHS.len() - 1]);
    let times = documents[documents.len() - 1] / documents[0];
    let exponent = times.ln() / f64::from(longest / shortest).ln();
    table.limit(
        "training: a document's memory grows as its length to the power of",
        &[exponent],
        GROWTH,
    );
    Ok(())
}

fn own(
    bench: &Bench,
    retort: &Path,
    model: &Path,
    seq: &str,
    steps: &str,
    more: &[&str],
) -> Result<Reading> {
    Reading::of(
        process::command(bench.workspace, retort)
            .arg("bench-train")
            .arg(model)
            .args(["--seq", seq, "--steps", steps, "--threads", THREADS])
            .args(["--device", "cpu", "--json"])
            .args(more),
    )
}

fn peer(bench: &Bench, model: &Path, trainer: &str, more: &[&str]) -> Result<Reading> {
    let python = std::env::var("PEERS_PYTHON").unwrap_or_else(|_| "python3".into());
    Reading::of(
        process::command(bench.workspace, python)
            .arg(bench.options.peers.join("peer_trainer.py"))
            .args(["--trainer", trainer, "--seq", "512", "--steps", "6"])
            .args(["--threads", THREADS, "--model"])
            .arg(model)
            .args(more),
    )
}

/// The model as a Hugging Face folder, which PyTorch can load.
fn folder(bench: &Bench, retort: &Path) -> Result<PathBuf> {
    let folder = bench
        .workspace
        .models()
        .join("made/SmolLM2-135M-Instruct-F32");
    if !folder.is_dir() {
        process::run(
            process::command(bench.workspace, retort)
                .arg("convert")
                .arg(&bench.q4_1)
                .arg(&folder)
                .args(["--hf", "F32"]),
        )?;
    }
    Ok(folder)
}
