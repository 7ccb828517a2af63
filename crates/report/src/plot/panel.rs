//! What a panel shows.

/// One set of axes in a [`Figure`](super::Figure).
#[derive(Clone, Debug)]
pub struct Panel {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) scale: Scale,
    pub(super) from_zero: bool,
    pub(super) height: f64,
    pub(super) series: Vec<Series>,
}

/// How values are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    #[default]
    Linear,
    /// Logarithmic if all values are above zero and the greatest is more than 30 times the least.
    Auto,
    /// Logarithmic; values that are not above zero are gaps. Linear if there is no other.
    Log,
}

/// Named points.
#[derive(Clone, Debug)]
pub struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) style: Style,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A line through the points.
    #[default]
    Line,
    /// The points in light, and a line of their average (see
    /// [`Smooth::both_ways`](crate::smooth::Smooth::both_ways)) over this many points on either
    /// side, or a hundredth of all.
    Smoothed(Option<usize>),
    /// A dot for each point.
    Dots,
}

impl Panel {
    /// An empty panel. The unit may be empty; it is shown after the name.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
            scale: Scale::Linear,
            from_zero: false,
            height: 120.0,
            series: Vec::new(),
        }
    }

    /// Linear unless said otherwise.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Lets a linear axis begin at zero, for rates and amounts.
    pub fn from_zero(mut self) -> Self {
        self.from_zero = true;
        self
    }

    /// Makes it twice as high as the others: for what matters most.
    pub fn tall(mut self) -> Self {
        self.height = 260.0;
        self
    }

    /// Adds a series. The first four have colours of their own. A name may be empty where there is
    /// only one.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }
}

impl Series {
    /// `points` are pairs of step and value, in any order. A value that is not finite leaves a gap
    /// and is marked in the panel; a pair whose step is not finite is left out.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut points: Vec<_> = points
            .into_iter()
            .filter(|(x, _)| super::axis::drawable(*x))
            .collect();
        // Stable, so that of two values of the same step the later stays the later.
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            name: name.into(),
            points,
            style: Style::Line,
        }
    }

    /// A line unless said otherwise.
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}
