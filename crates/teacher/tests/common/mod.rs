//! A chat server that misbehaves as it is told, on plain sockets.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use retort_teacher::{
    Accepted, Backend, Endpoint, HttpBackend, Journal, Message, Options, Request, Rest, Retry,
    Sampling, Seat, Summary, TeacherError, run,
};
use serde_json::{Value, json};

/// What the server does with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A whole reply, streamed if that was asked for.
    Reply,
    /// A whole reply with this answer, not streamed.
    Say(String),
    /// A whole reply after a while.
    Slow(Duration),
    /// A stream with a pause before each event.
    SlowStream(Duration),
    /// A status with headers and a body.
    Status(u16, &'static str, String),
    /// Half of the response, of which the length was promised, and the end of the connection.
    HalfBody,
    /// The end of the connection in place of a response.
    HangUp,
    /// A response that is well-formed as HTTP, with half of the JSON.
    HalfJson,
    /// Half of the events of a stream.
    HalfStream,
    /// Nothing for so long, after half of the response.
    Stall(Duration),
    /// A whole stream, after which the connection stays open for so long.
    Lingering(Duration),
    /// So many choices.
    Choices(usize),
    /// Two choices of one index.
    SameIndex,
    /// The response that a request of another unit got.
    Repeat,
    /// A body of so many bytes.
    Huge(usize),
    /// This body, with status 200.
    Body(Value),
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub content: String,
    pub seed: u64,
    /// Requests for the same unit before this one.
    pub before: usize,
    pub body: Value,
    pub headers: HashMap<String, String>,
    pub at: Instant,
}

#[derive(Default)]
pub struct Log {
    pub seen: Vec<Seen>,
    /// Whole, usable replies by (content, seed).
    pub answered: HashMap<(String, u64), usize>,
    pub in_flight: usize,
}

impl Log {
    pub fn answers(&self) -> usize {
        self.answered.values().sum()
    }
}

pub struct Server {
    pub url: String,
    pub log: Arc<Mutex<Log>>,
}

impl Server {
    /// Serves until the test program ends.
    pub fn start(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Log::default()));
        let act = Arc::new(act);
        let shared = log.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (act, log) = (act.clone(), shared.clone());
                thread::spawn(move || {
                    // A client that was killed is no concern of the server.
                    let _ = serve(stream, &*act, &log);
                });
            }
        });
        Self { url, log }
    }

    pub fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// An endpoint with short waits.
    pub fn endpoint(&self, name: &str) -> Endpoint {
        let mut endpoint = Endpoint::new(name, &self.url, "teacher-1");
        endpoint.timeout_seconds = 2.0;
        endpoint.stall_seconds = 0.4;
        endpoint.max_body_bytes = 100_000;
        endpoint.concurrency = 4;
        endpoint
    }

    pub fn backend(&self, change: impl FnOnce(&mut Endpoint)) -> HttpBackend {
        let mut endpoint = self.endpoint("one");
        change(&mut endpoint);
        HttpBackend::new(endpoint).unwrap()
    }
}

/// What the server says to a unit: no two are the same.
pub fn answer(content: &str, seed: u64) -> String {
    format!("answer to {content} with {seed}")
}

fn serve(stream: TcpStream, act: &dyn Fn(&Seen) -> Act, log: &Mutex<Log>) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    loop {
        let Some((headers, body)) = read_request(&mut input)? else {
            return Ok(());
        };
        let seen = {
            let mut log = log.lock().unwrap();
            let content = body["messages"][0]["content"].as_str().unwrap().to_owned();
            let seed = body["seed"].as_u64().unwrap_or_default();
            let same = |seen: &&Seen| seen.content == content && seen.seed == seed;
            let seen = Seen {
                before: log.seen.iter().filter(same).count(),
                content,
                seed,
                body,
                headers,
                at: Instant::now(),
            };
            log.seen.push(seen.clone());
            log.in_flight += 1;
            seen
        };
        let kept = respond(&mut output, act(&seen), &seen);
        let mut log = log.lock().unwrap();
        log.in_flight -= 1;
        match kept? {
            Kept::Answered => *log.answered.entry((seen.content, seen.seed)).or_default() += 1,
            Kept::Open => {}
            Kept::Closed => return Ok(()),
        }
    }
}

enum Kept {
    Answered,
    Open,
    Closed,
}

fn respond(output: &mut TcpStream, act: Act, seen: &Seen) -> std::io::Result<Kept> {
    let whole = completion(seen, 1).to_string();
    match act {
        Act::Slow(time) => {
            thread::sleep(time);
            return respond(output, Act::Reply, seen);
        }
        Act::Reply if seen.body["stream"] == true => {
            stream(output, &events(seen), Duration::ZERO)?;
            return Ok(Kept::Answered);
        }
        Act::SlowStream(pause) => {
            stream(output, &events(seen), pause)?;
            return Ok(Kept::Answered);
        }
        Act::Reply => {
            json_response(output, &whole)?;
            return Ok(Kept::Answered);
        }
        Act::Say(answer) => {
            let mut body = completion(seen, 1);
            body["choices"][0]["message"]["content"] = json!(answer);
            json_response(output, &body.to_string())?;
            return Ok(Kept::Answered);
        }
        Act::Status(status, headers, body) => write!(
            output,
            "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?,
        Act::HalfBody => {
            let half = &whole[..whole.len() / 2];
            write!(output, "{}{half}", head("application/json", whole.len()))?;
            return Ok(Kept::Closed);
        }
        Act::HangUp => return Ok(Kept::Closed),
        Act::HalfJson => json_response(output, &whole[..whole.len() / 2])?,
        Act::HalfStream => {
            let events = events(seen);
            stream(output, &events[..events.len() / 2], Duration::ZERO)?;
        }
        Act::Stall(time) => {
            let events = events(seen);
            write!(
                output,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            )?;
            write!(output, "{}", events[0])?;
            thread::sleep(time);
            return Ok(Kept::Closed);
        }
        Act::Choices(count) => json_response(output, &completion(seen, count).to_string())?,
        Act::SameIndex => {
            let mut body = completion(seen, 2);
            body["choices"][1]["index"] = json!(0);
            json_response(output, &body.to_string())?;
        }
        Act::Repeat => {
            let mut body = completion(seen, 1);
            body["id"] = json!("the-same");
            body["choices"][0]["message"]["content"] = json!("the same");
            json_response(output, &body.to_string())?;
        }
        Act::Lingering(time) => {
            write!(
                output,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{}",
                events(seen).concat()
            )?;
            thread::sleep(time);
            return Ok(Kept::Closed);
        }
        Act::Huge(size) => {
            write!(output, "{}", head("application/json", size))?;
            let piece = vec![b' '; 1 << 16];
            for _ in 0..size / piece.len() {
                output.write_all(&piece)?;
            }
            return Ok(Kept::Closed);
        }
        Act::Body(body) => json_response(output, &body.to_string())?,
    }
    Ok(Kept::Open)
}

fn completion(seen: &Seen, choices: usize) -> Value {
    let choice = |index: usize| {
        json!({
            "index": index,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "reasoning_content": "hm",
                "content": answer(&seen.content, seen.seed),
            },
        })
    };
    json!({
        "id": format!("chatcmpl-{}-{}", seen.seed, seen.content),
        "model": "teacher-1-0528",
        "object": "chat.completion",
        "choices": (0..choices).map(choice).collect::<Vec<_>>(),
        "usage": { "prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30 },
    })
}

/// The reply as events, inline thought and all.
fn events(seen: &Seen) -> Vec<String> {
    let text = format!(
        "<think>\nhm\n</think>\n\n{}",
        answer(&seen.content, seen.seed)
    );
    let id = format!("chatcmpl-{}-{}", seen.seed, seen.content);
    let event = |value: Value| format!("data: {value}\n\n");
    let mut events = vec![": keep-alive\n\n".to_owned()];
    for piece in text.as_bytes().chunks(7) {
        let piece = std::str::from_utf8(piece).unwrap();
        let delta = json!([{ "index": 0, "delta": { "content": piece }, "finish_reason": null }]);
        events.push(event(
            json!({ "id": id, "model": "teacher-1-0528", "choices": delta }),
        ));
    }
    let end = json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]);
    events.push(event(json!({ "id": id, "choices": end })));
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 20 });
    events.push(event(json!({ "id": id, "choices": [], "usage": usage })));
    events.push("data: [DONE]\n\n".into());
    events
}

fn head(mime: &str, length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {length}\r\n\r\n")
}

fn json_response(output: &mut TcpStream, body: &str) -> std::io::Result<()> {
    let head = head("application/json", body.len());
    output.write_all(format!("{head}{body}").as_bytes())
}

fn stream(output: &mut TcpStream, events: &[String], pause: Duration) -> std::io::Result<()> {
    let head = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    output.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes())?;
    for (place, event) in events.iter().enumerate() {
        thread::sleep(pause);
        // At once with the last event: its reader goes when it has that.
        let end = match place + 1 == events.len() {
            true => "0\r\n\r\n",
            false => "",
        };
        let chunk = format!("{:x}\r\n{event}\r\n{end}", event.len());
        output.write_all(chunk.as_bytes())?;
    }
    Ok(())
}

type Parts = (HashMap<String, String>, Value);

fn read_request(input: &mut BufReader<TcpStream>) -> std::io::Result<Option<Parts>> {
    let mut headers = HashMap::new();
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    headers.insert("request".into(), line.trim().into());
    loop {
        line.clear();
        input.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) => {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            None => break,
        }
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    let mut body = vec![0; length.parse().unwrap_or_default()];
    input.read_exact(&mut body)?;
    Ok(Some((headers, serde_json::from_slice(&body).unwrap())))
}

/// Questions `q0`, `q1`, ...
pub fn requests(count: usize, samples: u32) -> Vec<Request> {
    let request = |number| Request {
        id: format!("q{number}"),
        messages: vec![Message::user(format!("q{number}"))],
        sampling: Sampling {
            temperature: Some(0.6),
            max_tokens: Some(100),
            ..Sampling::default()
        },
        samples,
    };
    (0..count).map(request).collect()
}

/// Short waits.
pub fn options() -> Options {
    Options {
        seed: 7,
        retry: Retry {
            attempts: 5,
            first_seconds: 0.01,
            max_seconds: 0.05,
        },
        rest: Rest {
            after: 50,
            first_seconds: 0.02,
            max_seconds: 0.1,
            max_retry_after_seconds: 5.0,
            give_up: 5,
        },
        ..Options::default()
    }
}

/// Runs a job on the journal in a folder.
pub fn go<B: Backend>(
    folder: &Path,
    seats: &[Seat<B>],
    requests: Vec<Request>,
    options: &Options,
) -> Result<Summary, TeacherError> {
    let mut journal = Journal::open(folder)?;
    let stop = AtomicBool::new(false);
    run(&mut journal, seats, requests, options, &stop, |_| {})
}

/// All that was accepted.
pub fn read(folder: &Path) -> Vec<Accepted> {
    let replies = Journal::read(folder).unwrap();
    replies.collect::<Result<_, _>>().unwrap()
}

/// Numbers that are the same in every run of a test.
pub fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
