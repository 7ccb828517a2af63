//! Equations, systems, inequalities and functions.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, INTEGER, dial, join, list, term};

use AnswerKind::{Integer, NumberList, NumberSet, Rational};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Algebra, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "linear_equation",
        Rational,
        "One unknown on both sides",
        "largest coefficient",
        linear,
    ),
    new(
        "linear_system",
        NumberList,
        "Two to four unknowns",
        "coefficients",
        system,
    ),
    new(
        "quadratic_roots",
        NumberSet,
        "The roots of a quadratic equation",
        "largest coefficient of a factor",
        quadratic,
    ),
    new(
        "inequality_count",
        Integer,
        "How many integers satisfy an inequality",
        "largest constant",
        inequality,
    ),
    new(
        "complex_product",
        NumberList,
        "A product of complex numbers",
        "factors",
        complex,
    ),
    new(
        "determinant",
        Integer,
        "The determinant of a matrix",
        "entries × largest",
        determinant,
    ),
    new(
        "matrix_power",
        NumberList,
        "A power of a 2 by 2 matrix",
        "exponent",
        matrix_power,
    ),
    new(
        "function_composition",
        Integer,
        "Nested applications of functions",
        "applications",
        composition,
    ),
    new(
        "operation_table",
        Integer,
        "A made-up operation, applied several times",
        "applications",
        operation,
    ),
    new(
        "absolute_equation",
        NumberSet,
        "An equation with an absolute value",
        "largest constant",
        absolute,
    ),
];

fn linear(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 5, 80);
    let (a, b, e) = (rng.signed(2, top), rng.signed(1, top), rng.signed(1, top));
    let mut c = rng.signed(1, top);
    if c == a {
        c = -a;
    }
    // Easy ones have whole solutions: the last constant follows from the solution.
    let (b, e) = if d <= 3 {
        let x = rng.signed(1, 9);
        ((c - a) * x + e, e)
    } else {
        (b, e)
    };
    let name = *rng.pick(&["x", "y", "n", "t"]);
    let left = if b == 0 {
        format!("{a}{name}")
    } else {
        format!("{a}{name} {}", term(b))
    };
    let question = match d {
        8.. => {
            let k = rng.range(2, 9);
            format!(
                "Solve for {name}: {k}({left}) - {name} = {} {}. {FRACTION}",
                coefficient(k * c - 1, name),
                term(k * e)
            )
        }
        _ => format!(
            "Solve for {name}: {left} = {} {}. {FRACTION}",
            coefficient(c, name),
            term(e)
        ),
    };
    Draft::new(question, Ratio::of(e - b, a - c), top)
}

fn coefficient(value: i64, name: &str) -> String {
    match value {
        1 => name.to_owned(),
        -1 => format!("-{name}"),
        value => format!("{value}{name}"),
    }
}

fn det(rows: &[Vec<i64>]) -> i64 {
    let Some(first) = rows.first() else { return 1 };
    let minor = |skip: usize| -> Vec<Vec<i64>> {
        rows[1..]
            .iter()
            .map(|row| {
                row.iter()
                    .enumerate()
                    .filter(|(at, _)| *at != skip)
                    .map(|(_, v)| *v)
                    .collect()
            })
            .collect()
    };
    (0..first.len())
        .map(|at| {
            if at % 2 == 0 {
                first[at] * det(&minor(at))
            } else {
                -first[at] * det(&minor(at))
            }
        })
        .sum()
}

fn system(rng: &mut Rng, d: u8) -> Draft {
    let unknowns = dial(d, 2, 4) as usize;
    let top = dial(d, 4, 9);
    let names = ["w", "x", "y", "z"];
    let names = &names[4 - unknowns.max(3)..][..unknowns];
    let solution: Vec<i64> = (0..unknowns)
        .map(|_| rng.range(-top * 2, top * 2))
        .collect();
    let rows = loop {
        let rows: Vec<Vec<i64>> = (0..unknowns)
            .map(|_| (0..unknowns).map(|_| rng.signed(1, top)).collect())
            .collect();
        if det(&rows) != 0 {
            break rows;
        }
    };
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut text = coefficient(row[0], names[0]);
            for (value, name) in row.iter().zip(names).skip(1) {
                let sign = if *value < 0 { '-' } else { '+' };
                text.push_str(&format!(" {sign} {}", coefficient(value.abs(), name)));
            }
            let right: i64 = row.iter().zip(&solution).map(|(a, x)| a * x).sum();
            format!("{text} = {right}")
        })
        .collect();
    let question = format!(
        "Solve the system:\n{}\nAnswer with the values of {} in this order, separated by commas.",
        lines.join("\n"),
        list(names)
    );
    Draft::new(question, list(&solution), (unknowns * unknowns) as i64)
}

fn quadratic(rng: &mut Rng, d: u8) -> Draft {
    // (a x - p)(b x - q)
    let top = dial(d, 1, 6);
    let size = dial(d, 9, 40);
    let (a, b) = (rng.range(1, top), rng.range(1, top));
    let (p, q) = (rng.signed(1, size), rng.signed(1, size));
    let (lead, middle, last) = (a * b, -(a * q + b * p), p * q);
    let mut text = format!("{}^2", coefficient(lead, "x"));
    if middle != 0 {
        let sign = if middle < 0 { '-' } else { '+' };
        text.push_str(&format!(" {sign} {}", coefficient(middle.abs(), "x")));
    }
    let question = format!(
        "Find all solutions of {text} {} = 0. Answer with the different solutions, as integers or fractions, separated by commas.",
        term(last)
    );
    let (first, second) = (Ratio::of(p, a), Ratio::of(q, b));
    let answer = if first == second {
        first.to_string()
    } else {
        list(&[first, second])
    };
    Draft::new(question, answer, size)
}

fn inequality(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 20, 900);
    let a = rng.range(2, 3 + 2 * i64::from(d));
    let b = rng.signed(1, top);
    let (low, width) = (rng.signed(1, top), rng.range(top / 4, top));
    let high = low + width;
    // low <= a x + b < high
    let first = -(-(low - b)).div_euclid(a);
    let last = (high - b - 1).div_euclid(a);
    let question = format!(
        "How many integers x satisfy {low} <= {a}x {} < {high}? {INTEGER}",
        term(b)
    );
    Draft::new(question, (last - first + 1).max(0), top)
}

fn complex(rng: &mut Rng, d: u8) -> Draft {
    let (factors, top) = (dial(d, 2, 6), dial(d, 5, 9));
    let (mut re, mut im) = (1_i64, 0_i64);
    let mut parts = Vec::new();
    for _ in 0..factors {
        let (a, b) = (rng.signed(1, top), rng.signed(1, top));
        (re, im) = (re * a - im * b, re * b + im * a);
        let sign = if b < 0 { '-' } else { '+' };
        parts.push(format!("({a} {sign} {})", coefficient(b.abs(), "i")));
    }
    let question = format!(
        "Let i be the imaginary unit. Multiply out {}. Answer with the real part and the imaginary part (without i), separated by a comma.",
        join(&parts, " * ")
    );
    Draft::new(question, format!("{re}, {im}"), factors)
}

fn rows_text(rows: &[Vec<i64>]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| format!("[{}]", list(row))).collect();
    format!("[{}]", lines.join(", "))
}

fn determinant(rng: &mut Rng, d: u8) -> Draft {
    let (size, top) = (dial(d, 2, 4), dial(d, 6, 15));
    let rows: Vec<Vec<i64>> = (0..size)
        .map(|_| (0..size).map(|_| rng.range(-top, top)).collect())
        .collect();
    let question = format!(
        "Find the determinant of the matrix {}. {INTEGER}",
        rows_text(&rows)
    );
    Draft::new(question, det(&rows), size * size * top)
}

fn matrix_power(rng: &mut Rng, d: u8) -> Draft {
    let power = dial(d, 2, 8);
    let m: Vec<i64> = (0..4).map(|_| rng.range(-3, 4)).collect();
    let mut value = [1_i64, 0, 0, 1];
    for _ in 0..power {
        let [a, b, c, e] = value;
        value = [
            a * m[0] + b * m[2],
            a * m[1] + b * m[3],
            c * m[0] + e * m[2],
            c * m[1] + e * m[3],
        ];
    }
    let rows = rows_text(&[m[..2].to_vec(), m[2..].to_vec()]);
    let question = format!(
        "Raise the matrix {rows} to the power {power}. Answer with its four entries, row by row, separated by commas."
    );
    Draft::new(question, list(&value), power)
}

fn composition(rng: &mut Rng, d: u8) -> Draft {
    let steps = dial(d, 2, 8);
    let (a, b) = (rng.signed(2, 4), rng.signed(1, 9));
    let (c, e) = (rng.range(3, 9), rng.signed(1, 9));
    let modulus = rng.range(11, 11 + 9 * i64::from(d));
    let start = rng.range(1, 20);
    let (mut value, mut text) = (start, start.to_string());
    for _ in 0..steps {
        if rng.coin() {
            value = a * value + b;
            text = format!("f({text})");
        } else {
            value = (c * value + e).rem_euclid(modulus);
            text = format!("g({text})");
        }
    }
    let question = format!(
        "Let f(x) = {a}x {} and let g(x) be the remainder, from 0 to {}, of {c}x {} on division by {modulus}. Find {text}. {INTEGER}",
        term(b),
        modulus - 1,
        term(e)
    );
    Draft::new(question, value, steps)
}

fn operation(rng: &mut Rng, d: u8) -> Draft {
    let steps = dial(d, 1, 5);
    let (a, b, c) = (rng.signed(1, 4), rng.signed(1, 4), rng.signed(1, 9));
    let sign = *rng.pick(&["@", "#", "&", "~"]);
    let apply = |x: i64, y: i64| a * x + b * y + c;
    let start = rng.range(1, 12);
    let (mut value, mut text) = (start, start.to_string());
    for _ in 0..steps {
        let other = rng.range(1, 12);
        let inner = if text.contains(' ') {
            format!("({text})")
        } else {
            text
        };
        if rng.coin() {
            value = apply(value, other);
            text = format!("{inner} {sign} {other}");
        } else {
            value = apply(other, value);
            text = format!("{other} {sign} {inner}");
        }
    }
    let y = if b < 0 {
        format!("- {}", coefficient(-b, "y"))
    } else {
        format!("+ {}", coefficient(b, "y"))
    };
    let question = format!(
        "For all numbers x and y let x {sign} y = {} {y} {}. Find {text}. {INTEGER}",
        coefficient(a, "x"),
        term(c)
    );
    Draft::new(question, value, steps)
}

fn absolute(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 9, 200);
    let a = rng.range(1, 1 + i64::from(d));
    let (b, c) = (rng.signed(1, top), rng.range(1, top));
    let (scale, shift) = (rng.range(2, 6), rng.range(1, top));
    let question = format!(
        "Find all x with {scale}|{} {}| {} = {}. Answer with the different solutions, as integers or fractions, separated by commas.",
        coefficient(a, "x"),
        term(b),
        term(shift),
        scale * c + shift
    );
    Draft::new(
        question,
        list(&[Ratio::of(c - b, a), Ratio::of(-c - b, a)]),
        top,
    )
}
