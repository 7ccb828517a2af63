//! A static HTTP/1.1 server for 127.0.0.1, which serves the page and, for tests, misbehaves.
//!
//! It answers ranges, sends entity tags and the right types (`application/wasm` lets the browser
//! compile while it downloads), and allows other origins to read, as model hosts do. It counts
//! what it sent, so that a test can say "no byte was fetched twice".
//!
//! It is written on `std::net` rather than on a web framework because its point is the raw
//! socket: a connection that is cut in the middle of a body, a length that is a lie.

mod answer;
mod fault;
mod request;

use std::collections::HashMap;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

pub use fault::Fault;

use request::Request;

/// How long an idle connection is kept, and how long a client may take to read.
const IDLE: Duration = Duration::from_secs(60);

/// A running server. It stops where it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What was asked of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Requests, without those answered "not modified".
    pub requests: u64,
    /// Bytes of bodies that were handed to the socket.
    pub bytes: u64,
    /// The ranges of the file that were sent, in order.
    pub sent: Vec<Range<u64>>,
}

struct Shared {
    mounts: Vec<(String, PathBuf)>,
    stopping: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hits: HashMap<String, Hits>,
    faults: HashMap<String, Vec<Fault>>,
    headers: HashMap<String, Vec<(String, String)>>,
}

impl Server {
    /// Serves folders and single files on 127.0.0.1: `("/", dist)`, `("/models/a.gguf", file)`.
    /// The longest matching prefix wins. Port 0 lets the system choose.
    pub fn start(port: u16, mounts: &[(&str, &Path)]) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = listener.local_addr()?;
        let mut mounts: Vec<_> = mounts
            .iter()
            .map(|(prefix, path)| ((*prefix).to_owned(), path.to_path_buf()))
            .collect();
        mounts.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let shared = Arc::new(Shared {
            mounts,
            stopping: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let for_thread = shared.clone();
        let accepting = std::thread::spawn(move || accept(&listener, &for_thread));
        Ok(Self {
            address,
            shared,
            accepting: Some(accepting),
        })
    }

    /// The address of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Does `fault` to requests for `path`. Several add up, in the order of injection.
    pub fn inject(&self, path: &str, fault: Fault) {
        let mut state = self.shared.lock();
        state.faults.entry(path.to_owned()).or_default().push(fault);
    }

    /// Serves every path well again.
    pub fn heal(&self) {
        self.shared.lock().faults.clear();
    }

    /// Adds a header to the answers for `path`.
    pub fn header(&self, path: &str, name: &str, value: &str) {
        let mut state = self.shared.lock();
        let headers = state.headers.entry(path.to_owned()).or_default();
        headers.push((name.to_owned(), value.to_owned()));
    }

    /// What was asked of `path` since the start, or since the last [`Self::forget`].
    pub fn hits(&self, path: &str) -> Hits {
        let state = self.shared.lock();
        state.hits.get(path).cloned().unwrap_or_default()
    }

    /// Counts from nought again.
    pub fn forget(&self) {
        self.shared.lock().hits.clear();
    }

    /// Blocks until the server ends, which it does not by itself.
    pub fn serve(mut self) {
        if let Some(accepting) = self.accepting.take() {
            // The thread ends only with this value; an error would be its panic, shown already.
            let _ = accepting.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        if TcpStream::connect(self.address).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that a request path means. Dot segments are refused, not resolved.
    fn file(&self, path: &str) -> Option<PathBuf> {
        if path.split('/').any(|part| part == ".." || part == ".") {
            return None;
        }
        self.mounts.iter().find_map(|(prefix, target)| {
            let rest = path.strip_prefix(prefix.as_str())?;
            let file = match rest.trim_start_matches('/') {
                "" if target.is_dir() => target.join("index.html"),
                "" => target.clone(),
                rest if prefix.ends_with('/') => target.join(rest),
                _ => return None,
            };
            file.is_file().then_some(file)
        })
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        std::thread::spawn(move || {
            // A client that goes away in the middle is an everyday event.
            let _ = converse(&stream, &shared);
        });
    }
}

/// Answers the requests of one connection until it closes or a fault cuts it.
fn converse(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut reader = BufReader::new(stream);
    while !shared.stopping.load(Ordering::SeqCst) {
        let Some(request) = Request::read(&mut reader)? else {
            return Ok(());
        };
        if !answer::send(stream, shared, &request)? {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
