//! Numbers and formulas.

use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::evaluate::{Point, at};
use super::{Compare, exact};
use crate::options::Tolerance;
use crate::parse::{Constant, Node, Sign, unit};
use crate::verdict::How;

/// How far apart two irrational values may be.
const RELATIVE: f64 = 1e-9;
/// Differences below this are the rounding of what should be zero.
const TINY: f64 = 1e-12;
/// Significant digits from which a decimal is taken for a rounded fraction.
const LONG_DECIMAL: u32 = 10;

/// Significant digits of a decimal that a program printed: the last ones are noise.
const DOUBLE: u32 = 15;
/// How far apart two such decimals may be.
const NOISE: f64 = 1e-14;

/// What a value is measured in.
#[derive(Clone, Debug, PartialEq)]
enum Measure {
    None,
    Percent,
    Degrees,
    Unit(String),
}

/// A value without its unit, and the unit.
fn peel(node: &Node) -> (&Node, Measure) {
    match node {
        Node::Percent(inner) => (inner, Measure::Percent),
        Node::Degrees(inner) => (inner, Measure::Degrees),
        Node::Unit(inner, name) => match peel(inner) {
            (inner, Measure::None) => (inner, Measure::Unit(name.clone())),
            // "90° angle", "20% of them"
            measured => measured,
        },
        Node::Items(_, _, items) if items.len() == 1 => peel(&items[0]),
        node => (node, Measure::None),
    }
}

impl Compare<'_> {
    /// Two scalars with their units.
    pub fn scalars(&self, gold: &Node, pred: &Node) -> Option<How> {
        let ((a, a_measure), (b, b_measure)) = (peel(gold), peel(pred));
        let strict = self.options.strict;
        match (&a_measure, &b_measure) {
            (Measure::Unit(x), Measure::Unit(y)) => match (unit(x), unit(y)) {
                (Some((what, _)), Some((other, _))) if what != other => {
                    // "units" may be any unit.
                    (what == 0 || other == 0).then(|| self.values(a, b))?
                }
                (Some((_, size)), Some((_, other))) if size != other => {
                    let scaled = scale(a, size / other);
                    self.values(&scaled, b)
                }
                _ => (!strict || x == y).then(|| self.values(a, b))?,
            },
            (x, y) if x == y => self.values(a, b),
            (Measure::Percent, Measure::None) => {
                let part = (!strict).then(|| self.values(a, b)).flatten();
                part.or_else(|| self.values(gold, b))
            }
            (Measure::None, Measure::Percent) => {
                let part = (!strict).then(|| self.values(a, b)).flatten();
                part.or_else(|| self.values(a, pred))
            }
            (Measure::Degrees, Measure::None) | (Measure::None, Measure::Degrees) => {
                let plain = (!strict).then(|| self.values(a, b)).flatten();
                let turn = |node: &Node, measure: &Measure| match measure {
                    Measure::Degrees => scale(node, std::f64::consts::PI / 180.0),
                    _ => node.clone(),
                };
                plain.or_else(|| self.values(&turn(a, &a_measure), &turn(b, &b_measure)))
            }
            (Measure::Unit(_), Measure::None) | (Measure::None, Measure::Unit(_)) => {
                (!strict).then(|| self.values(a, b))?
            }
            _ => None,
        }
    }

    /// Two scalars without units.
    pub fn values(&self, a: &Node, b: &Node) -> Option<How> {
        if a == b {
            return Some(How::Exact);
        }
        if let (Some(x), Some(y)) = (infinite(a), infinite(b)) {
            return (x == y).then_some(How::Exact);
        }
        // Digits of a base stand for themselves: `52_8` is not what `42` would say.
        match (a, b) {
            (Node::Based(x, base), Node::Based(y, other)) => {
                return (x == y && base == other).then_some(How::Exact);
            }
            (Node::Based(digits, _), other) | (other, Node::Based(digits, _)) => {
                let same = exact::value(other).is_some_and(|value| value.to_string() == *digits);
                return same.then_some(How::Exact);
            }
            _ => {}
        }
        if !(a.has_symbols() || b.has_symbols()) {
            if let (Some(x), Some(y)) = (exact::value(a), exact::value(b)) {
                self.pay((x.numer().bits() + y.numer().bits()) as usize / 16);
                return self.rationals(&x, &y, digits(a).max(digits(b)));
            }
            let (x, y) = (at(a, Point(0))?, at(b, Point(0))?);
            return self.near(x, y).then_some(How::Numeric);
        }
        self.sampled(a, b)
    }

    fn rationals(&self, x: &BigRational, y: &BigRational, digits: u32) -> Option<How> {
        if x == y {
            return Some(How::Exact);
        }
        let tolerance = &self.options.tolerance;
        let difference = (x - y).abs();
        // With exact arithmetic, so that a tolerance of 0.001 holds for a difference of 0.001.
        if let Some(most) = tolerance.absolute.and_then(decimal)
            && difference <= most
        {
            return Some(How::Numeric);
        }
        if let Some(most) = tolerance.relative.and_then(decimal)
            && difference <= x.abs().max(y.abs()) * most
        {
            return Some(How::Numeric);
        }
        let (p, q) = (x.to_f64()?, y.to_f64()?);
        // A decimal of many digits is a fraction that does not end, rounded.
        let rounded = digits >= LONG_DECIMAL && exact::terminates(x) != exact::terminates(y);
        let apart = (p - q).abs() / p.abs().max(q.abs());
        let close = (rounded && apart <= RELATIVE) || (digits >= DOUBLE && apart <= NOISE);
        (close || self.rounds_alike(p, q)).then_some(How::Numeric)
    }

    fn rounds_alike(&self, p: f64, q: f64) -> bool {
        let tolerance = &self.options.tolerance;
        let digits = tolerance.digits.filter(|digits| (1..=15).contains(digits));
        let alike = digits.is_some_and(|digits| {
            let places = digits as usize - 1;
            format!("{p:.places$e}") == format!("{q:.places$e}")
        });
        alike
            || tolerance.decimals.is_some_and(|decimals| {
                let scale = 10_f64.powi(decimals.min(15) as i32);
                (p * scale).round() == (q * scale).round()
            })
    }

    /// Two values in double precision.
    fn near(&self, x: Complex64, y: Complex64) -> bool {
        let size = x.norm().max(y.norm());
        let difference = (x - y).norm();
        let tolerance = &self.options.tolerance;
        difference <= RELATIVE * size
            || difference <= TINY
            || tolerance
                .relative
                .is_some_and(|most| difference <= most * size)
            || tolerance.absolute.is_some_and(|most| difference <= most)
            || (x.im.abs() <= TINY && y.im.abs() <= TINY && self.rounds_alike(x.re, y.re))
    }

    /// Formulas at seeded points: equal wherever both are defined and real, and that in enough
    /// places.
    fn sampled(&self, a: &Node, b: &Node) -> Option<How> {
        // Large coefficients hide small ones from double precision, not from exact arithmetic.
        let exactly = self.options.tolerance == Tolerance::default()
            && digits(a).max(digits(b)) < LONG_DECIMAL;
        for point in 0..if exactly { 2 } else { 0 } {
            self.pay(16 * (size(a) + size(b)));
            let point = Some(point);
            if let (Some(x), Some(y)) = (exact::value_at(a, point), exact::value_at(b, point))
                && x != y
            {
                return None;
            }
        }
        let mut agreed = 0;
        for point in 0..Point::ALL {
            if !self.pay(size(a) + size(b)) {
                return None;
            }
            let (Some(x), Some(y)) = (at(a, Point(point)), at(b, Point(point))) else {
                continue;
            };
            if self.near(x, y) {
                agreed += 1;
            } else if point < Point::POSITIVE || (x.im == 0.0 && y.im == 0.0) {
                return None;
            }
        }
        (agreed >= 3).then_some(How::Sampled)
    }

    /// The factor between two formulas, where it is the same at all points and not zero.
    pub fn factor(&self, a: &Node, b: &Node) -> Option<f64> {
        let mut factor: Option<Complex64> = None;
        let mut agreed = 0;
        for point in 0..Point::ALL {
            if !self.pay(size(a) + size(b)) {
                return None;
            }
            let (Some(x), Some(y)) = (at(a, Point(point)), at(b, Point(point))) else {
                continue;
            };
            if y.norm() < TINY || x.norm() < TINY {
                if x.norm() < TINY && y.norm() < TINY {
                    continue;
                }
                return None;
            }
            let ratio = x / y;
            match factor {
                None => factor = Some(ratio),
                Some(known) if (ratio - known).norm() <= 1e-7 * known.norm() => {}
                Some(_) => return None,
            }
            agreed += 1;
        }
        factor
            .filter(|factor| agreed >= 3 && factor.im.abs() <= 1e-7 * factor.norm())
            .map(|factor| factor.re)
    }
}

/// How many nodes a tree has.
pub fn size(node: &Node) -> usize {
    1 + node.children().into_iter().map(size).sum::<usize>()
}

/// The sign of an infinity.
fn infinite(node: &Node) -> Option<bool> {
    match node {
        Node::Const(Constant::Infinity) => Some(true),
        Node::Sum(terms) => match terms.as_slice() {
            [(sign, Node::Const(Constant::Infinity))] => Some(*sign == Sign::Plus),
            _ => None,
        },
        _ => None,
    }
}

/// The most significant digits of a decimal in it.
fn digits(node: &Node) -> u32 {
    let own = match node {
        Node::Num(number) => number.digits,
        _ => 0,
    };
    node.children().into_iter().map(digits).fold(own, u32::max)
}

/// The exact value of the shortest decimal of a tolerance.
fn decimal(value: f64) -> Option<BigRational> {
    if !(value.is_finite() && value >= 0.0) {
        return None;
    }
    if value.is_zero() {
        return Some(BigRational::zero());
    }
    match crate::parse::parse(&format!("{value:e}")) {
        Ok(Node::Num(number)) => Some(number.value),
        _ => None,
    }
}

fn scale(node: &Node, by: f64) -> Node {
    let by = match crate::parse::parse(&format!("{by}")) {
        Ok(number) => number,
        Err(_) => Node::int(1),
    };
    Node::Product(vec![node.clone(), by])
}
