//! A finished corpus as a folder that can be handed on: Parquet shards, `manifest.json`, a dataset
//! card, and a report that is one HTML file.
//!
//! Memory: a row group of 32 MB of text for each core, at most four, twice, and 28 bytes a trace for
//! the report.

mod card;
mod page;
mod statistics;
mod table;

use std::path::Path;

use retort_report::atomic;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pipeline::{Control, Finished, Flow, Progress, StepRecord, file_sha256, json, scan};
use crate::{CorpusError, Recipe, Trace};
pub use statistics::Statistics;

/// How a corpus is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Publish {
    /// Rows of a shard; at least 1.
    pub rows_per_shard: u64,
    /// Where the thought of a reply stands.
    pub thought: Place,
    /// Whether problems' tests are written, as JSON. They are many times a problem's length.
    pub tests: bool,
    /// The licence of the whole, for the card: `apache-2.0`. Empty: `other`.
    pub licence: String,
}

/// Where the thought of a reply stands in `messages`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In `reasoning_content`, as APIs give it and Retort reads it.
    #[default]
    Field,
    /// In `content`, between `<think>` tags, as TRL and most trainers read it.
    Inline,
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            rows_per_shard: 50_000,
            thought: Place::default(),
            tests: false,
            licence: String::new(),
        }
    }
}

impl Publish {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        match self.rows_per_shard {
            0 => Err(CorpusError::option(
                "publish.rows_per_shard",
                0,
                "at least 1",
            )),
            _ => Ok(()),
        }
    }
}

/// A file of a published corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its path in the folder.
    pub file: String,
    /// `train` or `test`.
    pub split: String,
    /// Traces in it.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: String,
}

/// What was published.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The shards, in order.
    pub shards: Vec<Shard>,
    /// What the report says in numbers.
    pub statistics: Statistics,
}

/// Writes a finished corpus to a folder that must not be there yet, and that appears when it is
/// whole.
///
/// # Errors
/// [`CorpusError::Report`] if the folder is there or cannot be written; those of the steps' files.
pub fn publish(recipe: &Recipe, finished: &Finished, out: &Path) -> Result<Published, CorpusError> {
    if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| CorpusError::io("write", parent, error))?;
    }
    atomic::write_folder(out, |folder| fill(recipe, finished, folder))
}

fn fill(recipe: &Recipe, finished: &Finished, folder: &Path) -> Result<Published, CorpusError> {
    let mut quiet = |_: &Progress| Flow::Continue;
    let mut control = Control {
        listener: &mut quiet,
        progress: Progress::default(),
    };
    let mut statistics = Statistics::default();
    let look = |trace: &Trace| statistics::Row::of(trace);
    scan(&finished.traces, &mut control, look, |row| {
        statistics.add(row);
        Ok(())
    })?;
    statistics.finish();
    let data = folder.join("data");
    std::fs::create_dir(&data).map_err(|error| CorpusError::io("write", &data, error))?;
    let mut writers: Vec<table::Shards> = statistics
        .splits
        .iter()
        .map(|(split, rows)| table::Shards::new(&data, split, *rows, &recipe.publish))
        .collect();
    let own = |trace: &Trace| trace.clone();
    let mut samples = page::Samples::new(recipe.seed);
    scan(&finished.traces, &mut control, own, |trace| {
        samples.see(&trace);
        let split = statistics::split_of(&trace);
        let writer = writers.iter_mut().find(|writer| writer.split == split);
        writer.map_or(Ok(()), |writer| writer.push(trace))
    })?;
    let mut shards = Vec::new();
    for writer in writers {
        for (path, split, rows) in writer.finish()? {
            let bytes = std::fs::metadata(&path);
            let bytes = bytes
                .map_err(|error| CorpusError::io("read", &path, error))?
                .len();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let file = format!("data/{name}");
            shards.push(Shard {
                file,
                split,
                rows,
                bytes,
                sha256: file_sha256(&path)?,
            });
        }
    }
    let write = |name: &str, text: String| atomic::write_file(&folder.join(name), text.as_bytes());
    write(
        "manifest.json",
        json(&manifest(recipe, finished, &statistics, &shards)),
    )?;
    write(
        "README.md",
        card::text(recipe, finished, &statistics, &shards),
    )?;
    let told = page::Told {
        recipe,
        finished,
        statistics: &statistics,
        samples: &samples,
        shards: &shards,
    };
    write("report.html", page::html(&told)?)?;
    Ok(Published { shards, statistics })
}

/// Everything that decided what is in the corpus, in one file.
fn manifest(
    recipe: &Recipe,
    finished: &Finished,
    statistics: &Statistics,
    shards: &[Shard],
) -> Value {
    let counts = |step: &StepRecord| -> serde_json::Map<String, Value> {
        let dropped = step.dropped.iter();
        dropped
            .map(|(reason, dropped)| (reason.clone(), dropped.count.into()))
            .collect()
    };
    let steps: Vec<Value> = finished
        .steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "number": step.number, "name": step.name, "key": step.key,
                "options": step.options, "rows_in": step.rows_in, "rows_out": step.rows_out,
                "sha256": step.sha256, "dropped": counts(step), "facts": step.facts,
            })
        })
        .collect();
    serde_json::json!({
        "format": "retort-corpus 1",
        "name": recipe.name,
        "description": recipe.description,
        "seed": recipe.seed,
        "schema": table::SCHEMA,
        "traces": statistics.traces,
        "problems": statistics.problems,
        "licence": recipe.publish.licence,
        "sources": finished.sources,
        "domains": statistics.domains,
        "teachers": statistics.teachers,
        "sampling": statistics.sampling,
        "files": shards,
        "steps": steps,
    })
}
