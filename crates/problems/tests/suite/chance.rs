//! Chances by enumeration and simulation; dates by Julian days.

use crate::common::{agrees, between, body, float, gold, ints, near};
use crate::figures::minutes as length;

#[test]
fn chances_by_enumeration_and_simulation() {
    agrees("dice_sum", 1..=10, |p| {
        let text = body(p);
        let q = ints(text);
        let dice = &q[1..1 + q[0] as usize];
        let goal = q[q.len() - 1];
        let total: i64 = dice.iter().product();
        let good = (0..total).filter(|roll| {
            let mut left = *roll;
            let sum: i64 = dice
                .iter()
                .map(|s| {
                    let face = left % s + 1;
                    left /= s;
                    face
                })
                .sum();
            if text.contains("exactly") {
                sum == goal
            } else if text.contains("at least") {
                sum >= goal
            } else {
                sum < goal
            }
        });
        near(good.count() as f64 / total as f64, float(&p.answer))
    });
    agrees("urn_draw", 1..=10, |p| {
        fn go(red: f64, other: f64, draws: i64, wanted: i64) -> f64 {
            if draws == 0 {
                return if wanted == 0 { 1.0 } else { 0.0 };
            }
            let all = red + other;
            let hit = if red > 0.0 {
                red / all * go(red - 1.0, other, draws - 1, wanted - 1)
            } else {
                0.0
            };
            hit + if other > 0.0 {
                other / all * go(red, other - 1.0, draws - 1, wanted)
            } else {
                0.0
            }
        }
        let q = ints(body(p));
        let wanted = match body(p).contains("none of them is") {
            true => 0,
            false => q[4],
        };
        near(
            go(q[0] as f64, (q[1] + q[2]) as f64, q[3], wanted),
            float(&p.answer),
        )
    });
    agrees("biased_coin", 1..=10, |p| {
        let q = ints(body(p));
        let heads = q[0] as f64 / q[1] as f64;
        let value: f64 = (0_u32..1 << q[3])
            .filter(|set| i64::from(set.count_ones()) >= q[2])
            .map(|set| {
                (0..q[3])
                    .map(|i| {
                        if set >> i & 1 == 1 {
                            heads
                        } else {
                            1.0 - heads
                        }
                    })
                    .product::<f64>()
            })
            .sum();
        near(value, float(&p.answer))
    });
    agrees("first_success", 1..=10, |p| {
        let text = body(p);
        let order = between(text, "At each try ", ". What").replace(" and ", ", ");
        let asked = between(text, "probability that ", " wins?");
        let players: Vec<(&str, f64)> = order
            .split(", ")
            .map(|part| part.split_once(" hits with probability ").unwrap())
            .map(|(n, f)| (n, float(f)))
            .collect();
        let (mut going, mut wins) = (1.0, 0.0);
        for _ in 0..4000 {
            for (name, hit) in &players {
                if *name == asked {
                    wins += going * hit;
                }
                going *= 1.0 - hit;
            }
        }
        near(wins, float(&p.answer))
    });
    agrees("two_sources", 1..=10, |p| {
        let q = ints(body(p));
        let asked = between(&p.question, "probability that machine ", " made").as_bytes()[0] - b'A';
        let bad: Vec<f64> = q.chunks(2).map(|c| c[0] as f64 * c[1] as f64).collect();
        near(
            bad[usize::from(asked)] / bad.iter().sum::<f64>(),
            float(&p.answer),
        )
    });
}

/// The Julian day number, by the closed formula.
fn julian(text: &str) -> i64 {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let parts: Vec<&str> = text.split(' ').collect();
    let (d, y): (i64, i64) = (parts[0].parse().unwrap(), parts[2].parse().unwrap());
    number(
        y,
        MONTHS.iter().position(|m| *m == parts[1]).unwrap() as i64 + 1,
        d,
    )
}

fn number(y: i64, m: i64, d: i64) -> i64 {
    let a = (14 - m) / 12;
    let (y, m) = (y + 4800 - a, m + 12 * a - 3);
    d + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - 32045
}

#[test]
fn dates_by_julian_days_and_clocks_by_counting() {
    const DAYS: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    agrees("weekday", 1..=10, |p| {
        let text = body(p);
        let known = text.split(" is a ").next().unwrap();
        let day = |text: &str| DAYS[(julian(text) % 7) as usize];
        day(between(text, "week is ", "?")) == p.answer
            && day(known) == between(text, " is a ", ".")
    });
    agrees("date_shift", 1..=10, |p| {
        let text = body(p);
        let by = ints(text)[0] * if text.contains(" week") { 7 } else { 1 };
        let (word, sign) = if text.contains(" before ") {
            (" before ", -1)
        } else {
            (" after ", 1)
        };
        let a: Vec<i64> = p.answer.split('-').map(|v| v.parse().unwrap()).collect();
        number(a[0], a[1], a[2]) - julian(between(text, word, "?")) == sign * by
    });
    agrees("days_between", 1..=10, |p| {
        let text = body(p);
        let (a, b) = match text.contains("diary") {
            true => (
                between(text, "diary on ", " and"),
                between(text, "entry on ", "."),
            ),
            false => (between(text, "after ", " is"), between(text, " is ", "?")),
        };
        julian(b) - julian(a) == gold(p)
    });
    agrees("clock_angle", 1..=10, |p| {
        let time = between(&p.question, "minute hand at ", "?")
            .split(' ')
            .next()
            .unwrap();
        let t: Vec<f64> = time.split(':').map(|v| v.parse().unwrap()).collect();
        let seconds = t[0] * 3600.0 + t[1] * 60.0 + t.get(2).unwrap_or(&0.0);
        let apart = (seconds / 120.0 - seconds / 10.0).rem_euclid(360.0);
        near(apart.min(360.0 - apart), float(&p.answer))
    });
    agrees("recurring_events", 1..=10, |p| {
        let q = ints(body(p));
        let (from, periods) = (q[q.len() - 1], &q[..q.len() - 1]);
        let count = ["Two", "Three", "Four", "Five"]
            .iter()
            .position(|name| body(p).starts_with(name));
        assert_eq!(count, Some(periods.len() - 2), "{p:?}");
        let most = *periods.iter().max().unwrap();
        let first = (1..)
            .map(|k| k * most)
            .find(|t| periods.iter().all(|x| t % x == 0))
            .unwrap();
        first + from == gold(p)
    });
    agrees("time_zones", 1..=10, |p| {
        let text = body(p);
        let minutes = |t: &str| {
            let (h, m) = t.split_once(':').unwrap();
            h.parse::<i64>().unwrap() * 60 + m.parse::<i64>().unwrap()
        };
        let offsets: Vec<i64> = text
            .split("(UTC")
            .skip(1)
            .map(|t| {
                let t = t.split(')').next().unwrap();
                minutes(&t[1..]) * if t.starts_with('-') { -1 } else { 1 }
            })
            .collect();
        let mut now = minutes(between(text, ") at ", " local"));
        for part in text.split("stays there for ").skip(1) {
            now += length(part.split(", then").next().unwrap());
        }
        for part in text.split("flies for ").skip(1) {
            now += length(part.split(" to ").next().unwrap());
        }
        (now - offsets[0] + offsets[offsets.len() - 1]).rem_euclid(1440) == minutes(&p.answer)
    });
}
