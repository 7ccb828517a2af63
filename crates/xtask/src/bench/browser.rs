//! The page beside other engines of the browser.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::native::pairs;
use super::table::{Goal, Table};
use super::{Bench, Reading};
use crate::app::App;
use crate::browser::{Browser, WebGpu};
use crate::page as build;
use crate::server::Server;
use crate::setup::{self, Tool, find_chromium};

/// A software GPU takes its time; nothing here should take this long.
pub(super) const LIMIT: Duration = Duration::from_secs(900);

/// How much is generated, and after what prompts.
struct Load {
    prompts: &'static [usize],
    tokens: usize,
}

const ON_CPU: Load = Load {
    prompts: &[128],
    tokens: 64,
};
/// The peer manages a token in ten seconds there.
const ON_SOFTWARE_GPU: Load = Load {
    prompts: &[128],
    tokens: 8,
};

pub(super) fn wasm(bench: &Bench, table: &mut Table) -> Result<()> {
    let site = Site::open(bench, &bench.q4_0)?;
    let model = bench.q4_0.display().to_string();
    let wllama = rounds(bench, &site, WebGpu::NoAdapter, &ON_CPU, || {
        bench.node(
            "peer_wllama.mjs",
            &[&model, "--threads=1", "--gen=64", "--pp=128"],
        )
    })?;
    let what = "wasm Q4_0, 1 thread";
    add(
        table,
        what,
        "decode, tok/s",
        &wllama,
        |r| r.decode,
        Goal {
            floor: 1.0,
            aim: 5.0,
        },
    );
    add(
        table,
        what,
        "prefill of 128, tok/s",
        &wllama,
        prefill,
        Goal {
            floor: 1.0,
            aim: 5.0,
        },
    );
    let memory = pairs(&wllama, |reading| reading.memory_mb);
    let goal = Goal {
        floor: 1.0,
        aim: 1.5,
    };
    table.pair(
        &format!("{what}: renderer, peak MB"),
        name(&wllama),
        &memory,
        true,
        goal,
    );

    let Some([onnx, hf]) = onnx(bench) else {
        eprintln!("  LEFT OUT: transformers.js on wasm (--onnx ONNX HF)");
        return Ok(());
    };
    let peer = rounds(bench, &site, WebGpu::NoAdapter, &ON_CPU, || {
        let options = ["--device=wasm", "--threads=1", "--gen=32", "--pp=128"];
        bench.node(
            "peer_transformersjs.mjs",
            &[&[onnx.as_str(), hf.as_str()], &options[..]].concat(),
        )
    })?;
    add(
        table,
        what,
        "prefill of 128, tok/s",
        &peer,
        prefill,
        Goal {
            floor: 1.0,
            aim: 1.0,
        },
    );
    Ok(())
}

pub(super) fn webgpu(bench: &Bench, table: &mut Table) -> Result<()> {
    let Some([onnx, hf]) = onnx(bench) else {
        eprintln!("  LEFT OUT: transformers.js on WebGPU (--onnx ONNX HF)");
        return Ok(());
    };
    let site = Site::open(bench, &bench.q4_0)?;
    let peer = rounds(bench, &site, WebGpu::Software, &ON_SOFTWARE_GPU, || {
        let options = ["--device=webgpu", "--gen=8", "--pp=128", "--timeout=900"];
        bench.node(
            "peer_transformersjs.mjs",
            &[&[onnx.as_str(), hf.as_str()], &options[..]].concat(),
        )
    })?;
    let goal = Goal {
        floor: 2.0,
        aim: 10.0,
    };
    add(
        table,
        "WebGPU on a software adapter",
        "decode, tok/s",
        &peer,
        |r| r.decode,
        goal,
    );
    add(
        table,
        "WebGPU on a software adapter",
        "prefill of 128, tok/s",
        &peer,
        prefill,
        goal,
    );
    Ok(())
}

pub(super) const MODEL: &str = "/models/bench.gguf";

/// The built page and a model, served.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) dist: PathBuf,
    pub(super) chromium: PathBuf,
}

impl Site {
    pub(super) fn open(bench: &Bench, model: &Path) -> Result<Self> {
        let dist = build::build(bench.workspace)?;
        setup::ensure(bench.workspace, &[Tool::Chromium])?;
        let chromium = find_chromium(bench.workspace).context("no Chromium")?;
        let server = Server::start(0, &[("/", &dist), (MODEL, model)])?;
        Ok(Self {
            server,
            dist,
            chromium,
        })
    }

    /// One run of ours, in a fresh browser.
    fn run(&self, webgpu: WebGpu, load: &Load) -> Result<Reading> {
        let browser = Browser::launch(&self.chromium, webgpu)?;
        let app = App::open(&browser, &self.server.url("/"))?;
        let start = Instant::now();
        app.load("bench", &self.server.url(MODEL), LIMIT)?;
        let load_s = start.elapsed().as_secs_f64();
        app.ask("Warm up the engine please", &sampling(4), LIMIT)?;
        let mut prefill = BTreeMap::new();
        for &tokens in load.prompts {
            // The template adds some tokens; the speed is per token that was really fed.
            let stats = app
                .ask(&words(tokens.saturating_sub(32)), &sampling(1), LIMIT)?
                .stats;
            prefill.insert(tokens, number(&stats, "prefill_tokens_per_second")?);
        }
        let story = "Tell me a long story about a small town by a river.";
        let stats = app.ask(story, &sampling(load.tokens), LIMIT)?.stats;
        let reading = Reading {
            name: "retort".to_owned(),
            load_s: Some(load_s),
            prefill,
            decode: Some(number(&stats, "decode_tokens_per_second")?),
            train: None,
            memory_mb: Some(browser.memory().renderer_peak as f64 / f64::from(1 << 20)),
        };
        eprintln!("      {reading:?}");
        Ok(reading)
    }
}

fn rounds(
    bench: &Bench,
    site: &Site,
    webgpu: WebGpu,
    load: &Load,
    peer: impl Fn() -> Result<Reading>,
) -> Result<Vec<(Reading, Reading)>> {
    let round = |_| {
        let theirs = peer()?;
        Ok((site.run(webgpu, load)?, theirs))
    };
    (0..bench.options.rounds).map(round).collect()
}

fn add(
    table: &mut Table,
    what: &str,
    figure: &str,
    rounds: &[(Reading, Reading)],
    of: impl Fn(&Reading) -> Option<f64>,
    goal: Goal,
) {
    table.pair(
        &format!("{what}: {figure}"),
        name(rounds),
        &pairs(rounds, of),
        false,
        goal,
    );
}

fn name(rounds: &[(Reading, Reading)]) -> &str {
    rounds.first().map_or("", |(_, peer)| &peer.name)
}

fn prefill(reading: &Reading) -> Option<f64> {
    reading.prefill.get(&128).copied()
}

fn onnx(bench: &Bench) -> Option<[String; 2]> {
    let paths = bench.options.onnx.as_ref()?;
    let text = |index: usize| Some(paths.get(index)?.display().to_string());
    Some([text(0)?, text(1)?])
}

pub(super) fn sampling(tokens: usize) -> Value {
    json!({ "temperature": 0, "max_tokens": tokens, "seed": 0 })
}

/// A question of about so many tokens: common words are one each.
pub(super) fn words(count: usize) -> String {
    const WORDS: [&str; 16] = [
        "the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "near", "an", "old",
        "stone", "bridge", "and", "river",
    ];
    let words = (0..count).map(|index| WORDS[index * 7 % WORDS.len()]);
    words.collect::<Vec<_>>().join(" ")
}

fn number(stats: &Value, name: &str) -> Result<f64> {
    stats[name]
        .as_f64()
        .with_context(|| format!("the page gave no {name}: {stats}"))
}
