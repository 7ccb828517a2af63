//! Points, lines and polygons given by coordinates.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, dial, join};

use AnswerKind::{NumberList, Rational};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Geometry, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "polygon_area",
        Rational,
        "The area of a polygon from its corners",
        "corners",
        polygon,
    ),
    new(
        "point_moves",
        NumberList,
        "A point reflected, turned and shifted",
        "moves",
        moves,
    ),
    new(
        "line_crossing",
        NumberList,
        "Where two lines through given points cross",
        "largest coordinate",
        crossing,
    ),
];

fn polygon(rng: &mut Rng, d: u8) -> Draft {
    let corners = dial(d, 3, 10);
    let top = dial(d, 8, 40);
    // Corners at growing x along the bottom, then back along the top: the sides never cross.
    let mut points = vec![(0_i64, 0_i64)];
    let lower = corners / 2;
    let mut x = 0;
    for _ in 1..lower {
        x += rng.range(1, top / 2);
        points.push((x, -rng.range(1, top)));
    }
    x += rng.range(top / 2, top);
    points.push((x, 0));
    let between: Vec<i64> = (1..x).collect();
    let mut back = rng.sample(&between, (corners - lower - 1) as usize);
    back.sort_unstable_by(|a, b| b.cmp(a));
    points.extend(back.into_iter().map(|x| (x, rng.range(1, top))));
    let (dx, dy) = (rng.range(-top, top), rng.range(-top, top));
    for point in &mut points {
        *point = (point.0 + dx, point.1 + dy);
    }
    let next = points.iter().cycle().skip(1);
    let twice: i64 = points
        .iter()
        .zip(next)
        .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
        .sum();
    let text: Vec<String> = points.iter().map(|(x, y)| format!("({x}, {y})")).collect();
    let question = format!(
        "A polygon without crossing sides has the corners {} in this order. What is its area? {FRACTION}",
        join(&text, ", ")
    );
    Draft::new(question, Ratio::of(twice.abs(), 2).decimal(), corners)
}

fn moves(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 9);
    let (mut x, mut y) = (rng.signed(1, 15), rng.signed(1, 15));
    let start = format!("({x}, {y})");
    let mut parts = Vec::new();
    for _ in 0..count {
        match rng.below(7) {
            0 => {
                y = -y;
                parts.push("reflected in the x-axis".to_owned());
            }
            1 => {
                x = -x;
                parts.push("reflected in the y-axis".to_owned());
            }
            2 => {
                (x, y) = (y, x);
                parts.push("reflected in the line y = x".to_owned());
            }
            3 => {
                (x, y) = (-y, x);
                parts.push("turned by 90 degrees counterclockwise about the origin".to_owned());
            }
            4 => {
                (x, y) = (y, -x);
                parts.push("turned by 90 degrees clockwise about the origin".to_owned());
            }
            5 => {
                let (a, b) = (rng.range(-9, 9), rng.range(-9, 9));
                (x, y) = (2 * a - x, 2 * b - y);
                parts.push(format!("reflected in the point ({a}, {b})"));
            }
            _ => {
                let (a, b) = (rng.range(-9, 9), rng.range(-9, 9));
                (x, y) = (x + a, y + b);
                parts.push(format!("shifted by ({a}, {b})"));
            }
        }
    }
    let question = format!(
        "The point {start} is {}. Where does it end? Answer with its x-coordinate and its y-coordinate, separated by a comma.",
        parts.join(", then ")
    );
    Draft::new(question, format!("{x}, {y}"), count)
}

fn crossing(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 4, 20);
    let mut point = |near: (i64, i64)| loop {
        let p = (rng.range(-top, top), rng.range(-top, top));
        if p != near {
            return p;
        }
    };
    loop {
        let a = point((99, 99));
        let (b, c) = (point(a), point(a));
        let e = point(c);
        let (ux, uy) = (b.0 - a.0, b.1 - a.1);
        let (vx, vy) = (e.0 - c.0, e.1 - c.1);
        let cross = ux * vy - uy * vx;
        if cross == 0 {
            continue;
        }
        // a + t u lies on the other line for t = ((c - a) x v) / (u x v).
        let along = (c.0 - a.0) * vy - (c.1 - a.1) * vx;
        let (x, y) = (
            Ratio::of(a.0 * cross + along * ux, cross),
            Ratio::of(a.1 * cross + along * uy, cross),
        );
        let question = format!(
            "One line goes through {a:?} and {b:?}, another through {c:?} and {e:?}. Where do they cross? Answer with the x-coordinate and the y-coordinate, as integers or fractions, separated by a comma."
        );
        return Draft::new(question, format!("{x}, {y}"), top);
    }
}
