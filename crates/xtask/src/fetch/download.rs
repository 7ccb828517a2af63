//! One file over HTTP: resumed where it broke off, verified before it gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ureq::tls::{RootCerts, TlsConfig};

use super::sha256;

const TRIES: u32 = 5;

/// A file whose size and hash are known beforehand.
#[derive(Clone, Debug)]
pub struct Download {
    pub url: String,
    pub sha256: &'static str,
    pub bytes: u64,
}

impl Download {
    /// Saves to `path`. Bytes arrive in `path` + `.part`, which a later call continues.
    ///
    /// # Errors
    /// The host refuses, the connection broke [`TRIES`] times, or the hash is wrong (the part is
    /// then deleted).
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let mut last = None;
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(Duration::from_secs(1 << attempt));
            }
            match self.resume(&part) {
                Ok(()) => {
                    last = None;
                    break;
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    eprintln!("  {error:#}");
                    last = Some(error);
                }
            }
        }
        if let Some(error) = last {
            return Err(error.context(format!("gave up after {TRIES} tries")));
        }
        let got = sha256(&part)?;
        if got != self.sha256 {
            fs::remove_file(&part)?;
            bail!("{}: sha256 is {got}, expected {}", self.url, self.sha256);
        }
        fs::rename(&part, path).with_context(|| path.display().to_string())
    }

    /// Appends to `part` what is missing.
    fn resume(&self, part: &Path) -> Result<()> {
        let mut have = part.metadata().map_or(0, |meta| meta.len());
        if have > self.bytes {
            fs::remove_file(part)?;
            have = 0;
        }
        if have == self.bytes {
            return Ok(());
        }
        let mut request = agent().get(&self.url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let mut response = request.call().with_context(|| self.url.clone())?;
        let resumed = have > 0 && response.status() == 206;
        if !resumed {
            have = 0;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(resumed)
            .truncate(!resumed)
            .open(part)
            .with_context(|| part.display().to_string())?;
        let name = self.url.rsplit('/').next().unwrap_or_default();
        let progress = Progress::new(name, self.bytes, have);
        let missing = self.bytes - have;
        // One byte more than expected shows a file that is too long.
        let got = copy(
            response.body_mut().as_reader().take(missing + 1),
            &mut file,
            &progress,
        )?;
        ensure!(
            got == missing,
            "{}: {} bytes, expected {}",
            self.url,
            have + got,
            self.bytes
        );
        Ok(())
    }
}

/// An answer that will be the same next time.
fn is_final(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<ureq::Error>(),
        Some(ureq::Error::StatusCode(400..=499))
    )
}

/// An HTTP client that trusts what the system trusts (a proxy's certificate, `SSL_CERT_FILE`) and
/// takes proxies from the environment.
pub(super) fn agent() -> ureq::Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .build()
        .into()
}

fn copy(mut from: impl Read, to: &mut File, progress: &Progress) -> Result<u64> {
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        let read = from.read(&mut buffer).context("the connection broke")?;
        if read == 0 {
            return Ok(total);
        }
        to.write_all(&buffer[..read])?;
        total += read as u64;
        progress.add(read as u64);
    }
}

/// A bar on a terminal, a line per tenth elsewhere. It ends where it is dropped.
pub struct Progress {
    bar: ProgressBar,
    name: String,
    total: u64,
    done: AtomicU64,
    lines: bool,
}

impl Progress {
    /// `done` of `total` bytes are there already.
    pub fn new(name: &str, total: u64, done: u64) -> Self {
        let template =
            "  {msg} {bar:30} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total)
            .with_style(style)
            .with_message(name.to_owned())
            .with_position(done);
        Self {
            bar,
            name: name.to_owned(),
            total: total.max(1),
            done: AtomicU64::new(done),
            lines: !std::io::stderr().is_terminal(),
        }
    }

    /// `bytes` more.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        let tenth = |done: u64| done * 10 / self.total;
        if self.lines && tenth(before) != tenth(before + bytes) {
            let percent = (before + bytes) * 100 / self.total;
            eprintln!(
                "  {}: {percent} % of {} MB",
                self.name,
                self.total / 1_000_000
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
