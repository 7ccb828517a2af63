//! Problems with tests: the program of the reply, run against them in the sandbox.
//!
//! Memory: [`CodeLimits::jobs`] runs at a time, each with at most [`CodeLimits::memory_mb`].

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use retort_corpus::code_tests::Call;
use retort_corpus::pipeline::CodeLimits;
use retort_corpus::{CorpusError, Tests, Tick, Verdict};
use retort_sandbox::{Limits, Reason, Sandbox, Status, last_foreign_language, last_python_block};
use serde_json::{Map, Value, json};

use crate::JudgeError;
use crate::ledger::Ledger;

/// A run may take so many times its processor time on the clock.
const CLOCK: f64 = 3.0;
/// The user's wish to stop is asked for so often.
const TICK: Duration = Duration::from_millis(200);
/// Marks of blocks that hold no program.
const NO_LANGUAGES: [&str; 7] = [
    "text",
    "txt",
    "plaintext",
    "output",
    "console",
    "json",
    "math",
];

/// The place of a trace, its reply, and its problem's tests.
pub(crate) type Run<'t> = (usize, &'t str, &'t Tests);

/// Runs programs, once it is known that they can be contained.
pub(crate) struct Code<'a> {
    limits: &'a CodeLimits,
    sandbox: Option<Sandbox>,
    ledger: Ledger,
    run: u64,
    undecided: u64,
}

impl<'a> Code<'a> {
    pub fn new(limits: &'a CodeLimits, folder: &Path) -> Self {
        Self {
            limits,
            sandbox: None,
            ledger: Ledger::new(&folder.join("code.jsonl")),
            run: 0,
            undecided: 0,
        }
    }

    pub fn facts(&self) -> Map<String, Value> {
        let counts = json!({"replies": self.run, "undecided": self.undecided});
        let some = (self.run > 0).then(|| ("code".to_owned(), counts));
        some.into_iter().collect()
    }

    /// Verdicts by place, of those that there are.
    pub fn judge(
        &mut self,
        runs: &[Run],
        tick: &mut Tick,
    ) -> Result<Vec<(usize, Verdict)>, CorpusError> {
        if self.limits.off || runs.is_empty() {
            return Ok(Vec::new());
        }
        self.run += runs.len() as u64;
        let mut found = Vec::new();
        let mut jobs = Vec::new();
        for (place, reply, tests) in runs {
            let exam = match Exam::new(reply, tests) {
                Ok(exam) => exam,
                Err(verdict) => {
                    found.extend(verdict.map(|verdict| (*place, verdict)));
                    continue;
                }
            };
            let key = exam.key(self.limits);
            match self.ledger.get(&key)? {
                Some(verdict) => found.extend(verdict.map(|verdict| (*place, verdict))),
                None => jobs.push((*place, key, exam)),
            }
        }
        if !jobs.is_empty() {
            self.run_all(&jobs, &mut found, tick)?;
        }
        self.undecided += (runs.len() - found.len()) as u64;
        Ok(found)
    }

    fn run_all(
        &mut self,
        jobs: &[(usize, String, Exam)],
        found: &mut Vec<(usize, Verdict)>,
        tick: &mut Tick,
    ) -> Result<(), CorpusError> {
        let sandbox = match self.sandbox.take() {
            Some(sandbox) => sandbox,
            None => match &self.limits.python {
                Some(python) => Sandbox::with_interpreter(python),
                None => Sandbox::detect(),
            }
            .map_err(JudgeError::from)?,
        };
        let sandbox = self.sandbox.insert(sandbox);
        let workers = match self.limits.jobs {
            0 => 2 * thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (limits, ledger) = (self.limits, &mut self.ledger);
        thread::scope(|scope| {
            let (sender, results) = channel();
            for _ in 0..workers.min(jobs.len()) {
                let (sender, sandbox, next, stop) = (sender.clone(), &*sandbox, &next, &stop);
                scope.spawn(move || {
                    while let Some((place, key, exam)) =
                        jobs.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let result = exam.sit(sandbox, limits, stop);
                        let gone = sender.send((*place, key, result)).is_err();
                        if gone || stop.load(Ordering::Relaxed) {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let collected = collect(&results, found, ledger, tick);
            // Those that run end within their limits.
            stop.store(true, Ordering::Relaxed);
            collected
        })
    }
}

type Sat<'j> = (usize, &'j String, Result<Option<Verdict>, JudgeError>);

fn collect(
    results: &Receiver<Sat>,
    found: &mut Vec<(usize, Verdict)>,
    ledger: &mut Ledger,
    tick: &mut Tick,
) -> Result<(), CorpusError> {
    let mut told = Instant::now();
    loop {
        match results.recv_timeout(TICK) {
            Ok((place, key, verdict)) => {
                let verdict = verdict?;
                ledger.put(key, verdict.as_ref())?;
                found.extend(verdict.map(|verdict| (place, verdict)));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if told.elapsed() >= TICK {
            told = Instant::now();
            tick()?;
        }
    }
}

/// A program with what it must pass, as the sandbox takes it.
struct Exam {
    code: String,
    /// Run one after another until one fails.
    parts: Vec<retort_sandbox::Tests>,
    count: usize,
}

impl Exam {
    /// The verdict, if it needs no run: none of it, where the reply is in another language.
    fn new(reply: &str, tests: &Tests) -> Result<Self, Option<Verdict>> {
        let Some(block) = last_python_block(reply) else {
            let foreign = last_foreign_language(reply)
                .is_some_and(|language| !NO_LANGUAGES.contains(&language.as_str()));
            return Err((!foreign).then(|| refused("no block of Python that has an end")));
        };
        use retort_sandbox::Tests as Sandboxed;
        let (code, parts) = match tests {
            Tests::Check {
                entry_point,
                test,
                before,
            } => {
                let (entry_point, test) = (entry_point.clone(), test.clone());
                let tests = Sandboxed::HumanEval { entry_point, test };
                (format!("{before}\n{block}"), vec![tests])
            }
            Tests::Asserts { asserts, setup } => {
                let tests = Sandboxed::Asserts(asserts.clone());
                (format!("{block}\n{setup}"), vec![tests])
            }
            Tests::Programs { cases } => {
                let pairs = cases.iter();
                let pairs = pairs.map(|case| vec![(case.input.clone(), case.output.clone())]);
                (block, pairs.map(Sandboxed::StdinStdout).collect())
            }
            Tests::Calls { function, cases } => {
                let calls = cases.iter().map(|call| statement(function, call));
                (block, vec![Sandboxed::Asserts(calls.collect())])
            }
        };
        match tests.is_empty() {
            true => Err(None),
            false => Ok(Self {
                code,
                parts,
                count: tests.len(),
            }),
        }
    }

    /// What decides the verdict, hashed.
    fn key(&self, limits: &CodeLimits) -> String {
        let CodeLimits {
            timeout_s,
            total_s,
            memory_mb,
            python,
            ..
        } = limits;
        let limits = format!("{timeout_s} {total_s} {memory_mb} {python:?}");
        let mut texts = vec![limits.as_bytes(), self.code.as_bytes()];
        for part in &self.parts {
            match part {
                retort_sandbox::Tests::HumanEval { entry_point, test } => {
                    texts.extend([&b"check"[..], entry_point.as_bytes(), test.as_bytes()]);
                }
                retort_sandbox::Tests::Asserts(asserts) => {
                    texts.extend(asserts.iter().map(String::as_bytes));
                }
                retort_sandbox::Tests::StdinStdout(pairs) => {
                    for (input, output) in pairs {
                        texts.extend([&b"program"[..], input.as_bytes(), output.as_bytes()]);
                    }
                }
            }
        }
        crate::digest(texts)[..32].to_owned()
    }

    fn sit(
        &self,
        sandbox: &Sandbox,
        limits: &CodeLimits,
        stop: &AtomicBool,
    ) -> Result<Option<Verdict>, JudgeError> {
        let began = Instant::now();
        let total = Duration::from_secs_f64(limits.total_s);
        let wall = Duration::from_secs_f64(limits.timeout_s * CLOCK);
        for part in &self.parts {
            let left = total.saturating_sub(began.elapsed());
            if left.is_zero() || stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let one = Limits {
                wall: wall.min(left),
                cpu: Duration::from_secs_f64(limits.timeout_s),
                memory: limits.memory_mb << 20,
                ..Limits::default()
            };
            let report = sandbox.run_tests(&self.code, part, &one)?;
            if report.all_passed() {
                continue;
            }
            let timed_out = matches!(
                report.first_failure(),
                Some(Reason::Stopped {
                    status: Status::TimedOut,
                    ..
                })
            );
            // The end of our patience with the reply as a whole says nothing about this run.
            if timed_out && left < wall && began.elapsed() >= total {
                return Ok(None);
            }
            let reason = report.first_failure().map(ToString::to_string);
            return Ok(Some(refused(&reason.unwrap_or_default())));
        }
        Ok(Some(Verdict {
            accepted: true,
            how: HOW.into(),
            detail: format!("{} passed", self.count),
        }))
    }
}

/// Of verdicts by running.
const HOW: &str = "tests";

fn refused(reason: &str) -> Verdict {
    Verdict {
        accepted: false,
        how: HOW.into(),
        detail: crate::shorten(reason, 300),
    }
}

/// A call as a statement. JSON's texts are Python's as well; `json` keeps true, false and null.
fn statement(function: &str, call: &Call) -> String {
    let quoted = |value: Value| Value::String(value.to_string()).to_string();
    let arguments = quoted(call.arguments.clone().into());
    let result = quoted(call.result.clone());
    let name = Value::String(function.to_owned()).to_string();
    format!(
        "import json as _json\n\
         _owner = globals().get('Solution')\n\
         _function = getattr(_owner(), {name}) if hasattr(_owner, {name}) else globals()[{name}]\n\
         _result = _function(*_json.loads({arguments}))\n\
         _result = list(_result) if isinstance(_result, tuple) else _result\n\
         assert _result == _json.loads({result}), repr(_result)[:200]"
    )
}
