//! `wasm-opt` from npm's binaryen, behind a script that remembers its last results.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{State, system};
use crate::process::{self, find};
use crate::workspace::Workspace;

/// What trunk runs. wasm-opt takes minutes on the worker, so its output is kept by the hash of its
/// input and flags. Called as `wasm-opt --output=OUT -Ox IN FLAGS...`.
///
/// Without Node.js it only copies: the page works, but it is more than twice as large.
const SCRIPT: &str = r#"#!/bin/sh
# Written by `cargo xtask setup`.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
real="$here/npm/node_modules/binaryen/bin/wasm-opt"
# What rustc may use. Not `--all-features`: that writes compact imports, which Chromium refuses.
flags="--enable-simd --enable-relaxed-simd --enable-bulk-memory --enable-bulk-memory-opt \
--enable-mutable-globals --enable-nontrapping-float-to-int --enable-sign-ext \
--enable-reference-types --enable-multivalue"
out=; in=
for arg; do
  case $arg in
    --version) exec "$real" --version ;;
    --output=*) out=${arg#--output=} ;;
    -*) flags="$flags $arg" ;;
    *) in=$arg ;;
  esac
done
if [ ! -e "$real" ]; then cp "$in" "$out"; exit 0; fi
kept="$here/wasm-opt-cache"
hash=$(command -v sha256sum || echo shasum -a 256)
key=$( { echo "BINARYEN $flags"; cat "$in"; } | $hash | cut -d ' ' -f 1)
if [ ! -e "$kept/$key" ]; then
  mkdir -p "$kept"
  "$real" "$in" $flags --output="$kept/$key.new"
  mv "$kept/$key.new" "$kept/$key"
  ls -t "$kept" | tail -n +9 | while read -r old; do rm -f "$kept/$old"; done
fi
cp "$kept/$key" "$out"
"#;

pub(super) fn ensure(workspace: &Workspace, version: &str) -> Result<State> {
    write_script(workspace, version)?;
    let name = format!("binaryen {version}");
    let npm = workspace.tools.join("npm");
    if installed_version(&npm).as_deref() == Some(version) && find(workspace, &["node"]).is_some() {
        return Ok(State::Present(name));
    }
    if (find(workspace, &["npm"]).is_none() || find(workspace, &["node"]).is_none())
        && let Err(error) = system::apt_install(&["nodejs", "npm"])
    {
        return Ok(State::Missing(format!(
            "the page will be more than twice as large, as Node.js and npm are {error:#}"
        )));
    }
    fs::create_dir_all(&npm)?;
    process::run(
        process::command(workspace, "npm")
            .args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ])
            .arg("--prefix")
            .arg(&npm)
            .arg(format!("binaryen@{version}")),
    )?;
    Ok(State::Installed(name))
}

fn write_script(workspace: &Workspace, version: &str) -> Result<()> {
    let bin = workspace.tools.join("bin");
    let script = bin.join("wasm-opt");
    fs::create_dir_all(&bin).with_context(|| bin.display().to_string())?;
    fs::write(&script, SCRIPT.replace("BINARYEN", version))?;
    make_executable(&script)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    Ok(())
}

fn installed_version(npm: &Path) -> Option<String> {
    let manifest = fs::read(npm.join("node_modules/binaryen/package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
    Some(manifest["version"].as_str()?.to_owned())
}
