//! What needs no peer: dispatches, waits, stalls, stops, the second load, sizes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::browser::{LIMIT, MODEL, Site, sampling, words};
use super::table::{Goal, Table};
use crate::app::App;
use crate::browser::{Browser, WebGpu};
use crate::student::{Mix, RandomStudent, Shape};
use crate::{page as build, process};

const SMOLLM2_LAYERS: f64 = 30.0;

pub(super) fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let site = Site::open(bench, &bench.q4_1)?;
    let (mut dispatches, mut waits, mut stalls, mut seconds) = (vec![], vec![], vec![], vec![]);
    for _ in 0..bench.options.rounds {
        let browser = Browser::launch(&site.chromium, WebGpu::Software)?;
        let app = App::open(&browser, &site.server.url("/"))?;
        app.take_stall()?;
        let url = site.server.url(MODEL);
        app.load("bench", &url, LIMIT)?;
        // Then both replies find all of the prompt but its last token in the cache.
        count(&app, 1)?;
        let short = count(&app, 4)?;
        let long = count(&app, 12)?;
        stalls.push(app.take_stall()?);
        ensure!(
            long.dispatches > short.dispatches && long.waits > short.waits,
            "nothing was counted: {short:?}, {long:?}"
        );
        dispatches.push((long.dispatches - short.dispatches) / 8.0 / SMOLLM2_LAYERS);
        waits.push((long.waits - short.waits) / 8.0);

        site.server.forget();
        seconds.push(app.load_again(LIMIT)?);
        let hits = site.server.hits(MODEL);
        ensure!(
            hits.requests == 0,
            "the second load asked for weights: {hits:?}"
        );
    }
    let goal = |floor, aim| Goal { floor, aim };
    table.limit(
        "dispatches per layer and decoded token",
        &dispatches,
        goal(14.0, 8.0),
    );
    table.limit(
        "synchronous waits per decoded token",
        &waits,
        goal(1.0, 1.0),
    );
    table.limit("longest stall of the page, ms", &stalls, goal(50.0, 20.0));
    table.limit("second load, s", &seconds, goal(1.5, 1.0));
    let [reading, writing] = stops(bench, &site)?;
    table.limit("stop while the CPU reads, ms", &reading, goal(200.0, 100.0));
    table.limit(
        "stop while the CPU writes, ms",
        &writing,
        goal(200.0, 100.0),
    );
    let size = brotli_mb(bench, &site.dist)?;
    table.limit("wasm after brotli, MB", &[size], goal(6.0, 4.0));
    large(bench, table)
}

/// How long a stop takes on the CPU: while it reads a long prompt, and while it writes.
fn stops(bench: &Bench, site: &Site) -> Result<[Vec<f64>; 2]> {
    let browser = Browser::launch(&site.chromium, WebGpu::NoAdapter)?;
    let app = App::open(&browser, &site.server.url("/"))?;
    app.load("bench", &site.server.url(MODEL), LIMIT)?;
    let mut times = [vec![], vec![]];
    for _ in 0..bench.options.rounds {
        let (prompt, short) = (words(1024), "Tell me a long story.");
        let many = sampling(1000);
        times[0].push(app.stop(&prompt, &many, "wire.chat.read > 256", LIMIT)?);
        let wrote = "wire.chat.answer.length > 40";
        times[1].push(app.stop(short, &many, wrote, LIMIT)?);
    }
    Ok(times)
}

/// A student of 1.5 billion parameters on WebGPU: 1 GB goes through a page whose program keeps none
/// of it.
fn large(bench: &Bench, table: &mut Table) -> Result<()> {
    let model = bench.workspace.models().join("made/qwen-1.5b-q4_0-0.gguf");
    if !model.is_file() {
        let (shape, mix) = (Shape::QWEN_1_5B, Mix::Q4_0);
        RandomStudent {
            shape,
            mix,
            seed: 0,
        }
        .write("random qwen-1.5b", &model)?;
    }
    let site = Site::open(bench, &model)?;
    let browser = Browser::launch(&site.chromium, WebGpu::Software)?;
    let app = App::open(&browser, &site.server.url("/"))?;
    app.load("large", &site.server.url(MODEL), LIMIT)?;
    let stats = app.ask("Two plus two?", &sampling(4), LIMIT)?.stats;
    eprintln!("      {stats}");
    let heap = app.counters()?.wasm_memory / 1e6;
    let goal = Goal {
        floor: 400.0,
        aim: 200.0,
    };
    table.limit("wasm heap with 1.5 billion parameters, MB", &[heap], goal);
    Ok(())
}

/// Counters after a reply of so many tokens.
fn count(app: &App, tokens: usize) -> Result<crate::app::Counters> {
    let before = app.counters()?;
    app.ask("Tell me a long story.", &sampling(tokens), LIMIT)?;
    let after = app.counters()?;
    Ok(crate::app::Counters {
        dispatches: after.dispatches - before.dispatches,
        waits: after.waits - before.waits,
        submits: after.submits - before.submits,
        wasm_memory: after.wasm_memory,
    })
}

/// All wasm of the page, compressed as a good host would.
fn brotli_mb(bench: &Bench, dist: &Path) -> Result<f64> {
    const SCRIPT: &str = "const { brotliCompressSync } = require('node:zlib'); \
        console.log(brotliCompressSync(require('node:fs').readFileSync(process.argv[1])).length)";
    let mut bytes = 0.0;
    for file in build::files(dist, "wasm")? {
        let mut node = process::command(bench.workspace, "node");
        let size = process::output(node.args(["-e", SCRIPT]).arg(&file))?;
        let size: f64 = size.parse().context("node printed no size")?;
        let raw = fs::metadata(&file)?.len();
        eprintln!("  {}: {raw} bytes, {size} after brotli", file.display());
        bytes += size;
    }
    Ok(bytes / 1e6)
}
