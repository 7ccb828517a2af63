//! The reference solutions of HumanEval and MBPP pass, and wrong ones do not.
//!
//! With `RETORT_DATA` set to the folder of data sets; skipped otherwise.
#![cfg(target_os = "linux")]

mod common;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::sandbox;
use retort_sandbox::{Limits, Sandbox, Tests};
use serde_json::Value;

fn rows(name: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("RETORT_DATA") else {
        eprintln!("skipped: RETORT_DATA is not set");
        return None;
    };
    let path = PathBuf::from(folder).join("problems").join(name);
    let file = std::fs::File::open(&path).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    let lines = text.split('\n').filter(|line| !line.is_empty());
    Some(
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap().to_owned()
}

/// Runs all, two for each processor, as a run also waits for the kernel; the names of those that did not pass, with the reason.
fn failures(sandbox: &Sandbox, what: &str, jobs: &[(String, String, Tests)]) -> Vec<String> {
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    // Some solutions compute for seconds, and the machine may be busy.
    let limits = Limits {
        wall: Duration::from_secs(120),
        cpu: Duration::from_secs(60),
        ..Limits::default()
    };
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((name, code, tests)) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let report = sandbox.run_tests(code, tests, &limits).unwrap();
                    if !report.all_passed() {
                        let reason = report.first_failure().unwrap();
                        failed.lock().unwrap().push(format!("{name}: {reason}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let rate = jobs.len() as f64 / start.elapsed().as_secs_f64();
    let passed = jobs.len() - failed.len();
    eprintln!(
        "{what}: {passed} of {} passed, {rate:.1} runs/s on {threads} threads",
        jobs.len()
    );
    failed
}

fn human_eval(solution: impl Fn(&Value) -> String) -> Option<Vec<(String, String, Tests)>> {
    let jobs = rows("HumanEval.jsonl.gz")?.into_iter().map(|row| {
        let code = text(&row, "prompt") + &solution(&row);
        let (entry_point, test) = (text(&row, "entry_point"), text(&row, "test"));
        (
            text(&row, "task_id"),
            code,
            Tests::HumanEval { entry_point, test },
        )
    });
    Some(jobs.collect())
}

#[test]
fn human_eval_solutions_pass() {
    let Some(sandbox) = sandbox() else { return };
    let Some(jobs) = human_eval(|row| text(row, "canonical_solution")) else {
        return;
    };
    assert_eq!(jobs.len(), 164);
    assert_eq!(failures(sandbox, "HumanEval", &jobs), Vec::<String>::new());
}

#[test]
fn functions_that_return_nothing_fail() {
    let Some(sandbox) = sandbox() else { return };
    let Some(jobs) = human_eval(|_| "    return None\n".into()) else {
        return;
    };
    let failed = failures(sandbox, "HumanEval, returning None", &jobs);
    assert_eq!(failed.len(), 164);
}

#[test]
fn mbpp_solutions_pass() {
    let Some(sandbox) = sandbox() else { return };
    let Some(rows) = rows("mbpp.jsonl.gz") else {
        return;
    };
    let jobs: Vec<_> = rows
        .iter()
        .map(|row| {
            let tests = row["test_list"].as_array().unwrap();
            let tests = tests
                .iter()
                .map(|test| test.as_str().unwrap().to_owned())
                .collect();
            // The setup of some rows uses what the code defines.
            let code = text(row, "code") + "\n" + &text(row, "test_setup_code");
            (row["task_id"].to_string(), code, Tests::Asserts(tests))
        })
        .collect();
    let failed = failures(sandbox, "MBPP", &jobs);
    for failure in &failed {
        eprintln!("  {failure}");
    }
    assert_eq!(failed, Vec::<String>::new());
}
