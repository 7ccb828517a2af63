//! The way of a corpus through the steps of its recipe.
//!
//! Each step reads what the steps before left and writes its own file in the work folder: traces,
//! `NN-name.jsonl`, if it changes any, else only which of them stay, `NN-name.rows`; and then its
//! record, `NN-name.json`. A step whose record carries the key of what is to
//! be done now (options, sources, judge and all steps before) is skipped, so a run that was killed
//! goes on with the step it was in, and a changed recipe is done anew from the first change on.
//!
//! Traces stream: see [`stream`] for the memory of a pass, and each step for what it notes of every
//! trace.

mod control;
mod import;
mod manifest;
mod mix;
mod select;
mod simple;
mod stream;
mod traces;
mod verify;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use retort_report::atomic;
use serde_json::{Map, Value};

use crate::{CorpusError, Judge, Recipe, Step, Upstream};
pub use control::{Flow, Listener, Progress};
pub use manifest::StepRecord;
pub use mix::{Mix, Part};
pub use select::{Difficulty, Keep, Select};
pub use simple::{SplitStep, TwoTasks};
pub use stream::{Dropped, Example};
pub use traces::Traces;
pub use verify::{CodeLimits, Verified, Verify};

pub(crate) use control::Control;
pub(crate) use manifest::{file_sha256, json, key};
pub(crate) use stream::{Gone, Outcome, Sink, choose, pass, scan};
pub(crate) use traces::Bits;

/// Changes whenever a step would make something else of the same options.
const VERSION: &str = "retort-corpus 2";

/// A corpus after all of its steps, not yet published.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// What the last step left.
    pub traces: Traces,
    /// What each step left, the import first.
    pub left: Vec<Traces>,
    /// The import and all steps, in order.
    pub steps: Vec<StepRecord>,
    /// The notes of each step that has any, with its number: what contaminates what.
    pub notes: Vec<(usize, PathBuf)>,
    /// The sources' files with their SHA-256.
    pub sources: Vec<SourceFile>,
}

/// A file that traces came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceFile {
    /// The source's name.
    pub source: String,
    /// The file's name, without its folders.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: String,
    /// What the recipe says.
    pub licence: String,
}

/// What a step works with.
pub(crate) struct Context<'a, 'b> {
    pub control: Control<'a, 'b>,
    pub judge: Option<&'a dyn Judge>,
    /// What the recipe's paths are relative to.
    pub base: PathBuf,
    pub work: PathBuf,
    /// What the step before left.
    pub input: Traces,
    pub seed: u64,
    facts: Map<String, Value>,
}

impl Context<'_, '_> {
    /// Notes something for the step's record.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// The path of a file that the step removes again.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.work.join(format!("scratch.{name}"))
    }
}

/// Where a pipeline reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Folders<'a> {
    /// What the recipe's paths are relative to.
    pub base: &'a Path,
    /// Where the steps' files go; made if it is not there.
    pub work: &'a Path,
}

/// Runs the steps of a recipe that are not finished yet.
///
/// # Errors
/// Those of the sources' files and the recipe's options; [`CorpusError::Stopped`] if the listener
/// says so; [`CorpusError::Empty`] if a step leaves nothing.
pub fn run<'a>(
    recipe: &Recipe,
    folders: Folders,
    judge: Option<&'a dyn Judge>,
    listener: &'a mut Listener<'_>,
) -> Result<Finished, CorpusError> {
    recipe.validate()?;
    for step in &recipe.steps {
        if let Step::Verify(step) = step {
            judge.unwrap_or(&Upstream).check(step)?;
        }
    }
    let work = folders.work;
    std::fs::create_dir_all(work).map_err(|error| CorpusError::io("write", work, error))?;
    let lock_path = work.join("lock");
    let lock =
        File::create(&lock_path).map_err(|error| CorpusError::io("write", &lock_path, error))?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        return Err(CorpusError::Busy {
            path: work.to_owned(),
        });
    }
    atomic::clean(work)?;
    let mut context = Context {
        control: Control {
            listener,
            progress: Progress::default(),
        },
        judge,
        base: folders.base.to_owned(),
        work: work.to_owned(),
        input: Traces::whole(PathBuf::new(), 0),
        seed: recipe.seed,
        facts: Map::new(),
    };
    context.control.progress.steps = recipe.steps.len() + 1;
    let sources = import::files(recipe, folders.base)?;
    let options = serde_json::to_value(&recipe.sources).unwrap_or_default();
    let hashes: String = sources.iter().map(|file| file.sha256.as_str()).collect();
    let first = key(VERSION, &[&options.to_string(), &hashes]);
    let mut finished = Finished {
        traces: context.input.clone(),
        left: Vec::new(),
        steps: Vec::new(),
        notes: Vec::new(),
        sources,
    };
    let import = |context: &mut Context, sink: &mut Sink| import::run(recipe, context, sink);
    let job = Job {
        number: 0,
        name: "import",
        key: first,
        options,
        rewrites: true,
        total: finished.sources.iter().map(|file| file.bytes).sum(),
    };
    one_step(job, &mut context, &mut finished, import)?;
    for (at, step) in recipe.steps.iter().enumerate() {
        let options = serde_json::to_value(step).unwrap_or_default();
        let parts = [
            options.to_string(),
            recipe.seed.to_string(),
            outside(step, &context)?,
        ];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let before = finished
            .steps
            .last()
            .map(|step| step.key.as_str())
            .unwrap_or_default();
        let key = key(before, &parts);
        let work = |context: &mut Context, sink: &mut Sink| do_step(step, context, sink);
        let file = std::fs::metadata(context.input.file());
        let job = Job {
            number: at + 1,
            name: step.name(),
            key,
            options,
            rewrites: rewrites(step),
            total: file.map_or(0, |file| file.len()) * passes(step),
        };
        one_step(job, &mut context, &mut finished, work)?;
    }
    Ok(finished)
}

/// What decides a step's result besides its options and the traces.
fn outside(step: &Step, context: &Context) -> Result<String, CorpusError> {
    Ok(match step {
        Step::Verify(_) => context
            .judge
            .map_or_else(|| "upstream".to_owned(), |judge| judge.name()),
        Step::Decontaminate(step) => step.benchmark_hashes(&context.base)?,
        _ => String::new(),
    })
}

fn do_step(step: &Step, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
    match step {
        Step::Verify(step) => step.run(context, sink),
        Step::Filter(filter) => {
            pass(
                &context.input,
                sink,
                &mut context.control,
                |_, trace| match filter.check(trace) {
                    Some(reason) => Outcome::drop(reason.rule, reason.detail),
                    None => Outcome::Keep,
                },
            )
        }
        Step::Select(step) => step.run(context, sink),
        Step::Difficulty(step) => step.run(context, sink),
        Step::DedupExact(step) => step.run(context, sink),
        Step::DedupNear(step) => step.run(context, sink),
        Step::Decontaminate(step) => step.run(context, sink),
        Step::Mix(step) => step.run(context, sink),
        Step::Split(step) => step.run(context, sink),
        Step::TwoTasks(step) => step.run(context, sink),
    }
}

/// Whether a step changes traces or makes new ones, instead of dropping some only.
fn rewrites(step: &Step) -> bool {
    match step {
        Step::Verify(_) | Step::Split(_) | Step::TwoTasks(_) => true,
        Step::Mix(mix) => mix.repeats(),
        _ => false,
    }
}

/// How often a step reads its input.
fn passes(step: &Step) -> u64 {
    match step {
        Step::Mix(mix) if mix.repeats() => 2,
        Step::Difficulty(difficulty) if difficulty.field.is_none() => 2,
        _ => 1,
    }
}

/// A step as [`one_step`] has to know it.
struct Job<'a> {
    number: usize,
    name: &'a str,
    key: String,
    options: Value,
    rewrites: bool,
    /// Bytes that will be read.
    total: u64,
}

fn one_step(
    job: Job,
    context: &mut Context,
    finished: &mut Finished,
    work: impl FnOnce(&mut Context, &mut Sink) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let Job {
        number,
        name,
        key,
        options,
        rewrites,
        total,
    } = job;
    let file = |end: &str| context.work.join(format!("{number:02}-{name}.{end}"));
    let (record_path, notes) = (file("json"), file("notes.jsonl"));
    let traces = file(if rewrites { "jsonl" } else { "rows" });
    context.control.begin(number, name, total);
    let record = match StepRecord::finished(&record_path, &traces, &key) {
        Some(record) => {
            context.control.progress.skipped = true;
            context.control.progress.rows = record.rows_in;
            context.control.progress.kept = record.rows_out;
            record
        }
        None => {
            // Without its record a step counts as not done: it goes before the file it speaks of.
            for old in [&record_path, &notes] {
                if old.exists() {
                    std::fs::remove_file(old)
                        .map_err(|error| CorpusError::io("remove", old, error))?;
                }
            }
            context.facts = Map::new();
            let tally = atomic::write_file_with(&traces, |file| {
                let mut sink = Sink::new(file, rewrites, &traces, notes.clone());
                work(context, &mut sink)?;
                sink.finish()
            })?;
            let record = StepRecord {
                number,
                name: name.to_owned(),
                key,
                options,
                rows_in: tally.rows_in,
                rows_out: tally.rows_out,
                bytes: tally.bytes,
                sha256: tally.sha256,
                dropped: tally.dropped,
                facts: std::mem::take(&mut context.facts),
            };
            record.write(&record_path)?;
            record
        }
    };
    context.control.progress.bytes = total;
    context.control.tell()?;
    if record.rows_out == 0 {
        return Err(CorpusError::Empty {
            number,
            name: name.to_owned(),
            rows: record.rows_in,
        });
    }
    if notes.exists() {
        finished.notes.push((number, notes));
    }
    context.input = match rewrites {
        true => Traces::whole(traces, record.rows_out),
        false => context.input.load(&traces)?,
    };
    finished.traces = context.input.clone();
    finished.left.push(context.input.clone());
    finished.steps.push(record);
    Ok(())
}
