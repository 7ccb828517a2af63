//! Lengths, areas, angles and coordinates.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, INTEGER, and, article, capital, dial, spelled_count};

use AnswerKind::{Integer, Rational};

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
        "cut_rectangle",
        Integer,
        "A rectangle with pieces cut away",
        "pieces",
        cut,
    ),
    new(
        "right_triangle",
        Rational,
        "Pythagoras, once or along a chain",
        "triangles",
        pythagoras,
    ),
    new(
        "triangle_angles",
        Rational,
        "Angles that are multiples of one another",
        "largest part",
        angles,
    ),
    new(
        "box_measures",
        Integer,
        "Volume, surface or diagonal of boxes",
        "largest side",
        boxes,
    ),
    new(
        "circle_parts",
        Rational,
        "Rings and sectors, in multiples of pi",
        "largest radius",
        circles,
    ),
    new(
        "polygon_angles",
        Integer,
        "Interior angles and diagonals of polygons",
        "corners",
        polygon_angles,
    ),
];

fn cut(rng: &mut Rng, d: u8) -> Draft {
    let pieces = dial(d, 1, 6);
    let (w, h) = (
        rng.range(20, 30 + 10 * i64::from(d)),
        rng.range(15, 25 + 10 * i64::from(d)),
    );
    let mut area = w * h;
    let mut parts = Vec::new();
    for _ in 0..pieces {
        // Small enough that all of them fit, however they lie.
        let (a, b) = (rng.range(2, w / 6), rng.range(2, h / 6 + 1));
        let kind = article(&a.to_string());
        if rng.coin() {
            area -= a * b;
            parts.push(format!("{kind} {a} by {b} rectangle is cut out"));
        } else if rng.coin() {
            area += a * b;
            parts.push(format!(
                "{kind} {a} by {b} rectangle is glued to the outside"
            ));
        } else {
            area -= 2 * a * b;
            parts.push(format!(
                "two right triangles with legs of {} and {b} are cut out",
                2 * a
            ));
        }
    }
    let question = format!(
        "A figure is made from a rectangular sheet of paper of {w} by {h}: {}. All lengths are in centimetres, and the pieces do not overlap. What is the area of the figure in square centimetres? {INTEGER}",
        parts.join("; ")
    );
    Draft::new(question, area, pieces).unit("cm^2")
}

const TRIPLES: [(i64, i64, i64); 8] = [
    (3, 4, 5),
    (5, 12, 13),
    (8, 15, 17),
    (7, 24, 25),
    (20, 21, 29),
    (9, 40, 41),
    (12, 35, 37),
    (28, 45, 53),
];

fn pythagoras(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 1, 4);
    let mut parts = Vec::new();
    let mut sum = Ratio::whole(0);
    for index in 0..count {
        let (a, b, c) = *rng.pick(if d < 4 { &TRIPLES[..4] } else { &TRIPLES });
        let k = rng.range(1, 6 + 6 * i64::from(d));
        let by = *rng.pick(&[1, 1, 2, 5, 10]);
        let side = |v: i64| Ratio::of(v * k, by).decimal();
        let (given, found) = match rng.below(3) {
            0 => (format!("legs of {} and {}", side(a), side(b)), c),
            1 => (
                format!("a leg of {} and a hypotenuse of {}", side(a), side(c)),
                b,
            ),
            _ => (
                format!("a leg of {} and a hypotenuse of {}", side(b), side(c)),
                a,
            ),
        };
        let third = if found == c {
            "hypotenuse"
        } else {
            "other leg"
        };
        let name = ["first", "second", "third", "fourth"][index as usize];
        parts.push(match count {
            1 => format!("A right triangle has {given}. How long is its {third}?"),
            _ => format!("the {name} has {given}, and its {third} is asked for"),
        });
        sum = sum.plus(Ratio::of(found * k, by)).unwrap_or(sum);
    }
    let question = match count {
        1 => format!("{} {FRACTION}", parts[0]),
        _ => format!(
            "Consider {} right triangles: {}. What is the sum of the lengths asked for? {FRACTION}",
            spelled_count(count as usize),
            parts.join("; ")
        ),
    };
    Draft::new(question, sum.decimal(), count)
}

fn angles(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 3, 12);
    let (a, b, add, x) = loop {
        let (a, b) = (rng.range(1, top), rng.range(1, top));
        let add = if d < 4 {
            rng.range(0, 30)
        } else {
            rng.range(-30, 60)
        };
        // x, a x / b and x plus something make 180 degrees; all of them are above 0.
        let x = Ratio::of((180 - add) * b, 2 * b + a);
        if x.num() > i128::from(-add) * x.den() {
            break (a, b, add, x);
        }
    };
    let more = match add {
        0 => "is as large as".to_owned(),
        add if add > 0 => format!("is {add} degrees larger than"),
        add => format!("is {} degrees smaller than", -add),
    };
    let times = match Ratio::of(a, b) {
        one if one == Ratio::whole(1) => "as large as".to_owned(),
        whole if whole.den() == 1 => format!("{whole} times"),
        part => format!("{part} of"),
    };
    let letters = *rng.pick(&[
        ["A", "B", "C"],
        ["P", "Q", "R"],
        ["K", "L", "M"],
        ["X", "Y", "Z"],
    ]);
    let [p, q, r] = letters;
    let question = format!(
        "In triangle {p}{q}{r} the angle at {q} is {times} the angle at {p}, and the angle at {r} {more} the angle at {p}. How many degrees does the angle at {p} measure? {FRACTION}"
    );
    Draft::new(question, x, top).unit("°")
}

fn boxes(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 9, 90);
    let (a, b, c) = (rng.range(2, top), rng.range(2, top), rng.range(2, top));
    let (asked, unit, measure): (_, _, fn(i64, i64, i64) -> i64) = match rng.below(4) {
        0 => ("volume in cubic centimetres", "cm^3", |a, b, c| a * b * c),
        1 => ("total surface in square centimetres", "cm^2", |a, b, c| {
            2 * (a * b + b * c + a * c)
        }),
        2 => (
            "square of the length of the diagonal (from a corner to the opposite one) in square centimetres",
            "cm^2",
            |a, b, c| a * a + b * b + c * c,
        ),
        _ => (
            "total length of all edges in centimetres",
            "cm",
            |a, b, c| 4 * (a + b + c),
        ),
    };
    let thing = *rng.pick(&["box", "carton", "block of wood", "tin with a lid", "brick"]);
    let question = if d > 5 {
        let (e, f, g) = (
            a + rng.range(1, 9),
            b + rng.range(1, 9),
            c + rng.range(1, 9),
        );
        let text = format!(
            "A rectangular {thing} has edges of {a} cm, {b} cm and {c} cm; a second one has edges of {e} cm, {f} cm and {g} cm. By how much does the {asked} of the second exceed that of the first? {INTEGER}"
        );
        return Draft::new(text, measure(e, f, g) - measure(a, b, c), top).unit(unit);
    } else {
        format!(
            "A rectangular {thing} has edges of {a} cm, {b} cm and {c} cm. What is the {asked}? {INTEGER}"
        )
    };
    Draft::new(question, measure(a, b, c), top).unit(unit)
}

fn circles(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 8, 60);
    let large = rng.range(4, top);
    let small = rng.range(1, large - 1);
    let ring = large * large - small * small;
    let angle = *rng.pick(&[30, 45, 60, 72, 90, 120, 135, 144, 150, 210, 240, 270, 300]);
    let (text, value) = match rng.below(if d < 3 { 2 } else { 4 }) {
        0 => (
            format!(
                "the ring between two circles about the same centre, with radii {large} and {small}"
            ),
            Ratio::whole(ring),
        ),
        1 => (
            format!(
                "two circles side by side, one of diameter {large} and one of radius {small}, taken together,"
            ),
            Ratio::of(large * large + 4 * small * small, 4),
        ),
        2 => (
            format!("a sector of {angle} degrees of a circle of radius {large}"),
            Ratio::of(large * large * angle, 360),
        ),
        _ => (
            format!(
                "the part within a sector of {angle} degrees of the ring between circles of radii {large} and {small} about the sector's centre"
            ),
            Ratio::of(ring * angle, 360),
        ),
    };
    let question = format!(
        "The area of {text} is k times pi. What is k? Answer with the exact number k: an integer, a decimal or a fraction a/b."
    );
    Draft::new(question, value, top).unit("π")
}

fn polygon_angles(rng: &mut Rng, d: u8) -> Draft {
    let corners = dial(d, 5, 40);
    let count = 3 + i64::from(d) / 3;
    let sides: Vec<i64> = (0..count).map(|_| rng.range(4, corners + 3)).collect();
    let diagonals = |n: i64| n * (n - 3) / 2;
    let sum = |n: i64| 180 * (n - 2);
    let (asked, value): (&str, i64) = match rng.below(3) {
        0 => (
            "How many diagonals do they have together?",
            sides.iter().map(|n| diagonals(*n)).sum(),
        ),
        1 => (
            "What is the sum of all their interior angles, in degrees?",
            sides.iter().map(|n| sum(*n)).sum(),
        ),
        _ => (
            "How many corners and diagonals do they have together?",
            sides.iter().map(|n| n + diagonals(*n)).sum(),
        ),
    };
    let text: Vec<String> = sides.iter().map(|n| n.to_string()).collect();
    let question = format!(
        "{} convex polygons have {} corners. {asked} {INTEGER}",
        capital(&spelled_count(sides.len())),
        and(&text)
    );
    let draft = Draft::new(question, value, corners);
    if asked.contains("degrees") {
        draft.unit("°")
    } else {
        draft
    }
}
