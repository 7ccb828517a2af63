//! Charts as documents: well-formed, small, and with everything in them.

use retort_report::plot::{Bars, Figure, Histogram, HistogramChart, Panel, Scale, Series, Style};

/// Checks that tags are balanced and attributes quoted, which is what this crate could get wrong,
/// and gives the names of all elements.
fn elements(svg: &str) -> Vec<String> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        assert!(tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        let name: String = tag
            .chars()
            .skip_while(|c| *c == '/')
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        match tag.strip_prefix('/') {
            Some(_) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => all.push(name),
            None => {
                all.push(name.clone());
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<String>::new());
    assert!(
        !svg.contains("NaN\"") && !svg.contains("NaN ") && !svg.contains("inf"),
        "{svg}"
    );
    all
}

fn loss(points: Vec<(f64, f64)>) -> Figure {
    let style = Style::Smoothed(None);
    let series = Series::new("train", points).style(style);
    Figure::new("Run", "").panel(Panel::new("Loss", "nats").series(series))
}

/// The `d` of the path of this class.
fn path<'a>(svg: &'a str, class: &str) -> &'a str {
    let start = format!("<path class=\"{class}\" d=\"");
    let at = svg.find(&start).expect("the path is there") + start.len();
    &svg[at..at + svg[at..].find('"').unwrap()]
}

#[test]
fn names_are_escaped() {
    let nasty = "</text><script>&\"'\u{0}";
    let svg = Figure::new(nasty, nasty)
        .x_name(nasty)
        .panel(Panel::new(nasty, nasty).series(Series::new(nasty, [(1.0, 2.0), (2.0, 3.0)])))
        .to_svg();
    assert!(!elements(&svg).contains(&"script".to_owned()));
    let bars = Bars::new(nasty, nasty, nasty).bar(nasty, 1.0).to_svg();
    assert!(!elements(&bars).contains(&"script".to_owned()));
    let chart = HistogramChart::new(nasty, nasty, Histogram::of(&[1.0], 3));
    let chart = chart.names(nasty, nasty).mark(nasty, 1.0).to_svg();
    assert!(!elements(&chart).contains(&"script".to_owned()));
}

#[test]
fn nothing_and_little_can_be_drawn() {
    elements(&Figure::new("", "").to_svg());
    assert!(loss(vec![]).to_svg().contains("no points yet"));
    assert!(
        loss(vec![(1.0, f64::NAN)])
            .to_svg()
            .contains("no value is finite")
    );
    for points in [
        vec![(1.0, 0.0)],
        vec![(1.0, 5.0), (1.0, 5.0)],
        vec![(f64::INFINITY, 1.0), (f64::NAN, 1.0), (3.0, 1.0)],
        vec![
            (0.0, f64::MAX),
            (1.0, f64::MIN),
            (2.0, 1e300),
            (3.0, -1e300),
        ],
        vec![(0.0, 5e-324), (1.0, 1e-310)],
        vec![(-1e300, 1.0), (1e300, 2.0)],
    ] {
        for scale in [Scale::Linear, Scale::Auto, Scale::Log] {
            for style in [Style::Line, Style::Dots, Style::Smoothed(Some(3))] {
                let series = Series::new("x", points.clone()).style(style);
                let panel = Panel::new("y", "").scale(scale).series(series);
                elements(&Figure::new("", "").panel(panel).to_svg());
            }
        }
    }
}

#[test]
fn gaps_break_the_line_and_are_counted() {
    let points = (0..40).map(|step| {
        let value = if (10..15).contains(&step) {
            f64::NAN
        } else {
            1.0 + f64::from(step % 3)
        };
        (f64::from(step), value)
    });
    let svg = loss(points.collect()).to_svg();
    elements(&svg);
    assert_eq!(path(&svg, "line s0").matches('M').count(), 2);
    assert!(svg.contains("5 not finite"));
    assert_eq!(svg.matches("class=\"bad\"").count(), 5);
}

#[test]
fn a_million_points_are_a_small_file_with_every_spike() {
    let series = |spike: usize| {
        let points = (0..1_000_000).map(move |step| {
            let value = if step == spike {
                90.0
            } else {
                1.0 + (step % 7) as f64
            };
            (step as f64, value)
        });
        Series::new("train", points).style(Style::Smoothed(None))
    };
    let mut figure = Figure::new("Run", "");
    for spike in [1, 333_333, 654_321, 999_998] {
        figure = figure.panel(Panel::new("Loss", "").series(series(spike)));
    }
    let svg = figure.to_svg();
    elements(&svg);
    assert!(svg.len() < 500_000, "{}", svg.len());
    // The spike alone is near the top of the axis.
    for panel in svg.split("class=\"name\"").skip(1) {
        let heights: Vec<f64> = path(panel, "raw dense s0")
            .split(['M', 'L'])
            .filter_map(|point| point.split_once(' ')?.1.parse().ok())
            .collect();
        let top = heights.iter().copied().fold(f64::INFINITY, f64::min);
        let bottom = heights.iter().copied().fold(0.0, f64::max);
        assert!(bottom - top > 90.0, "{top} {bottom}");
    }
}

#[test]
fn wide_ranges_are_logarithmic_on_demand() {
    let points = || [(0.0, 0.5), (1.0, 700.0)];
    let figure = |scale| {
        let panel = Panel::new("norm", "")
            .scale(scale)
            .series(Series::new("", points()));
        Figure::new("", "").panel(panel).to_svg()
    };
    assert!(figure(Scale::Auto).contains(">100</text>"));
    assert!(figure(Scale::Log).contains(">100</text>"));
    assert!(!figure(Scale::Linear).contains(">100</text>"));
}

#[test]
fn charts_follow_the_readers_colours_and_fetch_nothing() {
    let svg = loss(vec![(1.0, 1.0), (2.0, 2.0)]).to_svg();
    assert!(svg.contains("prefers-color-scheme:dark"));
    for external in ["href", "url(", "@import", "@font-face", "<script"] {
        assert!(!svg.contains(external), "{external}");
    }
}
