//! What a visitor does and sees, by the page's test ids.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xtask::app::{ENGINE, WIRE};
use xtask::browser::{Browser, Page, WebGpu};

use crate::setup::browser;
use crate::site::Site;

/// The software adapter compiles shaders for many seconds on a busy machine.
pub const LONG: Duration = Duration::from_secs(240);
pub const SHORT: Duration = Duration::from_secs(30);

/// A browser with one tab on the page.
pub struct Visit {
    pub page: Page,
    pub browser: Browser,
}

impl Visit {
    /// Opens the page and waits until the engine has a device.
    pub fn open(site: &Site, webgpu: WebGpu) -> Result<Self> {
        let visit = Self::blank(webgpu)?;
        visit.go(site)?;
        Ok(visit)
    }

    /// A tab that is nowhere yet, with the driver's scripts in it.
    pub fn blank(webgpu: WebGpu) -> Result<Self> {
        let browser = browser(webgpu)?;
        let page = browser.page()?;
        page.before_page(WIRE)?;
        page.before_worker(ENGINE);
        Ok(Self { page, browser })
    }

    pub fn go(&self, site: &Site) -> Result<()> {
        self.page.goto(&site.server.url("/"))?;
        self.engine_leaves("starting")
    }

    /// Opens the page, downloads its student and waits until it can be asked.
    pub fn with_student(site: &Site, webgpu: WebGpu) -> Result<Self> {
        let visit = Self::open(site, webgpu)?;
        visit.click("get")?;
        visit.engine_is("ready")?;
        Ok(visit)
    }

    /// Waits for the engine's state: starting, empty, loading, ready, answering, dead.
    pub fn engine_is(&self, state: &str) -> Result<()> {
        self.page
            .wait_for(&format!("[data-testid=app][data-engine={state}]"), LONG)
    }

    pub fn engine_leaves(&self, state: &str) -> Result<()> {
        let there = "document.querySelector('[data-testid=app]')?.dataset.engine";
        self.page
            .wait_until(&format!("{there} && {there} !== '{state}'"), LONG)
    }

    pub fn sees(&self, id: &str) -> Result<()> {
        self.page.wait_for(&by(id), SHORT)
    }

    pub fn has(&self, id: &str) -> Result<bool> {
        self.page.has(&by(id))
    }

    pub fn click(&self, id: &str) -> Result<()> {
        let enabled = format!("{}:not(:disabled)", by(id));
        self.page.wait_for(&enabled, SHORT)?;
        self.page.click(&enabled)
    }

    pub fn text(&self, id: &str) -> Result<String> {
        self.page.text(&by(id))
    }

    /// Types a question and sends it.
    pub fn ask(&self, question: &str) -> Result<()> {
        self.page.fill(&by("draft"), question)?;
        self.page.press("Enter")
    }

    /// Waits until the answer with this number (from 0) has ended.
    pub fn answered(&self, number: usize) -> Result<()> {
        let answers = "document.querySelectorAll('[data-testid=answer]')";
        self.page.wait_until(
            &format!("{answers}[{number}]?.dataset.state === 'complete'"),
            LONG,
        )
    }

    /// The visible text of an answer.
    pub fn answer(&self, number: usize) -> Result<String> {
        let answers = "document.querySelectorAll('[data-testid=answer-text]')";
        let text = self.page.eval(&format!("{answers}[{number}]?.innerText"))?;
        let text = text.as_str().map(str::to_owned);
        text.with_context(|| format!("no answer {number}\n{}", self.page.describe()))
    }

    /// Waits for a failure of this kind and returns its message.
    pub fn fails_with(&self, kind: &str) -> Result<String> {
        self.page.wait_for(&by("error"), LONG)?;
        let got = self.page.eval(&format!(
            "document.querySelector('{}').dataset.kind",
            by("error")
        ))?;
        let message = self.text("error-message")?;
        ensure!(
            got == kind,
            "the failure is of kind {got}, expected {kind}: {message}"
        );
        Ok(message)
    }

    /// A JavaScript expression in the engine's worker.
    pub fn in_worker(&self, expression: &str) -> Result<Value> {
        let workers = self.page.workers();
        let worker = workers.last();
        let worker = worker.with_context(|| format!("no worker\n{}", self.page.describe()))?;
        worker.eval(expression)
    }
}

/// The selector of a test id.
pub fn by(id: &str) -> String {
    format!("[data-testid={id}]")
}
