//! A job whose process is killed again and again.

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use common::{Act, Server, answer, options, random, requests};
use retort_teacher::{Ending, Endpoint, HttpBackend, Journal, Seat, run};

const FOLDER: &str = "RETORT_TEACHER_TEST_FOLDER";
const URL: &str = "RETORT_TEACHER_TEST_URL";
const REQUESTS: usize = 500;
const SAMPLES: u32 = 3;
const WORKERS: usize = 6;
const KILLS: usize = 20;

/// Not a test by itself: what the test below runs in another process.
#[test]
fn child() {
    let (Ok(folder), Ok(url)) = (std::env::var(FOLDER), std::env::var(URL)) else {
        return;
    };
    let mut endpoint = Endpoint::new("one", &url, "m");
    endpoint.concurrency = WORKERS;
    let seats = [Seat::http(HttpBackend::new(endpoint).unwrap())];
    let mut journal = Journal::open(Path::new(&folder)).unwrap();
    let stop = AtomicBool::new(false);
    let job = requests(REQUESTS, SAMPLES);
    let summary = run(&mut journal, &seats, job, &options(), &stop, |_| {}).unwrap();
    assert_eq!(summary.ending, Ending::Complete);
}

fn start(folder: &Path, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .env(URL, url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_any_moment_nothing_is_lost_or_kept_twice() {
    if std::env::var(FOLDER).is_ok() {
        return;
    }
    // From 1 to 8 ms, streamed in pieces: kills fall into every part of a request.
    let server = Server::start(|seen| {
        let mut state = seen.seed | 1;
        match random(&mut state) % 3 {
            0 => Act::SlowStream(Duration::from_micros(300)),
            _ => Act::Slow(Duration::from_millis(1 + random(&mut state) % 8)),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut state = 20_251_125;
    let mut before = 0;
    for kill in 0..KILLS {
        let mut child = start(folder.path(), &server.url);
        // After some replies, and then at any moment.
        let replies = before + 1 + (random(&mut state) % 40) as usize;
        let began = Instant::now();
        while server.log().answers() < replies {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "kill {kill}: no progress"
            );
            assert!(
                child.try_wait().unwrap().is_none(),
                "kill {kill}: it ended by itself"
            );
            thread::sleep(Duration::from_micros(200));
        }
        thread::sleep(Duration::from_micros(random(&mut state) % 6000));
        child.kill().unwrap();
        child.wait().unwrap();
        // What the server finishes for the dead is counted, too.
        while server.log().in_flight > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        before = server.log().answers();
        let kept = Journal::read(folder.path()).map_or(0, |replies| replies.len());
        assert!(
            kept + (kill + 1) * WORKERS >= before,
            "kill {kill}: {kept} of {before}"
        );
    }
    assert!(start(folder.path(), &server.url).wait().unwrap().success());

    let units = REQUESTS * SAMPLES as usize;
    let replies: Vec<_> = Journal::read(folder.path())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(replies.len(), units);
    for reply in &replies {
        let unit = reply.unit().unwrap();
        assert_eq!(reply.answer, answer(&unit.request, reply.seed.unwrap()));
    }
    // The file itself has each unit once: none is hidden by the reader.
    let text = std::fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
    let mut lines = HashMap::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["record"]["kind"] == "accepted" {
            let unit = line["record"]["unit"].as_str().unwrap().to_owned();
            *lines.entry(unit).or_insert(0) += 1;
        }
    }
    assert_eq!(lines.len(), units);
    assert!(lines.values().all(|count| *count == 1));
    // Only what was in flight at a kill was asked twice.
    let log = server.log();
    let extra = log.answers() - units;
    println!("{KILLS} kills, {WORKERS} workers, {units} units: {extra} replies were had twice");
    assert!(extra <= KILLS * WORKERS, "{extra}");
    assert!(extra > 0, "the kills hit nothing");
}
