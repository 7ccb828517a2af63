//! Where workers get their next unit. What is decided here: which unit, by whom, and when not.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pause::pause;
use super::plan::{Plan, Task};
use super::seat::Health;
use super::{Ending, SeatReport};
use crate::{Blame, Fault, Options, Request, Spent, Usage};

/// How often a worker looks up when nobody tells it to: waits end and flags are set in silence.
const LOOK: Duration = Duration::from_millis(100);

/// Shared by all workers of a run.
pub struct Desk<'a> {
    plan: &'a Plan,
    options: &'a Options,
    stop: &'a AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    fresh: VecDeque<Task>,
    /// To be asked again, from a time on.
    later: BinaryHeap<Reverse<(Instant, Task)>>,
    /// Failures that count, by unit.
    attempts: HashMap<Task, u32>,
    seats: Vec<Health>,
    in_flight: usize,
    reserved: Reserve,
    spent: Spent,
    /// Of the replies so far.
    mean_completion: u64,
    ending: Option<Ending>,
}

/// The most that what is in flight may cost.
#[derive(Clone, Copy, Debug, Default)]
struct Reserve {
    tokens: u64,
    money: f64,
}

/// A unit that a worker has taken, and must give back with [`Desk::settle`] or [`Desk::judge`].
#[derive(Debug)]
pub struct Ticket {
    pub task: Task,
    pub seat: usize,
    /// Failures before.
    pub attempts: u32,
    pub started: Instant,
    reserve: Reserve,
}

enum Choice {
    Take(Ticket),
    /// Another seat should.
    Leave,
    Wait,
}

impl<'a> Desk<'a> {
    pub fn new(
        plan: &'a Plan,
        options: &'a Options,
        stop: &'a AtomicBool,
        seats: Vec<Health>,
        spent: Spent,
        replies: usize,
    ) -> Self {
        let mut state = State {
            fresh: plan.todo.clone(),
            later: BinaryHeap::new(),
            attempts: HashMap::new(),
            seats,
            in_flight: 0,
            reserved: Reserve::default(),
            spent: Spent::default(),
            mean_completion: 0,
            ending: None,
        };
        state.set_spent(spent, replies);
        Self {
            plan,
            options,
            stop,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// The next unit for a worker of a seat; waits for one. `None`: go home.
    pub fn next(&self, seat: usize) -> Option<Ticket> {
        let mut state = self.lock();
        state.seats[seat].waiting += 1;
        let ticket = loop {
            if self.stop.load(Ordering::Relaxed) {
                state.ending.get_or_insert(Ending::Stopped);
            }
            if state.ending.is_some() || state.seats[seat].out.is_some() {
                break None;
            }
            match self.choose(&mut state, seat, Instant::now()) {
                Choice::Take(ticket) => break Some(ticket),
                Choice::Leave => self.changed.notify_all(),
                Choice::Wait => {}
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        state.seats[seat].waiting -= 1;
        ticket
    }

    fn choose(&self, state: &mut State, seat: usize, now: Instant) -> Choice {
        let full = |limit| state.in_flight >= limit;
        if !state.seats[seat].is_ready(now) || self.options.max_in_flight.is_some_and(full) {
            return Choice::Wait;
        }
        let due = state.later.peek().is_some_and(|first| first.0.0 <= now);
        let task = match due {
            true => state.later.peek().map(|first| first.0.1),
            false => state.fresh.front().copied(),
        };
        let Some(task) = task else {
            return Choice::Wait;
        };
        let request = &self.plan.requests[task.request];
        let fits = |seat| state.fits(state.reserve(request, seat), self.options);
        if !fits(seat) {
            // A cheaper seat may still go on; and what is in flight may need less than it could.
            let mut others = state.seats.iter().enumerate();
            let in_vain = !others.any(|(other, health)| health.out.is_none() && fits(other));
            if in_vain && state.in_flight == 0 {
                state.ending.get_or_insert(Ending::Budget);
                self.changed.notify_all();
            }
            return Choice::Wait;
        }
        let own = (state.seats[seat].share(), seat);
        let better = |(other, health): (usize, &Health)| {
            let free = health.waiting > 0 && health.is_ready(now);
            free && (health.share(), other) < own && fits(other)
        };
        if state.seats.iter().enumerate().any(better) {
            return Choice::Leave;
        }
        let reserve = state.reserve(request, seat);
        match due {
            true => drop(state.later.pop()),
            false => drop(state.fresh.pop_front()),
        }
        state.in_flight += 1;
        state.reserved.tokens += reserve.tokens;
        state.reserved.money += reserve.money;
        state.seats[seat].asked += 1;
        state.seats[seat].in_flight += 1;
        Choice::Take(Ticket {
            task,
            seat,
            attempts: state.attempts.get(&task).copied().unwrap_or_default(),
            started: now,
            reserve,
        })
    }

    /// A reply is on the disk.
    pub fn settle(&self, ticket: &Ticket, spent: Spent, replies: usize) {
        let mut state = self.lock();
        state.give_back(ticket);
        state.attempts.remove(&ticket.task);
        state.set_spent(spent, replies);
        state.seats[ticket.seat].succeeded(ticket.started);
        self.changed.notify_all();
    }

    /// A request failed. Says after how many attempts the unit is given up, if it is; otherwise it
    /// will be asked again.
    pub fn judge(&self, ticket: &Ticket, fault: &Fault) -> Option<u32> {
        let mut state = self.lock();
        let now = Instant::now();
        let retry = &self.options.retry;
        let attempts = ticket.attempts + 1;
        let salt = self.salt(ticket, attempts);
        state.give_back(ticket);
        state.seats[ticket.seat].failed(fault, ticket.started, now, &self.options.rest, salt);
        let wait = match fault.blame() {
            Blame::Request => None,
            Blame::Either if attempts >= retry.attempts => None,
            Blame::Either => {
                state.attempts.insert(ticket.task, attempts);
                Some(pause(
                    retry.first_seconds,
                    retry.max_seconds,
                    attempts,
                    salt,
                ))
            }
            // Another seat may take it at once; this one rests.
            Blame::Endpoint | Blame::EndpointForGood => Some(Duration::ZERO),
        };
        let given_up = match wait {
            Some(wait) => {
                state.later.push(Reverse((now + wait, ticket.task)));
                None
            }
            None => {
                state.attempts.remove(&ticket.task);
                Some(attempts)
            }
        };
        self.changed.notify_all();
        given_up
    }

    /// Whether nothing is in flight and nothing more will be asked, and why.
    pub fn ending(&self) -> Option<Ending> {
        let mut state = self.lock();
        if state.in_flight > 0 {
            return None;
        }
        let nothing_left = state.fresh.is_empty() && state.later.is_empty();
        if nothing_left {
            // Whatever else may have been decided meanwhile: it is done.
            state.ending = Some(Ending::Complete);
        } else if self.stop.load(Ordering::Relaxed) {
            state.ending.get_or_insert(Ending::Stopped);
        } else if state.seats.iter().all(|health| health.out.is_some()) {
            state.ending.get_or_insert(Ending::NoTeacher);
        }
        state.ending.inspect(|_| self.changed.notify_all())
    }

    /// Sends all workers home, when the journal cannot be written.
    pub fn close(&self) {
        self.lock().ending.get_or_insert(Ending::Stopped);
        self.changed.notify_all();
    }

    pub fn in_flight(&self) -> usize {
        self.lock().in_flight
    }

    /// How the seats did, with the names that they have.
    pub fn report<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<SeatReport> {
        let state = self.lock();
        let seats = names.zip(&state.seats);
        let report = seats.map(|(name, health)| SeatReport {
            name: name.into(),
            replies: health.replies,
            faults: health.faults,
            rests: health.rests,
            out: health.out.clone(),
        });
        report.collect()
    }

    fn salt(&self, ticket: &Ticket, attempts: u32) -> u64 {
        let Task { request, sample } = ticket.task;
        let place = (request as u64) << 32 ^ u64::from(sample) << 8 ^ u64::from(attempts);
        self.options.seed.rotate_left(17) ^ place
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set_spent(&mut self, spent: Spent, replies: usize) {
        self.spent = spent;
        self.mean_completion = spent.completion / (replies as u64).max(1);
    }

    fn give_back(&mut self, ticket: &Ticket) {
        self.in_flight -= 1;
        self.seats[ticket.seat].in_flight -= 1;
        let reserved = &mut self.reserved;
        reserved.tokens = reserved.tokens.saturating_sub(ticket.reserve.tokens);
        // Sums of floats that are taken apart in another order need not come back to zero.
        reserved.money = match self.in_flight {
            0 => 0.0,
            _ => (reserved.money - ticket.reserve.money).max(0.0),
        };
    }

    fn reserve(&self, request: &Request, seat: usize) -> Reserve {
        let limit = request.sampling.max_tokens.map(u64::from);
        let usage = Usage {
            prompt: request.prompt_tokens(),
            completion: limit.unwrap_or(self.mean_completion),
            ..Usage::default()
        };
        Reserve {
            tokens: usage.prompt.saturating_add(usage.completion),
            money: self.seats[seat].price.of(&usage),
        }
    }

    fn fits(&self, reserve: Reserve, options: &Options) -> bool {
        let tokens = self.spent.tokens() + self.reserved.tokens + reserve.tokens;
        let money = self.spent.money + self.reserved.money + reserve.money;
        let budget = &options.budget;
        // A budget that is used up is so even if the next reply were to cost nothing.
        let some_left = budget
            .tokens
            .is_none_or(|limit| self.spent.tokens() < limit)
            && budget.money.is_none_or(|limit| self.spent.money < limit);
        some_left
            && budget.tokens.is_none_or(|limit| tokens <= limit)
            && budget.money.is_none_or(|limit| money <= limit)
    }
}
