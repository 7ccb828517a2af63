//! Verdicts on answers, honest and other.
#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use common::{limits, sandbox};
use retort_sandbox::{Limits, Reason, Sandbox, Status, TestReport, Tests};

fn asserts(sandbox: &Sandbox, code: &str, tests: &[&str]) -> TestReport {
    let tests = Tests::Asserts(tests.iter().map(ToString::to_string).collect());
    let limits = Limits {
        wall: Duration::from_secs(2),
        ..limits()
    };
    sandbox.run_tests(code, &tests, &limits).unwrap()
}

fn passed(report: &TestReport) -> Vec<bool> {
    report.results.iter().map(|test| test.passed()).collect()
}

#[test]
fn each_assert_has_its_verdict() {
    let Some(sandbox) = sandbox() else { return };
    let code = "print('loaded')\ndef f(x):\n    print(x)\n    return abs(x)\n";
    let tests = [
        "assert f(2) == 2",
        "assert f(-2) == -2, 'sign'",
        "assert g(1)",
        "assert f(0) == 0",
    ];
    let report = asserts(sandbox, code, &tests);
    assert_eq!(passed(&report), [true, false, false, true]);
    let reasons: Vec<_> = report.results.iter().flat_map(|r| &r.failure).collect();
    assert_eq!(reasons[0].to_string(), "AssertionError: sign");
    assert!(
        reasons[1].to_string().starts_with("NameError: name 'g'"),
        "{}",
        reasons[1]
    );
    assert_eq!(report.passed(), 2);
    // What the answer printed is left, what the harness said is not.
    let words: Vec<_> = report.runs[0].stdout.split_whitespace().collect();
    assert_eq!(words, ["loaded", "2", "-2", "0"]);
}

#[test]
fn ending_early_is_not_passing() {
    let Some(sandbox) = sandbox() else { return };
    let tests = ["assert f() == 1", "assert f() == 1"];
    for code in [
        "import sys\nsys.exit(0)",
        "import os\nos._exit(0)",
        "import os\ndef f(): os._exit(0)",
        "def f(): raise SystemExit(0)",
        "import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGKILL)",
        "import atexit, os\natexit.register(os._exit, 0)\nraise KeyboardInterrupt",
        "import os\nos.close(1)\ndef f(): return 2",
        "import os\nos.write = os._exit = None\ndef f(): return 2",
        "print('\\nkey pass 0 \\nkey pass 1 ')",
        "",
        "def f(:",
    ] {
        let report = asserts(sandbox, code, &tests);
        assert_eq!(passed(&report), [false, false], "{code}: {report:?}");
    }
}

#[test]
fn a_test_that_hangs_or_crashes_leaves_the_verdicts_before_it() {
    let Some(sandbox) = sandbox() else { return };
    let tests = ["assert f(1)", "assert f(0)", "assert f(1)"];
    let hangs = asserts(
        sandbox,
        "def f(x):\n    while not x: pass\n    return 1",
        &tests,
    );
    assert_eq!(passed(&hangs), [true, false, false]);
    let Some(Reason::Stopped { status, .. }) = hangs.first_failure() else {
        panic!("{hangs:?}");
    };
    assert_eq!(*status, Status::TimedOut);
    assert_eq!(hangs.results[2].failure, Some(Reason::NotRun));
    let crashes = asserts(
        sandbox,
        "import os\ndef f(x):\n    return x or os.abort()",
        &tests,
    );
    assert_eq!(passed(&crashes), [true, false, false]);
    let reason = crashes.first_failure().unwrap().to_string();
    assert_eq!(reason, "killed by a signal: signal 6");
}

#[test]
fn code_that_does_not_load_says_why() {
    let Some(sandbox) = sandbox() else { return };
    let report = asserts(sandbox, "import nowhere", &["assert True"]);
    let reason = report.first_failure().unwrap();
    assert!(
        matches!(reason, Reason::Load(error) if error.contains("nowhere")),
        "{reason}"
    );
}

#[test]
fn demonstrations_of_an_answer_do_not_run() {
    let Some(sandbox) = sandbox() else { return };
    let code = "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: 'int'\n\
        def f(): return P(1).x\nif __name__ == '__main__':\n    f(int(input()))\n";
    assert!(asserts(sandbox, code, &["assert f() == 1"]).all_passed());
    assert!(!asserts(sandbox, code, &[]).all_passed());
}

#[test]
fn any_text_reaches_the_harness_and_comes_back() {
    let Some(sandbox) = sandbox() else { return };
    let text = "ü \u{1F600} \\ \" ' \t \u{7f} \u{2028} \u{0}";
    let code = format!(
        "s = {}\ndef f():\n    raise ValueError(s)",
        serde_json::json!(text)
    );
    let test = format!("assert s == {}\nf()", serde_json::json!(text));
    let report = asserts(sandbox, &code, &[&test]);
    let reason = report.first_failure().unwrap().to_string();
    assert_eq!(reason, format!("ValueError: {text} in `f()`"));
    // Half a surrogate pair cannot be written as UTF-8.
    let code = "def f(): raise ValueError('\\ud800')";
    let reason = asserts(sandbox, code, &["f()"])
        .first_failure()
        .unwrap()
        .to_string();
    assert_eq!(reason, "ValueError: \\ud800");
}

#[test]
fn a_check_function_is_called_with_the_entry_point() {
    let Some(sandbox) = sandbox() else { return };
    let tests = Tests::HumanEval {
        entry_point: "add".into(),
        test: "def check(candidate):\n    assert candidate(1, 2) == 3\n    \
               assert candidate(0, 0) == 0\n"
            .into(),
    };
    let run = |code| sandbox.run_tests(code, &tests, &limits()).unwrap();
    assert!(run("def add(a, b): return a + b").all_passed());
    let wrong = run("def add(a, b): return a + b + (a == 0)");
    let reason = wrong.first_failure().unwrap().to_string();
    assert_eq!(reason, "AssertionError in `assert candidate(0, 0) == 0`");
    assert!(!run("def sum(a, b): return a + b").all_passed());
}

#[test]
fn programs_are_judged_by_what_they_print() {
    let Some(sandbox) = sandbox() else { return };
    let tests = Tests::StdinStdout(vec![
        ("1 2\n".into(), "3\n".into()),
        ("5 5\n".into(), "10".into()),
        ("x\n".into(), "".into()),
    ]);
    let code = "if __name__ == '__main__':\n    print(sum(map(int, input().split())), '')";
    let report = sandbox.run_tests(code, &tests, &limits()).unwrap();
    assert_eq!(passed(&report), [true, true, false]);
    let reason = report.first_failure().unwrap().to_string();
    assert!(reason.contains("ValueError"), "{reason}");
    let report = sandbox.run_tests("print(3)", &tests, &limits()).unwrap();
    assert_eq!(passed(&report), [true, false, false]);
    assert!(matches!(
        report.first_failure(),
        Some(Reason::WrongOutput { .. })
    ));
}
