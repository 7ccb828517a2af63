//! Sequences, continued from the terms that are shown.

use std::collections::BTreeMap;

use crate::common::{agrees, between, body, eval, gold, ints, near};

fn differences(terms: &[i64]) -> Vec<i64> {
    terms.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The next term if differences of this order are all alike.
fn extrapolate(terms: &[i64], order: usize) -> i64 {
    let step = differences(terms);
    if order == 1 {
        assert!(step.iter().all(|v| *v == step[0]), "{terms:?}");
        return terms[terms.len() - 1] + step[0];
    }
    terms[terms.len() - 1] + extrapolate(&step, order - 1)
}

/// The next term of `t(n) = p t(n-1) + q t(n-back) + r` for all whole numbers that fit.
fn fitted(terms: &[i64], rule: impl Fn(&[i64], i64, i64) -> i64, start: usize) -> Vec<i64> {
    let mut found: Vec<i64> = (-12..=12)
        .flat_map(|p| (-12..=12).map(move |q| (p, q)))
        .filter(|(p, q)| (start..terms.len()).all(|n| rule(&terms[..n], *p, *q) == terms[n]))
        .map(|(p, q)| rule(terms, p, q))
        .collect();
    found.dedup();
    found
}

#[test]
fn next_terms_follow_from_the_shown_ones() {
    agrees("next_term", 1..=10, |p| {
        let text = body(p);
        let rule = text.split(", each ").next().unwrap();
        let rule = rule.split(", the ").next().unwrap();
        let t = ints(rule);
        let last = |t: &[i64], back: usize| t[t.len() - back];
        let next = match () {
            _ if text.contains("differs from the one before") => vec![extrapolate(&t, 1)],
            _ if text.contains("differences between neighbours") => vec![extrapolate(&t, 2)],
            _ if text.contains("cubic") => vec![extrapolate(&t, 3)],
            _ if text.contains("times a fixed number") => {
                fitted(&t, |t, k, c| last(t, 1) * k + c, 1)
            }
            _ if text.contains("fixed combination") => {
                fitted(&t, |t, p, q| p * last(t, 1) + q * last(t, 2), 2)
            }
            _ => {
                assert!(text.contains("odd places"), "{text}");
                let pick =
                    |from: usize| -> Vec<i64> { t.iter().skip(from).step_by(2).copied().collect() };
                match t.len() % 2 {
                    0 => vec![extrapolate(&pick(0), 1)],
                    _ => {
                        let even = pick(1);
                        assert!(even.windows(2).all(|w| w[1] * even[0] == w[0] * even[1]));
                        vec![even[even.len() - 1] * even[1] / even[0]]
                    }
                }
            }
        };
        next == [gold(p)]
    });
    agrees("figure_pattern", 1..=10, |p| {
        let text = body(p);
        let mut counts = ints(between(text, "five need ", ". From"));
        let asked = ints(between(text, " does the ", " figure"))[0] as usize;
        assert!(differences(&differences(&counts))[0] > 0, "{text}");
        while counts.len() < asked {
            let next = extrapolate(&counts[counts.len() - 4..], 2);
            counts.push(next);
        }
        counts[asked - 1] == gold(p)
    });
}

#[test]
fn recurrences_sums_and_readings() {
    agrees("recurrence", 1..=10, |p| {
        let text = body(p);
        // `3 * a(n-1) + a(n-2) + 6`, evaluated as it stands.
        let rule = between(text, "remainder of ", " on division");
        let rule = rule.replace("a(n-1)", "x").replace("a(n-2)", "y");
        let m = ints(between(text, "division by ", ". Find"))[0];
        let mut known = BTreeMap::from([
            (1, ints(between(text, "a(1) = ", " and"))[0]),
            (2, ints(between(text, "a(2) = ", ","))[0]),
        ]);
        let asked = ints(between(text, "Find a(", ")"))[0];
        for n in 3..=asked {
            let value = |name: char| known[&(n - if name == 'x' { 1 } else { 2 })] as f64;
            let value = eval(&rule, &value) as i64 % m;
            known.insert(n, value);
        }
        known[&asked] == gold(p)
    });
    agrees("series_sum", 1..=10, |p| {
        let text = body(p);
        if text.contains("arithmetic sequence") {
            let q = ints(text);
            assert_eq!(q[2] - q[1], q[3] - q[2], "{text}");
            let (count, first, step) = (q[0], q[1], q[2] - q[1]);
            let mut term = first;
            let mut sum = 0;
            for _ in 0..count {
                sum += term;
                term += step;
            }
            return sum == gold(p);
        }
        let (rule, sign) = match text.contains("(-1)^n") {
            true => (between(text, "a(n) = ", ". Add"), -1.0),
            false => {
                let rule = between(text, "Add ", " for n");
                (rule.trim_start_matches("the numbers "), 1.0)
            }
        };
        let last = ints(text.rsplit(" to ").next().unwrap())[0];
        let sum: f64 = (1..=last)
            .map(|n| eval(rule, &|_| n as f64) * if n % 2 == 1 { sign } else { 1.0 })
            .sum();
        near(sum, gold(p) as f64)
    });
    agrees("look_and_say", 1..=10, |p| {
        let text = body(p);
        let mut term = between(text, "Start with ", " and").to_owned();
        for _ in 0..ints(between(text, "do this ", " times"))[0] {
            let mut next = String::new();
            while let Some(first) = term.chars().next() {
                let rest = term.trim_start_matches(first).to_owned();
                next.push_str(&(term.len() - rest.len()).to_string());
                next.push(first);
                term = rest;
            }
            term = next;
        }
        let value = match text.contains("the digit ") {
            true => {
                let digit = between(text, "the digit ", " occur");
                term.matches(digit).count()
            }
            false => term.len(),
        };
        value as i64 == gold(p)
    });
}
