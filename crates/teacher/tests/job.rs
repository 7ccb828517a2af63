//! Whole jobs against servers that fail.

mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::{Act, Server, answer, go, options, random, read, requests};
use retort_teacher::{Ending, HttpBackend, Journal, Price, Progress, Seat, run};

fn http(server: &Server, name: &str) -> Seat<HttpBackend> {
    Seat::http(HttpBackend::new(server.endpoint(name)).unwrap())
}

#[test]
fn through_all_faults_every_unit_is_done_once_or_accounted_for() {
    let server = Server::start(|seen| {
        let number: u64 = seen.content[1..].parse().unwrap();
        if number % 10 == 9 {
            // Never to be had.
            return match number {
                9 => Act::Status(400, "", "too long".into()),
                19 => Act::Huge(1 << 20),
                _ => Act::HalfBody,
            };
        }
        let mut state = (seen.seed << 8) | (seen.before as u64 + 1);
        let (choice, _) = (random(&mut state), random(&mut state));
        match (seen.before, choice % 16) {
            (3.., _) => Act::Reply,
            (_, 0) => Act::Status(429, "Retry-After: 0.05\r\n", String::new()),
            (_, 1) => Act::Status(500, "", "oops".into()),
            (_, 2) => Act::HalfBody,
            (_, 3) => Act::HangUp,
            (_, 4) => Act::HalfJson,
            (_, 5) => Act::HalfStream,
            (_, 6) => Act::Stall(Duration::from_millis(600)),
            (_, 7) => Act::Choices(0),
            (_, 8) => Act::Choices(2),
            (_, 9) => Act::SameIndex,
            (_, 10) => Act::Body(serde_json::json!({ "id": "x" })),
            (_, 11) => Act::SlowStream(Duration::from_millis(10)),
            (_, 12) => Act::Status(503, "", String::new()),
            _ => Act::Reply,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut last = Progress::default();
    let mut journal = Journal::open(folder.path()).unwrap();
    let stop = AtomicBool::new(false);
    let seats = [http(&server, "one"), http(&server, "two")];
    let summary = run(
        &mut journal,
        &seats,
        requests(30, 4),
        &options(),
        &stop,
        |p| {
            assert_eq!(p.counts.total(), 120);
            last = p.clone();
        },
    )
    .unwrap();
    let failures = journal.failures().unwrap();
    drop(journal);
    assert_eq!(summary.ending, Ending::Complete, "{summary:?}");
    assert_eq!(summary.counts, last.counts);
    let reasons: BTreeSet<_> = failures
        .iter()
        .map(|failed| failed.reason.as_str())
        .collect();
    assert_eq!(failures.len(), 12);
    assert!(
        reasons.is_superset(&["status", "too_large", "broken"].into()),
        "{reasons:?}"
    );
    let counts = summary.counts;
    assert_eq!((counts.done, counts.failed, counts.pending), (108, 12, 0));
    assert!(last.faults > 60, "{last:?}");
    // In stable order, with the right text under each name.
    let replies = read(folder.path());
    assert_eq!(replies.len(), 108);
    let units: Vec<_> = replies.iter().map(|reply| reply.unit().unwrap()).collect();
    assert!(units.is_sorted());
    for reply in &replies {
        let unit = reply.unit().unwrap();
        assert_eq!(reply.answer, answer(&unit.request, reply.seed.unwrap()));
        assert_eq!(reply.thought.as_deref(), Some("hm"));
        assert!(["one", "two"].contains(&reply.endpoint.as_str()));
    }
    {
        // What was answered was never asked for again.
        let log = server.log();
        assert_eq!(log.answers(), 108);
        assert!(log.answered.values().all(|count| *count == 1));
        let permanent = log.seen.iter().filter(|seen| seen.content == "q9").count();
        let retried = log.seen.iter().filter(|seen| seen.content == "q29").count();
        assert_eq!(
            (permanent, retried),
            (4, 20),
            "once each; five attempts each"
        );
    }
    // A second run asks for nothing; one that is told to asks for what was given up.
    let before = server.log().seen.len();
    let again = go(folder.path(), &seats, requests(30, 4), &options()).unwrap();
    assert_eq!((again.counts, server.log().seen.len()), (counts, before));
    let mut retry = options();
    retry.retry_failed = true;
    let again = go(folder.path(), &seats, requests(30, 4), &retry).unwrap();
    assert_eq!(again.counts, counts);
    assert!(server.log().seen.len() > before);
    assert_eq!(read(folder.path()), replies);
}

#[test]
fn a_repeated_response_is_accepted_once() {
    let server = Server::start(|seen| match seen.before {
        0 => Act::Repeat,
        _ => Act::Reply,
    });
    let folder = tempfile::tempdir().unwrap();
    let seats = [http(&server, "one")];
    let summary = go(folder.path(), &seats, requests(20, 1), &options()).unwrap();
    assert_eq!(summary.counts.done, 20);
    let replies = read(folder.path());
    let same = replies.iter().filter(|reply| reply.answer == "the same");
    assert_eq!(same.count(), 1);
    let texts: BTreeSet<_> = replies.iter().map(|reply| &reply.answer).collect();
    assert_eq!(texts.len(), 20);
}

#[test]
fn retry_after_is_honoured_by_all_workers() {
    let refused = Mutex::new(None);
    let server = Server::start(move |seen| {
        let mut refused = refused.lock().unwrap();
        match *refused {
            None => {
                *refused = Some(seen.at);
                Act::Status(429, "Retry-After: 1\r\n", String::new())
            }
            Some(_) => Act::Reply,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut endpoint = server.endpoint("one");
    endpoint.concurrency = 1;
    let seats = [Seat::http(HttpBackend::new(endpoint).unwrap())];
    let summary = go(folder.path(), &seats, requests(5, 1), &options()).unwrap();
    assert_eq!(summary.counts.done, 5);
    assert_eq!(summary.seats[0].rests, 1);
    let log = server.log();
    let wait = log.seen[1].at - log.seen[0].at;
    assert!(wait >= Duration::from_secs(1), "{wait:?}");
    assert!(wait < Duration::from_millis(1500), "{wait:?}");
    // A refusal is no attempt of the unit.
    assert!(read(folder.path()).iter().all(|reply| reply.attempts == 1));
}

#[test]
fn an_endpoint_that_gives_out_leaves_the_work_to_the_other() {
    let broken = Server::start(|_| Act::Status(503, "", "starting".into()));
    let denied = Server::start(|_| Act::Status(401, "", "who are you".into()));
    let good = Server::start(|_| Act::Slow(Duration::from_millis(20)));
    let mut options = options();
    options.rest.after = 3;
    options.retry.attempts = 100;
    let folder = tempfile::tempdir().unwrap();
    let seats = [
        http(&broken, "broken"),
        http(&denied, "denied"),
        http(&good, "good"),
    ];
    let summary = go(folder.path(), &seats, requests(80, 1), &options).unwrap();
    assert_eq!(summary.counts.done, 80);
    assert_eq!(summary.seats[2].replies, 80);
    assert!(summary.seats[1].out.as_ref().unwrap().contains("401"));
    // Rested after a few, then asked one at a time.
    let asked = broken.log().seen.len();
    assert!(asked <= 4 + 3 + 5, "{asked}");

    // With no other, the work stays pending, not failed.
    let folder = tempfile::tempdir().unwrap();
    let seats = [http(&broken, "broken"), http(&denied, "denied")];
    let summary = go(folder.path(), &seats, requests(80, 1), &options).unwrap();
    assert_eq!(summary.ending, Ending::NoTeacher);
    let counts = summary.counts;
    assert_eq!((counts.done, counts.failed, counts.pending), (0, 0, 80));
    assert!(summary.seats.iter().all(|seat| seat.out.is_some()));
}

#[test]
fn budgets_hold_over_runs_and_what_is_in_flight() {
    let server = Server::start(|_| Act::Slow(Duration::from_millis(5)));
    let folder = tempfile::tempdir().unwrap();
    let mut seat = http(&server, "one");
    seat.price = Price {
        input: 100.0,
        cached_input: None,
        output: 1000.0,
    };
    // A reply takes 10 + 20 tokens and costs 0.021; it might take 9 + 100.
    let mut options = options();
    options.budget.tokens = Some(1000);
    let seats = [seat];
    let first = go(folder.path(), &seats, requests(100, 1), &options).unwrap();
    assert_eq!(first.ending, Ending::Budget);
    assert!(first.spent.tokens() <= 1000, "{first:?}");
    assert!(first.spent.tokens() > 1000 - 109 - 30, "{first:?}");
    let replies = first.counts.done;
    assert_eq!(replies * 30, first.spent.tokens());
    assert_eq!(first.counts.pending, 100 - replies);
    // Nothing is left for a second run.
    let second = go(folder.path(), &seats, requests(100, 1), &options).unwrap();
    assert_eq!(
        (second.ending, second.counts),
        (Ending::Budget, first.counts)
    );
    // Money has its own limit.
    options.budget.tokens = None;
    options.budget.money = Some(1.5);
    let third = go(folder.path(), &seats, requests(100, 1), &options).unwrap();
    assert_eq!(third.ending, Ending::Budget);
    assert!(
        third.spent.money <= 1.5 && third.spent.money > 1.3,
        "{third:?}"
    );
    assert_eq!(server.log().answers() as u64, third.counts.done);
}
