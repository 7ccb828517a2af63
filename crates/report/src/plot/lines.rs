//! One panel of a figure, drawn.

use super::axis::{Axis, Range, drawable};
use super::figure::{LEFT, RIGHT};
use super::panel::{Panel, Scale, Series, Style};
use super::reduce::reduce;
use super::svg::{Anchor, COLOURS, Svg, width};
use crate::number::short;
use crate::smooth::Smooth;

/// Up to so many raw points are drawn as dots: a line through them would be all zigzag.
const FEW: usize = 400;
/// How many times the least value the greatest must be for [`Scale::Auto`].
const AUTO_LOG: f64 = 30.0;
/// One column of pixels each.
const COLUMNS: usize = (RIGHT - LEFT) as usize;

/// A series ready to be drawn.
struct Curve<'a> {
    series: &'a Series,
    colour: usize,
    smooth: Option<Vec<(f64, f64)>>,
}

/// Draws name, legend, axes and series between the pixels `top` and `bottom`.
pub fn draw(svg: &mut Svg, panel: &Panel, x: Option<&Axis>, (top, bottom): (f64, f64)) {
    let log = y_is_log(panel);
    let curves: Vec<_> = panel
        .series
        .iter()
        .enumerate()
        .map(|(index, series)| Curve {
            series,
            colour: index % COLOURS,
            smooth: smoothed(series, log),
        })
        .collect();
    let y = value_axis(panel, (bottom, top));
    let unit = ("unit", panel.unit.as_str());
    svg.pair(
        (LEFT, top - 10.0),
        Anchor::Start,
        ("name", &panel.name),
        unit,
    );
    svg.rect((LEFT, top), (RIGHT - LEFT, bottom - top), 3.0, "sheet");
    let (Some(x), Some(y)) = (x, y) else {
        let middle = ((LEFT + RIGHT) / 2.0, (top + bottom) / 2.0 + 4.0);
        let bad = bad_steps(panel).count();
        svg.text(
            middle,
            "unit",
            Anchor::Middle,
            match bad {
                0 => "no points yet",
                _ => "no value is finite",
            },
        );
        return;
    };
    grid(svg, x, &y, (top, bottom));
    for curve in &curves {
        draw_curve(svg, curve, x, &y, log);
    }
    let bad = mark_bad(svg, panel, x, bottom);
    legend(svg, &curves, bad, top - 10.0);
}

/// Whether the panel's values are on a logarithmic axis.
fn y_is_log(panel: &Panel) -> bool {
    let values = || panel.series.iter().flat_map(|series| &series.points);
    match panel.scale {
        Scale::Linear => false,
        Scale::Log => values().any(|(_, y)| *y > 0.0 && drawable(*y)),
        Scale::Auto => Range::of(values().map(|(_, y)| *y))
            .is_some_and(|range| range.low > 0.0 && range.high > AUTO_LOG * range.low),
    }
}

fn value_axis(panel: &Panel, pixels: (f64, f64)) -> Option<Axis> {
    let log = y_is_log(panel);
    let values = panel
        .series
        .iter()
        .flat_map(|series| series.points.iter().map(|(_, y)| *y))
        .filter(|y| !log || *y > 0.0);
    let mut range = Range::of(values)?;
    let count = (panel.height / 40.0) as usize;
    if log {
        return Some(Axis::log(range, pixels, count + 2));
    }
    if panel.from_zero {
        range.low = range.low.min(0.0);
        range.high = range.high.max(0.0);
    }
    Some(Axis::round(range, pixels, count))
}

fn grid(svg: &mut Svg, x: &Axis, y: &Axis, (top, bottom): (f64, f64)) {
    for value in &y.minor {
        let at = y.pixel(*value);
        svg.line((LEFT, at), (RIGHT, at), "minor");
    }
    for (value, _) in &x.ticks {
        let at = x.pixel(*value);
        if at > LEFT + 1.0 && at < RIGHT - 1.0 {
            svg.line((at, top), (at, bottom), "grid");
        }
    }
    for (value, label) in &y.ticks {
        let at = y.pixel(*value);
        if at > top + 1.0 && at < bottom - 1.0 {
            svg.line((LEFT, at), (RIGHT, at), "grid");
        }
        svg.text((LEFT - 10.0, at + 4.0), "tick", Anchor::End, label);
    }
    svg.line((LEFT, bottom), (RIGHT, bottom), "base");
}

fn draw_curve(svg: &mut Svg, curve: &Curve, x: &Axis, y: &Axis, log: bool) {
    let Curve { series, colour, .. } = curve;
    let place = |points: &[(f64, f64)]| {
        let pixels: Vec<_> = points
            .iter()
            .map(|(step, value)| {
                let height = match shown(*value, log) {
                    true => y.pixel(*value),
                    false => f64::NAN,
                };
                (x.pixel(*step), height)
            })
            .collect();
        reduce(&pixels, (LEFT, RIGHT), COLUMNS)
    };
    let runs = place(&series.points);
    match (series.style, &curve.smooth) {
        (Style::Dots, _) => {
            let dots = runs.concat();
            svg.dots(&dots, "ring");
            svg.dots(&dots, &format!("dots s{colour}"));
        }
        (_, Some(smooth)) => {
            if series.points.len() <= FEW {
                svg.dots(&runs.concat(), &format!("raw few s{colour}"));
            } else {
                let dense = if series.points.len() > 2 * COLUMNS {
                    " dense"
                } else {
                    ""
                };
                svg.runs(&runs, &format!("raw{dense} s{colour}"));
            }
            svg.runs(&place(smooth), &format!("line s{colour}"));
        }
        (_, None) => svg.runs(&runs, &format!("line s{colour}")),
    }
}

fn shown(value: f64, log: bool) -> bool {
    drawable(value) && (!log || value > 0.0)
}

/// The average, with the gaps of the points. On a logarithmic axis it is the geometric one, which
/// lies where the eye expects it.
fn smoothed(series: &Series, log: bool) -> Option<Vec<(f64, f64)>> {
    let Style::Smoothed(window) = series.style else {
        return None;
    };
    let window = window.unwrap_or(series.points.len() / 100).max(2);
    let values: Vec<_> = series
        .points
        .iter()
        .map(|(_, y)| match shown(*y, log) {
            true if log => y.ln(),
            true => *y,
            false => f64::NAN,
        })
        .collect();
    let averages = Smooth::both_ways(window as f64, &values);
    let averages = averages
        .into_iter()
        .map(|average| if log { average.exp() } else { average });
    let steps = series.points.iter().map(|(x, _)| *x);
    Some(steps.zip(averages).collect())
}

fn bad_steps(panel: &Panel) -> impl Iterator<Item = f64> {
    panel
        .series
        .iter()
        .flat_map(|series| &series.points)
        .filter(|(_, y)| !drawable(*y))
        .map(|(x, _)| *x)
}

/// Marks on the lower edge where a value is no number, and how many there are.
fn mark_bad(svg: &mut Svg, panel: &Panel, x: &Axis, bottom: f64) -> usize {
    let mut number = 0;
    let mut columns: Vec<_> = bad_steps(panel)
        .map(|step| {
            number += 1;
            (x.pixel(step) * 0.5).round() * 2.0
        })
        .collect();
    columns.sort_by(f64::total_cmp);
    columns.dedup();
    for at in columns {
        svg.line((at, bottom), (at, bottom - 6.0), "bad");
    }
    number
}

/// From right to left, so that what is not known about the reader's font makes no difference on the
/// right edge.
fn legend(svg: &mut Svg, curves: &[Curve], bad: usize, baseline: f64) {
    let mut right = RIGHT;
    if bad > 0 {
        let text = format!("{bad} not finite");
        svg.text((right, baseline), "badkey", Anchor::End, &text);
        right -= width(&text) + 24.0;
    }
    // A curve that is alone and has no name needs no sample of its colour.
    let alone = curves.len() == 1 && curves[0].series.name.is_empty();
    for curve in curves.iter().rev() {
        let shown = curve.smooth.as_ref().unwrap_or(&curve.series.points);
        let last = shown.iter().rfind(|(_, y)| drawable(*y));
        let last = last.map(|(_, y)| short(*y)).unwrap_or_default();
        let name = if alone { "last" } else { &curve.series.name };
        svg.pair(
            (right, baseline),
            Anchor::End,
            ("key", name),
            ("value", &last),
        );
        if alone {
            return;
        }
        right -= width(name) + 7.0 + width(&last) * 1.08 + 9.0;
        let middle = baseline - 4.0;
        let colour = curve.colour;
        match curve.series.style {
            Style::Dots => {
                svg.dots(&[(right - 4.0, middle)], &format!("dots s{colour}"));
                right -= 8.0;
            }
            _ => {
                let ends = ((right - 16.0, middle), (right, middle));
                svg.line(ends.0, ends.1, &format!("line s{colour}"));
                right -= 16.0;
            }
        }
        right -= 20.0;
    }
}
