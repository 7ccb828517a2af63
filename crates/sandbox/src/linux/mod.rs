//! Containment by Linux: namespaces, a root of its own, a filter of system calls, limits.
//!
//! A run is three processes. Ours clones `init` ([`child`]) into new namespaces, waits and watches
//! ([`watch`]). `init` is our own code and process 1 of its namespace: it builds the file system,
//! clones `main`, and reports how that ended. `main` gives up all rights and becomes the
//! interpreter. When `init` is gone, the kernel has killed everything in the namespace, so there is
//! one thing to kill, and nothing survives it; it also dies with the thread that made it.

mod child;
mod filter;
mod mounts;
mod spawn;
mod step;
mod usage;
mod view;
mod watch;

use std::ffi::{CString, c_char};
use std::io;
use std::ptr;

use crate::interpreter::Interpreter;
use crate::{Limits, Outcome, SandboxError};

/// What all runs share, made beforehand: between `clone` and `execve` nothing may be allocated.
#[derive(Debug)]
pub(crate) struct Jail {
    arguments: Vec<CString>,
    environment: Vec<CString>,
    view: view::View,
    filters: filter::Filters,
}

/// The environment of generated programs, all of it. The seed of hashes is fixed so that a verdict
/// is the same tomorrow; libraries with threads of their own are told that there is one processor.
pub(crate) const ENVIRONMENT: [&str; 11] = [
    "HOME=/tmp",
    "LANG=C.UTF-8",
    "LC_ALL=C.UTF-8",
    "OMP_NUM_THREADS=1",
    "OPENBLAS_NUM_THREADS=1",
    "PATH=/usr/bin",
    "PYTHONDONTWRITEBYTECODE=1",
    "PYTHONHASHSEED=0",
    "PYTHONNOUSERSITE=1",
    "PYTHONUTF8=1",
    "TMPDIR=/tmp",
];

impl Jail {
    pub fn new(interpreter: &Interpreter) -> Result<Self, SandboxError> {
        usage::available().map_err(|error| SandboxError::Containment {
            step: "reading what processes use in /proc",
            error,
        })?;
        let mut arguments = vec![
            view::c_string(&interpreter.program)?,
            c"-S".into(),
            c"/box/start.py".into(),
        ];
        for folder in &interpreter.packages {
            arguments.push(view::c_string(folder)?);
        }
        let environment = ENVIRONMENT.map(|variable| c_string(variable.into()));
        let environment = environment.into_iter().collect::<Result<_, _>>()?;
        Ok(Self {
            arguments,
            environment,
            view: view::View::of(interpreter)?,
            filters: filter::Filters::new().map_err(|error| SandboxError::Containment {
                step: "compiling the filter of system calls",
                error,
            })?,
        })
    }

    pub fn run(
        &self,
        program: &str,
        stdin: &str,
        limits: &Limits,
    ) -> Result<Outcome, SandboxError> {
        let size = program.len() as u64 + stdin.len() as u64;
        let job = child::Job {
            jail: self,
            program: program.as_bytes(),
            stdin: stdin.as_bytes(),
            arguments: pointers(&self.arguments),
            environment: pointers(&self.environment),
            // Pages are whole, and folders take some.
            root_options: c_string(format!("mode=755,nr_inodes=4096,size={}", size + (1 << 20)))?,
            tmp_options: c_string(format!("mode=1777,nr_inodes=4096,size={}", limits.files))?,
            limits: child::ResourceLimits::of(limits),
        };
        let running = spawn::spawn(&job)?;
        watch::watch(running, limits)
    }
}

fn c_string(text: String) -> Result<CString, SandboxError> {
    CString::new(text).map_err(|error| SandboxError::Containment {
        step: "naming a mount or a variable",
        error: io::Error::other(error),
    })
}

/// As `execve` wants them: ending in null. Valid as long as the strings.
fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    let texts = texts.iter().map(|text| text.as_ptr());
    texts.chain([ptr::null()]).collect()
}
