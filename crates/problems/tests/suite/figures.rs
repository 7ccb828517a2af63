//! Geometry by counting and by sums of small pieces; clocks, wheels and functions as told.

use retort_problems::check;

use crate::common::{agrees, between, body, eval, float, floats, gold, ints, near, parts};

#[test]
fn areas_volumes_and_corners() {
    agrees("cut_rectangle", 1..=10, |p| {
        let text = body(p);
        let sheet = ints(between(text, "paper of ", ":"));
        // Twice the area, so that triangles are whole.
        let mut twice = 2 * sheet[0] * sheet[1];
        for part in between(text, ": ", ". All").split("; ") {
            let q = ints(part);
            let size = match part.contains("triangles") {
                true => {
                    assert!(part.starts_with("two "), "{part}");
                    2 * q[0] * q[1]
                }
                false => 2 * q[0] * q[1],
            };
            // Each piece alone fits into the sheet, turned or not.
            let fits = |a: i64, b: i64| a <= sheet[0] && b <= sheet[1];
            assert!(fits(q[0], q[1]) || fits(q[1], q[0]), "{text}");
            twice += if part.contains("outside") {
                size
            } else {
                -size
            };
        }
        twice == 2 * gold(p) && twice > 0
    });
    agrees("box_measures", 1..=10, |p| {
        let text = body(p);
        let q = ints(text);
        let measure = |e: &[i64]| -> i64 {
            let (a, b, c) = (e[0], e[1], e[2]);
            match () {
                _ if text.contains("volume") => (0..a).map(|_| b * c).sum(),
                // What a coat of one centimetre adds, without its edges and corners.
                _ if text.contains("surface") => {
                    (a + 2) * (b + 2) * (c + 2) - a * b * c - 4 * (a + b + c) - 8
                }
                _ if text.contains("diagonal") => {
                    let (a, b, c) = (a as f64, b as f64, c as f64);
                    a.hypot(b).hypot(c).powi(2).round() as i64
                }
                _ => {
                    assert!(text.contains("length of all edges"), "{text}");
                    [a, b, c, a, b, c, a, b, c, a, b, c].iter().sum()
                }
            }
        };
        let value = match q.len() {
            3 => measure(&q),
            _ => measure(&q[3..]) - measure(&q[..3]),
        };
        value == gold(p)
    });
    agrees("circle_parts", 1..=10, |p| {
        let text = body(p);
        let q: Vec<f64> = ints(text).into_iter().map(|v| v as f64).collect();
        // Between two radii over so many degrees: thin rings, exact for linear functions.
        let ring = |from: f64, to: f64, degrees: f64| {
            let n = 1000;
            let thick = (to - from) / f64::from(n);
            let at = |k: i32| from + thick * (f64::from(k) + 0.5);
            (0..n).map(|k| at(k) * thick * degrees / 180.0).sum::<f64>()
        };
        let k = match () {
            _ if text.contains("side by side") => {
                ring(0.0, q[0] / 2.0, 360.0) + ring(0.0, q[1], 360.0)
            }
            _ if text.contains("within a sector") => ring(q[2], q[1], q[0]),
            _ if text.contains("sector") => ring(0.0, q[1], q[0]),
            _ => ring(q[1], q[0], 360.0),
        };
        near(k, float(&p.answer))
    });
    agrees("polygon_angles", 1..=10, |p| {
        let text = body(p);
        let names = ["Three", "Four", "Five", "Six"];
        let corners = ints(between(text, " have ", " corners"));
        let said = names.iter().position(|n| text.starts_with(n)).unwrap() + 3;
        assert_eq!(said, corners.len(), "{text}");
        let value: i64 = corners
            .iter()
            .map(|n| {
                let pairs = (0..*n).flat_map(|a| (0..a).map(move |b| (a, b)));
                let diagonals = pairs
                    .filter(|(a, b)| a - b > 1 && (b + n - a) % n > 1)
                    .count() as i64;
                match () {
                    // The outer angles of any convex polygon make one turn.
                    _ if text.contains("interior angles") => 180 * n - 360,
                    _ if text.contains("corners and diagonals") => n + diagonals,
                    _ => diagonals,
                }
            })
            .sum();
        value == gold(p)
    });
    agrees("point_moves", 1..=10, |p| {
        let text = body(p);
        let start = ints(between(text, "point (", ")"));
        let (mut x, mut y) = (start[0] as f64, start[1] as f64);
        let turn = |x: f64, y: f64, degrees: f64| {
            let (s, c) = degrees.to_radians().sin_cos();
            (x * c - y * s, x * s + y * c)
        };
        let moves = between(text, ") is ", ". Where");
        for step in moves.split(", then ") {
            let q: Vec<f64> = ints(step).into_iter().map(|v| v as f64).collect();
            (x, y) = match () {
                _ if step.contains("x-axis") => (x, -y),
                _ if step.contains("y-axis") => (-x, y),
                _ if step.contains("line y = x") => {
                    let (a, b) = turn(x, y, -45.0);
                    turn(a, -b, 45.0)
                }
                _ if step.contains("counterclockwise") => turn(x, y, q[0]),
                _ if step.contains("clockwise") => turn(x, y, -q[0]),
                _ if step.contains("reflected in the point") => {
                    let (a, b) = turn(x - q[0], y - q[1], 180.0);
                    (a + q[0], b + q[1])
                }
                _ => {
                    assert!(step.starts_with("shifted by"), "{step}");
                    (x + q[0], y + q[1])
                }
            };
        }
        let a = floats(&p.answer);
        (x - a[0]).abs() < 1e-6 && (y - a[1]).abs() < 1e-6
    });
}

/// Minutes of `2 hours and 5 minutes`.
pub fn minutes(text: &str) -> i64 {
    text.split(" and ")
        .map(|part| {
            let (n, unit) = part.trim().split_once(' ').unwrap();
            let n: i64 = n.parse().unwrap();
            assert_eq!(unit.ends_with('s'), n != 1, "{text}");
            n * if unit.starts_with("hour") { 60 } else { 1 }
        })
        .sum()
}

#[test]
fn clocks_wheels_and_functions() {
    agrees("clock_chain", 1..=10, |p| {
        let text = body(p);
        let clock = |t: &str| {
            let (h, m) = t.split_once(':').unwrap();
            h.parse::<i64>().unwrap() * 60 + m.parse::<i64>().unwrap()
        };
        let forward = text.starts_with("Starting at");
        let steps = match forward {
            true => between(text, "clock, ", ". What"),
            false => between(text, "", ". It is then"),
        };
        let total: i64 = steps
            .split(", then ")
            .map(|step| minutes(step.rsplit(" for ").next().unwrap()))
            .sum();
        let value = match forward {
            true => clock(between(text, "Starting at ", " on")) + total,
            false => clock(between(text, "It is then ", " on")) - total,
        };
        value.rem_euclid(24 * 60) == clock(&p.answer)
    });
    agrees("expected_value", 1..=10, |p| {
        let text = body(p);
        // Every sector, one by one.
        let mut wheel: Vec<f64> = Vec::new();
        for part in parts(between(text, "at random: ", ". A game")) {
            let q = ints(part);
            let gain = q[1] as f64 * if part.contains("takes") { -1.0 } else { 1.0 };
            wheel.extend((0..q[0]).map(|_| gain));
        }
        let total = ints(between(text, "one of its ", " equal"))[0];
        assert_eq!(total as usize, wheel.len(), "{text}");
        let fee = ints(between(text, "costs ", " point"))[0] as f64;
        let spins = ints(between(text, "enter and gives ", " spin"))[0] as f64;
        let mean = wheel.iter().sum::<f64>() / wheel.len() as f64;
        near(spins * mean - fee, float(&p.answer))
    });
    agrees("function_composition", 1..=10, |p| {
        let text = body(p);
        let f = between(text, "f(x) = ", " and let");
        let (g, m) = (
            between(text, ", of ", " on division"),
            ints(between(text, "division by ", ". Find"))[0],
        );
        assert_eq!(ints(between(text, "from 0 to ", ","))[0], m - 1, "{text}");
        let nested = between(text, "Find ", ".");
        let mut value = ints(nested)[0];
        let letters: Vec<char> = nested.chars().filter(|c| c.is_ascii_lowercase()).collect();
        for letter in letters.into_iter().rev() {
            let x = value as f64;
            value = match letter {
                'f' => eval(f, &|_| x) as i64,
                _ => (eval(g, &|_| x) as i64).rem_euclid(m),
            };
        }
        value == gold(p)
    });
    agrees("operation_table", 1..=10, |p| {
        let text = body(p);
        let rule = between(text, "y = ", ". Find");
        let sign = between(text, "let x ", " y");
        let apply = |x: f64, y: f64| eval(rule, &|name| if name == 'x' { x } else { y });
        let mut words: Vec<String> = between(text, "Find ", ".")
            .replace('(', "( ")
            .replace(')', " )")
            .split(' ')
            .map(str::to_owned)
            .collect();
        // The innermost operation first, until one number is left.
        while words.len() > 1 {
            let at = (1..words.len() - 1)
                .find(|at| {
                    words[*at] == sign
                        && [words[at - 1].as_str(), &words[at + 1]]
                            .iter()
                            .all(|w| w.parse::<f64>().is_ok())
                })
                .unwrap();
            let value = apply(float(&words[at - 1]), float(&words[at + 1])).to_string();
            let (mut low, mut high) = (at - 1, at + 2);
            if low > 0 && words[low - 1] == "(" {
                (low, high) = (low - 1, high + 1);
            }
            words.splice(low..high, [value]);
        }
        near(float(&words[0]), gold(p) as f64)
    });
    agrees("coin_combination", 1..=10, |p| {
        let text = body(p);
        let q = ints(text);
        let (a, b, total) = (q[0], q[1], q[3]);
        assert!(a != b, "{text}");
        // The checker takes every pair that adds up, and none that does not.
        let near = |n: i64| (0..=total / n + 1).step_by(1 + p.difficulty as usize / 4);
        let right = near(a).all(|x| {
            near(b).all(|y| check(p, &format!("{x}, {y}")).equal == (a * x + b * y == total))
        });
        let gold = ints(&p.answer);
        right && a * gold[0] + b * gold[1] == total && !check(p, "-1, 5").equal
    });
}
