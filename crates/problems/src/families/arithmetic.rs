//! Numbers and the four operations.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::{Ratio, fixed};
use crate::rng::Rng;
use crate::words::{FRACTION, INTEGER, compute, dial, term};

use AnswerKind::{Digits, Integer, LowestTerms, NumberList, Rational};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Arithmetic, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "chain_sum",
        Integer,
        "A sum and difference of several numbers",
        "digits to add",
        chain_sum,
    ),
    new(
        "nested_expression",
        Integer,
        "Sums and products with parentheses",
        "operations",
        nested,
    ),
    new(
        "long_multiplication",
        Integer,
        "A product of long numbers",
        "products of digits",
        product,
    ),
    new(
        "division_with_remainder",
        NumberList,
        "Quotient and remainder",
        "digits",
        division,
    ),
    new(
        "fraction_sum",
        Rational,
        "A sum of fractions",
        "terms × largest denominator",
        fraction_sum,
    ),
    new(
        "fraction_simplify",
        LowestTerms,
        "A fraction to lowest terms",
        "bits of the common factor",
        simplify,
    ),
    new(
        "decimal_chain",
        Rational,
        "Sums and differences of decimals",
        "digits to add",
        decimals,
    ),
    new(
        "percent_chain",
        Rational,
        "A value after several changes in percent",
        "changes",
        percent,
    ),
    new(
        "base_conversion",
        Digits,
        "A number from one base to another",
        "decimal digits",
        bases,
    ),
    new(
        "base_arithmetic",
        Digits,
        "A sum or product in another base",
        "decimal digits",
        base_arithmetic,
    ),
    new(
        "rounding",
        Rational,
        "A decimal to so many places, halves up",
        "digits",
        rounding,
    ),
    new(
        "bitwise",
        Integer,
        "And, or, exclusive or and shifts of whole numbers",
        "operations × bits",
        bitwise,
    ),
];

fn chain_sum(rng: &mut Rng, d: u8) -> Draft {
    let (terms, digits) = (dial(d, 2, 12), dial(d, 1, 6));
    let mut total = rng.digits(digits as u32);
    let mut text = total.to_string();
    for _ in 1..terms {
        let value = rng.digits(digits as u32);
        let value = if rng.coin() { value } else { -value };
        total += value;
        text.push_str(&format!(" {}", term(value)));
    }
    let question = compute(rng, &text);
    Draft::new(format!("{question} {INTEGER}"), total, terms * digits)
}

/// A random expression of exactly `ops` operations with its value.
fn tree(rng: &mut Rng, ops: i64, largest: i64) -> (String, i128) {
    if ops == 0 {
        let value = rng.range(1, largest);
        return (value.to_string(), i128::from(value));
    }
    let left_ops = rng.range(0, ops - 1);
    let (left, a) = tree(rng, left_ops, largest);
    let (right, b) = tree(rng, ops - 1 - left_ops, largest);
    let wrap = |text: String, simple: bool| if simple { text } else { format!("({text})") };
    let (left, right) = (wrap(left, left_ops == 0), wrap(right, ops - 1 == left_ops));
    // Products of large values would only test patience.
    let small = a.abs().max(b.abs()) <= 500;
    match rng.below(3) {
        0 if small => (format!("{left} * {right}"), a * b),
        1 => (format!("{left} - {right}"), a - b),
        _ => (format!("{left} + {right}"), a + b),
    }
}

fn nested(rng: &mut Rng, d: u8) -> Draft {
    let ops = dial(d, 2, 11);
    let (text, value) = tree(rng, ops, dial(d, 12, 60));
    let question = compute(rng, &text);
    Draft::new(format!("{question} {INTEGER}"), value, ops)
}

fn product(rng: &mut Rng, d: u8) -> Draft {
    let (a, b) = (dial(d, 2, 8), dial(d, 1, 7));
    let (x, y) = (rng.digits(a as u32), rng.digits(b as u32));
    let question = compute(rng, &format!("{x} * {y}"));
    Draft::new(format!("{question} {INTEGER}"), x * y, a * b)
}

fn division(rng: &mut Rng, d: u8) -> Draft {
    let (a, b) = (dial(d, 3, 14), dial(d, 1, 5));
    let (x, y) = (rng.digits(a as u32), rng.digits(b as u32) + 1);
    let question = format!(
        "Divide {x} by {y} with remainder. Answer with the quotient and the remainder, separated by a comma."
    );
    Draft::new(question, format!("{}, {}", x / y, x % y), a + b)
}

fn fraction_sum(rng: &mut Rng, d: u8) -> Draft {
    let (terms, largest) = (dial(d, 2, 6), dial(d, 6, 24));
    let mut total = Ratio::whole(0);
    let mut text = String::new();
    for index in 0..terms {
        let den = rng.range(2, largest);
        let num = rng.range(1, largest);
        let minus = index > 0 && rng.coin();
        let value = Ratio::of(if minus { -num } else { num }, den);
        total = total.plus(value).unwrap_or(total);
        text.push_str(match (index, minus) {
            (0, _) => "",
            (_, true) => " - ",
            (_, false) => " + ",
        });
        text.push_str(&format!("{num}/{den}"));
    }
    let question = compute(rng, &text);
    Draft::new(format!("{question} {FRACTION}"), total, terms * largest)
}

fn simplify(rng: &mut Rng, d: u8) -> Draft {
    let bits = dial(d, 2, 14);
    let mut factor = 1_i64;
    while factor < 1 << bits {
        factor *= *rng.pick(&[2, 3, 5, 7, 11, 13, 17, 19]);
    }
    let (num, den) = (
        rng.range(2, 20 * i64::from(d)),
        rng.range(2, 20 * i64::from(d)),
    );
    let (num, den) = (num * factor, den * factor);
    let question = format!(
        "Reduce the fraction {num}/{den} to lowest terms. Answer with a fraction a/b in lowest terms, or with an integer."
    );
    Draft::new(question, Ratio::of(num, den), bits)
}

fn decimals(rng: &mut Rng, d: u8) -> Draft {
    let (terms, digits, places) = (dial(d, 2, 8), dial(d, 2, 7), dial(d, 1, 4) as usize);
    let mut total = 0_i128;
    let mut text = String::new();
    for index in 0..terms {
        // Mixed places are where digits get misaligned.
        let own = rng.count(1, places);
        let value = i128::from(rng.digits(digits as u32));
        let minus = index > 0 && rng.coin();
        let scaled = value * 10_i128.pow((places - own) as u32);
        total += if minus { -scaled } else { scaled };
        text.push_str(match (index, minus) {
            (0, _) => "",
            (_, true) => " - ",
            (_, false) => " + ",
        });
        text.push_str(&fixed(value, own));
    }
    let question = compute(rng, &text);
    let answer = Ratio::of(total, 10_i128.pow(places as u32)).decimal();
    Draft::new(
        format!("{question} Answer with the exact decimal."),
        answer,
        terms * digits,
    )
}

fn percent(rng: &mut Rng, d: u8) -> Draft {
    let changes = dial(d, 1, 5);
    let start = rng.range(2, 40 * i64::from(d)) * 20;
    let subject = rng.pick(&[
        "The price of a share",
        "The power of a signal (in watts)",
        "The water level of a lake (in mm)",
        "The mass of a culture (in mg)",
        "The value of a fund",
    ]);
    let mut value = Ratio::whole(start);
    let mut parts = Vec::new();
    for _ in 0..changes {
        let step = if d < 4 { 10 } else { 5 };
        let by = rng.range(1, 60 / step) * step;
        let up = rng.coin();
        let factor = Ratio::of(if up { 100 + by } else { 100 - by }, 100);
        value = value.times(factor).unwrap_or(value);
        parts.push(format!("{} by {by}%", if up { "rises" } else { "falls" }));
    }
    let question = format!(
        "{subject} starts at {start} and {}. Each percentage refers to the value just before it. What is the value at the end, not rounded? {FRACTION}",
        parts.join(", then ")
    );
    Draft::new(question, value.decimal(), changes)
}

/// `value` in a base up to 16.
fn in_base(mut value: i64, base: i64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((value % base) as u32, base as u32).unwrap_or('?'));
        value /= base;
        if value == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

const DIGITS: &str = "Write digits above nine as letters (a = 10, b = 11 and so on).";

fn bases(rng: &mut Rng, d: u8) -> Draft {
    let digits = dial(d, 2, 9);
    let value = rng.digits(digits as u32);
    let choices: &[i64] = if d < 4 {
        &[2, 4, 8, 10, 16]
    } else {
        &[2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 16]
    };
    let from = *rng.pick(choices);
    let mut to = *rng.pick(choices);
    if to == from {
        to = if from == 2 { 10 } else { 2 };
    }
    let question = format!(
        "The number {} is written in base {from}. Write it in base {to}. {DIGITS} Answer with the digits only.",
        in_base(value, from)
    );
    Draft::new(question, in_base(value, to), digits).with("base", to)
}

fn base_arithmetic(rng: &mut Rng, d: u8) -> Draft {
    let digits = dial(d, 2, 7);
    let base = *rng.pick(&[2, 3, 5, 6, 7, 8, 9, 12, 16]);
    let a = rng.digits(digits as u32);
    let times = rng.coin();
    let b = if times {
        rng.digits(digits.div_euclid(2).max(1) as u32) + 1
    } else {
        rng.digits(digits as u32)
    };
    let (sign, value) = if times { ('*', a * b) } else { ('+', a + b) };
    let question = format!(
        "All numbers here are in base {base}. Compute {} {sign} {}. {DIGITS} Answer with the digits of the result in base {base}.",
        in_base(a, base),
        in_base(b, base)
    );
    Draft::new(question, in_base(value, base), digits).with("base", base)
}

fn rounding(rng: &mut Rng, d: u8) -> Draft {
    let digits = dial(d, 3, 12);
    let places = rng.count(2, (digits - 1) as usize);
    let keep = rng.count(0, places - 1);
    let cut = 10_i64.pow((places - keep) as u32);
    let mut value = rng.digits(digits as u32);
    // A run of nines carries far; every third problem has one.
    if rng.below(3) == 0 {
        value = value / (cut * 10) * (cut * 10) + cut * 10 - 1 - rng.range(0, cut / 2 - 1);
    }
    let question = format!(
        "Round {} to {keep} decimal place{}; a half is rounded up. Answer with the rounded number.",
        fixed(i128::from(value), places),
        if keep == 1 { "" } else { "s" }
    );
    let rounded = (value + cut / 2) / cut;
    Draft::new(question, fixed(i128::from(rounded), keep), digits)
}

fn bitwise(rng: &mut Rng, d: u8) -> Draft {
    let (ops, bits) = (dial(d, 1, 6), dial(d, 4, 12));
    let top = (1 << bits) - 1;
    let mut value = rng.range(top / 2, top);
    let mut text = value.to_string();
    for index in 0..ops {
        let other = rng.range(1, top);
        if index > 0 {
            text = format!("({text})");
        }
        (text, value) = match rng.below(4) {
            0 => (format!("{text} AND {other}"), value & other),
            1 => (format!("{text} OR {other}"), value | other),
            2 => (format!("{text} >> 1"), value >> 1),
            _ => (format!("{text} XOR {other}"), value ^ other),
        };
    }
    let question = format!(
        "Evaluate {text}, where the operations act on the binary digits of the numbers (all written in decimal) and >> 1 shifts them one place to the right, so that the last one is dropped. {INTEGER}"
    );
    Draft::new(question, value, ops * bits)
}
