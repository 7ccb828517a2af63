//! Jobs with teachers in this process: what the scheduler does by itself.

mod common;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::{go, options, read, requests};
use retort_teacher::{
    Backend, Ending, Fault, Finish, Journal, Reply, Request, Seat, TeacherError, Usage, run,
};

#[test]
fn when_the_dear_teacher_is_too_dear_the_cheap_one_goes_on() {
    let local = Local(|request: &Request| {
        let mut reply = reply(request);
        reply.usage.completion = 100;
        Ok(vec![reply])
    });
    let mut seats = [
        Seat::local("dear", &local, 1),
        Seat::local("cheap", &local, 1),
    ];
    seats[0].price.output = 10_000.0;
    seats[1].price.output = 1000.0;
    let mut options = options();
    options.budget.money = Some(2.55);
    let folder = tempfile::tempdir().unwrap();
    let summary = go(folder.path(), &seats, requests(100, 1), &options).unwrap();
    assert_eq!(summary.ending, Ending::Budget);
    // What is left would not pay for one of the cheap ones.
    assert!(
        summary.spent.money <= 2.55 && summary.spent.money > 2.449,
        "{summary:?}"
    );
    assert!(
        summary.seats.iter().all(|seat| seat.replies > 0),
        "{summary:?}"
    );
}

/// A teacher in this process.
struct Local<F>(F);

impl<F: Fn(&Request) -> Result<Vec<Reply>, Fault> + Send + Sync> Backend for Local<F> {
    fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
        (self.0)(request)
    }
}

fn reply(request: &Request) -> Reply {
    Reply {
        thought: None,
        answer: request.id.clone(),
        finish: Finish::Stop,
        usage: Usage::default(),
        model: None,
        response_id: None,
    }
}

#[test]
fn teachers_in_this_process_may_panic_or_miscount() {
    let calls = Mutex::new(HashMap::new());
    let local = Local(|request: &Request| {
        let mut calls = calls.lock().unwrap();
        let call = calls.entry(request.id.clone()).or_insert(0);
        *call += 1;
        let call = *call;
        drop(calls);
        match call {
            1 => panic!("as it was told to"),
            2 => Ok(vec![]),
            3 => Ok(vec![reply(request), reply(request)]),
            _ => Ok(vec![reply(request)]),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let seats = [Seat::local("here", local, 2)];
    let summary = go(folder.path(), &seats, requests(3, 1), &options()).unwrap();
    assert_eq!((summary.counts.done, summary.seats[0].faults), (3, 9));
    assert!(read(folder.path()).iter().all(|reply| reply.attempts == 4));
}

#[test]
fn free_seats_are_served_by_weight_and_the_total_is_limited() {
    let now = AtomicUsize::new(0);
    let most = AtomicUsize::new(0);
    let local = Local(|request: &Request| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
        now.fetch_sub(1, Ordering::SeqCst);
        Ok(vec![reply(request)])
    });
    let mut seats = [Seat::local("a", &local, 2), Seat::local("b", &local, 2)];
    seats[1].weight = 3.0;
    let mut options = options();
    options.max_in_flight = Some(1);
    let folder = tempfile::tempdir().unwrap();
    let summary = go(folder.path(), &seats, requests(40, 1), &options).unwrap();
    let replies = summary.seats.iter().map(|seat| seat.replies);
    assert_eq!(replies.collect::<Vec<_>>(), [10, 30]);
    assert_eq!(most.load(Ordering::SeqCst), 1);

    // Without that limit, each seat's own holds, and is used.
    most.store(0, Ordering::SeqCst);
    options.max_in_flight = None;
    let folder = tempfile::tempdir().unwrap();
    go(folder.path(), &seats, requests(40, 1), &options).unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[test]
fn a_stop_keeps_what_is_in_flight() {
    let stop = AtomicBool::new(false);
    let local = Local(|request: &Request| {
        stop.store(true, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        Ok(vec![reply(request)])
    });
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    let seats = [Seat::local("here", &local, 1)];
    let job = requests(50, 1);
    let summary = run(&mut journal, &seats, job, &options(), &stop, |_| {}).unwrap();
    assert_eq!(summary.ending, Ending::Stopped);
    assert_eq!((summary.counts.done, summary.counts.pending), (1, 49));
    assert_eq!(journal.replies().unwrap().len(), 1);
}

#[test]
fn jobs_that_make_no_sense_are_refused_before_anything_is_asked() {
    let local = Local(|request: &Request| Ok(vec![reply(request)]));
    let seats = [Seat::local("here", &local, 1)];
    let folder = tempfile::tempdir().unwrap();
    let refused = |job: Vec<Request>| go(folder.path(), &seats, job, &options()).unwrap_err();
    let change = |change: fn(&mut Request)| {
        let mut job = requests(2, 1);
        change(&mut job[1]);
        job
    };
    let error = refused(change(|request| request.id = "q0".into()));
    assert!(matches!(error, TeacherError::DuplicateRequest { .. }));
    let error = refused(change(|request| request.id = "a\nb".into()));
    assert!(matches!(error, TeacherError::RequestId { number: 2, .. }));
    let error = refused(change(|request| request.messages.clear()));
    assert!(matches!(error, TeacherError::NoMessages { .. }));
    let error = refused(change(|request| request.samples = 0));
    assert!(matches!(
        error,
        TeacherError::Config {
            field: "samples",
            ..
        }
    ));
    assert!(read(folder.path()).is_empty());

    // A journal answers the questions that it was made for.
    go(folder.path(), &seats, requests(2, 1), &options()).unwrap();
    let error = refused(change(|request| request.messages[0].content.push('?')));
    assert!(
        matches!(&error, TeacherError::Changed { unit } if unit == "q1#0"),
        "{error}"
    );
    assert!(error.hint().is_some());
    // More samples of the same are no change.
    let more = go(folder.path(), &seats, requests(2, 3), &options()).unwrap();
    assert_eq!(more.counts.done, 6);
}
