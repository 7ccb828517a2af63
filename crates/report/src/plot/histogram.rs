//! How values are distributed.

use super::axis::{Axis, Range, drawable};
use super::figure::{LEFT, RIGHT};
use super::svg::{Anchor, Svg, width};
use crate::number;

/// Between two lines of names above the axes.
const ROW: f64 = 17.0;
/// Between a mark's line and its name.
const SIDE: f64 = 5.0;

/// Counts of values between equally spaced round limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// In order, without gaps between them; empty if there was no value.
    pub bins: Vec<Bin>,
    /// Values that are not finite, which are in no bin; of a logarithmic histogram, those that are
    /// not above zero too.
    pub left_out: u64,
    /// Whether each limit is a multiple of the one before.
    pub logarithmic: bool,
}

/// The values from `low` to below `high`; of the last bin, `high` too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// How many values there are.
    pub count: u64,
}

impl Histogram {
    /// Counts values in about `bins` bins, whose limits are multiples of a round number. Values
    /// that are all whole numbers are not parted finer than by one.
    pub fn of(values: &[f64], bins: usize) -> Self {
        let drawn = || values.iter().copied().filter(|value| drawable(*value));
        let left_out = (values.len() - drawn().count()) as u64;
        let Some(range) = Range::of(drawn()) else {
            return Self {
                bins: Vec::new(),
                left_out,
                logarithmic: false,
            };
        };
        let axis = Axis::round(range, (0.0, 1.0), bins.clamp(1, 40));
        let mut limits: Vec<_> = axis.ticks.iter().map(|(limit, _)| *limit).collect();
        let whole = drawn().all(|value| value.fract() == 0.0);
        if whole && limits.get(1).is_some_and(|second| second - limits[0] < 1.0) {
            let (low, high) = (range.low, range.high);
            // At most as many as there were, for the steps are larger.
            limits = (0..=(high - low) as usize + 1)
                .map(|index| low + index as f64)
                .collect();
        }
        Self::counted(drawn(), &limits, left_out, false)
    }

    /// Counts values above zero in bins of which so many make a factor of ten: for what spans
    /// several of these, as lengths do.
    pub fn logarithmic(values: &[f64], per_decade: u32) -> Self {
        let fits = |value: &f64| drawable(*value) && *value >= LEAST;
        let drawn = || values.iter().copied().filter(fits);
        let left_out = (values.len() - drawn().count()) as u64;
        let Some(range) = Range::of(drawn()) else {
            return Self {
                bins: Vec::new(),
                left_out,
                logarithmic: true,
            };
        };
        let per = f64::from(per_decade.clamp(1, 20));
        // The last limit is above the largest value.
        let first = (range.low.log10() * per).floor() as i32;
        let last = (range.high.log10() * per).floor() as i32 + 1;
        let limit = |at: i32| 10_f64.powf(f64::from(at) / per);
        let limits: Vec<f64> = (first..=last).map(limit).collect();
        Self::counted(drawn(), &limits, left_out, true)
    }

    fn counted(
        values: impl Iterator<Item = f64>,
        limits: &[f64],
        left_out: u64,
        logarithmic: bool,
    ) -> Self {
        let mut bins: Vec<_> = limits
            .windows(2)
            .map(|limits| Bin {
                low: limits[0],
                high: limits[1],
                count: 0,
            })
            .collect();
        for value in values {
            let after = bins.partition_point(|bin| bin.low <= value);
            if let Some(bin) = bins.get_mut(after.saturating_sub(1)) {
                bin.count += 1;
            }
        }
        Self {
            bins,
            left_out,
            logarithmic,
        }
    }
}

/// Smaller values are not drawn on a logarithmic axis: it would have more decades than pixels.
const LEAST: f64 = 1e-9;

/// A histogram as a chart.
///
/// ```
/// use retort_report::plot::{Histogram, HistogramChart};
///
/// let lengths = [812.0, 1500.0, 1730.0, 2911.0, 3020.0];
/// let svg = HistogramChart::new("Lengths of traces", "5 examples", Histogram::of(&lengths, 20))
///     .names("tokens", "examples")
///     .mark("median", 1730.0)
///     .to_svg();
/// assert!(svg.contains("median"));
/// ```
#[derive(Clone, Debug)]
pub struct HistogramChart {
    title: String,
    subtitle: String,
    x_name: String,
    y_name: String,
    histogram: Histogram,
    marks: Vec<(String, f64)>,
    inset: Option<f64>,
}

/// Where the axes are.
#[derive(Clone, Copy)]
struct Place {
    left: f64,
    right: f64,
    height: f64,
}

impl HistogramChart {
    /// Title and subtitle may be empty.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        histogram: Histogram,
    ) -> Self {
        Self {
            title: title.into(),
            subtitle: subtitle.into(),
            x_name: String::new(),
            y_name: "count".to_owned(),
            histogram,
            marks: Vec::new(),
            inset: None,
        }
    }

    /// For a page that has its own headings and holds [`super::STYLE`] once: so wide, without
    /// background, and with the titles only as what a screen reader says.
    pub fn inset(mut self, width: f64) -> Self {
        self.inset = Some(width);
        self
    }

    /// What the values are in, and what is counted.
    pub fn names(mut self, x: impl Into<String>, y: impl Into<String>) -> Self {
        self.x_name = x.into();
        self.y_name = y.into();
        self
    }

    /// Marks a value with a dashed line and a name: a median, a limit. Left out if it lies outside
    /// the bins.
    pub fn mark(mut self, name: impl Into<String>, value: f64) -> Self {
        self.marks.push((name.into(), value));
        self
    }

    /// The chart as the text of an SVG file.
    pub fn to_svg(&self) -> String {
        let (mut svg, place) = match self.inset {
            None => (
                Svg::new(&self.title, &self.subtitle),
                Place {
                    left: LEFT,
                    right: RIGHT,
                    height: 280.0,
                },
            ),
            Some(width) => (
                Svg::inset(width),
                Place {
                    left: 44.0,
                    right: width - 4.0,
                    height: 190.0,
                },
            ),
        };
        let bins = &self.histogram.bins;
        let range = match (bins.first(), bins.last()) {
            (Some(first), Some(last)) => Some(Range {
                low: first.low,
                high: last.high,
            }),
            _ => None,
        };
        let pixels = (place.left + 8.0, place.right - 8.0);
        // A label needs some 50 pixels.
        let ticks = ((place.right - place.left) / 85.0) as usize;
        let x = range.map(|range| match self.histogram.logarithmic {
            // Decades have short labels.
            true => Axis::log(range, pixels, ticks + 2),
            false => Axis::tight(range, pixels, ticks),
        });
        let labels = match (range, &x) {
            (Some(range), Some(x)) => self.labels(range, x, place.right),
            _ => Vec::new(),
        };
        let rows = labels.iter().map(|label| label.row + 1).max().unwrap_or(0);
        let top = svg.top() + 26.0 + ROW * rows as f64;
        let bottom = top + place.height;
        svg.text(
            (place.left, svg.top() + 14.0),
            "name",
            Anchor::Start,
            &self.y_name,
        );
        let size = (place.right - place.left, bottom - top);
        svg.rect((place.left, top), size, 3.0, "sheet");
        match &x {
            Some(x) => {
                self.draw(&mut svg, x, place, (top, bottom));
                for label in labels {
                    label.draw(&mut svg, (top, bottom));
                }
            }
            None => {
                let middle = ((place.left + place.right) / 2.0, (top + bottom) / 2.0 + 4.0);
                svg.text(middle, "unit", Anchor::Middle, "no values");
            }
        }
        let middle = (place.left + place.right) / 2.0;
        svg.text(
            (middle, bottom + 37.0),
            "unit",
            Anchor::Middle,
            &self.x_name,
        );
        let label = match (self.inset, self.subtitle.as_str()) {
            (Some(_), subtitle) if !subtitle.is_empty() => format!("{}. {subtitle}", self.title),
            _ => self.title.clone(),
        };
        svg.finish(bottom + 52.0, &label)
    }

    /// The marks with their places: above the axes, in the lowest row where the name is free of
    /// others.
    fn labels(&self, range: Range, x: &Axis, end: f64) -> Vec<Label> {
        let inside = |value: f64| range.low <= value && value <= range.high;
        let mut marks: Vec<_> = self.marks.iter().filter(|mark| inside(mark.1)).collect();
        marks.sort_by(|a, b| a.1.total_cmp(&b.1));
        // Where each row is taken up to.
        let mut rows: Vec<f64> = Vec::new();
        let place = |(name, value): &(String, f64)| {
            let text = format!("{name} {}", number::value(*value, number::is_count(*value)));
            let at = x.pixel(*value);
            let long = width(&text) + 2.0 * SIDE;
            let leftwards = at + long > end;
            let (left, right) = match leftwards {
                true => (at - long, at),
                false => (at, at + long),
            };
            let row = rows.iter().position(|taken| *taken <= left);
            let row = row.unwrap_or(rows.len());
            match rows.get_mut(row) {
                Some(taken) => *taken = right,
                None => rows.push(right),
            }
            Label {
                text,
                at,
                leftwards,
                row,
            }
        };
        marks.into_iter().map(place).collect()
    }

    fn draw(&self, svg: &mut Svg, x: &Axis, place: Place, (top, bottom): (f64, f64)) {
        let (left_end, right_end) = (place.left, place.right);
        let largest = self.histogram.bins.iter().map(|bin| bin.count).max();
        let counts = Range {
            low: 0.0,
            high: largest.unwrap_or(0).max(1) as f64,
        };
        let y = Axis::round(counts, (bottom, top), 5);
        for (value, label) in &y.ticks {
            let at = y.pixel(*value);
            if at > top + 1.0 && at < bottom - 1.0 {
                svg.line((left_end, at), (right_end, at), "grid");
            }
            svg.text((left_end - 8.0, at + 4.0), "tick", Anchor::End, label);
        }
        for bin in &self.histogram.bins {
            if bin.count == 0 {
                continue;
            }
            let (left, right) = (x.pixel(bin.low), x.pixel(bin.high));
            let height = (bottom - y.pixel(bin.count as f64)).max(1.0);
            let size = ((right - left - 2.0).max(1.0), height);
            svg.rect((left + 1.0, bottom - height), size, 2.0, "bar");
        }
        svg.line((left_end, bottom), (right_end, bottom), "base");
        for (value, label) in &x.ticks {
            svg.text(
                (x.pixel(*value), bottom + 18.0),
                "tick",
                Anchor::Middle,
                label,
            );
        }
    }
}

/// A mark's name.
struct Label {
    text: String,
    /// The pixel of its value.
    at: f64,
    /// Written to the left of the line, for there is no room to the right.
    leftwards: bool,
    /// Counted upwards.
    row: usize,
}

impl Label {
    fn draw(&self, svg: &mut Svg, (top, bottom): (f64, f64)) {
        let baseline = top - 8.0 - ROW * self.row as f64;
        let (anchor, x) = match self.leftwards {
            true => (Anchor::End, self.at - SIDE),
            false => (Anchor::Start, self.at + SIDE),
        };
        svg.line((self.at, bottom), (self.at, baseline - 10.0), "mark");
        svg.text((x, baseline), "key", anchor, &self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_bin() {
        let values: Vec<_> = (0..1000).map(f64::from).collect();
        let histogram = Histogram::of(&values, 10);
        assert_eq!(histogram.bins.len(), 10);
        assert!(histogram.bins.iter().all(|bin| bin.count == 100));
        assert_eq!(histogram.bins[3].low, 300.0);
    }

    #[test]
    fn limits_belong_to_the_upper_bin_and_the_last_to_the_last() {
        let histogram = Histogram::of(&[0.0, 0.5, 1.0, 1.5, 2.0, f64::NAN], 2);
        let counts: Vec<_> = histogram.bins.iter().map(|bin| bin.count).collect();
        assert_eq!((counts, histogram.left_out), (vec![2, 3], 1));
    }

    #[test]
    fn whole_numbers_are_not_parted() {
        let histogram = Histogram::of(&[1.0, 2.0, 2.0, 4.0], 40);
        let counts: Vec<_> = histogram.bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [1, 2, 0, 1]);
    }

    #[test]
    fn logarithmic_bins_grow_by_a_factor() {
        let values = [0.0, -1.0, 1.0, 9.0, 10.0, 99.0, 1000.0];
        let histogram = Histogram::logarithmic(&values, 1);
        let counts: Vec<_> = histogram.bins.iter().map(|bin| bin.count).collect();
        assert_eq!((counts, histogram.left_out), (vec![2, 2, 0, 1], 2));
        assert!((histogram.bins[3].high / 1e4 - 1.0).abs() < 1e-9);
        for strange in [
            &[][..],
            &[f64::NAN],
            &[0.0],
            &[1e-300],
            &[1e300, 1e-9],
            &[7.0],
        ] {
            let histogram = Histogram::logarithmic(strange, 20);
            let counted: u64 = histogram.bins.iter().map(|bin| bin.count).sum();
            assert_eq!(counted + histogram.left_out, strange.len() as u64);
            HistogramChart::new("", "", histogram).inset(300.0).to_svg();
        }
    }

    #[test]
    fn one_value_or_none() {
        let one = Histogram::of(&[7.0, 7.0], 10);
        assert_eq!(one.bins.iter().map(|bin| bin.count).sum::<u64>(), 2);
        let none = Histogram::of(&[f64::INFINITY], 10);
        assert_eq!((none.bins.len(), none.left_out), (0, 1));
        assert!(
            HistogramChart::new("", "", none)
                .to_svg()
                .contains("no values")
        );
    }
}
