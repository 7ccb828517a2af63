//! Number theory by definition, geometry by other formulas.

use crate::common::{agrees, between, body, float, floats, gold, ints, near};

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn prime(n: i64) -> bool {
    n > 1 && (2..).take_while(|k| k * k <= n).all(|k| n % k != 0)
}

#[test]
fn number_theory_by_definition() {
    agrees("gcd", 1..=10, |p| {
        ints(body(p)).into_iter().fold(0, gcd) == gold(p)
    });
    agrees("lcm", 1..=10, |p| {
        let q = ints(body(p));
        // A common multiple, and no smaller one: dividing by any prime breaks it.
        let m = gold(p);
        let common = |m: i64| q.iter().all(|n| m % n == 0);
        common(m)
            && (2..=250)
                .filter(|k| prime(*k) && m % k == 0)
                .all(|k| !common(m / k))
    });
    agrees("modular_power", 1..=10, |p| {
        let power = p.question.split(' ').find(|w| w.contains('^')).unwrap();
        let q = ints(body(p));
        let (base, k) = (ints(power)[0], ints(power)[1]);
        let m = q[2];
        // Until the powers repeat.
        let mut seen = vec![1 % m];
        loop {
            let next = seen[seen.len() - 1] * base % m;
            if let Some(start) = seen.iter().position(|v| *v == next) {
                let at = if (k as usize) < seen.len() {
                    k as usize
                } else {
                    start + (k as usize - start) % (seen.len() - start)
                };
                return seen[at] == gold(p);
            }
            seen.push(next);
        }
    });
    agrees("modular_inverse", 1..=10, |p| {
        let q = ints(body(p));
        (q[0]..=q[1])
            .filter(|x| x * q[2] % q[4] == 1)
            .collect::<Vec<_>>()
            == [gold(p)]
    });
    agrees("prime_factors", 1..=10, |p| {
        let n = ints(body(p))[0];
        let parts: Vec<(i64, u32)> = p
            .answer
            .split(" * ")
            .map(|f| {
                let v = ints(f);
                (v[0], *v.get(1).unwrap_or(&1) as u32)
            })
            .collect();
        parts.iter().all(|(q, _)| prime(*q))
            && parts.iter().map(|(q, k)| q.pow(*k)).product::<i64>() == n
    });
    agrees("prime_count", 1..=10, |p| {
        let q = ints(body(p));
        let mut sieve = vec![true; q[1] as usize + 1];
        for i in 2..sieve.len() {
            (2 * i..sieve.len())
                .step_by(i)
                .for_each(|j| sieve[j] = false);
        }
        (q[0].max(2)..=q[1]).filter(|n| sieve[*n as usize]).count() as i64 == gold(p)
    });
    agrees("divisor_count", 1..=10, |p| {
        let n = ints(body(p))[0];
        let small: i64 = (1..)
            .take_while(|k| k * k <= n)
            .filter(|k| n % k == 0)
            .map(|k| if k * k == n { 1 } else { 2 })
            .sum();
        small == gold(p)
    });
    agrees("digit_sum_count", 1..=10, |p| {
        let q = ints(body(p));
        let sum = |n: &i64| {
            n.to_string()
                .bytes()
                .map(|b| i64::from(b - b'0'))
                .sum::<i64>()
        };
        (q[0]..=q[1]).filter(|n| sum(n) == q[2]).count() as i64 == gold(p)
    });
    agrees("remainders", 1..=10, |p| {
        let q = ints(body(p));
        let x = gold(p);
        q.chunks(2).all(|c| x % c[1] == c[0])
            && (0..q.chunks(2).map(|c| c[1]).product()).contains(&x)
    });
    agrees("largest_gap", 1..=10, |p| {
        // "(0 or more)" comes first.
        let q = &ints(body(p))[1..];
        let mut can = vec![false; (q[0] * q[1]) as usize + 1];
        can[0] = true;
        for at in 1..can.len() {
            can[at] = q.iter().any(|c| at as i64 >= *c && can[at - *c as usize]);
        }
        can.iter().rposition(|c| !c).unwrap() as i64 == gold(p)
    });
    agrees("factorial_zeros", 1..=10, |p| {
        let q = ints(body(p));
        let (n, base) = (q[0], q[3]);
        assert_eq!((q[1], q[2]), (1, n));
        let power = |mut m: i64, k: i64| {
            let mut t = 0;
            while m % k == 0 {
                m /= k;
                t += 1;
            }
            t
        };
        let all = |k: i64| (1..=n).map(|m| power(m, k)).sum::<i64>();
        (2..=base)
            .filter(|k| prime(*k) && base % k == 0)
            .map(|k| all(k) / power(base, k))
            .min()
            .unwrap()
            == gold(p)
    });
    agrees("power_digit_sum", 1..=10, |p| {
        let q = ints(body(p));
        let mut limbs = vec![1_u64];
        for _ in 0..q[1] {
            let mut carry = 0;
            for limb in &mut limbs {
                let v = *limb * q[0] as u64 + carry;
                (*limb, carry) = (v % 1_000_000_000, v / 1_000_000_000);
            }
            if carry > 0 {
                limbs.push(carry);
            }
        }
        let digits: String = limbs.iter().map(|l| format!("{l:09}")).collect();
        digits.bytes().map(|b| i64::from(b - b'0')).sum::<i64>() + q[2] == gold(p)
    });
}

#[test]
fn geometry_by_other_formulas() {
    agrees("triangle_angles", 1..=10, |p| {
        let x = float(&p.answer);
        let text = body(p);
        let (first, second) = between(text, " the angle at ", "How")
            .split_once(", and ")
            .unwrap();
        let other = match () {
            _ if first.contains("as large as") => x,
            _ if first.contains(" times ") => x * float(between(first, " is ", " times")),
            _ => x * float(between(first, " is ", " of ")),
        };
        let third = match () {
            _ if second.contains("larger") => x + ints(second)[0] as f64,
            _ if second.contains("smaller") => x - ints(second)[0] as f64,
            _ => x,
        };
        near(x + other + third, 180.0) && x > 0.0 && third > 0.0
    });
    agrees("line_crossing", 1..=10, |p| {
        let q: Vec<f64> = ints(body(p)).into_iter().map(|v| v as f64).collect();
        let a = floats(&p.answer);
        let on = |l: &[f64]| {
            ((l[2] - l[0]) * (a[1] - l[1]) - (l[3] - l[1]) * (a[0] - l[0])).abs() < 1e-6
        };
        on(&q[..4]) && on(&q[4..])
    });
    agrees("polygon_area", 1..=10, |p| {
        // Fan of triangles from the first corner.
        let q = ints(body(p));
        let at = |i: usize| (q[2 * i] - q[0], q[2 * i + 1] - q[1]);
        let twice: i64 = (1..q.len() / 2 - 1)
            .map(|i| at(i).0 * at(i + 1).1 - at(i).1 * at(i + 1).0)
            .sum();
        // No two sides cross.
        let n = q.len() / 2;
        let point = |i: usize| (q[2 * (i % n)], q[2 * (i % n) + 1]);
        let side = |a: (i64, i64), b: (i64, i64), c: (i64, i64)| {
            ((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).signum()
        };
        let crosses = (0..n).any(|i| {
            (i + 2..n).filter(|j| (j + 1) % n != i).any(|j| {
                let (a, b, c, d) = (point(i), point(i + 1), point(j), point(j + 1));
                side(a, b, c) * side(a, b, d) <= 0 && side(c, d, a) * side(c, d, b) <= 0
            })
        });
        near(twice.abs() as f64 / 2.0, float(&p.answer)) && !crosses
    });
    agrees("right_triangle", 1..=10, |p| {
        let mut sum = 0.0;
        for text in body(p).split(" has ").skip(1) {
            let words: Vec<f64> = text
                .split(' ')
                .filter_map(|w| w.trim_end_matches(['.', ',']).parse().ok())
                .collect();
            sum += match () {
                _ if text.starts_with("legs of") => words[0].hypot(words[1]),
                _ => {
                    assert!(text.contains("its other leg"), "{text}");
                    (words[1].powi(2) - words[0].powi(2)).sqrt()
                }
            };
        }
        near(sum, float(&p.answer))
    });
}
