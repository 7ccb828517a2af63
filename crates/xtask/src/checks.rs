//! `cargo xtask test`: everything that must hold, one step after the other.
//!
//! Each step prints a heading and its time. A failed one does not stop the others; the end says
//! what failed and how to run only that again.

mod architecture;

use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::page;
use crate::process::{self, cargo, seconds};
use crate::setup::{self, Tool};
use crate::workspace::Workspace;

/// What can be run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// `cargo fmt --check`.
    Fmt,
    /// Which crate may depend on what; see `ARCHITECTURE.md`.
    Architecture,
    /// Licences, banned and unsafe dependencies by `cargo deny`, where that is installed.
    Deny,
    /// `cargo clippy` on everything, without warnings.
    Clippy,
    /// The same for wasm32, on what the page is built from.
    Wasm,
    /// `cargo test` of the workspace.
    Native,
    /// The page's build.
    Page,
    /// The page in headless Chromium.
    Browser,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Fmt,
        Self::Architecture,
        Self::Deny,
        Self::Clippy,
        Self::Wasm,
        Self::Native,
        Self::Page,
        Self::Browser,
    ];

    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    fn run(self, workspace: &Workspace) -> Result<Counts> {
        let none = |()| Counts::default();
        match self {
            Self::Fmt => process::run(cargo(workspace).args(["fmt", "--all", "--check"])).map(none),
            Self::Architecture => architecture::check(workspace).map(none),
            Self::Deny => deny(workspace).map(none),
            Self::Clippy => clippy(workspace).map(none),
            Self::Wasm => wasm(workspace).map(none),
            Self::Native => native(workspace),
            Self::Page => page::build(workspace).map(|_| Counts::default()),
            Self::Browser => browser(workspace),
        }
    }
}

/// Tests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// Runs the steps, all of them where none is named.
///
/// # Errors
/// A step failed.
pub fn run(workspace: &Workspace, only: &[Step]) -> Result<()> {
    let steps = if only.is_empty() {
        &Step::ALL[..]
    } else {
        only
    };
    let start = Instant::now();
    let mut total = Counts::default();
    let mut failed = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let name = step.name();
        println!("\n=== {}/{} {name}", index + 1, steps.len());
        let step_start = Instant::now();
        let outcome = step.run(workspace);
        let time = seconds(step_start.elapsed());
        match outcome {
            Ok(counts) if counts.failed == 0 => {
                println!("=== {name}: ok in {time}");
                total += counts;
            }
            Ok(counts) => {
                println!("=== {name}: FAILED in {time}: {} tests", counts.failed);
                total += counts;
                failed.push(name);
            }
            Err(error) => {
                println!("=== {name}: FAILED in {time}: {error:#}");
                total.failed += 1;
                failed.push(name);
            }
        }
    }
    println!("\nall steps: {}", seconds(start.elapsed()));
    if !failed.is_empty() {
        println!(
            "failed: {0}; again: cargo xtask test --only {0}",
            failed.join(",")
        );
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if failed.is_empty() {
        Ok(())
    } else {
        std::process::exit(1)
    }
}

fn deny(workspace: &Workspace) -> Result<()> {
    if process::find(workspace, &["cargo-deny"]).is_none() {
        println!("SKIPPED: cargo-deny is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    let arguments = ["deny", "--offline", "check", "licenses", "bans", "sources"];
    process::run(cargo(workspace).args(arguments))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    // The release profile is the only one that is ever built; a second would cost minutes.
    let arguments = [
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-Dwarnings",
    ];
    process::run(cargo(workspace).args(arguments))
}

/// Crates that the page is made of, or that promise to compile for it.
const WASM_CRATES: [&str; 12] = [
    "retort-formats",
    "retort-text",
    "retort-cpu",
    "retort-kernels",
    "retort-model",
    "retort-infer",
    "retort-protocol",
    "retort-store",
    "retort-page",
    "retort-worker",
    "retort-verify",
    "retort-problems",
];

fn wasm(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Tool::WasmTarget])?;
    let mut command = cargo(workspace);
    command.args(["clippy", "--release", "--target", "wasm32-unknown-unknown"]);
    for name in WASM_CRATES {
        command.args(["--package", name]);
    }
    process::run(command.args(["--", "-Dwarnings"]))
}

fn native(workspace: &Workspace) -> Result<Counts> {
    setup::ensure(workspace, &[Tool::Vulkan])?;
    // The terminal's program, which the end-to-end tests run: with the features of all, so that
    // nothing is compiled twice.
    let test = ["test", "--release", "--workspace", "--no-fail-fast"];
    count_tests(cargo(workspace).args(test))
}

fn browser(workspace: &Workspace) -> Result<Counts> {
    let dist = workspace.dist.clone();
    if !dist.join("index.html").is_file() {
        bail!(
            "there is no page in {}: run `cargo xtask test --only page,browser`",
            dist.display()
        );
    }
    setup::ensure(workspace, &[Tool::Chromium])?;
    // One at a time: each starts a browser, and a software GPU takes all cores.
    let run = ["--ignored", "--test-threads=1"];
    let test = [
        "test",
        "--release",
        "--workspace",
        "--test",
        "browser",
        "--",
    ];
    count_tests(cargo(workspace).args(test).args(run))
}

/// Runs `cargo test`, passes its output on, and adds up its summary lines.
fn count_tests(command: &mut Command) -> Result<Counts> {
    println!("    $ {}", process::line(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::line(command)))?;
    let mut counts = Counts::default();
    let stdout = child.stdout.take().context("the tests have no output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(suite) = summary(&line) {
            counts += suite;
        }
    }
    let status = child.wait()?;
    if !status.success() && counts.failed == 0 {
        bail!("`{}` failed ({status})", process::line(command));
    }
    Ok(counts)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
fn summary(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        rest.split("; ")
            .find_map(|part| part.strip_suffix(what))
            .and_then(|number| number.trim().parse().ok())
    };
    Some(Counts {
        passed: number(" passed")?,
        failed: number(" failed")?,
        ignored: number(" ignored")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            summary(line),
            Some(Counts {
                passed: 12,
                failed: 3,
                ignored: 1
            })
        );
        assert_eq!(summary("test foo ... ok"), None);
    }
}
