//! Axes: from numbers to pixels, with ticks at round numbers.

use crate::number;

/// Where numbers lie between two pixels.
#[derive(Clone, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// The pixels of `low` and `high`.
    pixels: (f64, f64),
    /// Labelled values.
    pub ticks: Vec<(f64, String)>,
    /// Values with a faint line and no label.
    pub minor: Vec<f64>,
}

/// The least and the greatest of some numbers.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

/// Beyond this, differences of two numbers might overflow; they are not drawn.
const LARGEST: f64 = 1e300;
/// Below this, floats have too few digits left to divide a range by; it counts as zero.
const LEAST: f64 = 1e-290;

/// Whether a number can be drawn.
pub fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

impl Range {
    /// `None` if there is no drawable number.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        values
            .filter(|value| drawable(*value))
            .fold(None, |range, value| {
                let Self { low, high } = range.unwrap_or(Self {
                    low: value,
                    high: value,
                });
                Some(Self {
                    low: low.min(value),
                    high: high.max(value),
                })
            })
    }

    /// With some width, also where all numbers are the same.
    fn widened(self) -> Self {
        let Self { low, high } = self;
        // Below this, ticks could no longer be told apart as floats.
        let largest = low.abs().max(high.abs());
        if high - low > (largest * 1e-9).max(LEAST) {
            return self;
        }
        let room = if largest > LEAST { largest * 0.1 } else { 1.0 };
        Self {
            low: low - room,
            high: high + room,
        }
    }
}

impl Axis {
    /// For steps: begins and ends with the data, with at most about `count` ticks.
    pub fn tight(range: Range, pixels: (f64, f64), count: usize) -> Self {
        let (range, count) = match range.low == range.high {
            // A single step is a whole number, and so is what is around it.
            true => (
                Range {
                    low: range.low - 1.0,
                    high: range.high + 1.0,
                },
                2,
            ),
            false => (range, count),
        };
        let range = range.widened();
        let (values, step) = linear_ticks(range, count, false);
        Self::linear(range, pixels, values, step)
    }

    /// For values: begins and ends at a tick, or a little beyond one that the data come close to.
    pub fn round(range: Range, pixels: (f64, f64), count: usize) -> Self {
        let (values, step) = linear_ticks(range.widened(), count, true);
        let (first, last) = match (values.first(), values.last()) {
            (Some(first), Some(last)) => (*first, *last),
            _ => (range.low, range.high),
        };
        let (near, room) = ((last - first) * 0.03, (last - first) * 0.06);
        // Zero is an end in itself, for what cannot be less.
        let low = match range.low - first < near && range.low != 0.0 {
            true => first - room,
            false => first,
        };
        let high = match last - range.high < near && range.high != 0.0 {
            true => last + room,
            false => last,
        };
        Self::linear(Range { low, high }.widened(), pixels, values, step)
    }

    fn linear(range: Range, pixels: (f64, f64), values: Vec<f64>, step: f64) -> Self {
        let labels = number::ticks(&values, step);
        Self {
            low: range.low,
            high: range.high,
            log: false,
            pixels,
            ticks: values.into_iter().zip(labels).collect(),
            minor: Vec::new(),
        }
    }

    /// Logarithmic, for a range above zero; ends at 1, 2 or 5 times a power of ten.
    pub fn log(range: Range, pixels: (f64, f64), count: usize) -> Self {
        let (low, high) = (range.low.max(LEAST), range.high.max(LEAST));
        let round = |value: f64, up: bool| {
            let decade = value.log10().floor() as i32;
            let mut steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * 10_f64.powi(decade));
            // A hair of tolerance: the logarithm of 1000 may fall short of three.
            let near = |step: &f64| match up {
                true => *step >= value * 0.999_999,
                false => *step <= value * 1.000_001,
            };
            if !up {
                steps.reverse();
            }
            steps.into_iter().find(near).unwrap_or(value)
        };
        let (mut low, mut high) = (round(low, false), round(high, true));
        if high <= low * 1.000_001 {
            (low, high) = (low / 10.0, high * 10.0);
        }
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let number = decades.clone().count();
        let every = number.div_ceil(count.max(2)).max(1);
        let inside = |value: f64| value >= low * 0.999_999 && value <= high * 1.000_001;
        let (mut ticks, mut minor) = (Vec::new(), Vec::new());
        for (index, decade) in decades.enumerate() {
            for digit in 1..10 {
                let value = f64::from(digit) * 10_f64.powi(decade);
                let label = match digit {
                    1 => index % every == 0,
                    2 | 5 => number <= 3,
                    _ => false,
                };
                if !inside(value) {
                } else if label {
                    ticks.push((value, number::short(value)));
                } else if number <= 4 {
                    minor.push(value);
                }
            }
        }
        // `1.00` beside `10.0` reads like precision that is not there.
        for (value, label) in &mut ticks {
            if (0.9..999.0).contains(value) {
                *label = format!("{value:.0}");
            }
        }
        Self {
            low,
            high,
            log: true,
            pixels,
            ticks,
            minor,
        }
    }

    /// The pixel of a drawable number; on a logarithmic axis it is above zero.
    pub fn pixel(&self, value: f64) -> f64 {
        let place = match self.log {
            // Differences of logarithms: a quotient might overflow.
            true => {
                let low = self.low.log10();
                (value.max(LEAST).log10() - low) / (self.high.log10() - low)
            }
            false => (value - self.low) / (self.high - self.low),
        };
        self.pixels.0 + place * (self.pixels.1 - self.pixels.0)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, about `count` of them: inside the range, or with
/// `around` the ones before and after it too.
fn linear_ticks(range: Range, count: usize, around: bool) -> (Vec<f64>, f64) {
    let Range { low, high } = range;
    let rough = (high - low) / count.max(1) as f64;
    let power = 10_f64.powi(rough.log10().floor() as i32);
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(rough);
    let (first, last) = match around {
        true => ((low / step + 1e-6).floor(), (high / step - 1e-6).ceil()),
        false => ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor()),
    };
    // By counting, so that no rounding makes this endless.
    let number = (last - first).clamp(0.0, 50.0) as usize;
    let values = (0..=number)
        .map(|index| (first + index as f64) * step)
        .collect();
    (values, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_around_the_data() {
        let axis = Axis::round(
            Range {
                low: 1.13,
                high: 2.76,
            },
            (100.0, 0.0),
            5,
        );
        assert_eq!(labels(&axis), ["1.0", "1.5", "2.0", "2.5", "3.0"]);
        assert_eq!(axis.pixel(1.0), 100.0);
        assert_eq!(axis.pixel(3.0), 0.0);
        assert_eq!(axis.pixel(2.0), 50.0);
    }

    #[test]
    fn steps_begin_and_end_with_the_data() {
        let axis = Axis::tight(
            Range {
                low: 1.0,
                high: 5000.0,
            },
            (0.0, 100.0),
            6,
        );
        assert_eq!(labels(&axis), ["1000", "2000", "3000", "4000", "5000"]);
        assert_eq!(axis.pixel(1.0), 0.0);
    }

    #[test]
    fn logarithmic_axes_have_decades() {
        let axis = Axis::log(
            Range {
                low: 0.3,
                high: 900.0,
            },
            (0.0, 100.0),
            5,
        );
        assert_eq!(labels(&axis), ["1", "10", "100", "1k"]);
        assert_eq!(axis.pixel(0.2), 0.0);
        assert!((axis.pixel(1000.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn no_range_is_too_strange() {
        for (low, high) in [
            (0.0, 0.0),
            (5.0, 5.0),
            (-1e300, 1e300),
            (1.0, 1.0 + 1e-15),
            (1e-310, 2e-310),
            (-5e-324, 5e-324),
            (1e15, 1e15 + 1.0),
        ] {
            let range = Range { low, high };
            for axis in [
                Axis::round(range, (100.0, 0.0), 5),
                Axis::tight(range, (0.0, 100.0), 5),
            ] {
                assert!(axis.ticks.len() < 60, "{low} {high}");
                assert!(axis.pixel(low).is_finite(), "{low} {high}");
                assert!(axis.pixel(high).is_finite(), "{low} {high}");
            }
        }
        for (low, high) in [(1.0, 1.0), (1e-300, 1e300), (3.0, 4.0), (5e-324, 1.0)] {
            let axis = Axis::log(Range { low, high }, (100.0, 0.0), 5);
            assert!(
                axis.ticks.len() > 1 && axis.ticks.len() < 30,
                "{low} {high} {axis:?}"
            );
            assert!(axis.pixel(low).is_finite() && axis.pixel(high).is_finite());
        }
    }
}
