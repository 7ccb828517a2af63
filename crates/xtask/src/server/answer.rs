//! The answer to one request.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::request::Request;
use super::{Fault, Shared};

/// Bodies are sent in pieces of this many bytes.
const PIECE: u64 = 64 << 10;

/// What the faults of a path come to for one request.
#[derive(Default)]
struct Plan {
    status: Option<u16>,
    cut: Option<u64>,
    ranges_ignored: bool,
    flips: Vec<u64>,
    len: Option<u64>,
    bytes_per_second: Option<u64>,
    tag: Option<String>,
}

/// Sends the answer; `false` where the connection is not usable any more.
pub(super) fn send(stream: &TcpStream, shared: &Shared, request: &Request) -> Result<bool> {
    let (plan, extra) = prepare(shared, request);
    if let Some(code) = plan.status {
        return refuse(stream, code);
    }
    match request.method.as_str() {
        "GET" | "HEAD" => {}
        "OPTIONS" => return refuse(stream, 204),
        _ => return refuse(stream, 405),
    }
    let Some(path) = shared.file(&request.path) else {
        return refuse(stream, 404);
    };
    let meta = fs::metadata(&path)?;
    let len = plan.len.map_or(meta.len(), |len| len.min(meta.len()));
    let tag = plan.tag.clone().unwrap_or_else(|| {
        let changed = meta
            .modified()
            .ok()
            .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        format!(
            "\"{:x}-{:x}\"",
            meta.len(),
            changed.unwrap_or_default().as_nanos()
        )
    });
    if request.if_none_match.as_deref() == Some(tag.as_str()) {
        let head =
            format!("HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nCache-Control: no-cache\r\n\r\n");
        (&*stream).write_all(head.as_bytes())?;
        return Ok(true);
    }
    let same_version = request
        .if_range
        .as_ref()
        .is_none_or(|wanted| *wanted == tag);
    let asked = request
        .range
        .filter(|_| same_version && !plan.ranges_ignored);
    let range = match asked.map(|range| range.of(len)) {
        Some(None) => return refuse(stream, 416),
        Some(Some(range)) => range,
        None => 0..len,
    };
    let mut head = head(&path, &tag, &range, asked.is_some().then_some(len));
    if !plan.ranges_ignored {
        head.push_str("Accept-Ranges: bytes\r\n");
    }
    for (name, value) in extra {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    (&*stream).write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(true);
    }
    body(stream, shared, &request.path, &path, range, &plan)
}

/// Reads what is to be done about this path, spending the faults that happen a number of times.
fn prepare(shared: &Shared, request: &Request) -> (Plan, Vec<(String, String)>) {
    let mut state = shared.lock();
    let extra = state
        .headers
        .get(&request.path)
        .cloned()
        .unwrap_or_default();
    let mut plan = Plan::default();
    // A fault belongs to a download, not to a question about one.
    if request.method == "GET"
        && let Some(faults) = state.faults.get_mut(&request.path)
    {
        for fault in faults {
            let covered = match (&*fault, request.range) {
                (Fault::Cut { at, .. }, Some(range)) => {
                    range.of(u64::MAX).is_some_and(|range| range.contains(at))
                }
                _ => true,
            };
            if covered && fault.spend() {
                plan.take(fault);
            }
        }
    }
    (plan, extra)
}

impl Plan {
    fn take(&mut self, fault: &Fault) {
        match fault {
            Fault::Cut { at, .. } => self.cut = Some(self.cut.map_or(*at, |cut| cut.min(*at))),
            Fault::NoRanges => self.ranges_ignored = true,
            Fault::Status { code, .. } => self.status = Some(*code),
            Fault::FlipByte { at } => self.flips.push(*at),
            Fault::Short { len } => self.len = Some(*len),
            Fault::Slow { bytes_per_second } => self.bytes_per_second = Some(*bytes_per_second),
            Fault::Tag(tag) => self.tag = Some(tag.clone()),
        }
    }
}

/// Status and headers, without the empty line. `whole` is the file's length in a partial answer.
fn head(path: &Path, tag: &str, range: &Range<u64>, whole: Option<u64>) -> String {
    let status = match whole {
        Some(_) => "206 Partial Content",
        None => "200 OK",
    };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nETag: {tag}\r\n\
         Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n",
        content_type(path),
        range.end - range.start,
    );
    if let Some(whole) = whole {
        let last = range.end.saturating_sub(1);
        let _ = write!(
            head,
            "Content-Range: bytes {}-{last}/{whole}\r\n",
            range.start
        );
    }
    head
}

fn refuse(stream: &TcpStream, code: u16) -> Result<bool> {
    let reason = match code {
        204 => "No Content",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        _ => "Refused",
    };
    let body = if code == 204 { "" } else { reason };
    let head = format!(
        "HTTP/1.1 {code} {reason}\r\nContent-Length: {}\r\nContent-Type: text/plain\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n\r\n{body}",
        body.len()
    );
    (&*stream).write_all(head.as_bytes())?;
    Ok(true)
}

/// Sends bytes of a file and counts them; `false` where a fault cut the connection.
fn body(
    mut stream: &TcpStream,
    shared: &Shared,
    name: &str,
    path: &Path,
    range: Range<u64>,
    plan: &Plan,
) -> Result<bool> {
    let index = {
        let mut state = shared.lock();
        let hits = state.hits.entry(name.to_owned()).or_default();
        hits.requests += 1;
        hits.sent.push(range.start..range.start);
        hits.sent.len() - 1
    };
    let end = plan
        .cut
        .map_or(range.end, |cut| cut.clamp(range.start, range.end));
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut piece = vec![0; PIECE as usize];
    let mut at = range.start;
    while at < end {
        let len = (end - at).min(PIECE);
        let bytes = &mut piece[..len as usize];
        file.read_exact(bytes)?;
        for flip in plan
            .flips
            .iter()
            .filter(|flip| (at..at + len).contains(flip))
        {
            bytes[(flip - at) as usize] ^= 0xff;
        }
        stream.write_all(bytes)?;
        at += len;
        shared.count(name, index, len);
        if let Some(speed) = plan.bytes_per_second {
            std::thread::sleep(Duration::from_secs_f64(len as f64 / speed.max(1) as f64));
        }
    }
    if end == range.end {
        return Ok(true);
    }
    stream.flush()?;
    stream.shutdown(Shutdown::Both)?;
    Ok(false)
}

impl Shared {
    /// Counts bytes of the answer `index` of a path, unless the counters were reset since.
    fn count(&self, name: &str, index: usize, bytes: u64) {
        let mut state = self.lock();
        if let Some(hits) = state.hits.get_mut(name)
            && let Some(sent) = hits.sent.get_mut(index)
        {
            hits.bytes += bytes;
            sent.end += bytes;
        }
    }
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "webmanifest") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        // Weights, too: no type is registered for GGUF.
        _ => "application/octet-stream",
    }
}
