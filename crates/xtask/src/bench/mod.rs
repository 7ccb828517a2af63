//! `cargo xtask bench`: Retort beside other engines, on the same file and the same machine.
//!
//! Speeds mean little on a machine that others use, ratios of runs made in turn mean something:
//! every pair is measured peer, Retort, peer, Retort, ... and the ratio is the median of the
//! rounds' ratios. The peers' scripts are not part of this repository (`--peers`), but for that of
//! the corpus; what they print, one line of JSON, is described at [`Reading`].

mod browser;
mod corpus;
mod logits;
mod native;
mod page;
mod reading;
mod table;
mod train;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::workspace::Workspace;
use crate::{fetch, process, student};

pub use reading::Reading;
use table::Table;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Folder of the peers' scripts; their npm packages are in `$PEERS_NPM`.
    #[arg(long, default_value = "peers")]
    peers: PathBuf,
    /// Only these parts; all if there is none.
    #[arg(value_name = "PART")]
    parts: Vec<Part>,
    /// Rounds of each pair.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// ONNX folder of the same model for transformers.js, and the Hugging Face folder it was made
    /// from; without them that pair is left out, visibly.
    #[arg(long, num_args = 2, value_names = ["ONNX", "HF"])]
    onnx: Option<Vec<PathBuf>>,
    /// Traces of the largest planted corpus, of some 5 KB each.
    #[arg(long, default_value_t = 800_000)]
    traces: u64,
    /// Where the figures go as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The terminal's engine on the CPU, against llama.cpp.
    Native,
    /// The page without WebGPU, against wllama.
    Wasm,
    /// The page on WebGPU, against transformers.js.
    Webgpu,
    /// The page by itself: dispatches, waits, stalls, stops, second load, sizes.
    Page,
    /// Logits on every device against llama.cpp's on the same file.
    Logits,
    /// Optimiser steps on the CPU, against a plain PyTorch loop and TRL.
    Train,
    /// A corpus from planted traces, against datasets and datasketch.
    Corpus,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Native,
        Self::Wasm,
        Self::Webgpu,
        Self::Page,
        Self::Logits,
        Self::Train,
        Self::Corpus,
    ];
}

/// What the parts share.
struct Bench<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    /// As shipped (Q4_1 with a Q8_0 embedding).
    q4_1: PathBuf,
    /// The same weights in Q4_0.
    q4_0: PathBuf,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    ensure!(options.rounds > 0, "at least one round");
    let parts = if options.parts.is_empty() {
        &Part::ALL[..]
    } else {
        &options.parts
    };
    let mut bench = Bench {
        workspace,
        options,
        q4_1: PathBuf::new(),
        q4_0: workspace
            .models()
            .join("made/SmolLM2-135M-Instruct.Q4_0.gguf"),
    };
    if parts.iter().any(|part| *part != Part::Corpus) {
        bench.q4_1 = fetch::smollm2(workspace)?;
        if !bench.q4_0.is_file() {
            fs::create_dir_all(bench.q4_0.parent().unwrap_or(Path::new(".")))?;
            student::to_q4_0(&bench.q4_1, &bench.q4_0)?;
        }
    }
    let mut table = Table::default();
    for part in parts {
        match part {
            Part::Native => native::measure(&bench, &mut table)?,
            Part::Wasm => browser::wasm(&bench, &mut table)?,
            Part::Webgpu => browser::webgpu(&bench, &mut table)?,
            Part::Page => page::measure(&bench, &mut table)?,
            Part::Logits => logits::measure(&bench, &mut table)?,
            Part::Train => train::measure(&bench, &mut table)?,
            Part::Corpus => corpus::measure(&bench, &mut table)?,
        }
    }
    println!("{table}");
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", table.json()))
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

impl Bench<'_> {
    /// Runs a peer's script with node and reads its figures.
    fn node(&self, script: &str, arguments: &[&str]) -> Result<Reading> {
        let path = self.options.peers.join(script);
        ensure!(path.is_file(), "{} is not there", path.display());
        ensure!(
            std::env::var_os("PEERS_NPM").is_some(),
            "set PEERS_NPM to the folder whose node_modules holds the peers"
        );
        let mut command = process::command(self.workspace, "node");
        Reading::of(command.arg(&path).args(arguments))
    }
}
