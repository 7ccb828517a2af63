//! Tells a loss that left its course from one that is merely noisy.

use serde::{Deserialize, Serialize};

/// Steps of the averages' memory.
const MEMORY: f64 = 50.0;
/// Steps before the deviation says anything: a fresh student's loss falls by jumps.
const GRACE: u64 = 20;
/// Steps before the mean does.
const FIRST: u64 = 3;
/// Times its mean, a loss has left its course however much it varied: a loss falls, it does not
/// grow.
const LEFT: f64 = 3.0;

/// Running mean and variance of the loss. Part of a checkpoint, so that a resumed run judges as
/// the uninterrupted one would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpikeWatch {
    mean: f64,
    variance: f64,
    seen: u64,
}

/// What is wrong with a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anomaly {
    /// Loss or gradient norm is NaN or infinite.
    NotFinite,
    /// The loss is far over its mean.
    Spike {
        /// Running mean before this step.
        mean: f64,
    },
}

impl SpikeWatch {
    /// Judges a step before it is applied. A spike is a loss that is over the running mean by
    /// more than half of it and by more than `deviations` standard deviations, or three times the
    /// mean; `deviations` of 0 never calls one.
    pub fn judge(&self, loss: f64, grad_norm: f64, deviations: f64) -> Option<Anomaly> {
        if !loss.is_finite() || !grad_norm.is_finite() {
            return Some(Anomaly::NotFinite);
        }
        let over = loss - self.mean;
        let far = self.seen >= GRACE
            && over > 0.5 * self.mean
            && over > deviations * self.variance.sqrt();
        let left = self.seen >= FIRST && loss > LEFT * self.mean;
        let spike = deviations > 0.0 && (far || left);
        spike.then_some(Anomaly::Spike { mean: self.mean })
    }

    /// Takes a step's loss into the averages.
    pub fn record(&mut self, loss: f64) {
        self.seen += 1;
        // A plain mean at first, then one that forgets.
        let weight = (1.0 / self.seen as f64).max(1.0 / MEMORY);
        let over = loss - self.mean;
        self.mean += weight * over;
        self.variance = (1.0 - weight) * (self.variance + weight * over * over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(losses: impl Iterator<Item = f64>) -> SpikeWatch {
        let mut watch = SpikeWatch::default();
        losses.for_each(|loss| watch.record(loss));
        watch
    }

    /// A loss that falls with noise.
    fn falling() -> impl Iterator<Item = f64> {
        (0..60).map(|i| 2.0 * (-f64::from(i) / 40.0).exp() + 0.2 * f64::from(i * 7 % 5) / 5.0)
    }

    #[test]
    fn noise_is_no_spike_and_a_jump_is() {
        let mut watch = SpikeWatch::default();
        for loss in falling() {
            assert_eq!(watch.judge(loss, 1.0, 6.0), None);
            watch.record(loss);
        }
        assert!(matches!(
            watch.judge(9.0, 1.0, 6.0),
            Some(Anomaly::Spike { .. })
        ));
        assert_eq!(watch.judge(9.0, 1.0, 0.0), None);
    }

    #[test]
    fn a_run_that_diverges_at_once_is_told_too() {
        let watch = after([5.7, 5.6, 9.0, 12.0].into_iter());
        assert_eq!(watch.judge(20.0, 1.0, 6.0), None);
        assert!(matches!(
            watch.judge(60.0, 1.0, 6.0),
            Some(Anomaly::Spike { .. })
        ));
    }

    #[test]
    fn what_is_not_finite_is_always_told() {
        let watch = SpikeWatch::default();
        assert_eq!(watch.judge(f64::NAN, 1.0, 0.0), Some(Anomaly::NotFinite));
        assert_eq!(
            watch.judge(1.0, f64::INFINITY, 0.0),
            Some(Anomaly::NotFinite)
        );
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_losses() {
        let watch = after([1.0, 3.0, 1.0, 3.0].into_iter());
        assert!((watch.mean - 2.0).abs() < 1e-12);
        assert!((watch.variance - 1.0).abs() < 1e-12);
    }
}
