//! What happens in a page: its console, its errors, its workers.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::cdp::{Connection, Event};

/// Ends the thread that collects the events of a page.
pub(super) const GOODBYE: &str = "retort.goodbye";

/// A dedicated worker of a page.
#[derive(Clone)]
pub struct Worker {
    connection: Arc<Connection>,
    session: String,
    /// The address of its script.
    pub url: String,
}

impl Worker {
    /// The value of a JavaScript expression in the worker's global scope.
    pub fn eval(&self, expression: &str) -> Result<Value> {
        evaluate(&self.connection, &self.session, expression)
    }
}

#[derive(Default)]
pub(super) struct Log {
    pub lines: Vec<String>,
    pub workers: Vec<Worker>,
    /// Run in each new worker before its own script.
    pub prelude: String,
}

/// Collects what happens in a page.
pub(super) struct Watcher {
    pub connection: Arc<Connection>,
    pub log: Arc<Mutex<Log>>,
    pub sender: Sender<Event>,
}

impl Watcher {
    pub fn watch(&self, events: &Receiver<Event>) {
        while let Ok(event) = events.recv() {
            let params = &event.params;
            match event.method.as_str() {
                "Runtime.consoleAPICalled" => self.line(&console_line(params)),
                "Runtime.exceptionThrown" => {
                    self.line(&format!(
                        "[uncaught] {}",
                        exception(&params["exceptionDetails"])
                    ));
                }
                "Log.entryAdded" => {
                    let entry = &params["entry"];
                    let url = entry["url"].as_str().unwrap_or_default();
                    let words = entry["text"].as_str().unwrap_or_default();
                    let level = entry["level"].as_str().unwrap_or_default();
                    self.line(&format!("[{level}] {words} {url}"));
                }
                GOODBYE => return,
                "Inspector.targetCrashed" => self.line("[crash] the page crashed"),
                "Target.attachedToTarget" => self.attach(params),
                "Target.detachedFromTarget" => {
                    let session = params["sessionId"].as_str().unwrap_or_default();
                    lock(&self.log)
                        .workers
                        .retain(|worker| worker.session != session);
                    self.connection.forget(session);
                }
                _ => {}
            }
        }
    }

    /// A new worker waits for us: listen to it, run the prelude, let it go.
    fn attach(&self, params: &Value) {
        let Some(session) = params["sessionId"].as_str() else {
            return;
        };
        self.connection.listen(session, self.sender.clone());
        let send = |method: &str, params: Value| {
            // Commands of a session are answered in order, so waiting is not needed; the worker
            // may also have ended by now.
            let _ = self.connection.send(Some(session), method, params);
        };
        send("Runtime.enable", json!({}));
        send("Target.setAutoAttach", auto_attach());
        let prelude = lock(&self.log).prelude.clone();
        if !prelude.is_empty() {
            send("Runtime.evaluate", json!({ "expression": prelude }));
        }
        send("Runtime.runIfWaitingForDebugger", json!({}));
        lock(&self.log).workers.push(Worker {
            connection: self.connection.clone(),
            session: session.to_owned(),
            url: params["targetInfo"]["url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        });
    }

    fn line(&self, line: &str) {
        lock(&self.log).lines.push(line.to_owned());
    }
}

pub(super) fn auto_attach() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true })
}

pub(super) fn evaluate(connection: &Connection, session: &str, expression: &str) -> Result<Value> {
    let params = json!({
        "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
    });
    let mut answer = connection.call(Some(session), "Runtime.evaluate", params)?;
    if let Some(details) = answer.get("exceptionDetails") {
        bail!("{}\n  in {expression}", exception(details));
    }
    Ok(answer["result"]["value"].take())
}

fn exception(details: &Value) -> String {
    let text = details["text"].as_str().unwrap_or_default();
    match details["exception"]["description"].as_str() {
        Some(description) => format!("{text} {description}"),
        None => format!("{text} {}", details["exception"]["value"]),
    }
}

fn console_line(params: &Value) -> String {
    let words: Vec<String> = params["args"]
        .as_array()
        .into_iter()
        .flatten()
        .map(
            |argument| match (&argument["value"], &argument["description"]) {
                (Value::String(text), _) | (Value::Null, Value::String(text)) => text.clone(),
                (value, _) => value.to_string(),
            },
        )
        .collect();
    format!(
        "[{}] {}",
        params["type"].as_str().unwrap_or("log"),
        words.join(" ")
    )
}

pub(super) fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
