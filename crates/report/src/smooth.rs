//! Noisy series made readable.

/// An exponential moving average without the pull towards zero at the start.
///
/// With weight `2 / (window + 1)` for the newest value it follows about as quickly as the plain
/// mean of `window` values. What is not finite is passed over, so one NaN does not end the curve.
#[derive(Clone, Copy, Debug)]
pub struct Smooth {
    keep: f64,
    sum: f64,
    weight: f64,
}

impl Smooth {
    /// `window` in values; below one it is one, which smooths nothing.
    pub fn new(window: f64) -> Self {
        // `max` also turns NaN into 1.
        let window = window.max(1.0);
        Self {
            keep: 1.0 - 2.0 / (window + 1.0),
            sum: 0.0,
            weight: 0.0,
        }
    }

    /// Takes a value in and gives the average.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        if value.is_finite() {
            self.sum = self.keep * self.sum + (1.0 - self.keep) * value;
            self.weight = self.keep * self.weight + (1.0 - self.keep);
        }
        self.value()
    }

    /// Averages of a whole series that look both ways, and so do not lag behind it: at each value,
    /// those before and after it count alike. What is not finite has NaN, and counts nowhere.
    pub fn both_ways(window: f64, values: &[f64]) -> Vec<f64> {
        let mut behind = Self::new(window);
        let mut ahead = Self::new(window);
        let share = 1.0 - behind.keep;
        let mut averages: Vec<_> = values
            .iter()
            .map(|value| {
                behind.push(*value);
                (behind.sum, behind.weight)
            })
            .collect();
        for (value, average) in values.iter().zip(&mut averages).rev() {
            ahead.push(*value);
            if value.is_finite() {
                // The value itself is in both.
                average.0 += ahead.sum - share * value;
                average.1 += ahead.weight - share;
            } else {
                average.0 = f64::NAN;
            }
        }
        averages
            .into_iter()
            .map(|(sum, weight)| sum / weight)
            .collect()
    }

    /// The average so far; `None` before the first finite value.
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_series_are_kept_from_the_first_value() {
        let mut smooth = Smooth::new(50.0);
        assert_eq!(smooth.value(), None);
        for _ in 0..200 {
            let value = smooth.push(3.0).unwrap();
            assert!((value - 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn values_that_are_not_finite_are_passed_over() {
        let mut smooth = Smooth::new(3.0);
        assert_eq!(smooth.push(f64::NAN), None);
        assert_eq!(smooth.push(2.0), Some(2.0));
        assert_eq!(smooth.push(f64::INFINITY), Some(2.0));
        // Weights 1/2 for the new value and 1/4 for the old, of 3/4 in all.
        let third = smooth.push(5.0).unwrap();
        assert!((third - (2.0 * 0.25 + 5.0 * 0.5) / 0.75).abs() < 1e-12);
    }

    #[test]
    fn averages_both_ways_do_not_lag() {
        let values: Vec<_> = (0..101).map(f64::from).collect();
        let averages = Smooth::both_ways(9.0, &values);
        assert!((averages[50] - 50.0).abs() < 1e-3, "{}", averages[50]);
        let mut forwards = Smooth::new(9.0);
        let lagging = values[..=50]
            .iter()
            .map(|value| forwards.push(*value))
            .last();
        assert!(lagging.unwrap().unwrap() < 47.0);

        let gap = Smooth::both_ways(9.0, &[1.0, f64::NAN, 1.0]);
        assert!(gap[0] == 1.0 && gap[1].is_nan() && gap[2] == 1.0);
        assert_eq!(Smooth::both_ways(1.0, &[3.0, 7.0]), [3.0, 7.0]);
    }

    #[test]
    fn a_window_of_one_smooths_nothing() {
        let mut smooth = Smooth::new(f64::NAN);
        assert_eq!(smooth.push(1.0), Some(1.0));
        assert_eq!(smooth.push(9.0), Some(9.0));
    }
}
