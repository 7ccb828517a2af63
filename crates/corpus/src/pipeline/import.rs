//! The first step: all sources' files as one file of traces.

use std::path::Path;

use rayon::prelude::*;
use retort_dataset::{Row, Rows};

use super::stream::to_line;
use super::{Context, Control, Example, Sink, SourceFile, file_sha256};
use crate::{CorpusError, Recipe, import};

const BATCH_BYTES: usize = 8 << 20;
const BATCH_ROWS: usize = 8192;

/// The files of all sources with their hashes.
pub(super) fn files(recipe: &Recipe, base: &Path) -> Result<Vec<SourceFile>, CorpusError> {
    let mut files = Vec::new();
    for source in &recipe.sources {
        for path in &source.paths {
            let path = base.join(path);
            let metadata = std::fs::metadata(&path);
            let metadata = metadata.map_err(|error| CorpusError::io("read", &path, error))?;
            let name = path.file_name().unwrap_or_default();
            files.push(SourceFile {
                source: source.name.clone(),
                file: name.to_string_lossy().into_owned(),
                bytes: metadata.len(),
                sha256: file_sha256(&path)?,
                licence: source.licence.clone(),
            });
        }
    }
    Ok(files)
}

pub(super) fn run(
    recipe: &Recipe,
    context: &mut Context,
    sink: &mut Sink,
) -> Result<(), CorpusError> {
    for source in &recipe.sources {
        let defaults = source.defaults();
        let before = (sink.tally.rows_in, sink.tally.rows_out);
        for (at, path) in source.paths.iter().enumerate() {
            let path = context.base.join(path);
            let limit = source.limit.unwrap_or(u64::MAX);
            let batch = |first: u64, mut rows: Vec<Row>| {
                rows.truncate(limit.saturating_sub(first).try_into().unwrap_or(usize::MAX));
                let made: Result<Vec<Vec<Vec<u8>>>, CorpusError> = rows
                    .into_par_iter()
                    .map(|row| {
                        let origin = row.origin().clone();
                        let mut traces = import::traces(row.value()?, &defaults, &origin)?;
                        // Names of rows without one begin anew in each file.
                        if at > 0 {
                            traces
                                .iter_mut()
                                .for_each(|trace| trace.id.push_str(&format!("@{at}")));
                        }
                        let lines = traces.iter().map(|trace| to_line(trace, || origin.clone()));
                        lines.collect()
                    })
                    .collect();
                let before = sink.tally.rows_out;
                for lines in made? {
                    sink.tally.rows_in += 1;
                    if lines.is_empty() {
                        sink.dropped("import: no reply", Example::default());
                    }
                    lines.iter().try_for_each(|line| sink.line(line))?;
                }
                Ok(sink.tally.rows_out - before)
            };
            batches(&path, batch, &mut context.control)?;
        }
        let rows = sink.tally.rows_in - before.0;
        let traces = sink.tally.rows_out - before.1;
        let fact = serde_json::json!({"rows": rows, "traces": traces});
        context.fact(&source.name, fact);
    }
    Ok(())
}

/// Calls `batch` with the rows of a file, some at a time, and the number of the first.
fn batches(
    path: &Path,
    mut batch: impl FnMut(u64, Vec<Row>) -> Result<u64, CorpusError>,
    control: &mut Control,
) -> Result<(), CorpusError> {
    let mut rows = Rows::open(path)?;
    let mut number = 0;
    loop {
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
        if some.is_empty() {
            return Ok(());
        }
        let read = some.len() as u64;
        let kept = batch(number, some)?;
        number += read;
        control.advance(bytes as u64, read, kept)?;
    }
}
