//! Every way in which a server was seen to fail, met by the client.

mod common;

use std::time::{Duration, Instant};

use common::{Act, Server, answer, requests};
use retort_teacher::{Backend, Blame, Fault, Finish, Request};
use serde_json::json;

fn ask(server: &Server, stream: bool) -> Result<Vec<retort_teacher::Reply>, Fault> {
    let backend = server.backend(|endpoint| endpoint.stream = stream);
    backend.complete(&unit())
}

fn unit() -> Request {
    requests(1, 1)[0].unit(0, 7)
}

#[test]
fn replies_are_the_same_streamed_or_whole() {
    let server = Server::start(|_| Act::Reply);
    let whole = ask(&server, false).unwrap();
    assert_eq!(whole, ask(&server, true).unwrap());
    let reply = &whole[0];
    assert_eq!(reply.thought.as_deref(), Some("hm"));
    assert_eq!(reply.answer, answer("q0", unit().sampling.seed.unwrap()));
    assert_eq!(reply.finish, Finish::Stop);
    assert_eq!((reply.usage.prompt, reply.usage.completion), (10, 20));
    assert!(!reply.usage.guessed);
    assert_eq!(reply.model.as_deref(), Some("teacher-1-0528"));
    let log = server.log();
    let (first, second) = (&log.seen[0], &log.seen[1]);
    assert!(first.headers["request"].starts_with("POST /v1/chat/completions "));
    assert_eq!(first.body["model"], "teacher-1");
    assert_eq!(first.body["temperature"], 0.6);
    assert_eq!(first.body["max_tokens"], 100);
    assert_eq!(first.body["seed"], unit().sampling.seed.unwrap());
    assert!(first.body.get("n").is_none() && first.body.get("top_p").is_none());
    assert_eq!(second.body["stream_options"]["include_usage"], true);
    assert!(!first.headers.contains_key("authorization"));
}

#[test]
fn several_choices_share_the_usage() {
    let server = Server::start(|_| Act::Choices(3));
    let mut request = unit();
    request.samples = 3;
    let backend = server.backend(|endpoint| endpoint.stream = false);
    let replies = backend.complete(&request).unwrap();
    let completions: Vec<_> = replies.iter().map(|reply| reply.usage.completion).collect();
    let prompts: Vec<_> = replies.iter().map(|reply| reply.usage.prompt).collect();
    assert_eq!((completions, prompts), (vec![7, 7, 6], vec![10, 0, 0]));
    assert_eq!(server.log().seen[0].body["n"], 3);
}

/// What is done, what comes of it, whose fault it is.
#[test]
fn faults_have_their_types() {
    let body = |choice: serde_json::Value| Act::Body(json!({ "id": "a", "choices": [choice] }));
    let text = |text: &str| Act::Status(200, "Content-Type: application/json\r\n", text.into());
    let sized = |status, text: &str| Act::Status(status, "", text.into());
    let cases: Vec<(Act, bool, &str, Blame)> = vec![
        (sized(500, "oops"), true, "status", Blame::Either),
        (sized(408, ""), true, "status", Blame::Either),
        (sized(400, "too long"), true, "status", Blame::Request),
        (sized(401, "no"), true, "status", Blame::EndpointForGood),
        (
            sized(404, "no model"),
            true,
            "status",
            Blame::EndpointForGood,
        ),
        (sized(429, ""), true, "status", Blame::Endpoint),
        (
            Act::Status(307, "Location: /elsewhere\r\n", String::new()),
            true,
            "status",
            Blame::EndpointForGood,
        ),
        (Act::HalfBody, false, "broken", Blame::Either),
        (Act::HangUp, true, "broken", Blame::Either),
        (Act::HalfJson, false, "truncated", Blame::Either),
        (text(""), false, "truncated", Blame::Either),
        (text("<html>busy</html>"), false, "json", Blame::Either),
        (text("[]"), false, "json", Blame::Either),
        (text("{\"choices\":7}"), false, "json", Blame::Either),
        (Act::HalfStream, true, "stream_cut", Blame::Either),
        (
            Act::Stall(Duration::from_secs(2)),
            true,
            "stalled",
            Blame::Either,
        ),
        (Act::Choices(0), false, "choices", Blame::Either),
        (Act::Choices(2), false, "choices", Blame::Either),
        (Act::SameIndex, false, "duplicate_choice", Blame::Either),
        (Act::Huge(1 << 20), false, "too_large", Blame::Request),
        (
            Act::Body(json!({ "id": "a" })),
            false,
            "missing",
            Blame::Either,
        ),
        (
            Act::Body(json!({ "error": { "message": "no memory", "code": 5 } })),
            false,
            "reported",
            Blame::Either,
        ),
        (
            body(json!({ "finish_reason": "stop" })),
            false,
            "missing",
            Blame::Either,
        ),
        (
            body(json!({ "message": { "content": "a" } })),
            false,
            "missing",
            Blame::Either,
        ),
        (
            body(json!({ "message": { "content": null }, "finish_reason": "stop" })),
            false,
            "missing",
            Blame::Either,
        ),
        (
            body(json!({ "message": { "content": " " }, "finish_reason": "stop" })),
            false,
            "empty",
            Blame::Request,
        ),
        (
            body(json!({ "message": { "content": "a" }, "finish_reason": "content_filter" })),
            false,
            "finish",
            Blame::Request,
        ),
        (
            body(json!({ "message": { "content": "a" }, "finish_reason": "abort" })),
            false,
            "finish",
            Blame::Either,
        ),
    ];
    for (act, stream, kind, blame) in cases {
        let does = act.clone();
        let server = Server::start(move |_| does.clone());
        let fault = ask(&server, stream).unwrap_err();
        assert_eq!(
            (fault.kind(), fault.blame()),
            (kind, blame),
            "{act:?}: {fault}"
        );
        assert_eq!(
            server.log().seen.len(),
            1,
            "{act:?}: the client itself asks once"
        );
    }
}

#[test]
fn nobody_there_is_the_fault_of_the_endpoint() {
    let endpoint = retort_teacher::Endpoint::new("none", "http://127.0.0.1:1", "m");
    let backend = retort_teacher::HttpBackend::new(endpoint).unwrap();
    let fault = backend.complete(&unit()).unwrap_err();
    assert_eq!((fault.kind(), fault.blame()), ("connect", Blame::Endpoint));
}

#[test]
fn a_slow_stream_is_no_stall_but_has_a_limit() {
    // 0.1 s between events, of which there are over a dozen; a stall is 0.4 s.
    let server = Server::start(|_| Act::SlowStream(Duration::from_millis(100)));
    assert!(ask(&server, true).is_ok());
    let backend = server.backend(|endpoint| endpoint.timeout_seconds = 0.5);
    let began = Instant::now();
    let fault = backend.complete(&unit()).unwrap_err();
    assert_eq!(fault, Fault::Timeout);
    assert!(began.elapsed() < Duration::from_millis(1500));
}

#[test]
fn a_server_that_does_not_hang_up_holds_nobody_up() {
    let server = Server::start(|_| Act::Lingering(Duration::from_secs(5)));
    let began = Instant::now();
    assert!(ask(&server, true).is_ok());
    assert!(began.elapsed() < Duration::from_millis(300));
}

#[test]
fn without_a_stream_only_the_whole_time_counts() {
    // Longer than a stall.
    let server = Server::start(|_| Act::Slow(Duration::from_millis(700)));
    assert!(ask(&server, false).is_ok());
    let backend = server.backend(|endpoint| {
        endpoint.stream = false;
        endpoint.timeout_seconds = 0.3;
    });
    assert_eq!(backend.complete(&unit()).unwrap_err(), Fault::Timeout);
}

#[test]
fn tokens_are_guessed_where_the_server_does_not_count() {
    let server = Server::start(|_| {
        let message = json!({ "content": "x".repeat(300) });
        Act::Body(json!({ "choices": [{ "message": message, "finish_reason": "length" }] }))
    });
    let reply = &ask(&server, false).unwrap()[0];
    assert_eq!((reply.usage.completion, reply.usage.guessed), (100, true));
    assert_eq!(reply.finish, Finish::Length);
    assert_eq!(reply.response_id, None);
}

#[test]
fn attempts_at_a_unit_have_one_idempotency_key_and_units_have_several() {
    let server = Server::start(|_| Act::Reply);
    let backend = server.backend(|_| {});
    let request = &requests(1, 2)[0];
    for unit in [request.unit(0, 7), request.unit(0, 7), request.unit(1, 7)] {
        backend.complete(&unit).unwrap();
    }
    let log = server.log();
    let key = |place: usize| &log.seen[place].headers["idempotency-key"];
    assert_eq!(key(0), key(1));
    assert_ne!(key(0), key(2));
}
