//! One tab.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::cdp::{Connection, Event};
use super::watch::{GOODBYE, Log, Watcher, Worker, auto_attach, evaluate, lock};

/// How often conditions are looked at.
const POLL: Duration = Duration::from_millis(25);

/// A tab. Closed where it is dropped.
pub struct Page {
    connection: Arc<Connection>,
    target: String,
    session: String,
    log: Arc<Mutex<Log>>,
    /// To the thread that collects events; see [`Drop`].
    sender: Sender<Event>,
}

impl Page {
    pub(super) fn open(connection: Arc<Connection>) -> Result<Self> {
        let blank = json!({ "url": "about:blank" });
        let target = connection.call(None, "Target.createTarget", blank)?;
        let target = text(&target["targetId"])?;
        let attach = json!({ "targetId": target, "flatten": true });
        let session = connection.call(None, "Target.attachToTarget", attach)?;
        let session = text(&session["sessionId"])?;
        let log = Arc::new(Mutex::new(Log::default()));
        let (sender, events) = channel();
        connection.listen(&session, sender.clone());
        let watcher = Watcher {
            connection: connection.clone(),
            log: log.clone(),
            sender: sender.clone(),
        };
        std::thread::spawn(move || watcher.watch(&events));
        let page = Self {
            connection,
            target,
            session,
            log,
            sender,
        };
        for method in ["Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"] {
            page.call(method, json!({}))?;
        }
        page.call("Target.setAutoAttach", auto_attach())?;
        Ok(page)
    }

    /// Goes to `url` and waits until its document is parsed.
    pub fn goto(&self, url: &str) -> Result<()> {
        let answer = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        self.wait_ready()
    }

    /// Loads the page again, as its user would.
    pub fn reload(&self) -> Result<()> {
        // Left behind in the old document, so that we do not mistake it for the new one.
        self.eval("void (window.retortOld = true)")?;
        self.call("Page.reload", json!({}))?;
        self.wait_until("window.retortOld === undefined", Duration::from_secs(60))?;
        self.wait_ready()
    }

    /// Runs `script` in every document from now on, before the page's own.
    pub fn before_page(&self, script: &str) -> Result<()> {
        self.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": script }),
        )?;
        Ok(())
    }

    /// Runs `script` in every worker from now on, before the worker's own.
    pub fn before_worker(&self, script: &str) {
        let mut log = lock(&self.log);
        log.prelude.push_str(script);
        log.prelude.push_str(";\n");
    }

    /// The value of a JavaScript expression; a promise is waited for.
    pub fn eval(&self, expression: &str) -> Result<Value> {
        evaluate(&self.connection, &self.session, expression)
    }

    /// Waits until an expression is true.
    pub fn wait_until(&self, expression: &str, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            // A document that is being replaced has no context to evaluate in, for a moment.
            let value = self.eval(&format!("!!({expression})"));
            if let Ok(Value::Bool(true)) = value {
                return Ok(());
            }
            if Instant::now() > deadline {
                let last = value.err().map(|error| format!(" ({error:#})"));
                bail!(
                    "not true after {} s: {expression}{}\n{}",
                    limit.as_secs(),
                    last.unwrap_or_default(),
                    self.describe()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits until an element that matches `selector` is on the page and visible.
    pub fn wait_for(&self, selector: &str, limit: Duration) -> Result<()> {
        let element = query(selector);
        self.wait_until(&format!("{element}?.checkVisibility()"), limit)
    }

    /// Whether an element matches.
    pub fn has(&self, selector: &str) -> Result<bool> {
        Ok(self.eval(&format!("!!{}", query(selector)))? == Value::Bool(true))
    }

    /// The rendered text of the first match.
    pub fn text(&self, selector: &str) -> Result<String> {
        let value = self.eval(&format!("{}?.innerText", query(selector)))?;
        let found = value.as_str().map(str::to_owned);
        found.with_context(|| format!("no element `{selector}`\n{}", self.describe()))
    }

    /// Clicks the middle of the first match with the mouse, scrolled into view.
    pub fn click(&self, selector: &str) -> Result<()> {
        let place = self.eval(&format!(
            "(() => {{ const e = {}; if (!e) return null; e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); \
             return [r.x + r.width / 2, r.y + r.height / 2]; }})()",
            query(selector)
        ))?;
        let (Some(x), Some(y)) = (place[0].as_f64(), place[1].as_f64()) else {
            bail!("no element `{selector}`\n{}", self.describe());
        };
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Puts the focus on the first match and types over what is in it.
    pub fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let focused = self.eval(&format!(
            "(() => {{ const e = {}; if (!e) return false; e.focus(); e.select?.(); return true; \
             }})()",
            query(selector)
        ))?;
        if focused != Value::Bool(true) {
            bail!("no element `{selector}`\n{}", self.describe());
        }
        self.call("Input.insertText", json!({ "text": text }))?;
        Ok(())
    }

    /// Presses and releases a key that has no character, or Enter: `"Enter"`, `"Tab"`, `"Escape"`.
    pub fn press(&self, key: &str) -> Result<()> {
        let (code, characters) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            _ => bail!("unknown key `{key}`"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
            });
            if kind == "keyDown" && !characters.is_empty() {
                event["text"] = characters.into();
            }
            self.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// Gives files to an `<input type=file>`.
    pub fn choose_files(&self, selector: &str, files: &[&Path]) -> Result<()> {
        let document = self.call("DOM.getDocument", json!({}))?;
        let root = &document["root"]["nodeId"];
        let node = self.call(
            "DOM.querySelector",
            json!({ "nodeId": root, "selector": selector }),
        )?;
        let params = json!({ "nodeId": node["nodeId"], "files": files });
        self.call("DOM.setFileInputFiles", params)
            .with_context(|| format!("`{selector}` takes no files"))?;
        Ok(())
    }

    /// Width and height of the window in CSS pixels; `phone` adds touch and a mobile viewport.
    pub fn resize(&self, width: u32, height: u32, phone: bool) -> Result<()> {
        let metrics = json!({
            "width": width, "height": height, "mobile": phone,
            "deviceScaleFactor": if phone { 2 } else { 1 },
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        self.call(
            "Emulation.setTouchEmulationEnabled",
            json!({ "enabled": phone }),
        )?;
        Ok(())
    }

    /// What the user's system prefers.
    pub fn prefer_dark(&self, dark: bool) -> Result<()> {
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        )?;
        Ok(())
    }

    /// Saves what is on the screen as PNG.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        let image = self.call("Page.captureScreenshot", json!({ "format": "png" }))?;
        let image = BASE64_STANDARD.decode(text(&image["data"])?)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, image).with_context(|| path.display().to_string())
    }

    /// Cuts the page off the network, or connects it again.
    pub fn offline(&self, offline: bool) -> Result<()> {
        self.call("Network.enable", json!({}))?;
        let conditions = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.call("Network.emulateNetworkConditions", conditions)?;
        Ok(())
    }

    /// What the page and its workers wrote to the console, and uncaught errors, so far.
    pub fn console(&self) -> Vec<String> {
        lock(&self.log).lines.clone()
    }

    /// The workers that run.
    pub fn workers(&self) -> Vec<Worker> {
        lock(&self.log).workers.clone()
    }

    /// Address, visible text and the console's end: what one wants to know about a failure.
    pub fn describe(&self) -> String {
        let script = "location.href + '\\n' + document.body?.innerText.slice(0, 1500)";
        let seen = self.eval(script).ok();
        let console = self.console();
        let tail = &console[console.len().saturating_sub(15)..];
        format!(
            "--- page ---\n{}\n--- console ---\n{}",
            seen.as_ref().and_then(Value::as_str).unwrap_or("(gone)"),
            tail.join("\n")
        )
    }

    fn wait_ready(&self) -> Result<()> {
        self.wait_until("document.readyState !== 'loading'", Duration::from_secs(60))
    }

    fn call(&self, method: &str, params: Value) -> Result<Value> {
        self.connection.call(Some(&self.session), method, params)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let target = json!({ "targetId": self.target });
        let _ = self.connection.send(None, "Target.closeTarget", target);
        self.connection.forget(&self.session);
        let _ = self.sender.send(Event {
            method: GOODBYE.to_owned(),
            params: Value::Null,
        });
    }
}

/// `document.querySelector("...")`.
fn query(selector: &str) -> String {
    format!("document.querySelector({})", Value::from(selector))
}

fn text(value: &Value) -> Result<String> {
    let text = value.as_str().map(str::to_owned);
    text.context("the browser's answer lacks a field")
}
