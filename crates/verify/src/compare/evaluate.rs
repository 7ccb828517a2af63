//! Numeric values at a point, in complex double precision.

use std::f64::consts::{E, PI};

use num_complex::Complex64;
use num_traits::{ToPrimitive, Zero};

use crate::parse::{Constant, Func, Node, Sign};

/// Values of the variables: a function of their names and of the number of the point.
#[derive(Clone, Copy, Debug)]
pub struct Point(pub u32);

impl Point {
    /// Points below this have positive variables only: roots and logarithms are defined there.
    pub const POSITIVE: u32 = 6;
    /// How many points there are.
    pub const ALL: u32 = 10;

    /// The value of a variable.
    fn of(self, name: &str) -> f64 {
        let bits = hash(name, u64::from(self.0) + 1);
        let unit = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        let size = 0.4 + 2.2 * unit;
        let negative = self.0 >= Self::POSITIVE && bits & 1 == 1;
        if negative { -size } else { size }
    }
}

/// FNV-1a and a finaliser: the same on every machine, unlike the one of the standard library.
pub fn hash(name: &str, seed: u64) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in name.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state ^= state >> 30;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^= state >> 27;
    state = state.wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// The value at a point, where it is defined and finite.
pub fn at(node: &Node, point: Point) -> Option<Complex64> {
    let value = raw(node, point, false)?;
    (value.re.is_finite() && value.im.is_finite()).then_some(value)
}

fn real(value: f64) -> Complex64 {
    Complex64::new(value, 0.0)
}

/// `angle`: whether degrees are a part of a turn here, in the argument of a function.
fn raw(node: &Node, point: Point, angle: bool) -> Option<Complex64> {
    let go = |node: &Node| raw(node, point, angle);
    Some(match node {
        Node::Num(number) => real(number.value.to_f64()?),
        Node::Based(..) => real(super::exact::value(node)?.to_f64()?),
        Node::Const(Constant::Pi) => real(PI),
        Node::Const(Constant::E) => real(E),
        Node::Const(Constant::I) => Complex64::i(),
        Node::Const(Constant::Infinity) | Node::Text(_) => return None,
        Node::Symbol(name) => real(point.of(name)),
        Node::Sum(terms) => {
            let mut sum = Complex64::zero();
            for (sign, term) in terms {
                match sign {
                    Sign::Plus => sum += go(term)?,
                    Sign::Minus => sum -= go(term)?,
                    _ => return None,
                }
            }
            sum
        }
        Node::Product(factors) => {
            let mut product = real(1.0);
            for factor in factors {
                product *= go(factor)?;
            }
            product
        }
        Node::Quotient(a, b) => {
            let below = go(b)?;
            if below.norm() < 1e-280 {
                return None;
            }
            go(a)? / below
        }
        Node::Power(base, exponent) => power(go(base)?, raw(exponent, point, false)?)?,
        Node::Root(degree, inner) => {
            let (degree, inner) = (raw(degree, point, false)?, go(inner)?);
            let odd = degree.im == 0.0 && degree.re.rem_euclid(2.0) == 1.0;
            if odd && inner.im == 0.0 && inner.re < 0.0 {
                // The real root, as everyone writes it.
                -power(-inner, real(1.0) / degree)?
            } else {
                power(inner, real(1.0) / degree)?
            }
        }
        Node::Percent(inner) => go(inner)? / 100.0,
        Node::Degrees(inner) if angle => go(inner)? * (PI / 180.0),
        Node::Degrees(inner) | Node::Unit(inner, _) => go(inner)?,
        Node::Items(_, _, items) if items.len() == 1 => go(&items[0])?,
        Node::Call(func, args) => call(*func, args, point)?,
        Node::Opaque(name, args) => {
            // Some smooth function of the arguments that nobody would name.
            let unit = |salt| (hash(name, salt) >> 11) as f64 / (1_u64 << 53) as f64;
            let mut sum = real(0.7 + unit(1000));
            for (place, arg) in (0_u64..).zip(args) {
                let slope = 0.6 + unit(1001 + place);
                sum += (raw(arg, point, false)? * slope + (place as f64 + 1.0)).sin();
            }
            sum
        }
        Node::Items(..) | Node::Matrix(_) | Node::Union(_) | Node::Relation(..) => return None,
    })
}

fn power(base: Complex64, exponent: Complex64) -> Option<Complex64> {
    if base.is_zero() {
        return (exponent.re > 0.0).then(Complex64::zero);
    }
    let whole = exponent.im == 0.0 && exponent.re.fract() == 0.0;
    if whole && exponent.re.abs() < 1e9 {
        if base.im == 0.0 {
            return Some(real(base.re.powi(exponent.re as i32)));
        }
        return Some(base.powi(exponent.re as i32));
    }
    if base.im == 0.0 && base.re > 0.0 && exponent.im == 0.0 {
        return Some(real(base.re.powf(exponent.re)));
    }
    Some(base.powc(exponent))
}

fn call(func: Func, args: &[Node], point: Point) -> Option<Complex64> {
    let first = args.first()?;
    let angle = matches!(
        func,
        Func::Sin | Func::Cos | Func::Tan | Func::Cot | Func::Sec | Func::Csc
    );
    let x = raw(first, point, angle)?;
    let is_real = x.im == 0.0;
    let over = |value: Complex64| (value.norm() > 1e-14).then(|| real(1.0) / value);
    Some(match func {
        Func::Sin if is_real => real(x.re.sin()),
        Func::Cos if is_real => real(x.re.cos()),
        Func::Sin => x.sin(),
        Func::Cos => x.cos(),
        Func::Tan => x.sin() * over(x.cos())?,
        Func::Cot => x.cos() * over(x.sin())?,
        Func::Sec => over(x.cos())?,
        Func::Csc => over(x.sin())?,
        Func::Asin if is_real && x.re.abs() <= 1.0 => real(x.re.asin()),
        Func::Acos if is_real && x.re.abs() <= 1.0 => real(x.re.acos()),
        Func::Atan if is_real => real(x.re.atan()),
        Func::Asin => x.asin(),
        Func::Acos => x.acos(),
        Func::Atan => x.atan(),
        Func::Sinh => x.sinh(),
        Func::Cosh => x.cosh(),
        Func::Tanh => x.tanh(),
        Func::Exp => x.exp(),
        Func::Ln | Func::Log if x.is_zero() => return None,
        Func::Ln => x.ln(),
        Func::Log => {
            let base = match args.get(1) {
                Some(base) => raw(base, point, false)?,
                None => real(10.0),
            };
            if base.is_zero() || base == real(1.0) {
                return None;
            }
            x.ln() / base.ln()
        }
        Func::Sqrt if is_real && x.re >= 0.0 => real(x.re.sqrt()),
        Func::Sqrt => x.sqrt(),
        Func::Abs => real(x.norm()),
        // Rounded a little: 2.9999999999999996 is three.
        Func::Floor => real((x.re + 1e-11).floor()),
        Func::Ceil => real((x.re - 1e-11).ceil()),
        Func::Factorial => real(gamma(x, 1.0)?),
        Func::Binomial => {
            let k = raw(args.get(1)?, point, false)?;
            real(gamma(x, 1.0)? / (gamma(k, 1.0)? * gamma(x - k, 1.0)?))
        }
    })
}

/// The gamma function of a real number (Lanczos), after a shift.
fn gamma(x: Complex64, shift: f64) -> Option<f64> {
    const G: f64 = 7.0;
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x.im != 0.0 {
        return None;
    }
    let x = x.re + shift;
    if x < 0.5 {
        let sine = (PI * x).sin();
        return (sine.abs() > 1e-12)
            .then(|| gamma(real(1.0 - x), 0.0).map(|other| PI / (sine * other)))?;
    }
    let x = x - 1.0;
    let mut sum = C[0];
    for (place, c) in C.iter().enumerate().skip(1) {
        sum += c / (x + place as f64);
    }
    let t = x + G + 0.5;
    Some((2.0 * PI).sqrt() * t.powf(x + 0.5) * (-t).exp() * sum)
}
