//! Tests of an answer, and what became of each.

use std::fmt;

use serde_json::json;

use crate::random::token;
use crate::{Limits, Outcome, Sandbox, SandboxError, Status};

/// Runs in the sandbox around the answer.
const HARNESS: &str = include_str!("harness.py");

/// How to find out whether an answer is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tests {
    /// As in HumanEval: `test` defines `check(candidate)`, which is given the function of the name
    /// `entry_point`. The code is the whole function, with the imports of the prompt.
    HumanEval { entry_point: String, test: String },
    /// As in MBPP: statements to execute after the code, each of which must raise nothing. They run
    /// in one process, in order, a failure does not keep the others from running.
    Asserts(Vec<String>),
    /// The code is a program: for each pair it runs anew with the first as its input and must print
    /// the second and end with exit code 0. Blanks at ends of lines and blank lines at the end do
    /// not count.
    StdinStdout(Vec<(String, String)>),
}

/// Why a test was not passed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The code itself raised this before any test.
    Load(String),
    /// The test raised this, as in `AssertionError: 3 != 4`.
    Raised(String),
    /// The program printed something else. Both are shortened.
    WrongOutput { expected: String, got: String },
    /// The program was stopped, or ended, in the middle of this test.
    Stopped { status: Status, detail: String },
    /// An earlier test took the process with it.
    NotRun,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => write!(f, "the code cannot be loaded: {error}"),
            Self::Raised(error) => f.write_str(error),
            Self::WrongOutput { expected, got } => {
                write!(f, "expected the output {expected:?}, got {got:?}")
            }
            Self::Stopped { status, detail } if detail.is_empty() => f.write_str(status.describe()),
            Self::Stopped { status, detail } => write!(f, "{}: {detail}", status.describe()),
            Self::NotRun => f.write_str("not run: an earlier test ended the program"),
        }
    }
}

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// `None`: passed.
    pub failure: Option<Reason>,
}

impl TestResult {
    /// Whether the test was passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// What became of all tests.
#[derive(Clone, Debug)]
pub struct TestReport {
    /// In the order of the tests.
    pub results: Vec<TestResult>,
    /// The runs that it took: one, or one for each pair of input and output.
    pub runs: Vec<Outcome>,
}

impl TestReport {
    /// Whether there was a test, and none failed.
    pub fn all_passed(&self) -> bool {
        !self.results.is_empty() && self.results.iter().all(TestResult::passed)
    }

    /// How many tests were passed.
    pub fn passed(&self) -> usize {
        self.results.iter().filter(|test| test.passed()).count()
    }

    /// Why the first test that failed did.
    pub fn first_failure(&self) -> Option<&Reason> {
        self.results.iter().find_map(|test| test.failure.as_ref())
    }
}

impl Sandbox {
    /// Runs an answer against its tests; `limits` are for each run. Code that ends the process,
    /// cleanly or not, before a test is through has not passed it.
    ///
    /// `HumanEval` and `Asserts` share the process with the answer, so they do not withstand one
    /// that is written to deceive them, for instance with objects that equal everything. Where that
    /// matters, use `StdinStdout`.
    ///
    /// # Errors
    /// As [`Sandbox::run`]: then nothing is known about the answer.
    pub fn run_tests(
        &self,
        code: &str,
        tests: &Tests,
        limits: &Limits,
    ) -> Result<TestReport, SandboxError> {
        match tests {
            Tests::HumanEval { entry_point, test } => {
                self.in_one_process(code, Some(entry_point), std::slice::from_ref(test), limits)
            }
            Tests::Asserts(tests) => self.in_one_process(code, None, tests, limits),
            Tests::StdinStdout(pairs) => {
                let mut report = TestReport {
                    results: Vec::with_capacity(pairs.len()),
                    runs: Vec::with_capacity(pairs.len()),
                };
                for (input, expected) in pairs {
                    let run = self.run(code, input, limits)?;
                    report.results.push(TestResult {
                        failure: compare(expected, &run),
                    });
                    report.runs.push(run);
                }
                Ok(report)
            }
        }
    }

    fn in_one_process(
        &self,
        code: &str,
        entry_point: Option<&String>,
        tests: &[String],
        limits: &Limits,
    ) -> Result<TestReport, SandboxError> {
        let key = token();
        let job = json!({ "key": key, "code": code, "entry": entry_point, "tests": tests });
        let mut run = self.run(HARNESS, &job.to_string(), limits)?;
        let verdicts = Verdicts::taken_from(&mut run.stdout, &key);
        Ok(TestReport {
            results: verdicts.results(tests.len(), &run),
            runs: vec![run],
        })
    }
}

/// What the harness said.
#[derive(Debug, Default)]
struct Verdicts {
    load: Option<String>,
    /// By index of the test; `Ok` is a pass.
    tests: Vec<(usize, Result<(), String>)>,
}

impl Verdicts {
    /// Takes the harness's lines out of the output, which leaves the answer's own.
    fn taken_from(stdout: &mut String, key: &str) -> Self {
        let mut verdicts = Self::default();
        let mut rest = String::new();
        // Each verdict begins with a line break of its own.
        for (number, part) in stdout.split(&format!("\n{key} ")).enumerate() {
            let own = match number {
                0 => part,
                _ => {
                    // Without its end, it was cut off at the limit of output, and is no verdict.
                    let (verdict, own) = part.split_once('\n').unwrap_or_default();
                    verdicts.add(verdict);
                    own
                }
            };
            rest.push_str(own);
        }
        *stdout = rest;
        verdicts
    }

    fn add(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (Some(kind), Some(index), Some(reason)) = (words.next(), words.next(), words.next())
        else {
            return;
        };
        let (Ok(index), Some(reason)) = (index.parse(), unhex(reason)) else {
            return;
        };
        match kind {
            "load" => self.load = Some(reason),
            "pass" => self.tests.push((index, Ok(()))),
            "fail" => self.tests.push((index, Err(reason))),
            _ => {}
        }
    }

    fn results(self, count: usize, run: &Outcome) -> Vec<TestResult> {
        let mut results: Vec<Option<Option<Reason>>> = vec![None; count];
        for (index, verdict) in self.tests {
            if let Some(result) = results.get_mut(index) {
                *result = Some(verdict.err().map(Reason::Raised));
            }
        }
        let mut first = true;
        let mut missing = || {
            let reason = match (&self.load, first) {
                (Some(error), _) => Reason::Load(error.clone()),
                (None, true) => stopped(run),
                (None, false) => Reason::NotRun,
            };
            first = false;
            Some(reason)
        };
        results
            .into_iter()
            .map(|result| TestResult {
                failure: result.unwrap_or_else(&mut missing),
            })
            .collect()
    }
}

/// Text from hexadecimal digits of its bytes.
fn unhex(digits: &str) -> Option<String> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let bytes = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

fn stopped(run: &Outcome) -> Reason {
    let detail = match (run.exit_code, run.signal) {
        (Some(0), _) => "before the test was through".into(),
        (Some(code), _) => match run.last_error_line() {
            Some(line) => shorten(line),
            None => format!("exit code {code}"),
        },
        (None, Some(signal)) if run.status == Status::Killed => format!("signal {signal}"),
        _ => String::new(),
    };
    Reason::Stopped {
        status: run.status,
        detail,
    }
}

fn compare(expected: &str, run: &Outcome) -> Option<Reason> {
    if run.status != Status::Passed {
        return Some(stopped(run));
    }
    let same = trimmed(expected).eq(trimmed(&run.stdout));
    (!same).then(|| Reason::WrongOutput {
        expected: shorten(expected),
        got: shorten(&run.stdout),
    })
}

/// Lines without what does not count.
fn trimmed(text: &str) -> impl Iterator<Item = &str> {
    text.trim_end().lines().map(str::trim_end)
}

/// For people: enough to see what is wrong.
fn shorten(text: &str) -> String {
    const MOST: usize = 400;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(stdout: &str) -> Outcome {
        Outcome {
            status: Status::Passed,
            exit_code: Some(0),
            signal: None,
            stdout: stdout.into(),
            stderr: String::new(),
            seconds: 0.1,
            peak_memory: None,
        }
    }

    #[test]
    fn verdicts_are_told_from_output() {
        let own = ["hi\n", "mid", "x pass 1 \n"];
        let mut out = format!(
            "{}\nk begin 0 \n{}\nk pass 0 \n\nk begin 1 \n{}\nk fail 1 453a20610ac3bc\n\
             \nk pass 2 ",
            own[0], own[1], own[2]
        );
        let verdicts = Verdicts::taken_from(&mut out, "k");
        assert_eq!(out, own.concat());
        let results = verdicts.results(4, &outcome(""));
        assert!(results[0].passed());
        assert_eq!(results[1].failure, Some(Reason::Raised("E: a\nü".into())));
        assert!(matches!(results[2].failure, Some(Reason::Stopped { .. })));
        assert_eq!(results[3].failure, Some(Reason::NotRun));
    }

    #[test]
    fn reasons_are_hexadecimal() {
        assert_eq!(unhex("").unwrap(), "");
        assert_eq!(unhex("41c3bC").unwrap(), "Aü");
        for wrong in ["4", "4g", "c3", "+1", "ü"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn blanks_at_ends_do_not_count_but_others_do() {
        assert_eq!(compare("1 2\n3\n", &outcome("1 2 \r\n3\n\n")), None);
        assert_eq!(compare("", &outcome("\n")), None);
        assert!(compare("1 2\n", &outcome("1  2\n")).is_some());
        assert!(compare("1\n2", &outcome("1\n\n2")).is_some());
        assert!(compare("a", &outcome(" a")).is_some());
    }

    #[test]
    fn nothing_tested_is_not_passed() {
        let report = TestReport {
            results: Vec::new(),
            runs: Vec::new(),
        };
        assert!(!report.all_passed());
    }
}
