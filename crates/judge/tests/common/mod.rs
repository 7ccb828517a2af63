//! Recipes of one source and one verify step.
#![allow(dead_code)] // Each file uses some of it.

use std::collections::BTreeMap;
use std::path::Path;

use retort_corpus::{CorpusError, Finished, Flow, Folders, Progress, Recipe, Verdict};
use retort_judge::Panel;
use serde_json::Value;

/// Writes the rows of the source.
pub fn rows(folder: &Path, rows: impl IntoIterator<Item = Value>) {
    let lines: String = rows.into_iter().map(|row| format!("{row}\n")).collect();
    std::fs::write(folder.join("rows.jsonl"), lines).unwrap();
}

/// Runs a recipe whose verify step has these options.
pub fn build(
    folder: &Path,
    step: &str,
    mut listen: impl FnMut(&Progress) -> Flow,
) -> Result<Finished, CorpusError> {
    let text = format!(
        "name = \"t\"\n[[source]]\nname = \"s\"\npaths = [\"rows.jsonl\"]\n\
         [[step]]\nkind = \"verify\"\n{step}\n"
    );
    let recipe = Recipe::parse(&text)?;
    let work = folder.join("work");
    let folders = Folders {
        base: folder,
        work: &work,
    };
    retort_corpus::run(&recipe, folders, Some(&Panel), &mut listen)
}

/// The verdicts of a finished step that keeps all, by the names of the traces.
pub fn verdicts(finished: &Finished) -> BTreeMap<String, Option<Verdict>> {
    let traces = finished.traces.iter().unwrap().map(Result::unwrap);
    traces.map(|trace| (trace.id, trace.verdict)).collect()
}

/// Whether it was accepted; none: undecided.
pub fn accepted(verdicts: &BTreeMap<String, Option<Verdict>>, id: &str) -> Option<bool> {
    verdicts[id].as_ref().map(|verdict| verdict.accepted)
}

pub fn go_on(_: &Progress) -> Flow {
    Flow::Continue
}

/// A reply as a teacher writes it.
pub fn fenced(code: &str) -> String {
    format!("<think>\nLet me see.\n</think>\n\nHere it is:\n\n```python\n{code}\n```\n")
}
