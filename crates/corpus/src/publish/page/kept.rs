//! What near-duplicates are near to.

use std::collections::BTreeMap;

use retort_dataset::Rows;
use serde_json::Value;

use crate::pipeline::{Finished, StepRecord};
use crate::{CorpusError, Trace};

/// Of a step's examples of near-duplicates, in their order, the traces that stayed in their place.
/// None where the work folder does not tell: it may have been tidied up.
///
/// # Errors
/// Those of reading the work folder's files.
pub fn of(finished: &Finished, step: &StepRecord) -> Result<Vec<Option<Trace>>, CorpusError> {
    let examples = step
        .dropped
        .get("dedup_near")
        .map_or(0, |d| d.examples.len());
    let notes = finished
        .notes
        .iter()
        .find(|(number, _)| *number == step.number);
    let before = step.number.checked_sub(1);
    let before = before.and_then(|at| finished.left.get(at));
    let (Some((_, notes)), Some(before)) = (notes, before) else {
        return Ok(Vec::new());
    };
    if examples == 0 || !before.file().exists() {
        return Ok(Vec::new());
    }
    // The notes are in the order of the examples.
    let mut wanted = Vec::new();
    for note in Rows::open(notes)?.take(examples) {
        wanted.push(note?.value()?.get("kept").and_then(Value::as_u64));
    }
    // The kept row comes before the one that was dropped, so this ends soon after the last of them.
    let last = wanted.iter().flatten().max().copied().unwrap_or(0);
    let mut found: BTreeMap<u64, Trace> = BTreeMap::new();
    let traces = before.iter()?;
    let traces = traces.take(usize::try_from(last).unwrap_or(usize::MAX));
    for (number, trace) in (1_u64..).zip(traces) {
        let trace = trace?;
        if wanted.contains(&Some(number)) {
            found.insert(number, trace);
        }
    }
    let kept = wanted.into_iter().map(|row| found.get(&row?).cloned());
    Ok(kept.collect())
}
