//! A teacher with a place at the table, and how it has done.

use std::time::{Duration, Instant};

use super::pause;
use crate::{Backend, Blame, Fault, HttpBackend, Price, Rest};

/// A backend with its workers.
#[derive(Clone, Debug)]
pub struct Seat<B> {
    /// By which the journal calls it; not that of another seat.
    pub name: String,
    pub backend: B,
    /// Requests at a time, each on a thread of its own.
    pub concurrency: usize,
    /// See [`crate::Endpoint::weight`].
    pub weight: f64,
    pub price: Price,
}

impl Seat<HttpBackend> {
    /// As the endpoint is configured.
    pub fn http(backend: HttpBackend) -> Self {
        let endpoint = backend.endpoint();
        Self {
            name: endpoint.name.clone(),
            concurrency: endpoint.concurrency,
            weight: endpoint.weight,
            price: endpoint.price,
            backend,
        }
    }
}

impl<B: Backend> Seat<B> {
    /// One that costs nothing: a teacher in this process.
    pub fn local(name: &str, backend: B, concurrency: usize) -> Self {
        Self {
            name: name.into(),
            backend,
            concurrency,
            weight: 1.0,
            price: Price::default(),
        }
    }
}

impl<B: Backend + 'static> Seat<B> {
    /// One beside others of another kind.
    pub fn boxed(self) -> Seat<Box<dyn Backend>> {
        Seat {
            name: self.name,
            backend: Box::new(self.backend),
            concurrency: self.concurrency,
            weight: self.weight,
            price: self.price,
        }
    }
}

/// How a seat has done in this run.
#[derive(Debug)]
pub struct Health {
    pub weight: f64,
    pub price: Price,
    pub asked: u64,
    pub in_flight: usize,
    /// Workers that look for something to do.
    pub waiting: usize,
    pub replies: u64,
    pub faults: u64,
    pub rests: u64,
    pub out: Option<String>,
    /// Faults since the last reply.
    in_a_row: u32,
    /// Rests since the last reply.
    strikes: u32,
    rest_began: Option<Instant>,
    rests_until: Option<Instant>,
}

impl Health {
    pub fn new(weight: f64, price: Price) -> Self {
        Self {
            weight,
            price,
            asked: 0,
            in_flight: 0,
            waiting: 0,
            replies: 0,
            faults: 0,
            rests: 0,
            out: None,
            in_a_row: 0,
            strikes: 0,
            rest_began: None,
            rests_until: None,
        }
    }

    /// Whether it may be asked now. After a rest it is asked for one reply before it is asked for
    /// many.
    pub fn is_ready(&self, now: Instant) -> bool {
        self.out.is_none()
            && self.rests_until.is_none_or(|until| until <= now)
            && (self.strikes == 0 || self.in_flight == 0)
    }

    /// What it would have had with the next request, for its weight. The least is served first.
    pub fn share(&self) -> f64 {
        (self.asked + 1) as f64 / self.weight
    }

    /// A reply arrived to a request of that time.
    pub fn succeeded(&mut self, started: Instant) {
        self.replies += 1;
        self.in_a_row = 0;
        if self.is_newer_than_rest(started) {
            self.strikes = 0;
        }
    }

    /// A request of that time failed.
    pub fn failed(
        &mut self,
        fault: &Fault,
        started: Instant,
        now: Instant,
        rest: &Rest,
        salt: u64,
    ) {
        self.faults += 1;
        match fault.blame() {
            Blame::Request => {}
            Blame::EndpointForGood => {
                self.out.get_or_insert_with(|| fault.to_string());
            }
            Blame::Endpoint => self.rest(fault, started, now, rest, salt),
            Blame::Either => {
                // What was asked before a rest says nothing about the time after it.
                if self.is_newer_than_rest(started) {
                    self.in_a_row += 1;
                }
                if self.in_a_row >= rest.after || fault.retry_after().is_some() {
                    self.rest(fault, started, now, rest, salt);
                }
            }
        }
    }

    fn rest(&mut self, fault: &Fault, started: Instant, now: Instant, rest: &Rest, salt: u64) {
        let asked = fault.retry_after().map(|asked| {
            let asked = asked.min(Duration::from_secs_f64(rest.max_retry_after_seconds));
            // Later than it asked for, never sooner.
            asked.mul_f64(1.0 + 0.1 * pause::fraction(salt))
        });
        if !self.is_newer_than_rest(started) {
            // One of many that were in flight when the rest began: it is the same trouble.
            let asked = asked.map(|asked| now + asked);
            self.rests_until = self.rests_until.max(asked);
            return;
        }
        self.rests += 1;
        self.strikes += 1;
        if self.strikes >= rest.give_up {
            self.out.get_or_insert_with(|| fault.to_string());
        }
        let own = || pause::pause(rest.first_seconds, rest.max_seconds, self.strikes, salt);
        self.rest_began = Some(now);
        self.rests_until = Some(now + asked.unwrap_or_else(own));
    }

    fn is_newer_than_rest(&self, started: Instant) -> bool {
        self.rest_began.is_none_or(|began| started >= began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Rest = Rest {
        after: 3,
        first_seconds: 10.0,
        max_seconds: 100.0,
        max_retry_after_seconds: 50.0,
        give_up: 3,
    };

    fn busy(retry_after: Option<u64>) -> Fault {
        Fault::Status {
            status: 429,
            body: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn a_burst_of_refusals_is_one_rest_of_at_least_what_was_asked() {
        let mut health = Health::new(1.0, Price::default());
        let start = Instant::now();
        health.in_flight = 8;
        for _ in 0..8 {
            health.failed(
                &busy(Some(7)),
                start,
                start + Duration::from_secs(1),
                &REST,
                5,
            );
        }
        assert_eq!((health.rests, health.out.clone()), (1, None));
        health.in_flight = 0;
        assert!(!health.is_ready(start + Duration::from_millis(7_999)));
        assert!(health.is_ready(start + Duration::from_secs(9)));
        // One at a time until it has replied.
        health.in_flight = 1;
        assert!(!health.is_ready(start + Duration::from_secs(9)));
        health.succeeded(start + Duration::from_secs(9));
        assert!(health.is_ready(start + Duration::from_secs(9)));
        // A wait that is too long is cut.
        health.in_flight = 0;
        let later = start + Duration::from_secs(20);
        health.failed(&busy(Some(9999)), later, later, &REST, 5);
        assert!(health.is_ready(later + Duration::from_secs(56)));
    }

    #[test]
    fn failures_in_a_row_rest_it_and_rests_in_a_row_end_it() {
        let mut health = Health::new(1.0, Price::default());
        let mut now = Instant::now();
        for round in 1..=3 {
            assert_eq!(health.out, None);
            // After the first rest, a single failure is enough.
            let failures = if round == 1 { 3 } else { 1 };
            for _ in 0..failures {
                assert!(health.is_ready(now));
                health.failed(&Fault::Timeout, now, now, &REST, 5);
            }
            assert_eq!(health.rests, round);
            assert!(!health.is_ready(now + Duration::from_secs(4)));
            now += Duration::from_secs(200);
        }
        assert!(health.out.is_some_and(|why| why.contains("time limit")));
    }

    #[test]
    fn a_reply_in_between_forgives() {
        let mut health = Health::new(1.0, Price::default());
        let now = Instant::now();
        for _ in 0..10 {
            health.failed(&Fault::Timeout, now, now, &REST, 5);
            health.failed(&Fault::Timeout, now, now, &REST, 5);
            health.succeeded(now);
        }
        assert_eq!((health.rests, health.out.clone()), (0, None));
        let denied = Fault::Status {
            status: 401,
            body: String::new(),
            retry_after: None,
        };
        health.failed(&denied, now, now, &REST, 5);
        assert!(!health.is_ready(now));
    }
}
