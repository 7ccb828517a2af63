//! Exact fractions. Arithmetic is checked, because answers may hold any number.

use std::fmt;

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: i128,
    den: i128,
}

/// The greatest common divisor; 0 only for two zeros.
pub(crate) fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(1)
}

impl Ratio {
    /// `num / den`; nothing for a zero denominator or numbers at the edge of `i128`.
    pub fn new(num: i128, den: i128) -> Option<Self> {
        if den == 0 || num == i128::MIN || den == i128::MIN {
            return None;
        }
        let by = gcd(num, den).max(1) * den.signum();
        Some(Self {
            num: num / by,
            den: den / by,
        })
    }

    /// A whole number.
    pub fn whole(value: impl Into<i128>) -> Self {
        Self {
            num: value.into(),
            den: 1,
        }
    }

    /// The fraction of a generator, whose denominators are not zero by construction.
    pub(crate) fn of(num: impl Into<i128>, den: impl Into<i128>) -> Self {
        Self::new(num.into(), den.into()).unwrap_or(Self { num: 0, den: 1 })
    }

    /// Above the line, in lowest terms.
    pub fn num(self) -> i128 {
        self.num
    }

    /// Below the line, positive.
    pub fn den(self) -> i128 {
        self.den
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.num < 0
    }

    /// The sum, unless it is too large.
    pub fn plus(self, other: Self) -> Option<Self> {
        let left = self.num.checked_mul(other.den)?;
        let right = other.num.checked_mul(self.den)?;
        Self::new(left.checked_add(right)?, self.den.checked_mul(other.den)?)
    }

    /// The difference, unless it is too large.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self {
            num: other.num.checked_neg()?,
            den: other.den,
        })
    }

    /// The product, unless it is too large.
    pub fn times(self, other: Self) -> Option<Self> {
        Self::new(
            self.num.checked_mul(other.num)?,
            self.den.checked_mul(other.den)?,
        )
    }

    /// The quotient, unless it is too large or by zero.
    pub fn over(self, other: Self) -> Option<Self> {
        Self::new(
            self.num.checked_mul(other.den)?,
            self.den.checked_mul(other.num)?,
        )
    }

    /// As a decimal if it has one of at most nine places, else as a fraction.
    pub(crate) fn decimal(self) -> String {
        let mut scale = 1_i128;
        for places in 0..=9_usize {
            if (self.num.saturating_mul(scale)) % self.den == 0 {
                let digits = self.num * scale / self.den;
                return fixed(digits, places);
            }
            scale *= 10;
        }
        self.to_string()
    }
}

/// `digits / 10^places`, with all its places.
pub(crate) fn fixed(digits: i128, places: usize) -> String {
    let scale = 10_u128.pow(places as u32);
    let size = digits.unsigned_abs();
    let sign = if digits < 0 { "-" } else { "" };
    match places {
        0 => format!("{sign}{size}"),
        _ => format!("{sign}{}.{:0places$}", size / scale, size % scale),
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            _ => write!(f, "{}/{}", self.num, self.den),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_reduced_and_signs_are_above() {
        assert_eq!(Ratio::new(6, -4).unwrap().to_string(), "-3/2");
        assert_eq!(Ratio::new(0, -4).unwrap().to_string(), "0");
        assert_eq!(Ratio::new(1, 0), None);
        assert_eq!(Ratio::new(i128::MIN, 1), None);
    }

    #[test]
    fn overflow_is_no_answer() {
        let large = Ratio::whole(i128::MAX);
        assert_eq!(large.plus(large), None);
        assert_eq!(large.times(large), None);
        assert_eq!(large.over(Ratio::whole(0)), None);
    }

    #[test]
    fn decimals_are_exact_or_fractions() {
        assert_eq!(Ratio::of(-5, 4).decimal(), "-1.25");
        assert_eq!(Ratio::of(1, 3).decimal(), "1/3");
        assert_eq!(Ratio::of(12, 1).decimal(), "12");
        assert_eq!(fixed(-5, 2), "-0.05");
    }
}
