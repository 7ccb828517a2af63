//! The invariants of the workspace, which are mostly absences: what a crate must not know.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo};
use crate::workspace::Workspace;

const WASM: &str = "wasm32-unknown-unknown";

/// Files should stay below 400 lines; one of more than this is two files.
const MAX_LINES: usize = 500;

/// A crate, the target it is built for (none: this machine), and packages that must not be among
/// its dependencies. A name that ends with `*` stands for all that begin like it.
const ABSENCES: [(&str, Option<&str>, &[&str]); 21] = [
    (
        "retort-formats",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-*"],
    ),
    (
        "retort-text",
        None,
        &["burn*", "cubecl*", "wgpu*", "retort-*"],
    ),
    (
        "retort-cpu",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-text"],
    ),
    (
        "retort-config",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-text"],
    ),
    (
        "retort-dataset",
        None,
        &["burn*", "cubecl*", "wgpu*", "retort-formats"],
    ),
    ("retort-export", None, &["burn*", "cubecl*", "wgpu*"]),
    (
        "retort-report",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-*"],
    ),
    (
        "retort-train",
        None,
        &["burn-autodiff", "burn-optim", "burn-train", "retort-cli"],
    ),
    (
        "retort-verify",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-*"],
    ),
    (
        "retort-problems",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-*"],
    ),
    (
        "retort-teacher",
        None,
        &["burn*", "cubecl*", "wgpu*", "retort-text", "retort-model"],
    ),
    (
        "retort-sandbox",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "retort-*"],
    ),
    (
        "retort-corpus",
        None,
        &[
            "burn*",
            "cubecl*",
            "wgpu*",
            "retort-verify",
            "retort-teacher",
            "retort-sandbox",
        ],
    ),
    (
        "retort-judge",
        None,
        &["burn*", "cubecl*", "wgpu*", "retort-model", "retort-cli"],
    ),
    (
        "retort-kernels",
        None,
        &["tokenizers", "retort-text", "retort-model", "retort-infer"],
    ),
    (
        "retort-model",
        None,
        &["tokenizers", "retort-text", "retort-infer"],
    ),
    (
        "retort-infer",
        None,
        &["burn-autodiff", "burn-optim", "retort-protocol"],
    ),
    (
        "retort-worker",
        Some(WASM),
        &["burn-autodiff", "burn-optim", "burn-train", "ureq"],
    ),
    ("retort-page", Some(WASM), &["burn*", "cubecl*", "wgpu*"]),
    ("retort-store", Some(WASM), &["burn*", "cubecl*", "wgpu*"]),
    (
        "xtask",
        None,
        &["burn*", "cubecl*", "wgpu*", "tokenizers", "tokio"],
    ),
];

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let mut broken = Vec::new();
    for (package, target, forbidden) in ABSENCES {
        let found = dependencies(workspace, package, target)?;
        let found: Vec<&String> = found
            .iter()
            .filter(|name| *name != package && forbidden.iter().any(|rule| matches(rule, name)))
            .collect();
        if !found.is_empty() {
            broken.push(format!("{package} must not depend on {found:?}"));
        }
        println!("    {package}: none of {}", forbidden.join(", "));
    }
    for folder in ["crates", "web", "tests"] {
        long_files(&workspace.root.join(folder), &mut broken)?;
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    Ok(())
}

fn matches(rule: &str, name: &str) -> bool {
    match rule.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == rule,
    }
}

/// Names of all packages that are linked into `package`.
fn dependencies(
    workspace: &Workspace,
    package: &str,
    target: Option<&str>,
) -> Result<BTreeSet<String>> {
    let mut command = cargo(workspace);
    command.args(["tree", "--package", package, "--edges", "normal"]);
    command.args(["--prefix", "none", "--format", "{p}"]);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    let tree = process::output(&mut command)?;
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    Ok(names.map(str::to_owned).collect())
}

fn long_files(folder: &Path, broken: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            long_files(&path, broken)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path)?.lines().count();
            if lines > MAX_LINES {
                broken.push(format!(
                    "{}: {lines} lines, at most {MAX_LINES}",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_beginnings() {
        assert!(matches("burn*", "burn-wgpu"));
        assert!(!matches("burn", "burn-wgpu"));
        assert!(matches("tokio", "tokio"));
    }
}
