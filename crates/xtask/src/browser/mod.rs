//! Headless Chromium, driven over the DevTools protocol.
//!
//! The protocol is spoken through a pipe (`--remote-debugging-pipe`), so there is no port to race
//! for and no WebSocket; and with plain JSON messages, because the crates that generate every
//! type of the protocol bring some 140 packages for the dozen calls made here. Workers are
//! reached too, which page-centred crates leave out, and the engine lives in one.
//!
//! Everything blocks and everything has a time limit: a test that hangs says where.

mod cdp;
mod memory;
mod page;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use cdp::Connection;
pub use memory::Memory;
pub use page::Page;
pub use watch::Worker;

/// How WebGPU is in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebGpu {
    /// Chromium's software adapter (SwiftShader): no `shader-f16`, correct and slow.
    Software,
    /// `navigator.gpu` is there and gives no adapter, as in a browser that blocks the GPU.
    NoAdapter,
    /// There is no `navigator.gpu`.
    Absent,
}

/// A running browser with a profile of its own. It ends where it is dropped.
pub struct Browser {
    connection: Arc<Connection>,
    webgpu: WebGpu,
    process: Child,
    profile: PathBuf,
    /// The profile goes with the browser.
    temporary: bool,
}

impl Browser {
    /// Starts `program` with an empty profile.
    pub fn launch(program: &Path, webgpu: WebGpu) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("retort-browser-{}-{count}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        let mut browser = Self::launch_with_profile(program, webgpu, &profile, &[])?;
        browser.temporary = true;
        Ok(browser)
    }

    /// Starts `program` with a profile that stays, and with additional flags.
    pub fn launch_with_profile(
        program: &Path,
        webgpu: WebGpu,
        profile: &Path,
        flags: &[&str],
    ) -> Result<Self> {
        fs::create_dir_all(profile).with_context(|| profile.display().to_string())?;
        // The browser reads commands from descriptor 3 and answers on 4; the shell moves our pipes
        // there, which std cannot. `"$@"` keeps every argument as it is.
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"exec "$@" 3<&0 4>&1 0</dev/null 1>&2"#, "sh"])
            .arg(program)
            .args(FLAGS)
            .args(match webgpu {
                WebGpu::Software => &["--enable-unsafe-webgpu"][..],
                // Chromium offers its software adapter to those who ask for unsafe WebGPU only.
                WebGpu::NoAdapter | WebGpu::Absent => &["--disable-gpu"],
            })
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            anyhow::bail!("the browser has no pipes");
        };
        let connection = Connection::new(stdin, stdout);
        let browser = Self {
            connection,
            webgpu,
            process,
            profile: profile.to_owned(),
            temporary: false,
        };
        browser
            .connection
            .call(None, "Browser.getVersion", json!({}))
            .with_context(|| {
                format!(
                    "{} does not answer; does `{} --headless=new --no-sandbox --dump-dom about:blank` \
                     work?",
                    program.display(),
                    program.display()
                )
            })?;
        Ok(browser)
    }

    /// Opens an empty tab.
    pub fn page(&self) -> Result<Page> {
        let page = Page::open(self.connection.clone())?;
        if self.webgpu == WebGpu::Absent {
            // No flag of Chromium's takes it away any more.
            page.before_page("delete Navigator.prototype.gpu")?;
            page.before_worker("delete WorkerNavigator.prototype.gpu");
        }
        Ok(page)
    }

    /// Ends the GPU process, as a driver's crash does: pages lose their devices.
    pub fn crash_gpu(&self) -> Result<()> {
        let call = self
            .connection
            .call(None, "Browser.crashGpuProcess", json!({}));
        call.map(|_| ())
    }

    /// Memory of the browser's processes now and at their peaks. Linux only: elsewhere it is zero.
    pub fn memory(&self) -> Memory {
        Memory::of(self.process.id())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked politely it writes its profile; killed it does not.
        let _ = self.connection.send(None, "Browser.close", json!({}));
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.process.kill();
                let _ = self.process.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.temporary {
            let _ = fs::remove_dir_all(&self.profile);
        }
    }
}

/// Quiet, offline, and without throttling of pages that nobody looks at.
const FLAGS: [&str; 13] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Containers and CI run as root, where Chromium's sandbox refuses to start. Only our own page
    // is ever loaded.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--hide-scrollbars",
];
