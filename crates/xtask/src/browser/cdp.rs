//! The DevTools protocol over a pipe: JSON messages, each ended by a zero byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long the browser may take to answer a command. Compiling a large wasm module on a busy
/// machine blocks a renderer for many seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The answer to a command: its result, or the browser's message.
type Answer = Result<Value, String>;

/// A connection to one browser, used from any thread.
pub(super) struct Connection {
    shared: Mutex<Shared>,
}

struct Shared {
    writer: ChildStdin,
    next_id: u64,
    waiting: HashMap<u64, Sender<Answer>>,
    listeners: HashMap<String, Sender<Event>>,
    closed: bool,
}

/// Something that happened in a session.
pub(super) struct Event {
    pub method: String,
    pub params: Value,
}

impl Connection {
    pub fn new(stdin: ChildStdin, stdout: ChildStdout) -> Arc<Self> {
        let connection = Arc::new(Self {
            shared: Mutex::new(Shared {
                writer: stdin,
                next_id: 1,
                waiting: HashMap::new(),
                listeners: HashMap::new(),
                closed: false,
            }),
        });
        let for_thread = connection.clone();
        std::thread::spawn(move || for_thread.read(stdout));
        connection
    }

    /// Sends a command and waits for its result.
    pub fn call(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value> {
        let answer = self.send(session, method, params)?;
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(message)) => bail!("{method}: {message}"),
            Err(RecvTimeoutError::Timeout) => {
                bail!("{method}: no answer in {} s", PATIENCE.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => bail!("{method}: the browser is gone"),
        }
    }

    /// Sends a command and does not wait.
    pub fn send(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Receiver<Answer>> {
        let (sender, receiver) = channel();
        let mut shared = self.lock();
        if shared.closed {
            bail!("{method}: the browser is gone");
        }
        let id = shared.next_id;
        shared.next_id += 1;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        shared.waiting.insert(id, sender);
        shared
            .writer
            .write_all(&bytes)
            .with_context(|| format!("{method}: the browser is gone"))?;
        Ok(receiver)
    }

    /// Sends the events of `session` to `listener`.
    pub fn listen(&self, session: &str, listener: Sender<Event>) {
        self.lock().listeners.insert(session.to_owned(), listener);
    }

    pub fn forget(&self, session: &str) {
        self.lock().listeners.remove(session);
    }

    fn read(&self, stdout: ChildStdout) {
        let mut reader = BufReader::with_capacity(1 << 16, stdout);
        let mut bytes = Vec::new();
        while reader.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            bytes.pop();
            if let Ok(message) = serde_json::from_slice(&bytes) {
                self.dispatch(message);
            }
            bytes.clear();
        }
        let mut shared = self.lock();
        shared.closed = true;
        // Dropping the senders wakes everyone who waits.
        shared.waiting.clear();
        shared.listeners.clear();
    }

    fn dispatch(&self, mut message: Value) {
        let mut shared = self.lock();
        if let Some(id) = message["id"].as_u64() {
            let Some(sender) = shared.waiting.remove(&id) else {
                return;
            };
            let answer = match message.get("error") {
                Some(error) => Err(error["message"].as_str().unwrap_or("unknown").to_owned()),
                None => Ok(message["result"].take()),
            };
            // Nobody waits any more where the time was up.
            let _ = sender.send(answer);
            return;
        }
        let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
        let Some(listener) = shared.listeners.get(&session) else {
            return;
        };
        let event = Event {
            method: message["method"].as_str().unwrap_or_default().to_owned(),
            params: message["params"].take(),
        };
        let _ = listener.send(event);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
