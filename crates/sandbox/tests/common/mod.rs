//! One sandbox for a file of tests, if there can be one here.
#![allow(dead_code)] // Each file uses some of it.

use std::sync::OnceLock;
use std::time::Duration;

use retort_sandbox::{Limits, Outcome, Sandbox, Status};

/// `None`, with a note, where this machine cannot contain programs. `RETORT_SANDBOX=1` says that it
/// must, for machines where a silent skip would hide a fault.
pub fn sandbox() -> Option<&'static Sandbox> {
    static SANDBOX: OnceLock<Option<Sandbox>> = OnceLock::new();
    let sandbox = SANDBOX.get_or_init(|| match Sandbox::detect() {
        Ok(sandbox) => Some(sandbox),
        Err(error) => {
            assert!(std::env::var_os("RETORT_SANDBOX").is_none(), "{error}");
            eprintln!("skipped: {error} ({})", error.hint().unwrap_or_default());
            None
        }
    });
    sandbox.as_ref()
}

/// Short, so that what is not contained is seen soon.
pub fn limits() -> Limits {
    Limits {
        wall: Duration::from_secs(10),
        memory: 128 << 20,
        ..Limits::default()
    }
}

pub fn run(sandbox: &Sandbox, program: &str, limits: &Limits) -> Outcome {
    sandbox.run(program, "", limits).unwrap()
}

/// Runs a program that prints "contained" if an escape failed in the way that it must.
pub fn contained(program: &str) {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(sandbox, program, &limits());
    assert_eq!(outcome.status, Status::Passed, "{outcome:?}");
    assert_eq!(outcome.stdout.trim(), "contained", "{outcome:?}");
}

/// Ids of the processes of this machine whose command line holds a text.
#[cfg(target_os = "linux")]
pub fn processes_with(text: &str) -> Vec<String> {
    let holds = |id: &String| {
        std::fs::read(format!("/proc/{id}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(holds).collect()
}
