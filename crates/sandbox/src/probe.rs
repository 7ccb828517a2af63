//! The trial of a new sandbox: a program attempts to get out, and we look from outside.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use crate::linux::ENVIRONMENT;
use crate::random::token;
use crate::{Limits, Sandbox, SandboxError, Status};

const PROGRAM: &str = include_str!("probe.py");

/// All attempts that the program must report, so that one that was skipped is not taken for held.
const ATTEMPTS: [&str; 23] = [
    "descriptors",
    "canary",
    "symlink",
    "passwd",
    "shadow",
    "proc",
    "sys",
    "home",
    "write-folder",
    "write-root",
    "write-library",
    "write-program",
    "network-local",
    "network-outside",
    "network-6",
    "network-names",
    "sockets",
    "environment",
    "root",
    "chroot",
    "device",
    "signal-parent",
    "forks",
];

/// A folder outside of the sandbox with a file in it; removed at the end.
struct Outside {
    folder: PathBuf,
}

impl Outside {
    fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("retort-trial-{}", token()));
        fs::create_dir(&folder)?;
        let outside = Self { folder };
        fs::write(outside.canary(), "secret")?;
        Ok(outside)
    }

    fn canary(&self) -> PathBuf {
        self.folder.join("canary")
    }

    /// Whether nothing was changed in it.
    fn untouched(&self) -> bool {
        let count = fs::read_dir(&self.folder).map(Iterator::count);
        let content = fs::read_to_string(self.canary());
        matches!((count, content), (Ok(1), Ok(content)) if content == "secret")
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Lets a program attempt escapes from `sandbox`.
///
/// # Errors
/// [`SandboxError::Leaks`] for the first that succeeded, [`SandboxError::Trial`] if the program did
/// not run, and whatever keeps a sandbox from being made.
pub(crate) fn attempt_escapes(sandbox: &Sandbox) -> Result<(), SandboxError> {
    let failed = |step| move |error| SandboxError::Containment { step, error };
    let outside = Outside::new().map_err(failed(SandboxError::TRIAL_FOLDER))?;
    let listening = failed("listening for the trial");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(listening)?;
    listener.set_nonblocking(true).map_err(listening)?;
    let port = listener.local_addr().map_err(listening)?.port();
    let names: Vec<_> = ENVIRONMENT
        .iter()
        .filter_map(|variable| variable.split('=').next())
        .collect();
    let limits = Limits {
        processes: 8,
        wall: Duration::from_secs(60),
        ..Limits::default()
    };
    let stdin = format!(
        "{port}\n{}\n{}\n{}\n{}\n",
        outside.canary().display(),
        outside.folder.display(),
        limits.processes,
        names.join(" "),
    );
    let outcome = sandbox.run(PROGRAM, &stdin, &limits)?;
    judge(&outcome.stdout)?;
    if outcome.status != Status::Passed {
        return Err(SandboxError::Trial {
            got: match outcome.last_error_line() {
                Some(line) => format!("{}: {line}", outcome.status.describe()),
                None => outcome.status.describe().into(),
            },
        });
    }
    let leaked = |attempt: &str, detail: &str| SandboxError::Leaks {
        attempt: attempt.into(),
        detail: detail.into(),
    };
    if !outside.untouched() {
        return Err(leaked("write-folder", "a folder outside was changed"));
    }
    if listener.accept().is_ok() {
        return Err(leaked("network-local", "a connection arrived"));
    }
    Ok(())
}

/// Reads what the program says of its attempts.
fn judge(report: &str) -> Result<(), SandboxError> {
    let mut missing: BTreeSet<_> = ATTEMPTS.into();
    for line in report.lines() {
        let mut words = line.splitn(3, ' ');
        let (verdict, name) = (words.next(), words.next().unwrap_or_default());
        match verdict {
            Some("held") => {
                missing.remove(name);
            }
            Some("LEAK") => {
                return Err(SandboxError::Leaks {
                    attempt: name.into(),
                    detail: words.next().unwrap_or_default().into(),
                });
            }
            _ => {}
        }
    }
    // A program that did not start says nothing at all, and its status tells why.
    match missing.first() {
        Some(name) if !report.is_empty() => Err(SandboxError::Trial {
            got: format!("no word of the attempt `{name}`"),
        }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_counts() {
        let all: String = ATTEMPTS.map(|name| format!("held {name}\n")).concat();
        assert!(judge(&all).is_ok());
        let fewer = all.replace("held chroot\n", "");
        assert!(
            matches!(judge(&fewer), Err(SandboxError::Trial { got }) if got.contains("chroot"))
        );
        let leak = all.replace("held proc", "LEAK proc ['1', '2']");
        let Err(SandboxError::Leaks { attempt, detail }) = judge(&leak) else {
            panic!("a leak was passed over");
        };
        assert_eq!((attempt.as_str(), detail.as_str()), ("proc", "['1', '2']"));
        for name in ATTEMPTS {
            assert!(PROGRAM.contains(&format!("attempt(\"{name}\"")), "{name}");
        }
    }
}
