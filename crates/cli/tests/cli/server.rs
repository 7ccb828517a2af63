//! A small web server with ranges that breaks connections on demand.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

/// A server of one file.
pub struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    file: Vec<u8>,
    etag: String,
    /// Files of which the hub's list speaks; each is `file`.
    listed: Vec<String>,
    /// Bytes after which the answers to come are cut, the first one first.
    cuts: Vec<usize>,
    /// First bytes that were asked for, in order.
    asked: Vec<Option<usize>>,
    sent: usize,
}

impl Server {
    pub fn start(file: Vec<u8>, cuts: &[usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = State {
            file,
            etag: "\"one\"".into(),
            listed: Vec::new(),
            cuts: cuts.to_vec(),
            asked: Vec::new(),
            sent: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is its own business.
                let _ = answer(&stream, &shared);
            }
        });
        Self { port, state }
    }

    /// Plays the hub, with one repository of these files.
    pub fn list(&self, names: &[&str]) {
        let mut state = self.state.lock().expect("the state");
        state.listed = names.iter().map(|&name| name.into()).collect();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Where each request began, none for one without a range.
    pub fn asked(&self) -> Vec<Option<usize>> {
        self.state.lock().expect("the state").asked.clone()
    }

    /// Bytes sent so far.
    pub fn sent(&self) -> usize {
        self.state.lock().expect("the state").sent
    }

    /// Another file takes the place of this one.
    pub fn replace(&self, file: Vec<u8>) {
        let mut state = self.state.lock().expect("the state");
        state.file = file;
        state.etag = "\"two\"".into();
    }
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut range = None;
    let mut if_range = None;
    let mut is_list = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        is_list |= line.starts_with("GET /api/");
        let Some((name, value)) = line.split_once(": ") else {
            if line.is_empty() {
                break;
            }
            continue;
        };
        match name.to_lowercase().as_str() {
            "range" => range = value.strip_prefix("bytes=").map(str::to_owned),
            "if-range" => if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut state = state.lock().expect("the state");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    if is_list {
        let siblings = state.listed.iter().map(|name| json!({"rfilename": name}));
        let list = json!({"sha": commit, "siblings": siblings.collect::<Vec<_>>()}).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{list}",
            list.len()
        );
        let mut stream = stream;
        return stream.write_all(head.as_bytes());
    }
    let (first, last) = match range.as_deref().and_then(|range| range.split_once('-')) {
        Some((first, last)) => (first.parse().ok(), last.parse::<usize>().ok()),
        None => (None, None),
    };
    state.asked.push(first);
    let same = if_range.is_none_or(|etag| etag == state.etag);
    let total = state.file.len();
    let (status, start, end) = match first {
        Some(first) if same => ("206 Partial Content", first, last.map_or(total, |l| l + 1)),
        _ => ("200 OK", 0, total),
    };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: {}\r\nX-Repo-Commit: {commit}\r\n\
         Connection: close\r\n",
        end - start,
        state.etag
    );
    if status.starts_with("206") {
        head.push_str(&format!(
            "Content-Range: bytes {start}-{}/{total}\r\n",
            end - 1
        ));
    }
    let cut = match state.cuts.is_empty() {
        true => usize::MAX,
        false => state.cuts.remove(0),
    };
    let body = state.file[start..end.min(start.saturating_add(cut))].to_vec();
    state.sent += body.len();
    drop(state);
    let mut stream = stream;
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(&body)
}
