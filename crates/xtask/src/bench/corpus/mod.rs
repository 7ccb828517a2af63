//! `retort corpus build` on planted traces: beside datasets and datasketch on a part of them, then
//! on all, then killed in the middle of its steps.
//!
//! Every run is checked as well: each step has to drop what was planted for it, and nothing else.

mod files;
mod plant;
mod program;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Bench;
use super::table::{Goal, Table};
use crate::process;
use files::Files;
use program::{Program, Run};

/// Traces that the peer is given: it needs minutes for them.
const PART: u64 = 20_000;
/// Traces of the runs that are killed: enough for every step to take a while.
const KILLED: u64 = 100_000;

const SPEED: Goal = Goal {
    floor: 5.0,
    aim: 20.0,
};
const MEMORY_MB: Goal = Goal {
    floor: 4000.0,
    aim: 2000.0,
};
/// Cores in use, on average, of the two that are there.
const CORES: Goal = Goal {
    floor: 1.2,
    aim: 1.7,
};
/// Work done twice by a killed run, as a share of its longest step.
const LOST: Goal = Goal {
    floor: 1.0,
    aim: 1.0,
};

pub(super) fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let program = Program::find(bench)?;
    let parent = bench.workspace.cache.join("bench");
    fs::create_dir_all(&parent).with_context(|| parent.display().to_string())?;
    beside_peer(bench, &program, &parent, table)?;
    let killed = Files::make(&parent, KILLED)?;
    resumed(&program, &killed, table)?;
    let all = Files::make(&parent, bench.options.traces)?;
    let run = whole(&program, &all)?;
    let name = format!("corpus, {} traces", all.traces);
    let megabytes = all.bytes as f64 / 1e6;
    table.figure(&format!("{name}: MB/s"), megabytes / run.seconds);
    table.limit(&format!("{name}: peak MB"), &[run.peak_mb], MEMORY_MB);
    table.reach(
        &format!("{name}: cores busy"),
        run.cpu_seconds / run.seconds,
        CORES,
    );
    Ok(())
}

fn beside_peer(bench: &Bench, program: &Program, parent: &Path, table: &mut Table) -> Result<()> {
    let files = Files::make(parent, PART)?;
    let megabytes = files.bytes as f64 / 1e6;
    let mut rounds = Vec::new();
    let mut name = String::new();
    for _ in 0..bench.options.rounds {
        let theirs = peer(bench, &files)?;
        name = theirs["name"].as_str().unwrap_or("peer").to_owned();
        let ours = whole(program, &files)?;
        let seconds = theirs["seconds"].as_f64().context("no seconds")?;
        rounds.push((megabytes / ours.seconds, megabytes / seconds));
    }
    let what = format!("corpus, {PART} traces: MB/s");
    table.pair(&what, &name, &rounds, false, SPEED);
    Ok(())
}

/// The peer's figures; it has to find about what was planted, or it does other work than we.
fn peer(bench: &Bench, files: &Files) -> Result<Value> {
    let python = std::env::var("PEERS_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = bench
        .workspace
        .root
        .join("crates/xtask/src/bench/corpus/peer.py");
    let out = files.folder.join("peer");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir(&out)?;
    let mut command = process::command(bench.workspace, python);
    eprintln!("    $ peer.py {} traces", files.traces);
    let text = process::output(command.arg(script).arg(&files.folder).arg(&out))?;
    let figures: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .with_context(|| format!("the peer printed `{text}`"))?;
    eprintln!("      {figures}");
    for (reason, expected) in &files.expected {
        let found = figures["dropped"][reason].as_u64().unwrap_or(0);
        // It has no fuzzy comparison, so it misses changed words.
        let least = if reason.starts_with("decon") {
            0.7
        } else {
            0.97
        };
        ensure!(
            found as f64 >= least * *expected as f64,
            "the peer drops {found} for {reason} of {expected}"
        );
    }
    fs::remove_dir_all(&out)?;
    Ok(figures)
}

/// An undisturbed run, whose counts have to be right.
fn whole(program: &Program, files: &Files) -> Result<Run> {
    let out = files.folder.join("corpus");
    clear(&out)?;
    let run = program.run(&files.folder.join("recipe.toml"), &out, None)?;
    ensure!(run.finished, "the run ended early");
    check(&manifest(&out)?, &files.expected, files.traces)?;
    clear(&out)?;
    Ok(run)
}

/// A run that is killed in each of its steps, and goes on, has to end with the same bytes.
fn resumed(program: &Program, files: &Files, table: &mut Table) -> Result<()> {
    let recipe = files.folder.join("recipe.toml");
    let (whole, killed) = (files.folder.join("whole"), files.folder.join("killed"));
    clear(&whole)?;
    clear(&killed)?;
    let undisturbed = program.run(&recipe, &whole, None)?;
    let steps = program::steps(&whole)?;
    let mut seconds = 0.0;
    let mut kills = 0;
    for step in 0..steps.len() {
        let run = program.run(&recipe, &killed, Some(step))?;
        seconds += run.seconds;
        kills += u32::from(!run.finished);
    }
    if !killed.exists() {
        seconds += program.run(&recipe, &killed, None)?.seconds;
    }
    ensure!(kills >= 3, "only {kills} runs could be killed in time");
    let (ours, theirs) = (manifest(&killed)?, manifest(&whole)?);
    ensure!(ours == theirs, "a killed run ends with another corpus");
    let longest = steps.iter().map(|step| step.1).fold(0.0, f64::max);
    let lost = (seconds - undisturbed.seconds) / f64::from(kills);
    eprintln!(
        "      {kills} kills, {lost:.2} s lost by each, the longest step takes {longest:.2} s"
    );
    let what = format!("corpus, killed {kills} times: time lost by a kill, in longest steps");
    table.limit(&what, &[lost / longest], LOST);
    clear(&whole)?;
    clear(&killed)
}

fn clear(out: &Path) -> Result<()> {
    for folder in [out.to_owned(), program::work(out)] {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
    }
    Ok(())
}

fn manifest(out: &Path) -> Result<Value> {
    let path: PathBuf = out.join("manifest.json");
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&text)?)
}

/// Whether each reason was given as often as its fault was planted. What is planted plainly has to
/// be found exactly; of near copies and changed questions a hundredth may be missed, and of other
/// rows one in 5,000 may be lost to either.
fn check(manifest: &Value, expected: &BTreeMap<String, u64>, traces: u64) -> Result<()> {
    let mut found = BTreeMap::new();
    for step in manifest["steps"].as_array().into_iter().flatten() {
        for (reason, count) in step["dropped"].as_object().into_iter().flatten() {
            *found.entry(reason.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }
    let mut wrong = Vec::new();
    for (reason, expected) in expected {
        let found: u64 = found.remove(reason).unwrap_or(0);
        let loose = reason == "dedup_near" || reason == "decontaminate: question";
        let (least, most) = match loose {
            false => (*expected, *expected),
            true => (expected - expected / 100, expected + traces / 5000),
        };
        if !(least..=most).contains(&found) {
            wrong.push(format!("{reason}: {found}, planted {expected}"));
        }
    }
    let chosen = |reason: &String| reason.starts_with("select") || reason.starts_with("mix");
    let others = found.into_iter().filter(|(reason, _)| !chosen(reason));
    wrong.extend(others.map(|(reason, found)| format!("{reason}: {found}, planted 0")));
    if !wrong.is_empty() {
        bail!("counts are not those planted: {}", wrong.join("; "));
    }
    Ok(())
}
