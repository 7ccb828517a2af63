//! The page's build: trunk, offline, with our tools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::setup::{self, Tool};
use crate::workspace::Workspace;

/// Sets up the tools, builds, checks, and returns the folder to serve.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::ensure(workspace, &Tool::PAGE)?;
    // Trunk is kept offline, lest it look for other tools; cargo must then have all it needs.
    process::run(process::cargo(workspace).args(["fetch", "--locked"]))?;
    process::run(
        process::cargo_tool(workspace, "trunk")
            .args(["build", "--release", "--offline", "--skip-version-check"])
            .arg("--dist")
            .arg(&workspace.dist)
            // Trunk reads it as a number of warnings.
            .env_remove("NO_COLOR"),
    )
    .context("building the page")?;
    let dist = workspace.dist.clone();
    check(&dist)?;
    Ok(dist)
}

/// Refuses a build whose exports are wrapped: wasm-ld does so unless the program calls
/// `__wasm_call_ctors` itself, and every call into wasm then runs thousands of constructors again.
pub fn check(dist: &Path) -> Result<()> {
    let scripts = files(dist, "js")?;
    ensure!(!scripts.is_empty(), "{} holds no script", dist.display());
    for script in scripts {
        let text = fs::read_to_string(&script).with_context(|| script.display().to_string())?;
        ensure!(
            !text.contains("command_export"),
            "{} calls `command_export` shims: the program must call `__wasm_call_ctors` in its \
             start function",
            script.display()
        );
    }
    Ok(())
}

/// Files in `folder` with this extension, in order of their names.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
