//! Work files, read and written in batches: both ends in order, the work between on all cores.
//!
//! A batch holds about [`BATCH_BYTES`] of lines, as text, parsed and written again, so a pass needs
//! some 40 MB whatever the corpus' size, plus what one line needs where a line is longer than that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use retort_dataset::{Row, Rows};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::control::Control;
use crate::error::shown;
use crate::{CorpusError, Trace};

const BATCH_BYTES: usize = 8 << 20;
const BATCH_ROWS: usize = 8192;
/// So many dropped traces are shown for each reason.
const EXAMPLES: usize = 5;
const EXCERPT_CHARS: usize = 400;

/// What a step makes of a trace.
pub(crate) enum Outcome {
    /// It stays as it is.
    Keep,
    /// These stand in its place; none: it is gone without a word.
    Replace(Vec<Trace>),
    Drop {
        reason: String,
        detail: String,
        /// A line for the step's file of notes.
        note: Option<Value>,
    },
}

impl Outcome {
    pub fn drop(reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Drop {
            reason: reason.into(),
            detail: detail.into(),
            note: None,
        }
    }
}

/// Traces that a step dropped for one reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A trace that was dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The trace's name.
    pub id: String,
    /// What the rule found.
    pub detail: String,
    /// The problem's beginning.
    pub problem: String,
    /// The reply's beginning.
    pub reply: String,
}

/// The beginning of a text, as it is: whoever shows it makes it harmless.
fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(EXCERPT_CHARS).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}

impl Example {
    pub(super) fn of(trace: &Trace, detail: String) -> Self {
        let reply = match trace.thought() {
            "" => trace.said(),
            thought => thought,
        };
        Self {
            id: shown(&trace.id, 120),
            detail,
            problem: excerpt(&trace.problem),
            reply: excerpt(reply),
        }
    }
}

/// What a pass read, kept and dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub rows_in: u64,
    pub rows_out: u64,
    pub bytes: u64,
    pub sha256: String,
    pub dropped: BTreeMap<String, Dropped>,
}

/// The end of a pass: lines, counted and hashed.
pub(crate) struct Sink<'f> {
    writer: BufWriter<&'f mut File>,
    path: PathBuf,
    hash: Sha256,
    notes: Option<BufWriter<File>>,
    notes_path: PathBuf,
    pub tally: Tally,
}

impl<'f> Sink<'f> {
    pub fn new(file: &'f mut File, path: &Path, notes_path: PathBuf) -> Self {
        Self {
            writer: BufWriter::with_capacity(1 << 20, file),
            path: path.to_owned(),
            hash: Sha256::new(),
            notes: None,
            notes_path,
            tally: Tally::default(),
        }
    }

    pub fn line(&mut self, line: &[u8]) -> Result<(), CorpusError> {
        let failed = |error| CorpusError::io("write", &self.path, error);
        self.writer.write_all(line).map_err(failed)?;
        self.writer.write_all(b"\n").map_err(failed)?;
        self.hash.update(line);
        self.hash.update(b"\n");
        self.tally.rows_out += 1;
        self.tally.bytes += line.len() as u64 + 1;
        Ok(())
    }

    pub fn dropped(&mut self, reason: String, example: impl FnOnce() -> Example) {
        let dropped = self.tally.dropped.entry(reason).or_default();
        dropped.count += 1;
        if dropped.examples.len() < EXAMPLES {
            dropped.examples.push(example());
        }
    }

    pub fn note(&mut self, note: &Value) -> Result<(), CorpusError> {
        let failed = |error| CorpusError::io("write", &self.notes_path, error);
        let notes = match &mut self.notes {
            Some(notes) => notes,
            none => none.insert(BufWriter::new(
                File::create(&self.notes_path).map_err(failed)?,
            )),
        };
        writeln!(notes, "{note}").map_err(failed)
    }

    pub fn finish(mut self) -> Result<Tally, CorpusError> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| CorpusError::io("write", &self.path, error))?;
        if let Some(mut notes) = self.notes.take() {
            let flushed = notes.flush();
            flushed.map_err(|error| CorpusError::io("write", &self.notes_path, error))?;
        }
        self.tally.sha256 = hex(&self.hash.finalize());
        Ok(self.tally)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Calls `batch` with the lines of a file, some at a time, and the number of the first.
pub(crate) fn batches(
    path: &Path,
    mut batch: impl FnMut(u64, Vec<Row>) -> Result<usize, CorpusError>,
    control: &mut Control,
) -> Result<(), CorpusError> {
    let mut rows = Rows::open(path)?;
    let mut number = 0;
    while let Some((some, bytes)) = next_batch(&mut rows)? {
        let read = some.len() as u64;
        let kept = batch(number, some)?;
        number += read;
        control.advance(bytes as u64, read, kept as u64)?;
    }
    Ok(())
}

/// Some lines of a file with their length; none at its end.
pub(super) fn next_batch(rows: &mut Rows) -> Result<Option<(Vec<Row>, usize)>, CorpusError> {
    let mut some = Vec::new();
    let mut bytes = 0;
    while bytes < BATCH_BYTES && some.len() < BATCH_ROWS {
        let Some(row) = rows.next().transpose()? else {
            break;
        };
        // A row of a table is parsed already; about what a trace has.
        bytes += row.line().map_or(4096, <[u8]>::len) + 1;
        some.push(row);
    }
    Ok((!some.is_empty()).then_some((some, bytes)))
}

pub(super) fn parse(row: &Row) -> Result<Trace, CorpusError> {
    let line = row.line().unwrap_or_default();
    serde_json::from_slice(line).map_err(|error| CorpusError::Trace {
        origin: row.origin().clone(),
        reason: error.to_string(),
    })
}

/// Looks at every trace of a work file: `look` on all cores, `take` with its results in order.
pub(crate) fn scan<T: Send>(
    path: &Path,
    control: &mut Control,
    look: impl Fn(&Trace) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let batch = |_: u64, rows: Vec<Row>| {
        let found: Result<Vec<T>, CorpusError> =
            rows.par_iter().map(|row| Ok(look(&parse(row)?))).collect();
        found?.into_iter().try_for_each(&mut take)?;
        Ok(0)
    };
    batches(path, batch, control)
}

/// Decides on every trace of a work file, given its number, and writes what stays.
pub(crate) fn pass(
    path: &Path,
    sink: &mut Sink,
    control: &mut Control,
    decide: impl Fn(u64, &Trace) -> Outcome + Sync,
) -> Result<(), CorpusError> {
    enum Done {
        Keep,
        Lines(Vec<Vec<u8>>),
        Drop(String, Example, Option<Value>),
    }
    let batch = |first: u64, rows: Vec<Row>| {
        let done: Result<Vec<Done>, CorpusError> = rows
            .par_iter()
            .enumerate()
            .map(|(at, row)| {
                let trace = parse(row)?;
                Ok(match decide(first + at as u64, &trace) {
                    Outcome::Keep => Done::Keep,
                    Outcome::Replace(traces) => {
                        let lines = traces.iter().map(serde_json::to_vec);
                        Done::Lines(lines.collect::<Result<_, _>>().map_err(|error| {
                            CorpusError::Trace {
                                origin: row.origin().clone(),
                                reason: error.to_string(),
                            }
                        })?)
                    }
                    Outcome::Drop {
                        reason,
                        detail,
                        note,
                    } => Done::Drop(reason, Example::of(&trace, detail), note),
                })
            })
            .collect();
        let before = sink.tally.rows_out;
        for (row, done) in rows.iter().zip(done?) {
            sink.tally.rows_in += 1;
            match done {
                Done::Keep => sink.line(row.line().unwrap_or_default())?,
                Done::Lines(lines) => lines.iter().try_for_each(|line| sink.line(line))?,
                Done::Drop(reason, example, note) => {
                    sink.dropped(reason, || example);
                    note.iter().try_for_each(|note| sink.note(note))?;
                }
            }
        }
        Ok((sink.tally.rows_out - before) as usize)
    };
    batches(path, batch, control)
}
