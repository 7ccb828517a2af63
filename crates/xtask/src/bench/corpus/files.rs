//! A planted corpus as files: traces, a benchmark, a recipe, and what has to come out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use serde_json::json;

use super::plant::Plant;

/// A folder with a corpus of so many traces.
pub struct Files {
    pub folder: PathBuf,
    pub traces: u64,
    /// Length of the file of traces.
    pub bytes: u64,
    /// Traces by the reason for which the pipeline has to drop them.
    pub expected: BTreeMap<String, u64>,
}

const SEED: u64 = 1;
const QUESTIONS: usize = 4000;
/// Rows that a thread makes before they are written.
const CHUNK: u64 = 2000;

/// As the shipped recipe of 800,000 traces, with as many rules as there are.
const RECIPE: &str = r#"name = "planted"
description = "A corpus with planted faults."
seed = 1

[[source]]
name = "made"
paths = ["traces.jsonl"]
licence = "cc0-1.0"

[[step]]
kind = "filter"
unfinished = true
refusal = true
empty_thought = {}
mixed_language = {}
long_paragraph = {}
code_in_math = {}
repetition = {}

[[step]]
kind = "dedup_exact"

[[step]]
kind = "dedup_near"

[[step]]
kind = "decontaminate"
benchmark = [{ name = "planted", path = "benchmark.jsonl" }]

[[step]]
kind = "select"
by = "problem"
k = 3

[[step]]
kind = "mix"
[[step.part]]
of = ["math"]
weight = 0.6
[[step.part]]
of = ["code"]
weight = 0.2
[[step.part]]
of = ["general"]
weight = 0.2

[[step]]
kind = "split"
test = 0.01

[publish]
licence = "cc0-1.0"
"#;

impl Files {
    /// The folder of this size, made if it is not there.
    pub fn make(parent: &Path, traces: u64) -> Result<Self> {
        let folder = parent.join(format!("planted-{traces}"));
        let plant = Plant::new(SEED, QUESTIONS);
        let path = folder.join("traces.jsonl");
        if !path.is_file() {
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            let line = |text: &String| format!("{}\n", json!({ "problem": text }));
            let lines: String = plant.questions.iter().map(line).collect();
            fs::write(folder.join("benchmark.jsonl"), lines)?;
            let half = folder.join("traces.half");
            write(&plant, traces, &half).with_context(|| half.display().to_string())?;
            fs::rename(half, &path)?;
        }
        fs::write(folder.join("recipe.toml"), RECIPE)?;
        let mut counts = BTreeMap::new();
        for number in 0..traces {
            *counts.entry(plant.fate(number)).or_default() += 1;
        }
        Ok(Self {
            bytes: fs::metadata(&path)?.len(),
            folder,
            traces,
            expected: Plant::expected(&counts),
        })
    }
}

fn write(plant: &Plant, traces: u64, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let lines = |first: u64| -> String {
        let numbers = first..(first + CHUNK).min(traces);
        numbers
            .map(|number| plant.line(number, plant.fate(number)))
            .collect()
    };
    let mut first = 0;
    while first < traces {
        let made = thread::scope(|scope| {
            let lines = &lines;
            let starts = (0..threads).map(|at| first + at * CHUNK);
            let running: Vec<_> = starts
                .map(|start| scope.spawn(move || lines(start)))
                .collect();
            let texts = running.into_iter().map(thread::ScopedJoinHandle::join);
            texts.collect::<Result<Vec<String>, _>>()
        });
        for text in made.ok().context("a thread that makes rows panicked")? {
            file.write_all(text.as_bytes())?;
        }
        first += threads * CHUNK;
    }
    Ok(file.flush()?)
}
