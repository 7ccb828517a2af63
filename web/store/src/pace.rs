//! How much to ask for at once, when to try again, and how fast it goes.

use crate::{CHUNK, answer::Asked};

/// Failures in a row after which a download gives up.
pub const MAX_TRIES: u32 = 6;
/// The same before the first byte has arrived: the address is likelier wrong than the weather.
pub const MAX_FIRST_TRIES: u32 = 4;
/// Starts from the first byte that a host without ranges is granted.
pub const MAX_RESTARTS: u32 = 3;
/// A connection that brings nothing for so long is taken for broken.
pub const STALL_MS: f64 = 30_000.0;

/// How much to ask for in one request.
///
/// What a host has sent and the disk has not seen is lost when the page is closed. A request for
/// one chunk bounds that by a chunk; but each request costs a wait, so where hosts are far and
/// fast, more is asked for: so much that waiting takes a tenth of the time.
#[derive(Debug)]
pub struct Span {
    bytes: u64,
    /// The shortest wait so far: longer ones may be this machine's.
    wait_ms: f64,
    /// The host hides `Content-Range`: ask for all the rest, whose length gives the size away.
    endless: bool,
}

/// A host that answers sooner is near: asking often costs nothing.
const NEAR_MS: f64 = 20.0;
/// Largest request.
const MAX_SPAN: u64 = 16 * CHUNK;

impl Default for Span {
    fn default() -> Self {
        Self {
            bytes: CHUNK,
            wait_ms: f64::INFINITY,
            endless: false,
        }
    }
}

impl Span {
    /// The next request, ending where a chunk does.
    pub fn ask(&self, first: u64) -> Asked {
        let end = first.saturating_add(self.bytes) / CHUNK * CHUNK;
        let last = (!self.endless && end > first).then(|| end - 1);
        Asked { first, last }
    }

    /// From now on all the rest is asked for; `false` if it was already.
    pub fn make_endless(&mut self) -> bool {
        !std::mem::replace(&mut self.endless, true)
    }

    /// The first of `bytes` came after `wait_ms`, the last `body_ms` later.
    pub fn learn(&mut self, wait_ms: f64, body_ms: f64, bytes: u64) {
        self.wait_ms = self.wait_ms.min(wait_ms);
        let far = self.wait_ms >= NEAR_MS;
        let wanted = bytes as f64 / body_ms.max(1.0) * self.wait_ms * 10.0;
        let wanted = if far { wanted } else { 0.0 };
        self.bytes = (wanted as u64).clamp(CHUNK, MAX_SPAN) / CHUNK * CHUNK;
    }
}

/// Counts failures between which nothing arrived.
#[derive(Debug, Default)]
pub struct Retries {
    failures: u32,
    restarts: u32,
    position: u64,
}

impl Retries {
    /// A connection broke with `position` bytes received. Returns the milliseconds to wait
    /// before the next try (half a second, doubled each time), or `None` to give up.
    pub fn failed(&mut self, position: u64) -> Option<f64> {
        if position > self.position {
            self.failures = 0;
        }
        self.position = position;
        self.failures += 1;
        let tries = if position == 0 {
            MAX_FIRST_TRIES
        } else {
            MAX_TRIES
        };
        (self.failures < tries).then(|| 250.0 * f64::from(1 << self.failures))
    }

    /// The download begins again from the first byte; `false` to give up.
    pub fn restarted(&mut self) -> bool {
        self.restarts += 1;
        self.position = 0;
        self.restarts <= MAX_RESTARTS
    }

    /// Failures since something arrived.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

/// Speed over the last seconds.
#[derive(Debug)]
pub struct Meter {
    /// Time in milliseconds and bytes, oldest first.
    samples: std::collections::VecDeque<(f64, u64)>,
}

/// The speed is taken over so many milliseconds, in steps of [`STEP_MS`].
const WINDOW_MS: f64 = 5_000.0;
/// The page is told no more often than this.
const STEP_MS: f64 = 100.0;

impl Meter {
    pub fn new(now_ms: f64, done: u64) -> Self {
        Self {
            samples: [(now_ms, done)].into(),
        }
    }

    /// Takes a reading; returns the bytes per second when it is time to tell the page.
    pub fn read(&mut self, now_ms: f64, done: u64) -> Option<f64> {
        let (last, _) = *self.samples.back()?;
        if now_ms - last < STEP_MS {
            return None;
        }
        self.samples.push_back((now_ms, done));
        while self.samples.len() > 2 && now_ms - self.samples[0].0 > WINDOW_MS {
            self.samples.pop_front();
        }
        Some(self.speed())
    }

    /// Bytes per second over the last readings; 0 before there are two.
    pub fn speed(&self) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some((from, a)), Some((to, b))) if to > from => {
                b.saturating_sub(*a) as f64 / (to - from) * 1e3
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_and_progress_renews_them() {
        let mut retries = Retries::default();
        let waits: Vec<_> = (0..6).map(|_| retries.failed(7)).collect();
        let expected = [500.0, 1000.0, 2000.0, 4000.0, 8000.0].map(Some);
        assert_eq!(waits[..5], expected);
        assert_eq!(waits[5], None);
        assert_eq!(retries.failed(8), Some(500.0));

        let mut first = Retries::default();
        let waits: Vec<_> = (0..4).map(|_| first.failed(0)).collect();
        assert_eq!(waits, [Some(500.0), Some(1000.0), Some(2000.0), None]);
    }

    #[test]
    fn near_hosts_are_asked_for_a_chunk_and_far_ones_for_more() {
        let mut span = Span::default();
        let until = |span: &Span, first| span.ask(first).last.map(|last| last + 1);
        assert_eq!(until(&span, 0), Some(CHUNK));
        assert_eq!(until(&span, CHUNK - 1), Some(CHUNK));
        assert_eq!(until(&span, CHUNK), Some(2 * CHUNK));
        span.learn(200.0, 400.0, CHUNK);
        assert_eq!(until(&span, 0), Some(5 * CHUNK));
        span.learn(2.0, 1.0, CHUNK);
        assert_eq!(until(&span, CHUNK + 7), Some(2 * CHUNK));
        span.learn(200.0, 400.0, CHUNK);
        assert_eq!(until(&span, 0), Some(CHUNK));
        let mut span = Span::default();
        span.learn(1e9, 0.0, u64::MAX);
        assert_eq!(until(&span, 3), Some(MAX_SPAN));
        assert_eq!(until(&span, u64::MAX), None);
        assert!(span.make_endless() && !span.make_endless());
        assert_eq!(until(&span, 0), None);
    }

    #[test]
    fn restarts_are_bounded() {
        let mut retries = Retries::default();
        assert!((0..MAX_RESTARTS).all(|_| retries.restarted()));
        assert!(!retries.restarted());
    }

    #[test]
    fn speed_is_of_the_last_seconds() {
        let mut meter = Meter::new(0.0, 0);
        assert_eq!(meter.read(50.0, 10), None);
        assert_eq!(meter.read(100.0, 100), Some(1000.0));
        for step in 2..=200 {
            meter.read(
                f64::from(step) * 100.0,
                100 + (u64::from(step as u32) - 1) * 200,
            );
        }
        assert!((meter.speed() - 2000.0).abs() < 1.0, "{}", meter.speed());
    }
}
