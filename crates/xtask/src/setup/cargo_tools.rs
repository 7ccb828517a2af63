//! Tools that cargo builds.

use std::path::Path;

use anyhow::{Result, ensure};

use super::State;
use crate::process::{self, cargo, find};
use crate::workspace::Workspace;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

pub(super) fn wasm_target(workspace: &Workspace) -> Result<State> {
    let sysroot =
        process::output(process::command(workspace, "rustc").args(["--print", "sysroot"]))?;
    let installed = Path::new(&sysroot).join("lib/rustlib").join(WASM_TARGET);
    if installed.is_dir() {
        return Ok(State::Present(WASM_TARGET.to_owned()));
    }
    process::run(process::command(workspace, "rustup").args(["target", "add", WASM_TARGET]))?;
    Ok(State::Installed(WASM_TARGET.to_owned()))
}

/// The program must be of the very version of the library: they share an unversioned format.
pub(super) fn wasm_bindgen(workspace: &Workspace) -> Result<State> {
    let version = workspace.locked_version("wasm-bindgen")?;
    // Without `--locked`: the lock file of this package pins crates that registry mirrors, which
    // lag by some days, may not have.
    install(
        workspace,
        "wasm-bindgen",
        "wasm-bindgen-cli",
        &version,
        "3",
        &[],
    )
}

/// `--locked`, as newer versions of its dependencies do not compile.
pub(super) fn trunk(workspace: &Workspace, version: &str) -> Result<State> {
    let options = ["--locked", "--no-default-features", "--features", "rustls"];
    install(workspace, "trunk", "trunk", version, "6", &options)
}

fn install(
    workspace: &Workspace,
    program: &str,
    package: &str,
    version: &str,
    minutes: &str,
    options: &[&str],
) -> Result<State> {
    let name = format!("{package} {version}");
    if installed_version(workspace, program).as_deref() == Some(version) {
        return Ok(State::Present(name));
    }
    eprintln!("  {program:<16} building {name} (about {minutes} minutes on two cores)");
    // A build folder that stays when the build is interrupted, so that the next try goes on.
    let build = workspace.tools.join("build");
    process::run(
        cargo(workspace)
            .args(["install", package, "--version", version, "--force"])
            .args(options)
            .arg("--root")
            .arg(&workspace.tools)
            .env("CARGO_TARGET_DIR", &build),
    )?;
    let got = installed_version(workspace, program);
    ensure!(
        got.as_deref() == Some(version),
        "`{program} --version` says {got:?} after {name} was installed into {}",
        workspace.tools.display()
    );
    // Half a gigabyte that nobody reads again; if it cannot be removed, no harm is done.
    let _ = std::fs::remove_dir_all(&build);
    Ok(State::Installed(name))
}

/// The second word of `program --version`, such as `wasm-bindgen 0.2.130`.
fn installed_version(workspace: &Workspace, program: &str) -> Option<String> {
    let program = find(workspace, &[program])?;
    let text = process::output(process::command(workspace, program).arg("--version")).ok()?;
    Some(text.split_whitespace().nth(1)?.to_owned())
}
