//! The reference solutions of HumanEval and MBPP as replies, through the pipeline.
//!
//! With `RETORT_DATA` set to the folder of data sets; skipped otherwise.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../sandbox/tests/common/mod.rs"]
mod contained;

use std::path::PathBuf;
use std::time::Instant;

use common::{build, fenced, go_on, rows, verdicts};
use retort_dataset::Rows;
use serde_json::Value;

fn problems(name: &str) -> Option<Vec<Value>> {
    contained::sandbox()?;
    let Some(folder) = std::env::var_os("RETORT_DATA") else {
        eprintln!("skipped: RETORT_DATA is not set");
        return None;
    };
    let path = PathBuf::from(folder).join("problems").join(name);
    let rows = Rows::open(&path).unwrap();
    Some(rows.map(|row| row.unwrap().value().unwrap()).collect())
}

/// Judges replies to all problems; the names of those that were accepted, and what was said of the
/// others.
fn judge(
    what: &str,
    problems: &[Value],
    solution: impl Fn(&Value) -> String,
) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    rows(
        folder.path(),
        problems.iter().map(|problem| {
            let mut row = problem.clone();
            row["completion"] = fenced(&solution(problem)).into();
            row
        }),
    );
    let began = Instant::now();
    // Some solutions compute for seconds.
    let step = "keep = \"all\"\ncode = { timeout_s = 60.0 }";
    let found = verdicts(&build(folder.path(), step, go_on).unwrap());
    let rate = found.len() as f64 / began.elapsed().as_secs_f64();
    assert_eq!(found.len(), problems.len());
    let refused = found.into_iter().filter_map(|(id, verdict)| match verdict {
        Some(verdict) if verdict.accepted => None,
        verdict => Some(format!("{id}: {verdict:?}")),
    });
    let refused: Vec<_> = refused.collect();
    let accepted = problems.len() - refused.len();
    eprintln!(
        "{what}: {accepted} of {} accepted, {rate:.1} replies/s",
        problems.len()
    );
    (accepted, refused)
}

fn text<'r>(row: &'r Value, field: &str) -> &'r str {
    row[field].as_str().unwrap()
}

#[test]
fn human_eval_solutions_are_accepted_and_others_not() {
    let Some(problems) = problems("HumanEval.jsonl.gz") else {
        return;
    };
    assert_eq!(problems.len(), 164);
    let solved = |row: &Value| text(row, "prompt").to_owned() + text(row, "canonical_solution");
    let (_, refused) = judge("HumanEval", &problems, solved);
    assert_eq!(refused, Vec::<String>::new());
    // Teachers leave out what the question gave: imports and helpers.
    let bare = |row: &Value| {
        let whole = solved(row);
        let definition = format!("def {}(", text(row, "entry_point"));
        let at = whole.rfind(&definition).unwrap();
        whole[at..].to_owned()
    };
    let (_, refused) = judge("HumanEval, the function alone", &problems, bare);
    assert_eq!(refused, Vec::<String>::new());
    let nothing = |row: &Value| text(row, "prompt").to_owned() + "    return None\n";
    let (accepted, refused) = judge("HumanEval, returning None", &problems, nothing);
    assert_eq!((accepted, refused.len()), (0, 164));
}

#[test]
fn mbpp_solutions_are_accepted_and_others_not() {
    let Some(problems) = problems("mbpp.jsonl.gz") else {
        return;
    };
    assert_eq!(problems.len(), 974);
    let (_, refused) = judge("MBPP", &problems, |row| text(row, "code").to_owned());
    assert_eq!(refused, Vec::<String>::new());
    // The same with another value for whatever is returned.
    let mutated = |row: &Value| text(row, "code").replace("return", "return None and ");
    let changed: Vec<_> = problems
        .iter()
        .filter(|row| text(row, "code").contains("return"))
        .cloned()
        .collect();
    let (accepted, _) = judge("MBPP, returning None", &changed, mutated);
    assert!(
        accepted * 50 <= changed.len(),
        "{accepted} of {}",
        changed.len()
    );
}
