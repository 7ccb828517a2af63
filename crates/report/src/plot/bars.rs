//! Named amounts beside each other.

use super::axis::{Axis, Range, drawable};
use super::figure::RIGHT;
use super::svg::{Anchor, Svg, width};
use crate::number;

/// A horizontal bar for each named value: accuracies of students, examples by source.
#[derive(Clone, Debug)]
pub struct Bars {
    title: String,
    subtitle: String,
    unit: String,
    bars: Vec<(String, f64)>,
}

impl Bars {
    /// Title, subtitle and unit may be empty. The unit is shown below the axis.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        unit: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            subtitle: subtitle.into(),
            unit: unit.into(),
            bars: Vec::new(),
        }
    }

    /// Adds a bar below the others. A value that is not finite has no bar but is written.
    pub fn bar(mut self, name: impl Into<String>, value: f64) -> Self {
        self.bars.push((name.into(), value));
        self
    }

    /// The chart as the text of an SVG file.
    pub fn to_svg(&self) -> String {
        const ROW: f64 = 30.0;
        let mut svg = Svg::new(&self.title, &self.subtitle);
        let longest = self.bars.iter().map(|(name, _)| width(name));
        let left = longest.fold(40.0, f64::max).min(360.0) + 36.0;
        let top = svg.top() + 6.0;
        let bottom = top + ROW * self.bars.len().max(1) as f64 + 8.0;
        svg.rect((left, top), (RIGHT - left, bottom - top), 3.0, "sheet");
        let values = self.bars.iter().map(|(_, value)| *value);
        let range = Range::of(values.chain([0.0])).unwrap_or(Range {
            low: 0.0,
            high: 1.0,
        });
        // Room for the value written after the longest bar.
        let x = Axis::round(range, (left, RIGHT - 56.0), 7);
        let zero = x.pixel(0.0);
        for (value, label) in &x.ticks {
            let at = x.pixel(*value);
            if at > left + 1.0 {
                svg.line((at, top), (at, bottom), "grid");
            }
            svg.text((at, bottom + 18.0), "tick", Anchor::Middle, label);
        }
        let counts = self.bars.iter().all(|(_, value)| number::is_count(*value));
        for (index, (name, value)) in self.bars.iter().enumerate() {
            let middle = top + 4.0 + ROW * (index as f64 + 0.5);
            svg.text((left - 12.0, middle + 4.0), "key", Anchor::End, name);
            let end = if drawable(*value) {
                x.pixel(*value)
            } else {
                zero
            };
            let (from, to) = (zero.min(end), zero.max(end));
            svg.rect((from, middle - 9.0), (to - from, 18.0), 2.0, "bar");
            svg.text(
                (to + 7.0, middle + 4.0),
                "value",
                Anchor::Start,
                &number::value(*value, counts),
            );
        }
        svg.line((zero, top), (zero, bottom), "base");
        let centre = (left + RIGHT) / 2.0;
        svg.text((centre, bottom + 37.0), "unit", Anchor::Middle, &self.unit);
        svg.finish(bottom + 52.0, &self.title)
    }
}
