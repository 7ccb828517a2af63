//! Exact rational values, with a limit on their size.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero, pow};

use crate::parse::{Func, Node, Sign};

/// The most bits of a numerator or denominator.
const MAX_BITS: u64 = 4096;

/// The exact value, where the tree is a rational number of bounded size.
pub fn value(node: &Node) -> Option<BigRational> {
    value_at(node, None)
}

/// As [`value`], with small whole numbers for the variables where a point is given.
pub fn value_at(node: &Node, point: Option<u32>) -> Option<BigRational> {
    let value = |node: &Node| value_at(node, point);
    let result = match node {
        Node::Num(number) => number.value.clone(),
        Node::Symbol(name) => {
            let whole = super::evaluate::hash(name, u64::from(point?) + 77) % 29 + 2;
            BigRational::from_integer(whole.into())
        }
        Node::Based(digits, base) => {
            BigRational::from_integer(BigInt::parse_bytes(digits.as_bytes(), *base)?)
        }
        Node::Sum(terms) => {
            let mut sum = BigRational::zero();
            for (sign, term) in terms {
                let term = value(term)?;
                match sign {
                    Sign::Plus => sum += term,
                    Sign::Minus => sum -= term,
                    _ => return None,
                }
                bounded(&sum)?;
            }
            sum
        }
        Node::Product(factors) => {
            let mut product = BigRational::one();
            for factor in factors {
                product *= value(factor)?;
                bounded(&product)?;
            }
            product
        }
        Node::Quotient(a, b) => {
            let (a, b) = (value(a)?, value(b)?);
            if b.is_zero() {
                return None;
            }
            a / b
        }
        Node::Power(base, exponent) => power(&value(base)?, &value(exponent)?)?,
        Node::Root(degree, inner) => {
            let degree = value(degree)?;
            let degree = degree
                .is_integer()
                .then(|| degree.to_integer().to_u32())??;
            root(&value(inner)?, degree)?
        }
        Node::Percent(inner) => value(inner)? / BigRational::from_integer(100.into()),
        Node::Unit(inner, _) => value(inner)?,
        Node::Items(_, _, items) if items.len() == 1 => value(&items[0])?,
        Node::Call(func, args) => call(*func, args, point)?,
        _ => return None,
    };
    bounded(&result)?;
    Some(result)
}

fn bounded(value: &BigRational) -> Option<()> {
    (value.numer().bits() <= MAX_BITS && value.denom().bits() <= MAX_BITS).then_some(())
}

fn power(base: &BigRational, exponent: &BigRational) -> Option<BigRational> {
    if !exponent.is_integer() {
        let degree = exponent.denom().to_u32()?;
        if base.is_negative() {
            return None;
        }
        let root = root(base, degree)?;
        return power(&root, &BigRational::from_integer(exponent.numer().clone()));
    }
    if base.is_one() {
        return Some(BigRational::one());
    }
    let times = exponent.to_integer().to_i64()?;
    if base.is_zero() {
        return (times > 0).then(BigRational::zero);
    }
    let bits = base.numer().bits().max(base.denom().bits());
    if times.unsigned_abs().checked_mul(bits)? > MAX_BITS {
        return None;
    }
    let raised = pow(base.clone(), times.unsigned_abs() as usize);
    Some(if times < 0 { raised.recip() } else { raised })
}

/// A root that is rational.
fn root(of: &BigRational, degree: u32) -> Option<BigRational> {
    if degree == 0 || degree > 64 || (of.is_negative() && degree.is_even()) {
        return None;
    }
    let part = |number: &BigInt| {
        let root = number.nth_root(degree);
        (pow(root.clone(), degree as usize) == *number).then_some(root)
    };
    Some(BigRational::new(part(of.numer())?, part(of.denom())?))
}

fn call(func: Func, args: &[Node], point: Option<u32>) -> Option<BigRational> {
    let value = |node: &Node| value_at(node, point);
    let first = value(args.first()?)?;
    let whole = |number: &BigRational, most: u32| {
        let count = number
            .is_integer()
            .then(|| number.to_integer().to_u32())??;
        (count <= most).then_some(count)
    };
    Some(match func {
        Func::Abs => first.abs(),
        Func::Floor => first.floor(),
        Func::Ceil => first.ceil(),
        Func::Sqrt => root(&first, 2)?,
        Func::Factorial => {
            let count = whole(&first, 400)?;
            let product = (1..=count).fold(BigInt::one(), |product, next| product * next);
            BigRational::from_integer(product)
        }
        Func::Binomial => {
            let (n, k) = (whole(&first, 2000)?, whole(&value(args.get(1)?)?, 2000)?);
            if k > n {
                return Some(BigRational::zero());
            }
            let k = k.min(n - k);
            let mut product = BigInt::one();
            for step in 0..k {
                product = product * (n - step) / (step + 1);
            }
            BigRational::from_integer(product)
        }
        _ => return None,
    })
}

/// Whether a decimal can write it to the end.
pub fn terminates(value: &BigRational) -> bool {
    let mut rest = value.denom().clone();
    for prime in [2_u32, 5] {
        let prime = BigInt::from(prime);
        while rest.is_multiple_of(&prime) {
            rest /= &prime;
        }
    }
    rest.is_one()
}
