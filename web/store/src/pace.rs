//! When to try again, and how fast it goes.

/// Failures in a row after which a download gives up.
pub const MAX_TRIES: u32 = 6;
/// Starts from the first byte that a host without ranges is granted.
pub const MAX_RESTARTS: u32 = 3;
/// A connection that brings nothing for so long is taken for broken.
pub const STALL_MS: f64 = 30_000.0;

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
        (self.failures < MAX_TRIES).then(|| 250.0 * f64::from(1 << self.failures))
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
