//! Programs, judged by running them, from a file of rows to verdicts.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../sandbox/tests/common/mod.rs"]
mod contained;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{accepted, build, fenced, go_on, rows, verdicts};
use retort_corpus::{CorpusError, Finished, Flow, Tests};
use serde_json::{Value, json};

/// A problem of MBPP's form with a reply.
fn row(id: &str, code: &str) -> Value {
    json!({
        "task_id": id, "text": "Write a function double(x).", "completion": fenced(code),
        "test_list": ["assert double(2) == 4", "assert double(0) == 0"],
    })
}

fn judge(folder: &Path, limits: &str) -> Finished {
    build(
        folder,
        &format!("keep = \"all\"\ncode = {{ {limits} }}"),
        go_on,
    )
    .unwrap()
}

#[test]
fn programs_are_accepted_for_what_they_do() {
    if contained::sandbox().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let right = "def double(x):\n    return 2 * x";
    let network = "import socket\n\
        try:\n    socket.create_connection(('127.0.0.1', 80), 1)\n    ok = True\n\
        except OSError:\n    ok = False\n\
        def double(x):\n    return 2 * x if REACHED else -1";
    let program = |id: &str, code: &str| {
        json!({
            "task_id": id, "question": "Print the sum of the numbers.", "completion": fenced(code),
            "input_output": "{\"inputs\": [\"1 2\\n\", \"5\\n\"], \"outputs\": [\"3\\n\", \"5\\n\"]}",
        })
    };
    let call = |id: &str, code: &str| {
        json!({
            "task_id": id, "question": "Halves.", "completion": fenced(code), "fn_name": "halves",
            "tests": [{"input": [[2, 4], null], "output": [[1, 2]]}, {"input": [[], "é"], "output": [[]]}],
        })
    };
    let mut none = row("no-tests", right);
    none.as_object_mut().unwrap().remove("test_list");
    let mut foreign = row("foreign", right);
    foreign["completion"] = "```cpp\nint f() { return 1; }\n```".into();
    let mut prose = row("prose", right);
    prose["completion"] = "Multiply it by two.".into();
    rows(
        folder.path(),
        [
            row("right", right),
            row("wrong", "def double(x):\n    return x"),
            row("loop", "def double(x):\n    while True: pass"),
            row(
                "sleep",
                "import time\ntime.sleep(1000)\ndef double(x): return 2 * x",
            ),
            row(
                "memory",
                "def double(x):\n    return len(bytearray(1 << 30)) and 2 * x",
            ),
            row("exits", "import sys\nsys.exit(0)"),
            row("cut", "def double(x"),
            // Right only if the network was reached, and right only if it was not.
            row("network", &network.replace("REACHED", "ok")),
            row("no-network", &network.replace("REACHED", "not ok")),
            none,
            foreign,
            prose,
            program("sum", "print(sum(map(int, input().split())))"),
            program("constant", "print(3)"),
            call(
                "function",
                "def halves(xs, name):\n    return [x // 2 for x in xs]",
            ),
            call(
                "method",
                "class Solution:\n    def halves(self, xs, name):\n        return tuple(x // 2 for x in xs)",
            ),
            call("same", "def halves(xs, name):\n    return xs"),
        ],
    );
    let finished = judge(folder.path(), "timeout_s = 1.0, memory_mb = 256");
    let found = verdicts(&finished);
    for (id, expected) in [
        ("right", Some(true)),
        ("wrong", Some(false)),
        ("loop", Some(false)),
        ("sleep", Some(false)),
        ("memory", Some(false)),
        ("exits", Some(false)),
        ("cut", Some(false)),
        ("network", Some(false)),
        ("no-network", Some(true)),
        ("no-tests", None),
        ("foreign", None),
        ("prose", Some(false)),
        ("sum", Some(true)),
        ("constant", Some(false)),
        ("function", Some(true)),
        ("method", Some(true)),
        ("same", Some(false)),
    ] {
        assert_eq!(accepted(&found, id), expected, "{id}: {:?}", found[id]);
    }
    let detail = |id: &str| found[id].as_ref().unwrap().detail.clone();
    assert_eq!(detail("right"), "2 passed");
    assert_eq!(detail("loop"), "timed out");
    assert!(detail("wrong").contains("double(2)") || detail("wrong").contains("Assertion"));
    assert!(
        detail("constant").contains("expected the output \"5"),
        "{}",
        detail("constant")
    );
    let facts = &finished.steps[1].facts;
    assert_eq!(facts["code"], json!({"replies": 16, "undecided": 1}));
    assert_eq!(
        facts["verdicts"]["tests"],
        json!({"accepted": 5, "refused": 10})
    );
    // Tests stay with their problem, and out of the conversation.
    let trace = finished.traces.iter().unwrap().next().unwrap().unwrap();
    assert!(matches!(trace.tests, Some(Tests::Asserts { .. })));
    let turns = trace.messages.iter();
    assert!(
        !turns
            .map(|turn| &turn.content)
            .any(|text| text.contains("assert"))
    );
}

#[test]
fn sleepers_do_not_hold_up_the_others() {
    if contained::sandbox().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sleeps = |n: usize| {
        row(
            &format!("s{n}"),
            &format!("import time\ntime.sleep({n}000)"),
        )
    };
    let right = |n: usize| {
        row(
            &format!("r{n}"),
            &format!("def double(x): return 2 * x #{n}"),
        )
    };
    rows(folder.path(), (1..=4).map(sleeps).chain((0..40).map(right)));
    let began = Instant::now();
    let found = verdicts(&judge(folder.path(), "timeout_s = 1.0, jobs = 4"));
    let took = began.elapsed();
    println!("4 sleepers of 3 s on 4 jobs and 40 others: {took:?}");
    // One after the other, the sleepers alone would take 12 s.
    assert!(took < Duration::from_secs(11), "{took:?}");
    assert!((0..40).all(|n| accepted(&found, &format!("r{n}")) == Some(true)));
    assert!((1..=4).all(|n| accepted(&found, &format!("s{n}")) == Some(false)));
}

#[test]
fn a_reply_with_many_slow_runs_is_left_undecided() {
    if contained::sandbox().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<_> = (0..50)
        .map(|n| json!({"input": n.to_string(), "output": n.to_string()}))
        .collect();
    rows(
        folder.path(),
        [json!({
            "task_id": "slow", "question": "Echo.", "official_tests": cases,
            "completion": fenced("import time\ntime.sleep(0.3)\nprint(input())"),
        })],
    );
    let found = verdicts(&judge(folder.path(), "total_s = 1.0"));
    assert_eq!(found["slow"], None);
}

#[test]
fn an_interrupted_step_runs_nothing_twice() {
    if contained::sandbox().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let all = 60;
    rows(
        folder.path(),
        (0..all).map(|n| {
            row(
                &n.to_string(),
                &format!("import time\ntime.sleep(0.1)\ndef double(x): return 2 * x + ({n} % 2)"),
            )
        }),
    );
    let ledger = folder.path().join("work/judge/code.jsonl");
    let lines = || std::fs::read_to_string(&ledger).map_or(0, |text| text.lines().count());
    let step = "keep = \"all\"\ncode = { jobs = 4 }";
    let stopped = build(folder.path(), step, |progress| {
        match progress.number == 1 && lines() >= 8 {
            true => Flow::Stop,
            false => Flow::Continue,
        }
    });
    assert!(matches!(
        stopped,
        Err(CorpusError::Stopped { number: 1, .. })
    ));
    let before = lines();
    assert!((8..all).contains(&before), "{before}");
    let found = verdicts(&build(folder.path(), step, go_on).unwrap());
    let right = |n: &usize| accepted(&found, &n.to_string()) == Some(n.is_multiple_of(2));
    assert!((0..all).all(|n| right(&n)));
    assert_eq!(lines(), all);
    // Another step of the same programs runs none.
    let again = build(
        folder.path(),
        "keep = \"accepted\"\ncode = { jobs = 2 }",
        go_on,
    )
    .unwrap();
    assert_eq!((again.steps[1].rows_out, lines()), (all as u64 / 2, all));
}

#[test]
fn without_a_sandbox_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    rows(folder.path(), [row("a", "def double(x): return 2 * x")]);
    let missing = "keep = \"all\"\ncode = { python = \"/nowhere/python3\" }";
    let error = build(folder.path(), missing, go_on).unwrap_err();
    assert!(matches!(error, CorpusError::Judge { .. }), "{error}");
    assert!(
        error.to_string().contains("/nowhere/python3") && error.hint().is_some(),
        "{error}"
    );
    let off = verdicts(&judge(folder.path(), "off = true"));
    assert_eq!(off["a"], None);
    // Where there are no tests, no sandbox is asked for.
    rows(
        folder.path(),
        [json!({"question": "1+1?", "answer": "2", "completion": "<think>So.</think>2"})],
    );
    assert_eq!(
        build(folder.path(), missing, go_on).unwrap().steps[1].rows_out,
        1
    );
    let error = build(folder.path(), "code = { timeout_s = 0 }", go_on).unwrap_err();
    assert!(
        error.to_string().contains("verify.code.timeout_s"),
        "{error}"
    );
}
