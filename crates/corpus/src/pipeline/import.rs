//! The first step: all sources' files as one file of traces.

use std::path::Path;

use rayon::prelude::*;
use retort_dataset::Row;

use super::stream::batches;
use super::{Context, Example, Sink, SourceFile, file_sha256};
use crate::{CorpusError, Recipe, Trace, import};

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
                        let line = |trace: &Trace| {
                            serde_json::to_vec(trace).map_err(|error| CorpusError::Trace {
                                origin: origin.clone(),
                                reason: error.to_string(),
                            })
                        };
                        traces.iter().map(line).collect()
                    })
                    .collect();
                let before = sink.tally.rows_out;
                for lines in made? {
                    sink.tally.rows_in += 1;
                    if lines.is_empty() {
                        sink.dropped("import: no reply".to_owned(), Example::default);
                    }
                    lines.iter().try_for_each(|line| sink.line(line))?;
                }
                Ok((sink.tally.rows_out - before) as usize)
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
