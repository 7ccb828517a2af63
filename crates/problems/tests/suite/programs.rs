//! Programs by interpreters; stories that add up.

use std::collections::BTreeMap;

use crate::common::{agrees, between, body, floats, gold, ints};

#[test]
fn programs_by_interpreters() {
    agrees("stack_machine", 1..=10, |p| {
        let mut s: Vec<i64> = Vec::new();
        for word in between(&p.question, "program is: ", ". What").split("; ") {
            let n = s.len();
            match word {
                "ADD" | "SUB" | "MUL" => {
                    let (a, b) = (s[n - 2], s[n - 1]);
                    s.truncate(n - 2);
                    s.push(match word {
                        "ADD" => a + b,
                        "SUB" => a - b,
                        _ => a * b,
                    });
                }
                "SWAP" => s.swap(n - 1, n - 2),
                "DUP" => s.push(s[n - 1]),
                "OVER" => s.push(s[n - 2]),
                push => s.push(push.strip_prefix("PUSH ").unwrap().parse().unwrap()),
            }
        }
        s == ints(&p.answer)
    });
    agrees("assignments", 1..=10, |p| {
        let mut v: BTreeMap<&str, i64> = BTreeMap::new();
        for line in body(p).lines().filter(|l| l.contains(" = ")) {
            let (name, text) = line.split_once(" = ").unwrap();
            let words: Vec<&str> = text
                .split([' ', '(', ')', ','])
                .filter(|w| !w.is_empty())
                .collect();
            let get = |w: &str| w.parse().unwrap_or_else(|_| v[w]);
            let value = match words[..] {
                [x] => get(x),
                ["max", x, y] => get(x).max(get(y)),
                [x, "+", y] => get(x) + get(y),
                [x, "-", y] => get(x) - get(y),
                [x, "*", y, "%", m] => (get(x) * get(y)).rem_euclid(get(m)),
                _ => panic!("{line}"),
            };
            v.insert(name, value);
        }
        v.into_values().collect::<Vec<_>>() == ints(&p.answer)
    });
    agrees("robot_walk", 1..=10, |p| {
        let start = ints(body(p));
        let turns = ["east", "north", "west", "south"];
        let mut face = turns
            .iter()
            .position(|t| *t == between(&p.question, "faces ", ";"))
            .unwrap() as f64;
        let (mut x, mut y) = (start[0] as f64, start[1] as f64);
        for word in between(&p.question, "told: ", ". Where").split(' ') {
            let n: f64 = word[1..].parse().unwrap_or(0.0);
            let angle = face * std::f64::consts::FRAC_PI_2;
            match word.as_bytes()[0] {
                b'L' => face += 1.0,
                b'R' => face -= 1.0,
                c => {
                    let n = if c == b'B' { -n } else { n };
                    (x, y) = (x + n * angle.cos(), y + n * angle.sin());
                }
            }
        }
        floats(&p.answer) == [x.round(), y.round()]
    });
    agrees("recursion", 1..=10, |p| {
        let q = ints(between(&p.question, "def f(n):", "Answer"));
        // n == 0: p, n == 1: q, (a f(n-1) + f(n//2)) % m, f(n-1) + b f(n-2) + c, f(n).
        fn f(n: i64, q: &[i64], memo: &mut BTreeMap<i64, i64>) -> i64 {
            if n < 2 {
                return q[2 * n as usize + 1];
            }
            if let Some(v) = memo.get(&n) {
                return *v;
            }
            let value = if n % 2 == 0 {
                q[6] * f(n - 1, q, memo) + f(n / 2, q, memo)
            } else {
                f(n - 1, q, memo) + q[11] * f(n - 2, q, memo) + q[13]
            } % q[9];
            memo.insert(n, value);
            value
        }
        let n = q[q.len() - 1];
        f(n, &q, &mut BTreeMap::new()) == gold(p)
    });
}

#[test]
fn stories_add_up() {
    agrees("heads_and_legs", 1..=10, |p| {
        let text = body(p);
        let legs: Vec<i64> = text
            .split(" legs each")
            .filter_map(|part| part.rsplit('(').next()?.parse().ok())
            .collect();
        let heads = ints(between(text, ": ", " heads"))[0];
        let sum = ints(between(text, " heads and ", " legs"))[0];
        let points = match legs.len() {
            2 => vec![0, 0, 0],
            _ => ints(between(text, "points, ", ", and come")),
        };
        let total = match legs.len() {
            2 => 0,
            _ => ints(between(text, "come to ", " points"))[0],
        };
        // All herds of so many heads.
        let mut fits = Vec::new();
        for x in 0..=heads {
            let least = if legs.len() == 2 { heads - x } else { 0 };
            for y in least..=heads - x {
                let herd = [x, y, heads - x - y];
                let count =
                    |each: &[i64]| -> i64 { each.iter().zip(herd).map(|(n, k)| n * k).sum() };
                if count(&legs) == sum && count(&points) == total {
                    fits.push(herd[..legs.len()].to_vec());
                }
            }
        }
        fits == [ints(&p.answer)]
    });
    agrees("generations", 1..=10, |p| {
        let text = body(p);
        let mut level: BTreeMap<&str, i64> = BTreeMap::new();
        let (last, first) = (
            between(text, "generations is ", " above"),
            between(text, " above ", "?"),
        );
        let first = first.rsplit(' ').next().unwrap();
        level.insert(first, 0);
        let facts: Vec<(&str, &str)> = text
            .split(" In this family")
            .next()
            .unwrap()
            .split(". ")
            .map(|line| {
                let line = line.trim_end_matches('.');
                match line.split_once(" is a parent of ") {
                    Some(pair) => pair,
                    None => {
                        let (child, parent) = line.split_once(" is a child of ").unwrap();
                        (parent, child)
                    }
                }
            })
            .collect();
        for _ in 0..facts.len() {
            for (parent, child) in &facts {
                if let Some(at) = level.get(parent).copied() {
                    level.insert(child, at - 1);
                } else if let Some(at) = level.get(child).copied() {
                    level.insert(parent, at + 1);
                }
            }
        }
        level[last] == gold(p)
    });
}
