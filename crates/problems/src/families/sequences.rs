//! Sequences and sums.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::rng::Rng;
use crate::words::{INTEGER, dial, list, ordinal, term};

use AnswerKind::Integer;

const fn new(
    name: &'static str,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Sequences, Integer, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "next_term",
        "The next term of a sequence of a stated kind",
        "rank of the rule",
        next,
    ),
    new(
        "recurrence",
        "A term of a recurrence, modulo a number",
        "index",
        recurrence,
    ),
    new(
        "series_sum",
        "The sum of an arithmetic or other series",
        "terms",
        series,
    ),
    new(
        "figure_pattern",
        "How many pieces a growing figure needs",
        "index",
        figures,
    ),
    new(
        "look_and_say",
        "The length of a term that describes the one before",
        "terms",
        look_and_say,
    ),
];

fn next(rng: &mut Rng, d: u8) -> Draft {
    // What the rule is, is said: a finite list alone has no next term.
    let rank = dial(d, 1, 6);
    let (a, b, c) = (rng.signed(1, 30), rng.signed(2, 15), rng.signed(1, 9));
    let length = 6_usize;
    let (rule, terms): (String, Vec<i64>) = match rank {
        1 => (
            "each term differs from the one before by the same number".to_owned(),
            (0..=length as i64).map(|n| a + b * n).collect(),
        ),
        2 => (
            "the differences between neighbours change by the same number each time".to_owned(),
            (0..=length as i64)
                .map(|n| a + b * n + c * n * (n - 1) / 2)
                .collect(),
        ),
        3 => {
            let k = rng.signed(2, 3);
            let terms = std::iter::successors(Some(a), |x| Some(x * k + c))
                .take(length + 1)
                .collect();
            (
                "each term is the one before times a fixed number, plus another fixed number"
                    .to_owned(),
                terms,
            )
        }
        4 => {
            let (p, q) = (rng.range(1, 3), rng.signed(1, 2));
            let mut terms = vec![a, b];
            while terms.len() <= length + 1 {
                let n = terms.len();
                terms.push(p * terms[n - 1] + q * terms[n - 2]);
            }
            ("each term is a fixed combination p * (the one before) + q * (the one before that), with whole p and q".to_owned(), terms)
        }
        5 => {
            let (p, q) = (rng.range(2, 3), rng.signed(2, 20));
            let terms = (0..=2 * length as i64 - 3)
                .map(|n| {
                    if n % 2 == 0 {
                        a + q * (n / 2)
                    } else {
                        c * p.pow(n as u32 / 2)
                    }
                })
                .collect();
            ("the terms at odd places differ by a fixed number, and each term at an even place is a fixed multiple of the even-placed one before".to_owned(), terms)
        }
        _ => (
            "the terms are the values of a cubic polynomial at 1, 2, 3 and so on".to_owned(),
            (1..=length as i64 + 1)
                .map(|n| a + b * n + c * n * n + rank.min(c.abs()) * n * n * n)
                .collect(),
        ),
    };
    let (shown, answer) = (&terms[..terms.len() - 1], terms[terms.len() - 1]);
    let question = format!(
        "In the sequence {}, {rule}. What is the next term? {INTEGER}",
        list(shown)
    );
    Draft::new(question, answer, rank)
}

fn recurrence(rng: &mut Rng, d: u8) -> Draft {
    let index = dial(d, 5, 60);
    let modulus = rng.range(10, 20 + 20 * i64::from(d));
    let (p, q, r) = (rng.range(1, 5), rng.range(1, 5), rng.range(1, 9));
    let (mut a, mut b) = (rng.range(0, 9), rng.range(1, 9));
    let times = |k: i64| {
        if k == 1 {
            String::new()
        } else {
            format!("{k} * ")
        }
    };
    let question = format!(
        "A sequence starts with a(1) = {a} and a(2) = {b}, and for n > 2 the term a(n) is the remainder of {}a(n-1) + {}a(n-2) + {r} on division by {modulus}. Find a({index}). {INTEGER}",
        times(p),
        times(q)
    );
    for _ in 2..index {
        (a, b) = (b, (p * b + q * a + r) % modulus);
    }
    Draft::new(question, b, index)
}

fn series(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 8, 300);
    let count = rng.range(top * 2 / 3, top);
    let (a, b) = (rng.signed(1, 50), rng.signed(2, 12));
    let (text, sum): (String, i64) = match rng.below(if d < 3 { 1 } else { 4 }) {
        0 => (
            format!(
                "Add the first {count} terms of the arithmetic sequence that starts {a}, {}, {}.",
                a + b,
                a + 2 * b
            ),
            (0..count).map(|n| a + b * n).sum(),
        ),
        1 => (
            format!("Add the numbers n^2 {} for n from 1 to {count}.", term(a)),
            (1..=count).map(|n| n * n + a).sum(),
        ),
        2 => (
            format!("Add n * (n {}) for n from 1 to {count}.", term(b)),
            (1..=count).map(|n| n * (n + b)).sum(),
        ),
        _ => (
            format!(
                "Consider a(n) = {a} {} * n. Add (-1)^n * a(n) for n from 1 to {count}.",
                term(b)
            ),
            (1..=count)
                .map(|n| if n % 2 == 0 { a + b * n } else { -a - b * n })
                .sum(),
        ),
    };
    Draft::new(format!("{text} {INTEGER}"), sum, top)
}

fn figures(rng: &mut Rng, d: u8) -> Draft {
    let index = dial(d, 6, 120);
    let at = index + rng.range(0, 5);
    let (a, b, c) = (rng.range(1, 20), rng.range(1, 12), rng.range(1, 6));
    let piece = *rng.pick(&["matchsticks", "tiles", "beads", "cubes", "dots"]);
    let counts: Vec<i64> = (0..5).map(|n| a + b * n + c * n * (n - 1) / 2).collect();
    let n = at - 1;
    let question = format!(
        "Figures are laid with {piece}: the first five need {}. From one figure to the next, the number of {piece} added grows by the same amount every time. How many {piece} does the {} figure need? {INTEGER}",
        list(&counts),
        ordinal(at)
    );
    Draft::new(question, a + b * n + c * n * (n - 1) / 2, index).unit(piece)
}

fn look_and_say(rng: &mut Rng, d: u8) -> Draft {
    let steps = dial(d, 2, 9);
    let start = rng.digits(3);
    let mut term: Vec<u8> = start.to_string().bytes().map(|b| b - b'0').collect();
    for _ in 0..steps {
        term = term
            .chunk_by(|a, b| a == b)
            .flat_map(|run| [run.len() as u8, run[0]])
            .collect();
    }
    let digit = rng.range(1, 3) as u8;
    let (text, value) = match rng.coin() {
        true => ("digits does the last number have".to_owned(), term.len()),
        false => (
            format!("times does the digit {digit} occur in the last number"),
            term.iter().filter(|t| **t == digit).count(),
        ),
    };
    let question = format!(
        "Reading the runs of equal digits of a number aloud, from left to right, gives the next number: 1222 is one 1 and three 2s, so it is followed by 1132. Start with {start} and do this {steps} times. How many {text}? {INTEGER}"
    );
    Draft::new(question, value, steps)
}
