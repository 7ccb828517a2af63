//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that tasks read and write. All paths are absolute.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's build output: `$CARGO_TARGET_DIR`, else `target`.
    pub target: PathBuf,
    /// The built page: `$RETORT_DIST` (for tests of another build), else `dist`.
    pub dist: PathBuf,
    /// Installed tools: `$RETORT_TOOLS`, else `target/tools`, or the cache where `CI` is set (there
    /// the clone is new each time, and building the tools takes minutes).
    pub tools: PathBuf,
    /// Downloads that outlive the checkout: `$RETORT_CACHE`, else `$XDG_CACHE_HOME/retort`, else
    /// `~/.cache/retort`.
    pub cache: PathBuf,
}

impl Workspace {
    /// Finds the folders from the environment; creates none.
    pub fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .filter(|dir| dir.ends_with("crates/xtask"))
            .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = manifest
            .ancestors()
            .nth(2)
            .context("crates/xtask has no grandparent folder")?
            .to_owned();
        let target = folder("CARGO_TARGET_DIR")?.unwrap_or_else(|| root.join("target"));
        let cache = match (folder("RETORT_CACHE")?, folder("XDG_CACHE_HOME")?) {
            (Some(cache), _) => cache,
            (None, Some(caches)) => caches.join("retort"),
            (None, None) => env::home_dir()
                .context("no home folder: set RETORT_CACHE to a folder for downloads")?
                .join(".cache/retort"),
        };
        let tools = match folder("RETORT_TOOLS")? {
            Some(tools) => tools,
            None if in_ci() => cache.join("tools"),
            None => target.join("tools"),
        };
        let dist = folder("RETORT_DIST")?.unwrap_or_else(|| root.join("dist"));
        Ok(Self {
            root,
            dist,
            target,
            tools,
            cache,
        })
    }

    /// Fetched and made models.
    pub fn models(&self) -> PathBuf {
        self.cache.join("models")
    }

    /// The version that `Cargo.lock` holds of `package`.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        locked_version(&lock, package)
            .map(str::to_owned)
            .with_context(|| format!("`{package}` is not in {}", path.display()))
    }
}

/// Whether this runs in continuous integration.
pub fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn folder(variable: &str) -> Result<Option<PathBuf>> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(|value| std::path::absolute(Path::new(&value)).with_context(|| variable.to_owned()))
        .transpose()
}

fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_file_names_versions() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"0.1.0\"\n\n[[package]]\n\
                    name = \"a\"\nversion = \"2.3.4\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "a"), Some("2.3.4"));
        assert_eq!(locked_version(lock, "b"), None);
    }
}
