//! Running programs.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A command that finds the workspace's tools before those of the system, and runs in the
/// checkout.
pub fn command(workspace: &Workspace, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&workspace.root)
        .env("PATH", path_with_tools(workspace));
    command
}

/// `cargo`, the one that runs this program.
pub fn cargo(workspace: &Workspace) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    cargo_tool(workspace, cargo)
}

/// A program that runs cargo below, with our build folder and without what `cargo run` set for
/// this program, which would make crates look changed.
pub fn cargo_tool(workspace: &Workspace, program: impl AsRef<OsStr>) -> Command {
    let mut command = command(workspace, program);
    command
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env_remove("LD_LIBRARY_PATH");
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Prints the command line and runs it with the terminal's streams; our stdout stays clean.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("    $ {}", line(command));
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs silently and returns trimmed stdout; stderr goes into the error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}): {}",
            line(command),
            output.status,
            stderr.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first program of these names in the tools folder or on the `PATH`.
pub fn find(workspace: &Workspace, names: &[&str]) -> Option<PathBuf> {
    let path = path_with_tools(workspace);
    names.iter().find_map(|name| {
        env::split_paths(&path)
            .map(|dir| dir.join(name))
            .find(|program| is_program(program))
    })
}

/// The command line, for people.
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let mut line = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        let argument = argument.to_string_lossy();
        match argument.contains(' ') {
            true => line.push_str(&format!("'{argument}'")),
            false => line.push_str(&argument),
        }
    }
    line
}

/// `7.2 s`, `3 min 05 s`.
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        whole @ 0..100 => format!("{whole}.{} s", time.subsec_millis() / 100),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

/// Whether the user may install system packages.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn path_with_tools(workspace: &Workspace) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(workspace.tools.join("bin")).chain(env::split_paths(&path));
    // Joining fails where a folder's name holds a colon; then the system's tools must do.
    env::join_paths(dirs).unwrap_or(path)
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_the_command_line() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo no >&2; exit 3"]);
        let error = output(&mut command).unwrap_err().to_string();
        assert!(error.contains("sh -c 'echo no >&2; exit 3'"), "{error}");
        assert!(error.ends_with(": no"), "{error}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(7_240)), "7.2 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
