//! The run: workers ask, one thread writes.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::desk::{Desk, Ticket};
use super::plan::Plan;
use super::seat::{Health, Seat};
use super::{Counts, Progress, Summary};
use crate::config::{at_least_one, config};
use crate::journal::{Accepted, Failed, Journal, Record, response_key};
use crate::{Backend, Blame, Fault, Options, Reply, Request, TeacherError, Unit};

/// Progress is told at least so often.
const TICK: Duration = Duration::from_millis(250);

/// What a worker brings back.
struct Event {
    ticket: Ticket,
    latency: Duration,
    seed: Option<u64>,
    result: Result<Reply, Fault>,
    /// Told when the reply is on the disk. The worker asks for nothing before that.
    written: SyncSender<()>,
}

/// Asks for every unit of `requests` that has no reply in the journal, until none is pending, `stop`
/// is set, the budget is used up or all seats have given out. What is in flight then is waited for
/// and kept: it is paid for.
///
/// All requests are held in memory, replies are not. `progress` is called on this thread.
///
/// # Errors
/// Of the journal; and, before anything is asked, for requests or options that make no sense.
pub fn run<B: Backend>(
    journal: &mut Journal,
    seats: &[Seat<B>],
    requests: impl IntoIterator<Item = Request>,
    options: &Options,
    stop: &AtomicBool,
    mut progress: impl FnMut(&Progress),
) -> Result<Summary, TeacherError> {
    options.check()?;
    check(seats)?;
    let plan = Plan::new(requests, journal, options)?;
    let healths = seats
        .iter()
        .map(|seat| Health::new(seat.weight, seat.price));
    let (healths, spent, replies) = (healths.collect(), journal.spent(), journal.len());
    let desk = Desk::new(&plan, options, stop, healths, spent, replies);
    let began = Instant::now();
    let mut writer = Writer {
        names: seats.iter().map(|seat| seat.name.as_str()).collect(),
        prices: seats.iter().map(|seat| seat.price).collect(),
        before: journal.spent().completion,
        journal,
        plan: &plan,
        desk: &desk,
        counts: plan.counts,
        faults: 0,
        last_fault: None,
        began,
    };
    let ending = thread::scope(|scope| {
        let (sender, events) = channel();
        for (place, seat) in seats.iter().enumerate() {
            for _ in 0..seat.concurrency {
                let sender = sender.clone();
                let (desk, plan) = (&desk, &plan);
                scope.spawn(move || work(place, &seat.backend, desk, plan, options.seed, &sender));
            }
        }
        drop(sender);
        let result = writer.serve(&events, &mut progress);
        // Events that nobody will write end their workers as they are dropped with the channel.
        drop(events);
        desk.close();
        result
    })?;
    Ok(Summary {
        ending,
        counts: writer.counts,
        spent: writer.journal.spent(),
        recovered: writer.journal.recovered(),
        seats: desk.report(seats.iter().map(|seat| seat.name.as_str())),
        elapsed: began.elapsed(),
    })
}

fn check<B>(seats: &[Seat<B>]) -> Result<(), TeacherError> {
    at_least_one("the number of teachers", seats.len())?;
    let mut names = HashSet::new();
    for seat in seats {
        at_least_one("concurrency", seat.concurrency)?;
        seat.price.check()?;
        if !(seat.weight.is_finite() && seat.weight > 0.0) {
            return Err(config("weight", "a number above 0", seat.weight));
        }
        if !names.insert(&seat.name) {
            return Err(config("name", "one that no other teacher has", &seat.name));
        }
    }
    Ok(())
}

fn work<B: Backend>(
    seat: usize,
    backend: &B,
    desk: &Desk,
    plan: &Plan,
    seed: u64,
    sender: &Sender<Event>,
) {
    while let Some(ticket) = desk.next(seat) {
        let request = plan.requests[ticket.task.request].unit(ticket.task.sample, seed);
        let asked = Instant::now();
        let result = ask(backend, &request);
        let (written, wait) = sync_channel(1);
        let event = Event {
            ticket,
            latency: asked.elapsed(),
            seed: request.sampling.seed,
            result,
            written,
        };
        if sender.send(event).is_err() || wait.recv().is_err() {
            return;
        }
    }
}

fn ask<B: Backend>(backend: &B, request: &Request) -> Result<Reply, Fault> {
    // A teacher that panics must not take the run with it: its ticket would never come back.
    let panicked = |_| {
        Err(Fault::Local {
            detail: "it panicked".into(),
            blame: Blame::Either,
        })
    };
    let answer = catch_unwind(AssertUnwindSafe(|| backend.complete(request)));
    let replies = answer.unwrap_or_else(panicked)?;
    let got = replies.len();
    match (got, replies.into_iter().next()) {
        (1, Some(reply)) => Ok(reply),
        _ => Err(Fault::Choices { expected: 1, got }),
    }
}

struct Writer<'a, 'p> {
    names: Vec<&'p str>,
    prices: Vec<crate::Price>,
    /// Completion tokens of earlier runs.
    before: u64,
    journal: &'a mut Journal,
    plan: &'p Plan,
    desk: &'p Desk<'p>,
    counts: Counts,
    faults: u64,
    last_fault: Option<String>,
    began: Instant,
}

impl Writer<'_, '_> {
    fn serve(
        &mut self,
        events: &Receiver<Event>,
        progress: &mut impl FnMut(&Progress),
    ) -> Result<super::Ending, TeacherError> {
        loop {
            progress(&self.progress());
            if let Some(ending) = self.desk.ending() {
                return Ok(ending);
            }
            match events.recv_timeout(TICK) {
                // All that have come share one fsync.
                Ok(first) => self.take(std::iter::once(first).chain(events.try_iter()))?,
                Err(RecvTimeoutError::Timeout) => {}
                // All workers are gone; then nothing is in flight.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
            }
        }
    }

    fn take(&mut self, events: impl Iterator<Item = Event>) -> Result<(), TeacherError> {
        let mut records = Vec::new();
        let mut accepted = Vec::new();
        let mut failed = Vec::new();
        let mut responses = HashSet::new();
        for event in events {
            let seat = event.ticket.seat;
            let name = self.names[seat];
            let reply = event.result.and_then(|reply| {
                let Some(id) = &reply.response_id else {
                    return Ok(reply);
                };
                let key = response_key(name, id, reply.thought.as_deref(), &reply.answer);
                match self.journal.has_response(key) || !responses.insert(key) {
                    true => Err(Fault::DuplicateResponse { id: id.clone() }),
                    false => Ok(reply),
                }
            });
            match reply {
                Ok(reply) => {
                    let latency = event.latency;
                    records.push(self.accept(&event.ticket, reply, event.seed, latency));
                    accepted.push((event.ticket, event.written));
                }
                Err(fault) => {
                    self.faults += 1;
                    self.last_fault = Some(format!("{name}: {fault}"));
                    match self.desk.judge(&event.ticket, &fault) {
                        Some(attempts) => {
                            records.push(self.give_up(&event.ticket, &fault, attempts));
                            failed.push(event.written);
                        }
                        // Nothing to write.
                        None => drop(event.written.send(())),
                    }
                }
            }
        }
        if !records.is_empty() {
            self.journal.append(&records)?;
        }
        let (spent, replies) = (self.journal.spent(), self.journal.len());
        for (ticket, written) in accepted {
            self.counts.done += 1;
            self.counts.pending -= 1;
            self.desk.settle(&ticket, spent, replies);
            // Its worker may have ended: then nobody waits.
            let _ = written.send(());
        }
        for written in failed {
            self.counts.failed += 1;
            self.counts.pending -= 1;
            let _ = written.send(());
        }
        Ok(())
    }

    fn accept(&self, ticket: &Ticket, reply: Reply, seed: Option<u64>, time: Duration) -> Record {
        Record::Accepted(Accepted {
            unit: self.unit(ticket),
            fingerprint: self.plan.fingerprints[ticket.task.request].clone(),
            endpoint: self.names[ticket.seat].into(),
            model: reply.model,
            response_id: reply.response_id,
            seed,
            thought: reply.thought,
            answer: reply.answer,
            finish: reply.finish,
            cost: self.prices[ticket.seat].of(&reply.usage),
            usage: reply.usage,
            latency_seconds: time.as_secs_f64(),
            attempts: ticket.attempts + 1,
            time: now(),
        })
    }

    fn give_up(&self, ticket: &Ticket, fault: &Fault, attempts: u32) -> Record {
        Record::Failed(Failed {
            unit: self.unit(ticket),
            fingerprint: self.plan.fingerprints[ticket.task.request].clone(),
            endpoint: self.names[ticket.seat].into(),
            reason: fault.kind().into(),
            detail: fault.to_string(),
            attempts,
            time: now(),
        })
    }

    fn unit(&self, ticket: &Ticket) -> String {
        let request = &self.plan.requests[ticket.task.request];
        Unit::new(&request.id, ticket.task.sample).to_string()
    }

    fn progress(&self) -> Progress {
        let elapsed = self.began.elapsed();
        let spent = self.journal.spent();
        let arrived = spent.completion.saturating_sub(self.before) as f64;
        Progress {
            counts: self.counts,
            in_flight: self.desk.in_flight(),
            spent,
            tokens_per_second: arrived / elapsed.as_secs_f64().max(1e-3),
            elapsed,
            faults: self.faults,
            last_fault: self.last_fault.clone(),
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|time| time.as_secs_f64()).unwrap_or_default()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::{Finish, Message, Sampling, Usage};

    struct Echo;

    impl Backend for Echo {
        fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
            Ok(vec![Reply {
                thought: None,
                answer: request.id.clone(),
                finish: Finish::Stop,
                usage: Usage::default(),
                model: None,
                response_id: None,
            }])
        }
    }

    #[test]
    fn a_disk_that_fills_ends_the_run_and_a_later_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let seats = [Seat::local("here", Echo, 4)];
        let stop = AtomicBool::new(false);
        let requests = || {
            (0..20).map(|number| Request {
                id: number.to_string(),
                messages: vec![Message::user("say your name")],
                sampling: Sampling::default(),
                samples: 1,
            })
        };
        let options = Options::default();
        journal.fill_disk();
        let error = run(&mut journal, &seats, requests(), &options, &stop, |_| {}).unwrap_err();
        assert!(matches!(error, TeacherError::DiskFull { .. }), "{error}");
        drop(journal);
        let mut journal = Journal::open(folder.path()).unwrap();
        let summary = run(&mut journal, &seats, requests(), &options, &stop, |_| {}).unwrap();
        assert_eq!(summary.counts.done, 20);
    }
}
