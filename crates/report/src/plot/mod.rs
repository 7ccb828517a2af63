//! Charts as SVG: [`Figure`]s of panels over a shared axis of steps, [`Histogram`]s and [`Bars`].
//!
//! The files need no fonts and no scripts, are light or dark as the reader's system is, and stay
//! small however many points there are.

mod axis;
mod bars;
mod figure;
mod histogram;
mod lines;
mod panel;
mod reduce;
mod svg;

pub use bars::Bars;
pub use figure::Figure;
pub use histogram::{Bin, Histogram, HistogramChart};
pub use panel::{Panel, Scale, Series, Style};
pub use svg::STYLE;
