//! What every test needs: a folder, a server, a browser.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use xtask::browser::{Browser, WebGpu};
use xtask::setup::find_chromium;
use xtask::workspace::Workspace;

/// A folder that goes where it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("retort-{name}-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the system's Chromium.
pub fn browser(webgpu: WebGpu) -> Result<Browser> {
    let workspace = Workspace::find()?;
    let program = find_chromium(&workspace).context("no Chromium: cargo xtask setup")?;
    Browser::launch(&program, webgpu)
}
