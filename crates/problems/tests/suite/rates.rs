//! Rates, by simulation and by searching for the moment that is asked for.

use std::collections::BTreeMap;

use crate::common::{agrees, between, body, float, ints, near, parts};

/// Where a falling or rising function is zero, by halving.
fn zero(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let rising = f(high) > f(low);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if (f(middle) > 0.0) == rising {
            high = middle;
        } else {
            low = middle;
        }
    }
    (low + high) / 2.0
}

#[test]
fn conversions_through_base_units() {
    agrees("invented_units", 1..=10, |p| {
        let text = body(p);
        let asked: Vec<&str> = between(text, "How many ", "?").split(' ').collect();
        let (to, amount, from) = (asked[0], float(asked[2]), asked[3]);
        let facts: Vec<(f64, &str, f64, &str)> = parts(between(text, ": ", ". How"))
            .into_iter()
            .map(|fact| {
                let words: Vec<&str> = fact.split(' ').collect();
                (float(words[0]), words[1], float(words[3]), words[4])
            })
            .collect();
        // What one of each is in the unit asked for.
        let mut worth = BTreeMap::from([(to, 1.0)]);
        while !worth.contains_key(from) {
            for (a, x, b, y) in &facts {
                if let Some(v) = worth.get(y).copied() {
                    worth.insert(x, v * b / a);
                } else if let Some(v) = worth.get(x).copied() {
                    worth.insert(y, v * a / b);
                }
            }
        }
        near(amount * worth[from], float(&p.answer))
    });
    agrees("speed_units", 1..=10, |p| {
        // In metres, cubic metres, grams and seconds.
        let size = |name: &str| -> f64 {
            match name.trim_end_matches('s') {
                "kilometre" | "kilogram" => 1000.0,
                "metre" | "cubic metre" | "second" | "gram" => 1.0,
                "centimetre" => 0.01,
                "litre" | "milligram" => 0.001,
                "millilitre" => 1e-6,
                "minute" => 60.0,
                "hour" => 3600.0,
                "day" => 86_400.0,
                other => panic!("{other}"),
            }
        };
        let rate = |text: &str| {
            let (a, b) = text.split_once(" per ").unwrap();
            size(a) / size(b)
        };
        let text = body(p).trim_start_matches("Convert ").trim_end_matches('.');
        let (value, units) = text.split_once(' ').unwrap();
        let (from, to) = units.split_once(" to ").unwrap();
        near(float(value) * rate(from) / rate(to), float(&p.answer))
    });
}

#[test]
fn meetings_and_work_by_searching_for_the_moment() {
    agrees("meeting", 1..=10, |p| {
        let text = body(p);
        let q: Vec<f64> = ints(text).into_iter().map(|v| v as f64).collect();
        // Kilometres between the two, so many minutes after the second set off.
        let gap: Box<dyn Fn(f64) -> f64> = if text.contains("without a stop") {
            Box::new(|t| q[0] - q[1] * t / 60.0)
        } else {
            let (head, last) = match q.len() {
                4 => (q[2], q[3]),
                _ => (0.0, q[2]),
            };
            let (distance, first) = (q[0], q[1]);
            match text.contains("ahead") {
                true => Box::new(move |t| distance + first * (head + t) / 60.0 - last * t / 60.0),
                false => Box::new(move |t| distance - first * (head + t) / 60.0 - last * t / 60.0),
            }
        };
        gap(0.0) > 0.0 && near(zero(gap, 0.0, 1e6), float(&p.answer))
    });
    agrees("work_together", 1..=10, |p| {
        let text = body(p);
        let hours: Vec<f64> = text
            .split(" would need ")
            .skip(1)
            .map(|part| ints(part)[0] as f64)
            .collect();
        let alone = match text.contains(" works alone for ") {
            true => ints(between(text, " works alone for ", " hour"))[0] as f64,
            false => 0.0,
        };
        let spoil = match text.contains("undo the whole job in ") {
            true => 1.0 / ints(between(text, "undo the whole job in ", " hours"))[0] as f64,
            false => 0.0,
        };
        let done =
            |t: f64| alone / hours[0] + hours.iter().map(|h| t / h).sum::<f64>() - t * spoil - 1.0;
        done(0.0) < 0.0 && near(zero(done, 0.0, 1000.0), float(&p.answer))
    });
}

#[test]
fn mixtures_trips_and_proportions_step_by_step() {
    agrees("mixture", 1..=10, |p| {
        let text = body(p);
        let what = between(text, "percentage of the mixture is ", " at the end");
        let (mut all, mut pure) = (0.0, 0.0);
        for part in between(text, "after each step: ", ". All").split("; ") {
            if part.contains("poured away") {
                let keep = 1.0 - float(part.split(' ').next().unwrap());
                (all, pure) = (all * keep, pure * keep);
            } else {
                assert!(part.contains(what), "{part}");
                let q = ints(part);
                all += q[0] as f64;
                pure += q[0] as f64 * q[1] as f64 / 100.0;
            }
        }
        near(100.0 * pure / all, float(&p.answer))
    });
    agrees("average_speed", 1..=10, |p| {
        let (mut km, mut hours) = (0.0, 0.0);
        for part in body(p).split(". What").next().unwrap().split(", then ") {
            let q = ints(part);
            let (amount, speed) = (q[0] as f64, q[1] as f64);
            if part.contains("minutes") {
                km += speed * amount / 60.0;
                hours += amount / 60.0;
            } else {
                km += amount;
                hours += amount / speed;
            }
        }
        near(km / hours, float(&p.answer))
    });
    agrees("recipe_scaling", 1..=10, |p| {
        let (told, asked) = body(p).split_once(". All work alike. ").unwrap();
        let (mut a, b) = (ints(told), ints(asked));
        let output = a.pop().unwrap() as f64;
        assert_eq!(a.len(), b.len());
        let unit = a.iter().product::<i64>() as f64;
        near(
            output / unit * b.iter().product::<i64>() as f64,
            float(&p.answer),
        )
    });
}
