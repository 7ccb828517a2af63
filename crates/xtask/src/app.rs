//! The page as a program sees it: requests to its worker and the replies, below the buttons.
//!
//! Benchmarks and the headless demo need exact prompts and figures, so they speak the messages of
//! `web/protocol` through the page's own worker. What people see is driven by the browser tests.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::browser::{Browser, Page};

/// Scripts that the driver puts into page and worker.
pub const WIRE: &str = include_str!("wire.js");
pub const ENGINE: &str = include_str!("engine.js");

/// An open page.
pub struct App {
    pub page: Page,
}

/// A reply of the student.
#[derive(Clone, Debug)]
pub struct Reply {
    pub thought: String,
    pub answer: String,
    /// `Stats` of `retort-infer`.
    pub stats: Value,
}

/// Counters of the worker since it started; see `engine.js`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    pub dispatches: f64,
    /// Synchronous waits: buffers mapped for reading.
    pub waits: f64,
    pub submits: f64,
    /// Bytes of the wasm memory, which never shrinks: its peak.
    pub wasm_memory: f64,
}

impl App {
    /// Opens the page and waits until its worker has found a device.
    pub fn open(browser: &Browser, url: &str) -> Result<Self> {
        let page = browser.page()?;
        page.before_page(WIRE)?;
        page.before_worker(ENGINE);
        page.goto(url)?;
        let app = Self { page };
        app.wait("Ready", Duration::from_secs(120))?;
        Ok(app)
    }

    /// Sends a request to the worker.
    pub fn send(&self, request: &Value) -> Result<()> {
        self.page.eval(&format!("void wire.send({request})"))?;
        Ok(())
    }

    /// Waits for a reply of this kind and returns what is in it.
    ///
    /// # Errors
    /// The worker reported a failure instead, or nothing for so long.
    pub fn wait(&self, kind: &str, limit: Duration) -> Result<Value> {
        self.page
            .wait_until(&format!("window.wire?.got('{kind}')"), limit)?;
        let mut reply = self.page.eval(&format!("wire.got('{kind}')"))?;
        if let Some(failure) = reply.get("Error") {
            bail!("waiting for {kind}: {failure}\n{}", self.page.describe());
        }
        Ok(reply[kind].take())
    }

    /// Downloads a student into the store; the page then loads it by itself. Returns the
    /// description of the model.
    pub fn load(&self, name: &str, url: &str, limit: Duration) -> Result<Value> {
        self.send(&json!({ "Download": { "student": { "name": name, "url": url } } }))?;
        Ok(self.wait("Loaded", limit)?["model"].take())
    }

    /// Opens the page again, which loads the student of the last visit; the seconds from the
    /// worker's being ready to the student's.
    pub fn load_again(&self, limit: Duration) -> Result<f64> {
        self.page.reload()?;
        self.wait("Loaded", limit)?;
        let time = self.page.eval("wire.at.Loaded - wire.at.Ready")?;
        Ok(time.as_f64().unwrap_or(f64::NAN) / 1000.0)
    }

    fn begin(&self, question: &str, sampling: &Value) -> Result<()> {
        let message = json!({ "role": "user", "content": question });
        let chat = json!({ "id": 1_000_000, "messages": [message], "sampling": sampling });
        self.send(&json!({ "Chat": chat }))
    }

    /// Milliseconds until a reply has ended that is stopped as soon as `when` holds, a JavaScript
    /// expression.
    pub fn stop(
        &self,
        question: &str,
        sampling: &Value,
        when: &str,
        limit: Duration,
    ) -> Result<f64> {
        self.begin(question, sampling)?;
        self.page.wait_until(when, limit)?;
        self.page.eval("wire.stop()")?;
        self.page.wait_until("wire.chat.stats", limit)?;
        let chat = self.page.eval("wire.chat")?;
        ensure!(
            chat["stats"]["stop"] == "Stopped",
            "ended before it was stopped: {chat}"
        );
        chat["stopped"].as_f64().context("no time")
    }

    /// One question without history.
    pub fn ask(&self, question: &str, sampling: &Value, limit: Duration) -> Result<Reply> {
        self.begin(question, sampling)?;
        self.page
            .wait_until("wire.chat.stats || wire.got('Error')", limit)?;
        let mut chat = self.page.eval("wire.chat")?;
        if chat["stats"].is_null() {
            bail!("no answer: {}", self.page.eval("wire.got('Error')")?);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Reply {
            thought: text(&chat["thought"]),
            answer: text(&chat["answer"]),
            stats: chat["stats"].take(),
        })
    }

    /// What the student expects at each position of `ids`: the positions of `retort score`.
    pub fn score(&self, ids: &Value, top: usize, limit: Duration) -> Result<Value> {
        self.send(&json!({ "Score": { "id": 2_000_000, "ids": ids, "top": top } }))?;
        Ok(self.wait("Scores", limit)?["positions"].take())
    }

    /// Of the newest worker.
    pub fn counters(&self) -> Result<Counters> {
        let workers = self.page.workers();
        let Some(worker) = workers.last() else {
            bail!("the page has no worker\n{}", self.page.describe());
        };
        let values = worker.eval(
            "[retortEngine.dispatches, retortEngine.waits, retortEngine.submits, \
             retortEngine.memory?.buffer.byteLength ?? 0]",
        )?;
        let value = |index: usize| values[index].as_f64().unwrap_or_default();
        Ok(Counters {
            dispatches: value(0),
            waits: value(1),
            submits: value(2),
            wasm_memory: value(3),
        })
    }

    /// Longest stall of the page's thread in milliseconds since this was last asked.
    pub fn take_stall(&self) -> Result<f64> {
        Ok(self
            .page
            .eval("wire.takeStall()")?
            .as_f64()
            .unwrap_or_default())
    }
}
