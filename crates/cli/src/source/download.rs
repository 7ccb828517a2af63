//! One file from a URL to the cache: resumed where it broke off, complete before it gets its name.
//!
//! `NAME.part` holds what has arrived, `NAME.json` what the host said of the file (ETag and size).
//! A part is continued only if the host still says the same, with `If-Range` so that a file that
//! changed in between starts over instead of being mixed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode};

use super::http;
use crate::failure::Failure;
use crate::load::byte_bar;
use crate::note::note;

/// Times that a broken connection is taken up again.
const TRIES: u32 = 6;
/// Bytes between writes.
const BUFFER: usize = 1 << 18;

/// What the host says of the file, to know it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    url: String,
    /// A strong ETag or a date, what `If-Range` takes.
    validator: Option<String>,
    bytes: Option<u64>,
}

/// The file of `url` if it was downloaded before.
pub fn cached(url: &str) -> Result<Option<PathBuf>> {
    let path = place(url)?;
    Ok(path.is_file().then_some(path))
}

/// Downloads the file of `url` unless it is there, and gives its path.
pub fn to_cache(url: &str) -> Result<PathBuf> {
    let path = place(url)?;
    if !path.is_file() {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        save(url, &path)?;
    }
    Ok(path)
}

/// Where the file of `url` is kept: `CACHE/host/hash/name`, the hash being of the whole address.
fn place(url: &str) -> Result<PathBuf> {
    Ok(cache_folder()?.join(place_below(url)))
}

/// Where files are kept that can be had again.
pub fn cache_folder() -> Result<PathBuf> {
    match std::env::var_os("RETORT_CACHE") {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => dirs::cache_dir()
            .map(|folder| folder.join("retort"))
            .context(Failure::new(
                "this user has no cache folder",
                "set RETORT_CACHE to one",
            )),
    }
}

fn place_below(url: &str) -> PathBuf {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let host = rest.split('/').next().unwrap_or_default();
    let name = rest.rsplit('/').next().filter(|name| *name != host);
    // Only characters that are plain in a file's name everywhere.
    let plain = |text: &str| -> String {
        let keep = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let text: String = text
            .chars()
            .map(|c| if keep(c) { c } else { '_' })
            .collect();
        text.trim_start_matches('.').to_owned()
    };
    let name = Some(plain(name.unwrap_or_default())).filter(|name| !name.is_empty());
    let hash = Sha256::digest(url.as_bytes());
    let mut path = PathBuf::from(plain(host));
    path.push(
        hash[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    );
    path.push(name.as_deref().unwrap_or("model.gguf"));
    path
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn save(url: &str, path: &Path) -> Result<()> {
    let part = with_suffix(path, ".part");
    let about = with_suffix(path, ".json");
    let bar = byte_bar(
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    );
    for attempt in 1.. {
        let error = match resume(url, &part, &about, &bar) {
            Ok(()) => break,
            Err(error) => error,
        };
        if attempt >= TRIES || is_final(&error) {
            let hint = "what has arrived is kept: the same command goes on from there";
            return Err(error.context(Failure::new(format!("download of {url} failed"), hint)));
        }
        bar.suspend(|| note(format!("the connection broke ({error:#}), trying again")));
        std::thread::sleep(Duration::from_secs(1 << attempt.min(4)));
    }
    bar.finish_and_clear();
    fs::rename(&part, path).with_context(|| path.display().to_string())?;
    // Only the unfinished download needed it.
    fs::remove_file(&about).with_context(|| about.display().to_string())
}

/// An answer that will be the same next time.
fn is_final(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(ureq::Error::StatusCode(400..=407 | 409..=428 | 430..=499))
        )
    })
}

/// Appends to `part` what is missing.
fn resume(url: &str, part: &Path, about: &Path, bar: &ProgressBar) -> Result<()> {
    let known = fs::read(about)
        .ok()
        .and_then(|text| serde_json::from_slice::<Identity>(&text).ok())
        .filter(|known| known.url == url && known.validator.is_some())
        .unwrap_or_default();
    let have = part.metadata().map_or(0, |meta| meta.len());
    if have > 0 && known.bytes == Some(have) {
        return Ok(());
    }
    let range = format!("bytes={have}-");
    let mut headers = Vec::new();
    if let Some(validator) = known.validator.as_deref().filter(|_| have > 0) {
        headers.extend([("Range", range.as_str()), ("If-Range", validator)]);
    }
    let mut response = http::get(&http::agent(), url, None, &headers)
        .map_err(|error| http::explain(error, url))?;
    let (start, identity) = accept(url, &response, have)?;
    if start == 0 {
        let text = serde_json::to_vec(&identity)?;
        fs::write(about, text).with_context(|| about.display().to_string())?;
    }
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(start > 0)
        .truncate(start == 0)
        .open(part)
        .with_context(|| part.display().to_string())?;
    if let Some(bytes) = identity.bytes {
        bar.set_length(bytes);
    }
    bar.set_position(start);
    receive(&mut response, file, start, identity.bytes, bar).with_context(|| url.to_owned())
}

/// Where in the file the answer starts (0, or `have`), and what the host says of it.
fn accept(url: &str, response: &Response<Body>, have: u64) -> Result<(u64, Identity)> {
    let headers = response.headers();
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let (start, bytes) = match (partial, http::content_range(headers)) {
        (true, Some((start, total))) => (start, Some(total)),
        (true, None) => anyhow::bail!("{url}: a part of the file without saying which"),
        (false, _) => (0, response.body().content_length()),
    };
    ensure!(
        start == 0 || start == have,
        "{url}: asked for the bytes from {have} on, got those from {start} on"
    );
    let identity = Identity {
        url: url.into(),
        validator: validator(headers),
        bytes,
    };
    Ok((start, identity))
}

/// A weak ETag does not vouch for single bytes, so it must not go into `If-Range`.
fn validator(headers: &HeaderMap) -> Option<String> {
    let etag = http::header(headers, "etag").filter(|etag| !etag.starts_with("W/"));
    let validator = etag.or_else(|| http::header(headers, "last-modified"));
    validator.map(str::to_owned)
}

fn receive(
    response: &mut Response<Body>,
    mut file: File,
    start: u64,
    expected: Option<u64>,
    bar: &ProgressBar,
) -> Result<()> {
    let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut buffer = vec![0; BUFFER];
    let mut have = start;
    loop {
        let read = reader.read(&mut buffer).context("the connection broke")?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read])
            .context("the disk does not take it")?;
        have += read as u64;
        bar.set_position(have);
    }
    let expected = expected.unwrap_or(have);
    ensure!(have == expected, "{have} of {expected} bytes arrived");
    file.sync_all().context("the disk does not take it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_places_of_their_own_inside_the_cache() {
        let first = place_below("https://example.org:8000/a/b.gguf?download=true");
        let parts: Vec<_> = first.iter().map(|part| part.to_str().unwrap()).collect();
        assert_eq!(
            (parts[0], parts[2], parts.len()),
            ("example.org_8000", "b.gguf", 3)
        );
        assert_ne!(first, place_below("https://example.org:8000/c/b.gguf"));
        let hostile = place_below("https://../..%2f/../..");
        assert!(
            hostile
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)))
        );
        assert!(place_below("https://example.org").ends_with("model.gguf"));
    }
}
