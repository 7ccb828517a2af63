//! The native CPU engine beside llama.cpp.

use std::path::Path;

use anyhow::{Context, Result};

use super::table::{Goal, Table};
use super::{Bench, Reading};
use crate::process::{self, cargo};

const PROMPTS: [usize; 2] = [128, 512];
const DECODE: Goal = Goal {
    floor: 0.5,
    aim: 1.0,
};
const PREFILL: Goal = Goal {
    floor: 0.3,
    aim: 0.8,
};

pub(super) fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let retort = build(bench)?;
    let peer = Peer::find(bench)?;
    for (name, model) in [("Q4_0", &bench.q4_0), ("Q4_1", &bench.q4_1)] {
        for threads in [1, 2] {
            let mut rounds = Vec::new();
            for _ in 0..bench.options.rounds {
                let theirs = peer.run(bench, model, threads)?;
                let ours = Reading::of(
                    process::command(bench.workspace, &retort)
                        .arg("bench")
                        .arg(model)
                        .args([
                            "--device",
                            "cpu",
                            "--json",
                            "--threads",
                            &threads.to_string(),
                        ]),
                )?;
                rounds.push((ours, theirs));
            }
            add(table, &format!("native {name}, {threads} threads"), &rounds);
        }
    }
    Ok(())
}

/// One row per figure that both engines gave.
fn add(table: &mut Table, what: &str, rounds: &[(Reading, Reading)]) {
    let Some((_, peer)) = rounds.first() else {
        return;
    };
    for tokens in PROMPTS {
        let figure = |reading: &Reading| reading.prefill.get(&tokens).copied();
        let pairs = pairs(rounds, figure);
        if !pairs.is_empty() {
            let what = format!("{what}: prefill of {tokens}, tok/s");
            table.pair(&what, &peer.name, &pairs, false, PREFILL);
        }
    }
    let decode = pairs(rounds, |reading| reading.decode);
    table.pair(
        &format!("{what}: decode, tok/s"),
        &peer.name,
        &decode,
        false,
        DECODE,
    );
}

/// One figure of both engines, round by round.
pub(super) fn pairs(
    rounds: &[(Reading, Reading)],
    figure: impl Fn(&Reading) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let both = |(ours, theirs): &(Reading, Reading)| Some((figure(ours)?, figure(theirs)?));
    rounds.iter().filter_map(both).collect()
}

/// The program `retort`, with the features of the whole workspace, so that nothing is built twice.
pub(super) fn build(bench: &Bench) -> Result<std::path::PathBuf> {
    process::run(cargo(bench.workspace).args(["build", "--release", "--workspace"]))?;
    Ok(bench.workspace.target.join("release/retort"))
}

/// llama.cpp: through its C API where `$LLAMA_SRC` has the headers to build the reference
/// program, else through node's binding, which costs it some of its decoding speed.
enum Peer {
    C { program: String, libraries: String },
    Node,
}

impl Peer {
    fn find(bench: &Bench) -> Result<Self> {
        if std::env::var_os("LLAMA_SRC").is_none() {
            eprintln!("  LLAMA_SRC is not set: llama.cpp through node, whose decoding is slower");
            return Ok(Self::Node);
        }
        let program = bench
            .workspace
            .target
            .join("llama_ref")
            .display()
            .to_string();
        let script = bench.options.peers.join("build_llama_ref.sh");
        let mut sh = process::command(bench.workspace, "sh");
        let libraries = process::output(sh.arg(script).args([&program, "cpu"]))
            .context("building the llama.cpp reference; is PEERS_NPM set?")?;
        Ok(Self::C { program, libraries })
    }

    fn run(&self, bench: &Bench, model: &Path, threads: usize) -> Result<Reading> {
        let model = model.display().to_string();
        let threads = threads.to_string();
        match self {
            Self::C { program, libraries } => Reading::of(
                process::command(bench.workspace, program)
                    .args([libraries, &model, &threads, "0", "128,512", "64", "3"]),
            ),
            Self::Node => bench.node(
                "peer_nodellama.mjs",
                &[&model, &format!("--threads={threads}")],
            ),
        }
    }
}
