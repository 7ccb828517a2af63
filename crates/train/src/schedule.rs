//! The learning rate of each step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// What follows the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Half a cosine down to the floor (Loshchilov & Hutter 2017, equation 5, without restarts).
    #[default]
    Cosine,
    /// A straight line down to the floor.
    Linear,
    /// The peak, always.
    Constant,
}

/// Linear warm-up from zero, then a [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    pub shape: Shape,
    /// The highest rate.
    pub peak: f64,
    /// The last rate as a share of the peak.
    pub floor: f64,
    /// Steps until the peak.
    pub warmup: u64,
    /// Steps of the run.
    pub steps: u64,
}

impl Schedule {
    /// The rate of a step, from 0. The first of a warm-up is zero, as in PyTorch's and TRL's
    /// schedules, so that the curves can be compared step by step.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * step as f64 / self.warmup as f64;
        }
        let length = self.steps.saturating_sub(self.warmup).max(1);
        let progress = ((step - self.warmup) as f64 / length as f64).min(1.0);
        let share = match self.shape {
            Shape::Cosine => (1.0 + (PI * progress).cos()) / 2.0,
            Shape::Linear => 1.0 - progress,
            Shape::Constant => return self.peak,
        };
        self.peak * (self.floor + (1.0 - self.floor) * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_climb_and_fall_to_the_floor() {
        let schedule = |shape| Schedule {
            shape,
            peak: 1.0,
            floor: 0.1,
            warmup: 10,
            steps: 110,
        };
        for shape in [Shape::Cosine, Shape::Linear] {
            let schedule = schedule(shape);
            let rates: Vec<f64> = [0, 5, 10, 60, 110, 500]
                .map(|step| schedule.rate(step))
                .into();
            for (rate, expected) in rates.iter().zip([0.0, 0.5, 1.0, 0.55, 0.1, 0.1]) {
                assert!((rate - expected).abs() < 1e-12, "{shape:?}: {rates:?}");
            }
        }
        assert_eq!(schedule(Shape::Constant).rate(109), 1.0);
    }

    #[test]
    fn a_run_shorter_than_its_warmup_only_climbs() {
        let schedule = Schedule {
            shape: Shape::Cosine,
            peak: 2.0,
            floor: 0.0,
            warmup: 10,
            steps: 4,
        };
        assert_eq!(schedule.rate(3), 0.6);
    }
}
