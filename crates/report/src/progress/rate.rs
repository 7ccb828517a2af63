//! How long the rest will take.

use std::time::{Duration, Instant};

/// The time that is looked back on: short enough to follow a change, long enough to be steady.
const WINDOW: f64 = 60.0;

/// Seconds a step, as an average that forgets what is older than about a minute.
///
/// The first step is not counted: it waits for kernels to compile. Nor is what a resumed run finds
/// done.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    last: Option<(Instant, u64)>,
    seconds: f64,
    steps: f64,
}

impl Rate {
    pub fn push(&mut self, now: Instant, step: u64) {
        let Some((before, from)) = self.last else {
            self.last = Some((now, step));
            return;
        };
        if step <= from {
            return;
        }
        let elapsed = now.duration_since(before).as_secs_f64();
        let keep = (-elapsed / WINDOW).exp();
        self.seconds = self.seconds * keep + elapsed;
        self.steps = self.steps * keep + (step - from) as f64;
        self.last = Some((now, step));
    }

    /// The time for `steps` more; `None` before the second step.
    pub fn left(&self, steps: u64) -> Option<Duration> {
        (self.steps > 0.0)
            .then(|| self.seconds / self.steps * steps as f64)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_the_last_steps() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rate = Rate::default();
        rate.push(start, 1000);
        assert_eq!(rate.left(10), None);
        rate.push(at(2), 1001);
        rate.push(at(4), 1002);
        assert!((rate.left(100).unwrap().as_secs_f64() - 200.0).abs() < 1e-6);
        // Steps become slower: after some minutes only that counts.
        for index in 0..60 {
            rate.push(at(14 + 10 * index), 1003 + index);
        }
        assert!((rate.left(1).unwrap().as_secs_f64() - 10.0).abs() < 0.1);
    }
}
