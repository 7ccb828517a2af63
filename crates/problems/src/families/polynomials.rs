//! Polynomials and their roots.

use crate::check::Poly;
use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, INTEGER, dial};

use AnswerKind::{Integer, Polynomial, Rational};

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
        "polynomial_product",
        Polynomial,
        "A product, expanded",
        "products of terms",
        product,
    ),
    new(
        "polynomial_value",
        Integer,
        "The value of a polynomial at a point",
        "degree",
        value,
    ),
    new(
        "derivative",
        Polynomial,
        "The derivative of a polynomial product",
        "degree",
        derivative,
    ),
    new(
        "polynomial_remainder",
        Polynomial,
        "The remainder of a division",
        "degree",
        remainder,
    ),
    new(
        "definite_integral",
        Rational,
        "The integral of a polynomial",
        "degree",
        integral,
    ),
    new(
        "vieta",
        Rational,
        "A symmetric function of roots nobody can find",
        "degree of the function",
        vieta,
    ),
];

const FORM: &str = "Answer with an expanded polynomial in x, such as 3x^2 - x + 5.";

/// Coefficients, the constant first, with a leading one that is not zero.
fn random(rng: &mut Rng, degree: i64, top: i64) -> Vec<i64> {
    let mut poly: Vec<i64> = (0..degree).map(|_| rng.range(-top, top)).collect();
    poly.push(rng.signed(1, top));
    poly
}

fn multiply(a: &[i64], b: &[i64]) -> Vec<i64> {
    let mut out = vec![0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    out
}

fn product(rng: &mut Rng, d: u8) -> Draft {
    let (m, n) = (dial(d, 1, 5), dial(d, 1, 4));
    let (a, b) = (random(rng, m, 9), random(rng, n, 9));
    let question = format!("Expand ({})({}). {FORM}", Poly::new(&a), Poly::new(&b));
    Draft::new(question, Poly::new(&multiply(&a, &b)), (m + 1) * (n + 1))
}

fn value(rng: &mut Rng, d: u8) -> Draft {
    let degree = dial(d, 2, 7);
    let poly = random(rng, degree, 12);
    let x = rng.signed(2, dial(d, 3, 9));
    let value = poly.iter().rev().fold(0_i64, |sum, c| sum * x + c);
    let question = format!("Let p(x) = {}. Find p({x}). {INTEGER}", Poly::new(&poly));
    Draft::new(question, value, degree)
}

fn derivative(rng: &mut Rng, d: u8) -> Draft {
    let (m, n) = (dial(d, 1, 4), dial(d, 1, 3));
    let (a, b) = (random(rng, m, 7), random(rng, n, 7));
    let whole = multiply(&a, &b);
    let slope: Vec<i64> = whole.iter().zip(0..).skip(1).map(|(c, k)| c * k).collect();
    let question = format!(
        "Differentiate ({})({}) with respect to x. {FORM}",
        Poly::new(&a),
        Poly::new(&b)
    );
    Draft::new(question, Poly::new(&slope), m + n)
}

fn remainder(rng: &mut Rng, d: u8) -> Draft {
    let (m, n) = (dial(d, 2, 7), dial(d, 1, 3));
    let a = random(rng, m, 9);
    let mut by = random(rng, n, 5);
    // A leading 1 keeps the quotient whole; a constant keeps it from being a power of x.
    by[0] = rng.signed(1, 5);
    by[n as usize] = 1;
    let mut left = a.clone();
    for top in (by.len() - 1..left.len()).rev() {
        let factor = left[top];
        for (at, c) in by.iter().rev().enumerate() {
            left[top - at] -= factor * c;
        }
    }
    left.truncate(by.len() - 1);
    let question = format!(
        "Find the remainder when {} is divided by {}. {FORM}",
        Poly::new(&a),
        Poly::new(&by)
    );
    Draft::new(question, Poly::new(&left), m)
}

fn integral(rng: &mut Rng, d: u8) -> Draft {
    let degree = dial(d, 1, 5);
    let poly = random(rng, degree, 9);
    let (low, high) = (rng.range(-3, 1), rng.range(2, 4));
    let at = |x: i64| {
        poly.iter()
            .zip(0_i64..)
            .fold(Ratio::whole(0), |sum, (c, k)| {
                let term = Ratio::of(c * x.pow(k as u32 + 1), k + 1);
                sum.plus(term).unwrap_or(sum)
            })
    };
    let value = at(high).minus(at(low)).unwrap_or(Ratio::whole(0));
    let question = format!(
        "Integrate {} over x from {low} to {high}. {FRACTION}",
        Poly::new(&poly)
    );
    Draft::new(question, value, degree)
}

fn vieta(rng: &mut Rng, d: u8) -> Draft {
    let power = dial(d, 2, 6);
    let (a, b, c) = (rng.range(1, 3), rng.signed(1, 9), rng.signed(1, 9));
    // Newton: s(k) = sum s(k-1) - product s(k-2).
    let (sum, product) = (Ratio::of(-b, a), Ratio::of(c, a));
    let next = |x: Ratio, y: Ratio| sum.times(y)?.minus(product.times(x)?);
    let (mut before, mut now) = (Ratio::whole(2), sum);
    for _ in 1..power {
        (before, now) = (now, next(before, now).unwrap_or(now));
    }
    let question = format!(
        "Let r and s be the (possibly complex) roots of {} = 0, counted with multiplicity. Find r^{power} + s^{power}. {FRACTION}",
        Poly::new(&[c, b, a])
    );
    Draft::new(question, now, power)
}
