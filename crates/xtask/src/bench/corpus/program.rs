//! The program `retort`, watched while it builds a corpus.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bench::Bench;
use crate::bench::native;
use crate::process;
use crate::workspace::Workspace;

/// `$RETORT_PROGRAM`, else the one of this checkout.
pub struct Program<'a> {
    path: PathBuf,
    workspace: &'a Workspace,
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub seconds: f64,
    /// Of all threads, user and system.
    pub cpu_seconds: f64,
    /// The most memory that was resident.
    pub peak_mb: f64,
    /// Whether it came to its end.
    pub finished: bool,
}

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Linux counts processor time in hundredths of a second.
const TICKS: f64 = 100.0;

impl<'a> Program<'a> {
    pub fn find(bench: &Bench<'a>) -> Result<Self> {
        let path = match std::env::var_os("RETORT_PROGRAM") {
            Some(path) => PathBuf::from(path),
            None => native::build(bench)?,
        };
        ensure!(path.is_file(), "{} is not there", path.display());
        Ok(Self {
            path,
            workspace: bench.workspace,
        })
    }

    /// Builds a corpus. With `kill`, the process is killed in the middle of that step (or at its
    /// end, if the step is over in no time).
    pub fn run(&self, recipe: &Path, out: &Path, kill: Option<usize>) -> Result<Run> {
        let mut command = process::command(self.workspace, &self.path);
        command
            .args(["corpus", "build"])
            .arg(recipe)
            .arg("-o")
            .arg(out);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let log = out.with_extension("log");
        command.stderr(fs::File::create(&log)?);
        eprintln!("    $ {}", process::line(&command));
        let start = Instant::now();
        let mut child = command.spawn().with_context(|| process::line(&command))?;
        let (mut cpu_seconds, mut peak_mb) = (0.0_f64, 0.0_f64);
        let mut began = None;
        let status = loop {
            if let Some((cpu, peak)) = usage(child.id()) {
                (cpu_seconds, peak_mb) = (cpu_seconds.max(cpu), peak_mb.max(peak));
            }
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if let Some(step) = kill
                && began.is_none()
                && (step == 0 || done(out, step - 1))
            {
                began = Some(Instant::now());
            }
            // A while into the step; the import, the first, is the only one before any record.
            if began.is_some_and(|began| began.elapsed() > Duration::from_millis(150)) {
                child.kill()?;
                break child.wait()?;
            }
            thread::sleep(LOOK);
        };
        let finished = out.is_dir();
        let killed = kill.is_some() && !finished;
        let errors = || fs::read_to_string(&log).unwrap_or_default();
        ensure!(finished || killed, "it failed ({status}): {}", errors());
        fs::remove_file(&log)?;
        let run = Run {
            seconds: start.elapsed().as_secs_f64(),
            cpu_seconds,
            peak_mb,
            finished,
        };
        eprintln!("      {run:?}");
        Ok(run)
    }
}

/// Where the steps' files are.
pub fn work(out: &Path) -> PathBuf {
    let mut name: OsString = out.to_owned().into();
    name.push(".work");
    name.into()
}

/// Number and path of each step's record that is there, in order.
fn records(out: &Path) -> Vec<(usize, PathBuf)> {
    let entries = fs::read_dir(work(out)).into_iter().flatten().flatten();
    let record = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let number = name
            .strip_suffix(".json")?
            .split_once('-')?
            .0
            .parse()
            .ok()?;
        Some((number, path))
    };
    let mut found: Vec<_> = entries.filter_map(|entry| record(entry.path())).collect();
    found.sort();
    found
}

fn done(out: &Path, step: usize) -> bool {
    records(out).iter().any(|(number, _)| *number == step)
}

/// Name and seconds of each step: from the end of the one before, by the records' times.
pub fn steps(out: &Path) -> Result<Vec<(String, f64)>> {
    let mut steps = Vec::new();
    let folder = fs::metadata(work(out))?;
    let mut before = folder.created().or_else(|_| folder.modified())?;
    for (_, path) in records(out) {
        let record: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let end = fs::metadata(&path)?.modified()?;
        let seconds = end.duration_since(before).unwrap_or_default().as_secs_f64();
        steps.push((
            record["name"].as_str().unwrap_or_default().to_owned(),
            seconds,
        ));
        before = end;
    }
    let end = fs::metadata(out)?.modified()?;
    let seconds = end.duration_since(before).unwrap_or_default().as_secs_f64();
    steps.push(("publish".to_owned(), seconds));
    for (name, seconds) in &steps {
        eprintln!("      {name}: {seconds:.2} s");
    }
    Ok(steps)
}

/// Processor time and peak memory of a process, as Linux tells.
fn usage(process: u32) -> Option<(f64, f64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces; after it, user and system time are the 12th and 13th field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(((user + system) / TICKS, kilobytes / 1e3))
}
