//! What belongs to the system: looked for first, from apt where we are root, else explained.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::State;
use crate::process::{self, find, is_root};
use crate::workspace::Workspace;

/// Chromium or a browser made of it: `$CHROMIUM`, the `PATH`, then the usual places.
pub fn find_chromium(workspace: &Workspace) -> Option<PathBuf> {
    const NAMES: [&str; 4] = [
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
    ];
    const PLACES: [&str; 3] = [
        "/snap/bin/chromium",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    env::var_os("CHROMIUM")
        .map(PathBuf::from)
        .or_else(|| find(workspace, &NAMES))
        .or_else(|| {
            PLACES
                .iter()
                .map(PathBuf::from)
                .find(|place| place.is_file())
        })
}

pub(super) fn chromium(workspace: &Workspace) -> Result<State> {
    let text = |program: PathBuf| {
        let version = process::output(Command::new(&program).arg("--version"));
        version.with_context(|| format!("{} does not start", program.display()))
    };
    if let Some(program) = find_chromium(workspace) {
        return Ok(State::Present(text(program)?));
    }
    apt_install(&["chromium"])?;
    let program = find_chromium(workspace).context("apt installed no `chromium` program")?;
    Ok(State::Installed(text(program)?))
}

pub(super) fn vulkan() -> Result<State> {
    let found = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
        .any(|entry| entry.file_name().to_string_lossy().starts_with("lvp_icd"));
    if found {
        return Ok(State::Present("lavapipe".to_owned()));
    }
    match apt_install(&["libvulkan1", "mesa-vulkan-drivers"]) {
        Ok(()) => Ok(State::Installed("lavapipe".to_owned())),
        Err(error) => Ok(State::Missing(format!(
            "tests of the GPU path are skipped where there is no GPU ({error})"
        ))),
    }
}

/// Installs Debian packages.
///
/// # Errors
/// Not root, no apt, or apt failed; the text says what to do by hand.
pub(super) fn apt_install(packages: &[&str]) -> Result<()> {
    let by_hand = format!("apt-get install {}", packages.join(" "));
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "not found, and this is no Debian system: install {} yourself",
            packages.join(", ")
        );
    }
    if !is_root() {
        bail!("not found, and only root may install it: run `sudo {by_hand}`");
    }
    let apt = |arguments: &[&str]| {
        process::run(
            Command::new("apt-get")
                // Another apt may be at work; waiting beats failing.
                .args(["-q", "-o", "DPkg::Lock::Timeout=600"])
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    // A stale list is no reason to stop: the package may be in it.
    if let Err(error) = apt(&["update"]) {
        eprintln!("    {error:#}");
    }
    apt(&[&["install", "-y"], packages].concat()).with_context(|| format!("try `{by_hand}`"))
}
