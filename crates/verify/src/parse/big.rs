//! Literals to exact numbers, with limits.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::pow;

use super::MAX_DIGITS;
use super::node::{Node, Number};
use crate::error::VerifyError;

const TOO_LONG: VerifyError = VerifyError::TooComplex {
    what: "digits",
    limit: MAX_DIGITS,
};

/// `whole.part` times ten to `exponent`, all digits of `base` ten.
pub fn decimal(whole: &str, part: Option<&str>, exponent: i64) -> Result<Node, VerifyError> {
    let part_digits = part.unwrap_or("");
    if whole.len() + part_digits.len() > MAX_DIGITS || exponent.unsigned_abs() > MAX_DIGITS as u64 {
        return Err(TOO_LONG);
    }
    let all = format!("{whole}{part_digits}");
    let mantissa = integer(&all, 10)?;
    let shift = exponent - part_digits.len() as i64;
    let scale = pow(BigInt::from(10), shift.unsigned_abs() as usize);
    let value = if shift >= 0 {
        BigRational::from_integer(mantissa * scale)
    } else {
        BigRational::new(mantissa, scale)
    };
    let digits = match part {
        Some(_) => all.trim_start_matches('0').len() as u32,
        None => 0,
    };
    Ok(Node::Num(Number { value, digits }))
}

/// `0.1\overline{6}`: the part that repeats is exact.
pub fn repeating(number: &Number, places: usize, digits: &str) -> Result<Number, VerifyError> {
    if places + digits.len() > MAX_DIGITS || digits.is_empty() {
        return Err(TOO_LONG);
    }
    let nines = pow(BigInt::from(10), digits.len()) - 1;
    let scale = pow(BigInt::from(10), places);
    let tail = BigRational::new(integer(digits, 10)?, nines * scale);
    Ok(Number {
        value: &number.value + tail,
        digits: 0,
    })
}

/// Digits of a base.
pub fn integer(digits: &str, base: u32) -> Result<BigInt, VerifyError> {
    if digits.len() > MAX_DIGITS {
        return Err(TOO_LONG);
    }
    if digits.is_empty() {
        return Ok(BigInt::from(0));
    }
    BigInt::parse_bytes(digits.as_bytes(), base).ok_or(VerifyError::Ends { expected: "digits" })
}
