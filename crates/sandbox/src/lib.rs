//! Runs generated Python programs against tests, to learn whether an answer in code is right.
//!
//! A generated program is hostile until shown otherwise. It runs contained by the kernel: in its own
//! namespaces (no network, no other process, a file system of the interpreter read-only and an empty
//! `/tmp`), without privileges, behind a filter of system calls, with limits on time, memory,
//! processes and output, and it is killed as a whole. [`Sandbox::detect`] attempts escapes before it
//! hands out a sandbox. Where containment is missing there is an error, never an uncontained run.
//!
//! ```no_run
//! use retort_sandbox::{Limits, Sandbox, Tests, last_python_block};
//!
//! let sandbox = Sandbox::detect()?;
//! let code = last_python_block("```python\ndef double(x):\n    return 2 * x\n```").unwrap_or_default();
//! let tests = Tests::Asserts(vec!["assert double(4) == 8".into()]);
//! let report = sandbox.run_tests(&code, &tests, &Limits::default())?;
//! assert!(report.all_passed());
//! # Ok::<(), retort_sandbox::SandboxError>(())
//! ```
//!
//! What it is not: proof against a bug in the kernel, and its verdict on tests is not proof against
//! a program written to deceive these very tests (see [`Sandbox::run_tests`]).

mod blocks;
mod error;
mod grade;
#[cfg(target_os = "linux")]
mod interpreter;
mod limits;
#[cfg(target_os = "linux")]
mod linux;
mod outcome;
#[cfg(target_os = "linux")]
mod probe;
mod random;
mod sandbox;

pub use blocks::{last_foreign_language, last_python_block};
pub use error::SandboxError;
pub use grade::{Reason, TestReport, TestResult, Tests};
pub use limits::Limits;
pub use outcome::{Outcome, Status};
pub use sandbox::Sandbox;
