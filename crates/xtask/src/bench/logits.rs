//! Logits on every device beside llama.cpp's, position by position, on the same file.
//!
//! llama.cpp rounds activations to 8 bits before it multiplies them with quantised weights, so it
//! is asked twice: about the file as it is, and about the very same weights written as f32, where
//! it rounds nothing. The second says whether Retort is right; the first row of the table, where
//! llama.cpp is compared with itself, says how much of the first comparison is llama.cpp's own
//! rounding. No engine that computes exactly can agree with it more often than that.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::browser::Site;
use super::table::{Goal, Table};
use super::{Bench, native};
use crate::app::App;
use crate::browser::{Browser, WebGpu};
use crate::{process, student};

/// Eight texts of 16 to 512 tokens, in part written by the model itself.
const PROMPTS: &str = include_str!("prompts.json");
const PROGRAM: &str = include_str!("llama_logits.c");

/// Likeliest tokens that are compared one by one; all others together are one more outcome, which
/// makes the divergence a lower bound. They hold 99% of the probability.
const TOP: usize = 1000;

/// A software GPU computes some tokens a second.
const LIMIT: Duration = Duration::from_secs(1800);

const AGREEMENT: Goal = Goal {
    floor: 0.98,
    aim: 0.99,
};
const DIVERGENCE: Goal = Goal {
    floor: 0.01,
    aim: 0.001,
};

pub(super) fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let retort = native::build(bench)?;
    let prompts = tokenize(bench, &retort)?;
    let f32_file = bench
        .workspace
        .models()
        .join("made/SmolLM2-135M-Instruct.F32.gguf");
    if !f32_file.is_file() {
        student::to_f32(&bench.q4_1, &f32_file)?;
    }
    let peer = Peer::build(bench)?;
    let rounded = peer.logits(bench, &bench.q4_1, &prompts, "8 bit")?;
    let exact = peer.logits(bench, &f32_file, &prompts, "f32")?;
    let references = [("8-bit llama.cpp", &rounded), ("f32 llama.cpp", &exact)];

    let own = exact.as_scores()?;
    add(table, "llama.cpp in f32", &own, &references[..1])?;
    for device in ["cpu", "gpu"] {
        let scores = native_scores(bench, &retort, device, &prompts);
        match scores {
            Ok(scores) => add(table, &format!("native {device}"), &scores, &references)?,
            // A machine may have no Vulkan at all.
            Err(error) if device == "gpu" => eprintln!("  LEFT OUT: native gpu: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    let site = Site::open(bench, &bench.q4_1)?;
    for (name, webgpu) in [
        ("browser, wasm on the CPU", WebGpu::NoAdapter),
        ("browser, WebGPU", WebGpu::Software),
    ] {
        let scores = browser_scores(&site, webgpu, &prompts)?;
        add(table, name, &scores, &references)?;
    }
    Ok(())
}

/// The ids of every prompt.
fn tokenize(bench: &Bench, retort: &Path) -> Result<Vec<Vec<u32>>> {
    let prompts: Vec<Value> = serde_json::from_str(PROMPTS)?;
    let lines = prompts
        .iter()
        .map(|prompt| json!({ "text": prompt["text"] }));
    let mut command = process::command(bench.workspace, retort);
    command.arg("tokenize").arg(&bench.q4_1).arg("--json");
    let answers = json_lines(&mut command, lines)?;
    let mut all = Vec::new();
    for (prompt, answer) in prompts.iter().zip(&answers) {
        let mut ids: Vec<u32> = serde_json::from_value(answer["ids"].clone())?;
        ids.truncate(
            prompt["tokens"]
                .as_u64()
                .context("a prompt without `tokens`")? as usize,
        );
        all.push(ids);
    }
    ensure!(all.len() == prompts.len(), "{answers:?}");
    Ok(all)
}

/// One distribution over the next token.
struct Position {
    greedy: u32,
    /// The likeliest tokens with their natural log-probabilities.
    top: Vec<(u32, f32)>,
}

impl Position {
    fn read(value: &Value) -> Result<Self> {
        let greedy = value["greedy"].as_u64();
        Ok(Self {
            greedy: greedy.with_context(|| format!("no position: {value}"))? as u32,
            top: serde_json::from_value(value["top"].clone())?,
        })
    }
}

fn native_scores(
    bench: &Bench,
    retort: &Path,
    device: &str,
    prompts: &[Vec<u32>],
) -> Result<Vec<Position>> {
    let mut command = process::command(bench.workspace, retort);
    command.arg("score").arg(&bench.q4_1);
    command.args(["--json", "--device", device, "--top", &TOP.to_string()]);
    let lines = prompts.iter().map(|ids| json!({ "ids": ids }));
    let answers = json_lines(&mut command, lines)?;
    let mut scores = Vec::new();
    for answer in &answers {
        let positions = answer["positions"].as_array();
        for position in positions.with_context(|| answer.to_string())? {
            scores.push(Position::read(position)?);
        }
    }
    Ok(scores)
}

fn browser_scores(site: &Site, webgpu: WebGpu, prompts: &[Vec<u32>]) -> Result<Vec<Position>> {
    let browser = Browser::launch(&site.chromium, webgpu)?;
    let app = App::open(&browser, &site.server.url("/"))?;
    app.load("bench", &site.server.url(super::browser::MODEL), LIMIT)?;
    let mut scores = Vec::new();
    for ids in prompts {
        let positions = app.score(&json!(ids), TOP, LIMIT)?;
        for position in positions.as_array().context("no positions")? {
            scores.push(Position::read(position)?);
        }
        eprintln!("    {} positions", scores.len());
    }
    Ok(scores)
}

fn add(
    table: &mut Table,
    what: &str,
    scores: &[Position],
    references: &[(&str, &Logits)],
) -> Result<()> {
    for (name, reference) in references {
        let (agreement, divergence) = reference.compare(scores)?;
        table.reach(
            &format!("{what} against {name}: same greedy token"),
            agreement,
            AGREEMENT,
        );
        table.limit(
            &format!("{what} against {name}: mean KL divergence"),
            &[divergence],
            DIVERGENCE,
        );
    }
    Ok(())
}

/// The reference program, built against the libraries of node's binding.
struct Peer {
    program: PathBuf,
    libraries: PathBuf,
}

impl Peer {
    fn build(bench: &Bench) -> Result<Self> {
        let folder = |name: &str| {
            let value = std::env::var_os(name);
            value.map(PathBuf::from).with_context(|| {
                format!("{name} is not set: see build_llama_ref.sh in the folder of --peers")
            })
        };
        let bins = "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
        let libraries = folder("PEERS_NPM")?.join(bins);
        let headers = folder("LLAMA_SRC")?;
        let source = bench.workspace.target.join("llama_logits.c");
        let program = bench.workspace.target.join("llama_logits");
        fs::write(&source, PROGRAM)?;
        let mut command = process::command(bench.workspace, "cc");
        command.arg("-O2").arg("-o").arg(&program).arg(&source);
        for include in ["include", "ggml/include"] {
            command.arg("-I").arg(headers.join(include));
        }
        for entry in fs::read_dir(&libraries).with_context(|| libraries.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("libllama.v")
                || name.starts_with("libggml.v")
                || name == "libggml-base.so"
            {
                command.arg(&path);
            }
        }
        command.arg(format!("-Wl,-rpath,{}", libraries.display()));
        process::run(command.arg("-Wl,--allow-shlib-undefined"))?;
        Ok(Self { program, libraries })
    }

    fn logits(
        &self,
        bench: &Bench,
        model: &Path,
        prompts: &[Vec<u32>],
        name: &str,
    ) -> Result<Logits> {
        let path = bench.workspace.target.join(format!("logits {name}.f32"));
        let mut child = process::command(bench.workspace, &self.program)
            .arg(&self.libraries)
            .arg(model)
            .stdin(Stdio::piped())
            .stdout(File::create(&path).with_context(|| path.display().to_string())?)
            .spawn()?;
        let mut input = child.stdin.take().context("no input")?;
        for ids in prompts {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            writeln!(input, "{}", ids.join(" "))?;
        }
        drop(input);
        ensure!(child.wait()?.success(), "llama_logits failed");
        let bytes = fs::read(&path)?;
        fs::remove_file(&path)?;
        let rows: usize = prompts.iter().map(Vec::len).sum();
        let values: Vec<f32> = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        ensure!(rows > 0 && values.len().is_multiple_of(rows), "cut short");
        let vocabulary = values.len() / rows;
        Ok(Logits { values, vocabulary })
    }
}

/// [positions, vocabulary]
struct Logits {
    values: Vec<f32>,
    vocabulary: usize,
}

impl Logits {
    /// Natural log-probabilities of each position, in f64.
    fn rows(&self) -> impl Iterator<Item = Vec<f64>> {
        self.values.chunks_exact(self.vocabulary).map(|row| {
            let max = f64::from(row.iter().copied().fold(f32::MIN, f32::max));
            let sum: f64 = row.iter().map(|&x| (f64::from(x) - max).exp()).sum();
            let log_z = max + sum.ln();
            row.iter().map(|&x| f64::from(x) - log_z).collect()
        })
    }

    fn as_scores(&self) -> Result<Vec<Position>> {
        let score = |row: Vec<f64>| {
            let mut order: Vec<u32> = (0..row.len() as u32).collect();
            order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]));
            order.truncate(TOP);
            let top = order.iter().map(|&id| (id, row[id as usize] as f32));
            Ok(Position {
                greedy: *order.first().context("no vocabulary")?,
                top: top.collect(),
            })
        };
        self.rows().map(score).collect()
    }

    /// The share of positions with the same greedy token, and the mean of
    /// `KL(self || scores) = sum p log(p / q)`.
    fn compare(&self, scores: &[Position]) -> Result<(f64, f64)> {
        let (mut same, mut divergence, mut count) = (0usize, 0.0, 0usize);
        for (log_p, position) in self.rows().zip(scores) {
            let best = (0..)
                .zip(&log_p)
                .max_by(|a: &(u32, _), b| a.1.total_cmp(b.1));
            same += usize::from(best.map(|(id, _)| id) == Some(position.greedy));
            let (mut p_rest, mut q_rest) = (1.0, 1.0);
            for &(id, log_q) in &position.top {
                let Some(&log_p) = log_p.get(id as usize) else {
                    bail!("token {id} is not in llama.cpp's vocabulary");
                };
                let log_q = f64::from(log_q);
                divergence += log_p.exp() * (log_p - log_q);
                p_rest -= log_p.exp();
                q_rest -= log_q.exp();
            }
            // Differences of sums near 1: what is below their rounding is nothing.
            if p_rest > 1e-6 && q_rest > 1e-6 {
                divergence += p_rest * (p_rest / q_rest).ln();
            }
            count += 1;
        }
        ensure!(
            count == scores.len() && count == self.values.len() / self.vocabulary,
            "{count} positions, expected {}",
            scores.len()
        );
        Ok((same as f64 / count as f64, divergence / count as f64))
    }
}

/// Runs a program that answers each JSON line with one.
fn json_lines(
    command: &mut std::process::Command,
    lines: impl Iterator<Item = Value>,
) -> Result<Vec<Value>> {
    let line = process::line(command);
    eprintln!("    $ {line}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| line.clone())?;
    let mut input = child.stdin.take().context("no input")?;
    let output = BufReader::new(child.stdout.take().context("no output")?);
    let text: Vec<String> = lines.map(|line| format!("{line}\n")).collect();
    // Beside the reader, so that neither waits for the other with a full pipe.
    let write = std::thread::spawn(move || input.write_all(text.concat().as_bytes()));
    let mut answers = Vec::new();
    for answer in output.lines() {
        answers.push(serde_json::from_str(&answer?)?);
    }
    ensure!(child.wait()?.success(), "`{line}` failed");
    write.join().ok().context("the writer panicked")??;
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_agrees_with_itself_and_with_no_other() {
        let logits = Logits {
            values: vec![1.0, 3.0, 2.0, 0.5, 0.0, -1.0],
            vocabulary: 3,
        };
        let mut scores = logits.as_scores().unwrap();
        assert_eq!((scores[0].greedy, scores[1].greedy), (1, 0));
        let (agreement, divergence) = logits.compare(&scores).unwrap();
        assert_eq!(agreement, 1.0);
        assert!(divergence.abs() < 1e-6, "{divergence}");

        // One token alone, the rest in one bucket, all certainty moved.
        scores[1] = Position {
            greedy: 2,
            top: vec![(2, 0.99f32.ln())],
        };
        let (agreement, divergence) = logits.compare(&scores).unwrap();
        assert_eq!(agreement, 0.5);
        let z = 0.5f64.exp() + 1.0 + (-1.0f64).exp();
        let p = (-1.0f64).exp() / z;
        let expected = (p * (p / 0.99).ln() + (1.0 - p) * ((1.0 - p) / 0.01).ln()) / 2.0;
        assert!(
            (divergence - expected).abs() < 1e-5,
            "{divergence} {expected}"
        );
    }
}
