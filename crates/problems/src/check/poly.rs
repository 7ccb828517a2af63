//! Polynomials in x.

use std::collections::BTreeMap;
use std::fmt;

use super::read::number;
use crate::ratio::Ratio;

/// Higher powers are no answer to anything asked here.
const HIGHEST: u32 = 1000;

/// Coefficients by power; none of them zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Poly(BTreeMap<u32, Ratio>);

impl Poly {
    /// From whole coefficients, the constant first.
    pub fn new(coefficients: &[i64]) -> Self {
        let terms = coefficients
            .iter()
            .zip(0..)
            .filter(|(value, _)| **value != 0)
            .map(|(value, power)| (power, Ratio::whole(*value)));
        Self(terms.collect())
    }

    /// Reads a sum of terms such as `3x^2`, `-x`, `1/2 x`, `5*x^3`, `7`.
    pub fn read(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if text.is_empty() {
            return None;
        }
        let mut terms = BTreeMap::new();
        let mut start = 0;
        let ends = text.match_indices(['+', '-']).map(|(at, _)| at);
        for end in ends.chain([text.len()]) {
            // A sign at the very start belongs to the first term.
            if end == 0 {
                continue;
            }
            let (power, value) = read_term(&text[start..end])?;
            let sum = terms.get(&power).copied().unwrap_or(Ratio::whole(0));
            terms.insert(power, Ratio::plus(sum, value)?);
            start = end;
        }
        terms.retain(|_, value| *value != Ratio::whole(0));
        Some(Self(terms))
    }
}

fn read_term(term: &str) -> Option<(u32, Ratio)> {
    let term = term.strip_prefix('+').unwrap_or(term);
    let Some((coefficient, power)) = term.split_once('x') else {
        return Some((0, number(term)?));
    };
    let value = match coefficient.strip_suffix('*').unwrap_or(coefficient) {
        "" => Ratio::whole(1),
        "-" => Ratio::whole(-1),
        text => number(text)?,
    };
    let power = match power.strip_prefix('^') {
        Some(text) => text.parse().ok().filter(|power| *power <= HIGHEST)?,
        None if power.is_empty() => 1,
        None => return None,
    };
    Some((power, value))
}

impl fmt::Display for Poly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "0");
        }
        for (index, (power, value)) in self.0.iter().rev().enumerate() {
            let negative = value.is_negative();
            match (index, negative) {
                (0, false) => {}
                (0, true) => write!(f, "-")?,
                (_, false) => write!(f, " + ")?,
                (_, true) => write!(f, " - ")?,
            }
            let size = Ratio::of(value.num().abs(), value.den());
            if size != Ratio::whole(1) || *power == 0 {
                write!(f, "{size}")?;
            }
            match power {
                0 => {}
                1 => write!(f, "x")?,
                power => write!(f, "x^{power}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_again() {
        for (coefficients, text) in [
            (&[-1, 0, 3][..], "3x^2 - 1"),
            (&[0, -1], "-x"),
            (&[], "0"),
            (&[5, 1, -1], "-x^2 + x + 5"),
        ] {
            let poly = Poly::new(coefficients);
            assert_eq!(poly.to_string(), text);
            assert_eq!(Poly::read(text), Some(poly));
        }
        assert_eq!(Poly::read("1 + 2*x + x"), Some(Poly::new(&[1, 3])));
        assert_eq!(Poly::read("x - x"), Some(Poly::new(&[])));
    }

    #[test]
    fn what_is_no_sum_of_terms_is_nothing() {
        for text in [
            "",
            "y",
            "x^x",
            "x^99999999999",
            "2x3",
            "x+",
            "(x+1)(x+2)",
            "++x",
        ] {
            assert_eq!(Poly::read(text), None, "{text}");
        }
    }
}
