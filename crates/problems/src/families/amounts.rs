//! Amounts made of coins, and figures of large numbers.

use serde_json::json;

use crate::check::{math, numbers as read};
use crate::problem::{AnswerKind, Check, Domain, Draft, Family, Problem};
use crate::ratio::{Ratio, gcd};
use crate::rng::Rng;
use crate::words::{INTEGER, dial};

use AnswerKind::{Integer, NumberList};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::NumberTheory, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "coin_combination",
        NumberList,
        "A solution of ax + by = c, any that is not negative",
        "largest total",
        coins,
    )
    .checked_by(check_coins),
    new(
        "largest_gap",
        Integer,
        "The largest amount two coins cannot make",
        "largest coin",
        gap,
    ),
    new(
        "power_digit_sum",
        Integer,
        "The sum of the digits of a large power",
        "exponent",
        power_digits,
    ),
];

fn coins(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 60, 3000);
    let limit = dial(d, 9, 90);
    let a = rng.range(3, limit);
    // Two kinds alike would be one.
    let b = match rng.range(3, limit) {
        b if b < a => b,
        b => b + 1,
    };
    let (x, y) = (
        rng.range(1, top / (2 * a) + 1),
        rng.range(1, top / (2 * b) + 1),
    );
    let total = a * x + b * y;
    let (kind, are, unit) = *rng.pick(&[
        ("Stamps", "worth", "cents"),
        ("Boxes", "weighing", "kilograms"),
        ("Coins", "worth", "crowns"),
        ("Planks", "measuring", "centimetres"),
    ]);
    let question = format!(
        "{kind} come in two kinds, {are} {a} {unit} and {b} {unit}. How many of each kind, 0 or more, make exactly {total} {unit} together? Answer with the number of the first kind and the number of the second kind, separated by a comma. Any solution is accepted."
    );
    Draft::new(question, format!("{x}, {y}"), top).with("equation", json!([a, b, total]))
}

fn check_coins(problem: &Problem, answer: &str) -> Check {
    let equation: Option<[i64; 3]> = problem
        .meta
        .get("equation")
        .and_then(|value| serde_json::from_value(value.clone()).ok());
    let Some([a, b, total]) = equation else {
        return Check::wrong("the problem lacks its equation");
    };
    let Some(&[x, y]) = read(&math(answer)).as_deref() else {
        return Check::wrong("the answer cannot be read: expected two numbers");
    };
    if x.den() != 1 || y.den() != 1 || x.is_negative() || y.is_negative() {
        return Check::wrong("the numbers are not whole, or below 0");
    }
    let sum = |x: Ratio, y: Ratio| x.times(Ratio::whole(a))?.plus(y.times(Ratio::whole(b))?);
    Check::of(
        sum(x, y) == Some(Ratio::whole(total)),
        format!("they do not make {total}"),
    )
}

fn gap(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 12, 150);
    let (a, b) = loop {
        let (a, b) = (rng.range(3, top), rng.range(3, top));
        if gcd(a.into(), b.into()) == 1 {
            break (a, b);
        }
    };
    let thing = *rng.pick(&["points", "cents", "grams", "litres"]);
    let question = format!(
        "Amounts are made by adding any numbers of pieces (0 or more) of {a} {thing} and of {b} {thing}. What is the largest whole number of {thing} that cannot be made? {INTEGER}"
    );
    Draft::new(question, a * b - a - b, top)
}

fn power_digits(rng: &mut Rng, d: u8) -> Draft {
    let exponent = dial(d, 4, 45);
    let base = rng.range(2, 30);
    let add = rng.range(1, 99);
    // Digits, the lowest first.
    let mut digits = vec![1_i64];
    for _ in 0..exponent {
        let mut carry = 0;
        for digit in &mut digits {
            let value = *digit * base + carry;
            (*digit, carry) = (value % 10, value / 10);
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    let sum: i64 = digits.iter().sum();
    let question = format!(
        "Let s be the sum of the decimal digits of {base}^{exponent}. Find s + {add}. {INTEGER}"
    );
    Draft::new(question, sum + add, exponent)
}
