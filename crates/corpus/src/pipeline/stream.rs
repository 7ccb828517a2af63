//! Passes over traces in batches: both ends in order, the work between on all cores.
//!
//! A batch holds some 8 MB of lines, as text, parsed and written again, so a pass needs some 40 MB
//! whatever the corpus' size, plus what one line needs where a line is longer than that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use retort_dataset::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::control::Control;
use super::traces::{Batch, Bits, Traces};
use crate::error::shown;
use crate::{CorpusError, Trace};

/// So many dropped traces are shown for each reason.
const EXAMPLES: u64 = 5;
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

/// The end of a pass.
pub(crate) struct Sink<'f> {
    to: Target<'f>,
    path: PathBuf,
    hash: Sha256,
    notes: Option<BufWriter<File>>,
    notes_path: PathBuf,
    pub tally: Tally,
}

/// What a step writes.
enum Target<'f> {
    /// Its traces, as lines.
    Lines(BufWriter<&'f mut File>),
    /// Which lines of its input stay.
    Rows(&'f mut File, Bits),
}

impl<'f> Sink<'f> {
    /// `rewrites`: whether the step changes traces, so that they have to be written out.
    pub fn new(file: &'f mut File, rewrites: bool, path: &Path, notes_path: PathBuf) -> Self {
        Self {
            to: match rewrites {
                true => Target::Lines(BufWriter::with_capacity(1 << 20, file)),
                false => Target::Rows(file, Bits::default()),
            },
            path: path.to_owned(),
            hash: Sha256::new(),
            notes: None,
            notes_path,
            tally: Tally::default(),
        }
    }

    /// A trace that stays as it is: its line, if there is need of it, and that line's number.
    fn keep(&mut self, line: &[u8], row: u64) -> Result<(), CorpusError> {
        match &mut self.to {
            Target::Lines(_) => self.line(line),
            Target::Rows(_, rows) => {
                rows.set(row);
                self.tally.rows_out += 1;
                Ok(())
            }
        }
    }

    /// A trace that is new or changed.
    pub fn line(&mut self, line: &[u8]) -> Result<(), CorpusError> {
        let failed = |error| CorpusError::io("write", &self.path, error);
        let Target::Lines(writer) = &mut self.to else {
            let error = std::io::Error::other("the step may only drop traces");
            return Err(failed(error));
        };
        writer.write_all(line).map_err(failed)?;
        writer.write_all(b"\n").map_err(failed)?;
        self.hash.update(line);
        self.hash.update(b"\n");
        self.tally.rows_out += 1;
        self.tally.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Counts a trace that goes; whether the record has room for it as an example.
    fn count(&mut self, reason: &str) -> bool {
        let dropped = match self.tally.dropped.get_mut(reason) {
            Some(dropped) => dropped,
            None => self.tally.dropped.entry(reason.to_owned()).or_default(),
        };
        dropped.count += 1;
        dropped.count <= EXAMPLES
    }

    fn example(&mut self, reason: &str, example: Example) {
        if let Some(dropped) = self.tally.dropped.get_mut(reason) {
            dropped.examples.push(example);
        }
    }

    pub fn dropped(&mut self, reason: &str, example: Example) {
        if self.count(reason) {
            self.example(reason, example);
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
        let flushed = match self.to {
            Target::Lines(mut writer) => writer.flush(),
            Target::Rows(file, rows) => {
                let bytes = rows.bytes();
                self.hash.update(&bytes);
                self.tally.bytes = bytes.len() as u64;
                file.write_all(&bytes)
            }
        };
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

/// Calls `take` with the traces, some at a time, and the number of the first.
fn batches(
    traces: &Traces,
    control: &mut Control,
    mut take: impl FnMut(u64, Batch) -> Result<u64, CorpusError>,
) -> Result<(), CorpusError> {
    let mut reader = traces.reader()?;
    let mut number = 0;
    while let Some(batch) = reader.next()? {
        let (rows, read) = (batch.len() as u64, batch.read);
        let kept = take(number, batch)?;
        number += rows;
        control.advance(read, rows, kept)?;
    }
    Ok(())
}

/// Calls `work` with every trace of a batch and its place there, on all cores.
fn on_all_cores<T: Send>(
    traces: &Traces,
    batch: &Batch,
    work: impl Fn(usize, &Trace) -> Result<T, CorpusError> + Sync,
) -> Result<Vec<T>, CorpusError> {
    let one = |at: usize| work(at, &traces.parse(batch.line(at), batch.row(at))?);
    (0..batch.len()).into_par_iter().map(one).collect()
}

/// Looks at every trace: `look` on all cores, `take` with its results in order.
pub(crate) fn scan<T: Send>(
    traces: &Traces,
    control: &mut Control,
    look: impl Fn(&Trace) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    batches(traces, control, |_, batch| {
        let found = on_all_cores(traces, &batch, |_, trace| Ok(look(trace)))?;
        found.into_iter().try_for_each(&mut take)?;
        Ok(0)
    })
}

/// Decides on every trace, given its number, and writes what stays.
pub(crate) fn pass(
    traces: &Traces,
    sink: &mut Sink,
    control: &mut Control,
    decide: impl Fn(u64, &Trace) -> Outcome + Sync,
) -> Result<(), CorpusError> {
    enum Done {
        Keep,
        Lines(Vec<Vec<u8>>),
        Drop(String, Example, Option<Value>),
    }
    batches(traces, control, |first, batch| {
        let done = on_all_cores(traces, &batch, |at, trace| {
            Ok(match decide(first + at as u64, trace) {
                Outcome::Keep => Done::Keep,
                Outcome::Replace(made) => {
                    let origin = || traces.origin(batch.row(at));
                    let lines = made.iter().map(|trace| to_line(trace, origin));
                    Done::Lines(lines.collect::<Result<_, _>>()?)
                }
                Outcome::Drop {
                    reason,
                    detail,
                    note,
                } => Done::Drop(reason, Example::of(trace, detail), note),
            })
        })?;
        let before = sink.tally.rows_out;
        for (at, done) in done.into_iter().enumerate() {
            sink.tally.rows_in += 1;
            match done {
                Done::Keep => sink.keep(batch.line(at), batch.row(at))?,
                Done::Lines(lines) => lines.iter().try_for_each(|line| sink.line(line))?,
                Done::Drop(reason, example, note) => {
                    sink.dropped(&reason, example);
                    note.iter().try_for_each(|note| sink.note(note))?;
                }
            }
        }
        Ok(sink.tally.rows_out - before)
    })
}

/// What a step makes of a trace that it knows by number only; none: it stays.
pub(crate) struct Gone {
    pub reason: &'static str,
    pub detail: String,
    pub note: Option<Value>,
}

/// Decides on every trace by its number: no text is read but that of the record's examples.
pub(crate) fn choose(
    traces: &Traces,
    sink: &mut Sink,
    decide: impl Fn(u64) -> Option<Gone>,
) -> Result<(), CorpusError> {
    let mut shown = Bits::default();
    let mut examples = Vec::new();
    for (number, row) in traces.rows().enumerate() {
        sink.tally.rows_in += 1;
        let Some(gone) = decide(number as u64) else {
            sink.keep(&[], row)?;
            continue;
        };
        if sink.count(gone.reason) {
            shown.set(row);
            examples.push((gone.reason, gone.detail));
        }
        gone.note.iter().try_for_each(|note| sink.note(note))?;
    }
    let texts = traces.only(shown);
    for (trace, (reason, detail)) in texts.iter()?.zip(examples) {
        sink.example(reason, Example::of(&trace?, detail));
    }
    Ok(())
}

pub(super) fn to_line(
    trace: &Trace,
    origin: impl FnOnce() -> Origin,
) -> Result<Vec<u8>, CorpusError> {
    serde_json::to_vec(trace).map_err(|error| CorpusError::Trace {
        origin: origin(),
        reason: error.to_string(),
    })
}
