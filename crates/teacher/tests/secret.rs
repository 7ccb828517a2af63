//! The key goes into one header and nowhere else. Alone in its program, because it sets a variable.

mod common;

use std::fs;
use std::sync::atomic::AtomicBool;

use common::{Act, Server, options, requests};
use retort_teacher::{Journal, Seat, run};
use serde_json::json;

const VARIABLE: &str = "RETORT_TEACHER_TEST_KEY";
const KEY: &str = "sk-test-0123456789abcdef";

#[test]
fn a_key_reaches_the_server_and_no_file_or_message() {
    // SAFETY: this program has one test, and no other thread yet.
    unsafe { std::env::set_var(VARIABLE, KEY) };
    // A server that repeats the key wherever it can.
    let server = Server::start(|seen| {
        let message = json!({ "content": format!("key {KEY}"), "reasoning": KEY });
        match seen.content.as_str() {
            "q0" => Act::Status(400, "", format!("bad key {KEY}")),
            "q1" => Act::Body(json!({ "error": { "message": KEY } })),
            "q2" => Act::Body(json!({ "choices": KEY })),
            "q3" => Act::Body(json!({
                "choices": [{ "message": message, "finish_reason": KEY }],
            })),
            "q4" => Act::Body(json!({
                "id": KEY,
                "model": KEY,
                "choices": [{ "message": message, "finish_reason": "stop" }],
            })),
            _ => Act::Reply,
        }
    });
    let backend = server.backend(|endpoint| {
        endpoint.api_key_env = Some(VARIABLE.into());
        endpoint.concurrency = 1;
    });
    let mut shown = format!("{backend:?}");
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    let stop = AtomicBool::new(false);
    let seats = [Seat::http(backend)];
    let summary = run(
        &mut journal,
        &seats,
        requests(6, 1),
        &options(),
        &stop,
        |progress| {
            shown += &format!("{progress:?}");
        },
    )
    .unwrap();
    shown += &format!("{summary:?}{seats:?}");
    assert_eq!((summary.counts.done, summary.counts.failed), (2, 4));
    for file in fs::read_dir(folder.path()).unwrap() {
        shown += &String::from_utf8(fs::read(file.unwrap().path()).unwrap()).unwrap();
    }
    assert!(shown.contains("bad key [key]") && shown.contains("answer to q5"));
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
    let log = server.log();
    let sent = |seen: &common::Seen| seen.headers["authorization"] == format!("Bearer {KEY}");
    assert!(log.seen.iter().all(sent));
    assert!(
        log.seen
            .iter()
            .all(|seen| !seen.body.to_string().contains(KEY))
    );
}
