//! Number theory.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::gcd;
use crate::rng::Rng;
use crate::words::{INTEGER, and, dial};

use AnswerKind::{Factors, Integer};

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
        "gcd",
        Integer,
        "The greatest common divisor",
        "digits",
        greatest,
    ),
    new(
        "lcm",
        Integer,
        "The least common multiple",
        "numbers × largest",
        least,
    ),
    new(
        "modular_power",
        Integer,
        "A power modulo a number",
        "digits of the exponent",
        power,
    ),
    new(
        "modular_inverse",
        Integer,
        "An inverse modulo a number",
        "largest modulus",
        inverse,
    ),
    new(
        "prime_factors",
        Factors,
        "A number as a product of prime powers",
        "bits",
        factorise,
    ),
    new(
        "prime_count",
        Integer,
        "The primes of an interval",
        "length of the interval",
        primes,
    ),
    new(
        "divisor_count",
        Integer,
        "How many divisors a number has",
        "bits",
        divisors,
    ),
    new(
        "digit_sum_count",
        Integer,
        "Numbers of an interval with a given digit sum",
        "length of the interval",
        digit_sums,
    ),
    new(
        "remainders",
        Integer,
        "The Chinese remainder theorem",
        "product of the moduli, in bits",
        remainders,
    ),
    new(
        "factorial_zeros",
        Integer,
        "Zeros at the end of a factorial, in some base",
        "largest argument",
        zeros,
    ),
];

fn greatest(rng: &mut Rng, d: u8) -> Draft {
    let (count, digits) = (dial(d, 2, 4), dial(d, 2, 9));
    let common = rng.range(2, 10_i64.pow(digits as u32 / 2) + 4);
    let top = 10_i64.pow(digits as u32) / common + 3;
    let numbers: Vec<i64> = (0..count).map(|_| common * rng.range(2, top)).collect();
    let value = numbers.iter().fold(0, |a, b| gcd(a, i128::from(*b)));
    let question = format!(
        "Find the greatest common divisor of {}. {INTEGER}",
        and(&numbers)
    );
    Draft::new(question, value, count * digits)
}

fn least(rng: &mut Rng, d: u8) -> Draft {
    let (count, top) = (dial(d, 2, 5), dial(d, 20, 250));
    let numbers: Vec<i64> = (0..count).map(|_| rng.range(top / 4, top)).collect();
    let value = numbers
        .iter()
        .fold(1_i128, |a, b| a / gcd(a, i128::from(*b)) * i128::from(*b));
    let question = format!(
        "Find the least common multiple of {}. {INTEGER}",
        and(&numbers)
    );
    Draft::new(question, value, count * top)
}

fn power_mod(base: i64, mut power: i64, modulus: i64) -> i64 {
    let m = i128::from(modulus);
    let (mut square, mut value) = (i128::from(base) % m, 1 % m);
    while power > 0 {
        if power % 2 == 1 {
            value = value * square % m;
        }
        square = square * square % m;
        power /= 2;
    }
    value as i64
}

fn power(rng: &mut Rng, d: u8) -> Draft {
    let digits = dial(d, 1, 9);
    let modulus = rng.range(7, dial(d, 20, 2000));
    let (base, power) = (rng.range(2, dial(d, 12, 99)), rng.digits(digits as u32) + 1);
    let question = match rng.below(2) {
        0 => {
            format!("What is the remainder when {base}^{power} is divided by {modulus}? {INTEGER}")
        }
        _ => format!(
            "Compute {base}^{power} mod {modulus}. Answer with an integer from 0 to {}.",
            modulus - 1
        ),
    };
    Draft::new(question, power_mod(base, power, modulus), digits)
}

fn inverse(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 30, 3000);
    let (modulus, a) = loop {
        let modulus = rng.range(top / 2, top);
        let a = rng.range(2, modulus - 2);
        if gcd(a.into(), modulus.into()) == 1 {
            break (modulus, a);
        }
    };
    // Extended Euclid.
    let (mut old, mut now, mut x, mut y) = (modulus, a, 0_i64, 1_i64);
    while now != 0 {
        let times = old / now;
        (old, now) = (now, old - times * now);
        (x, y) = (y, x - times * y);
    }
    let question = format!(
        "Find the integer x from 1 to {} for which {a} * x leaves the remainder 1 on division by {modulus}. {INTEGER}",
        modulus - 1
    );
    Draft::new(question, x.rem_euclid(modulus), top)
}

/// Prime factors with their exponents, by trial division.
fn factor(mut n: i64) -> Vec<(i64, i64)> {
    let mut out = Vec::new();
    let mut p = 2;
    while p * p <= n {
        let mut power = 0;
        while n % p == 0 {
            n /= p;
            power += 1;
        }
        if power > 0 {
            out.push((p, power));
        }
        p += 1;
    }
    if n > 1 {
        out.push((n, 1));
    }
    out
}

/// A number of about this many bits with small enough primes to be found by hand.
fn smooth(rng: &mut Rng, bits: i64) -> i64 {
    let mut n = 1_i64;
    while n < 1 << bits {
        n *= *rng.pick(&[
            2, 2, 2, 3, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
        ]);
    }
    n
}

fn factorise(rng: &mut Rng, d: u8) -> Draft {
    let bits = dial(d, 6, 28);
    let n = if d > 6 && rng.coin() {
        rng.range(1 << (bits - 8), 1 << (bits - 7))
    } else {
        smooth(rng, bits)
    };
    let parts: Vec<String> = factor(n)
        .iter()
        .map(|(p, k)| {
            if *k == 1 {
                p.to_string()
            } else {
                format!("{p}^{k}")
            }
        })
        .collect();
    let question = format!(
        "Write {n} as a product of prime powers. Answer in the form 2^3 * 5 * 7^2, where 5 stands for 5^1."
    );
    Draft::new(question, parts.join(" * "), bits)
}

fn is_prime(n: i64) -> bool {
    n > 1 && (2..).take_while(|p| p * p <= n).all(|p| n % p != 0)
}

fn primes(rng: &mut Rng, d: u8) -> Draft {
    let width = dial(d, 20, 150);
    let low = rng.range(2, dial(d, 60, 3000));
    let count = (low..=low + width).filter(|n| is_prime(*n)).count();
    let question = format!(
        "How many primes p satisfy {low} <= p <= {}? {INTEGER}",
        low + width
    );
    Draft::new(question, count, width)
}

fn divisors(rng: &mut Rng, d: u8) -> Draft {
    let bits = dial(d, 5, 30);
    let n = smooth(rng, bits);
    let count: i64 = factor(n).iter().map(|(_, k)| k + 1).product();
    let question =
        format!("How many positive divisors does {n} have, 1 and {n} included? {INTEGER}");
    Draft::new(question, count, bits)
}

fn digit_sum(mut n: i64) -> i64 {
    let mut sum = 0;
    while n > 0 {
        sum += n % 10;
        n /= 10;
    }
    sum
}

fn digit_sums(rng: &mut Rng, d: u8) -> Draft {
    let width = dial(d, 80, 4000);
    let low = rng.range(1, width);
    let sum = rng.range(3, 9 + i64::from(d));
    let count = (low..=low + width).filter(|n| digit_sum(*n) == sum).count();
    let question = format!(
        "How many integers from {low} to {} (both included) have digits that add up to {sum}? {INTEGER}",
        low + width
    );
    Draft::new(question, count, width)
}

fn remainders(rng: &mut Rng, d: u8) -> Draft {
    let bits = dial(d, 5, 20);
    let (mut moduli, mut product) = (Vec::new(), 1_i64);
    while product < 1 << bits || moduli.len() < 2 {
        let m = rng.range(3, 9 + 2 * i64::from(d));
        if gcd(m.into(), product.into()) == 1 {
            moduli.push(m);
            product *= m;
        }
        // Too many small primes are taken: start again rather than search for one that is left.
        if moduli.len() > 6 {
            (moduli, product) = (Vec::new(), 1);
        }
    }
    let x = rng.range(1, product - 1);
    let parts: Vec<String> = moduli
        .iter()
        .map(|m| format!("{} on division by {m}", x % m))
        .collect();
    let question = format!(
        "Find the smallest non-negative integer that leaves the remainder {}. {INTEGER}",
        and(&parts)
    );
    Draft::new(question, x, bits)
}

fn zeros(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 30, 5000);
    let n = rng.range(top / 4, top);
    let base = if d < 4 {
        10
    } else {
        *rng.pick(&[6, 10, 12, 14, 15, 18, 20, 24, 30, 36])
    };
    let count = factor(base)
        .iter()
        .map(|(p, k)| {
            let mut left = n;
            let mut total = 0;
            while left > 0 {
                left /= p;
                total += left;
            }
            total / k
        })
        .min()
        .unwrap_or(0);
    let question = format!(
        "The factorial {n}! is the product of all integers from 1 to {n}. With how many zeros does it end when it is written in base {base}? {INTEGER}"
    );
    Draft::new(question, count, top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::list;

    #[test]
    fn helpers_agree_with_definitions() {
        assert_eq!(factor(360), [(2, 3), (3, 2), (5, 1)]);
        assert_eq!(power_mod(3, 5, 7), 243 % 7);
        assert_eq!(
            list(&(1..12).filter(|n| is_prime(*n)).collect::<Vec<_>>()),
            "2, 3, 5, 7, 11"
        );
    }
}
