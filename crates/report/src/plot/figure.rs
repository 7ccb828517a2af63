//! Panels below each other, over one axis of steps.

use super::axis::{Axis, Range};
use super::lines;
use super::panel::Panel;
use super::svg::{Anchor, Svg, WIDTH};

/// Left and right end of the axes.
pub(super) const LEFT: f64 = 76.0;
pub(super) const RIGHT: f64 = WIDTH - 28.0;
/// Above a panel's axes, for its name and legend.
const HEADER: f64 = 26.0;
/// Below a panel's axes.
const GAP: f64 = 22.0;

/// A chart of one run or of several: panels over a shared axis of steps. The legend has each series'
/// last value, which is the average where a series is smoothed.
///
/// ```
/// use retort_report::plot::{Figure, Panel, Series, Style};
///
/// let loss = (1..=100).map(|step| (f64::from(step), 2.0 / f64::from(step).sqrt()));
/// let svg = Figure::new("Training", "100 steps")
///     .panel(Panel::new("loss", "nats").tall().series(
///         Series::new("train", loss).style(Style::Smoothed(None)),
///     ))
///     .to_svg();
/// assert!(svg.starts_with("<svg"));
/// ```
#[derive(Clone, Debug)]
pub struct Figure {
    title: String,
    subtitle: String,
    x_name: String,
    panels: Vec<Panel>,
}

impl Figure {
    /// Title and subtitle may be empty.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: subtitle.into(),
            x_name: "step".to_owned(),
            panels: Vec::new(),
        }
    }

    /// What the shared axis counts; `step` unless said otherwise.
    pub fn x_name(mut self, name: impl Into<String>) -> Self {
        self.x_name = name.into();
        self
    }

    /// Adds a panel below the others.
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// The chart as the text of an SVG file. Panels without points say so.
    pub fn to_svg(&self) -> String {
        let mut svg = Svg::new(&self.title, &self.subtitle);
        let steps = self
            .panels
            .iter()
            .flat_map(|panel| &panel.series)
            .flat_map(|series| series.points.iter().map(|(x, _)| *x));
        let x = Range::of(steps).map(|range| Axis::tight(range, (LEFT, RIGHT), 9));
        let mut y = svg.top();
        for panel in &self.panels {
            let top = y + HEADER;
            lines::draw(&mut svg, panel, x.as_ref(), (top, top + panel.height));
            y = top + panel.height + GAP;
        }
        if !self.panels.is_empty() {
            self.draw_steps(&mut svg, x.as_ref(), y - GAP);
            y += 20.0;
        }
        svg.finish(y + 8.0, &self.title)
    }

    fn draw_steps(&self, svg: &mut Svg, x: Option<&Axis>, bottom: f64) {
        let baseline = bottom + 18.0;
        for (value, label) in x.map_or(&[][..], |x| &x.ticks) {
            let at = x.map_or(LEFT, |x| x.pixel(*value));
            svg.text((at, baseline), "tick", Anchor::Middle, label);
        }
        let middle = (LEFT + RIGHT) / 2.0;
        svg.text(
            (middle, baseline + 19.0),
            "unit",
            Anchor::Middle,
            &self.x_name,
        );
    }
}
