//! Stories, told again sentence by sentence.

use std::collections::BTreeMap;

use crate::common::{agrees, between, body, float, gold, ints, near, parts};

fn cents(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    assert_eq!(part.len(), 2, "{text}");
    whole.parse::<i64>().unwrap() * 100 + part.parse::<i64>().unwrap()
}

#[test]
fn bills_are_added_up_in_cents() {
    agrees("shopping", 1..=10, |p| {
        let text = body(p);
        let price = |part: &str| cents(part.split('$').nth(1).unwrap().split(' ').next().unwrap());
        let mut bill: i64 = parts(between(text, " buys ", ". "))
            .into_iter()
            .map(|part| {
                assert_eq!(part.contains(" each"), !part.starts_with("1 "), "{part}");
                ints(part)[0] * price(part)
            })
            .sum();
        if text.contains("% off") {
            let percent = ints(between(text, "voucher takes ", "%"))[0];
            // Nobody pays parts of a cent.
            assert_eq!(bill * percent % 100, 0, "{text}");
            bill -= bill * percent / 100;
        }
        if text.contains("Delivery") {
            bill += cents(between(text, "costs $", ". "));
        }
        let asked = match text.contains("How much change") {
            true => 100 * ints(between(text, "pays with $", ". "))[0] - bill,
            false => bill,
        };
        asked > 0 && near(asked as f64 / 100.0, float(&p.answer))
    });
}

#[test]
fn things_change_hands_one_sentence_at_a_time() {
    agrees("giving_away", 1..=10, |p| {
        let text = body(p);
        let mut lines = text.split(". ");
        let first = lines.next().unwrap();
        let thing = between(&format!("{first}."), " collect ", ".").to_owned();
        let mut has: BTreeMap<&str, i64> = parts(lines.next().unwrap())
            .into_iter()
            .map(|part| part.split_once(" has ").unwrap())
            .map(|(name, n)| (name, n.parse().unwrap()))
            .collect();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let owner = |word: &'_ str| word.trim_end_matches("'s").to_owned();
            match () {
                _ if line.starts_with("How many") => {
                    assert!(line.contains(&thing), "{line}");
                    return has[between(line, " does ", " have")] == gold(p);
                }
                _ if line.starts_with("Half of") => {
                    let (a, b) = (owner(words[2]), words[words.len() - 1]);
                    assert_eq!(has[a.as_str()] % 2, 0, "{text}");
                    let half = has[a.as_str()] / 2;
                    *has.get_mut(a.as_str()).unwrap() -= half;
                    *has.get_mut(b).unwrap() += half;
                }
                _ if line.starts_with("A third of") => {
                    let a = owner(words[3]);
                    assert_eq!(has[a.as_str()] % 3, 0, "{text}");
                    *has.get_mut(a.as_str()).unwrap() *= 2;
                    *has.get_mut(a.as_str()).unwrap() /= 3;
                }
                _ if line.contains(" finds ") => {
                    *has.get_mut(words[0].trim_end_matches(',')).unwrap() += ints(line)[0];
                }
                _ if line.contains(" as many as ") => {
                    assert_eq!(words[2], words[6], "{line}");
                    let n = has[words[2]];
                    *has.get_mut(words[0]).unwrap() -= n;
                    *has.get_mut(words[2]).unwrap() += n;
                }
                _ if line.contains(" swap ") => {
                    let (a, b) = (has[words[0]], has[words[2]]);
                    has.insert(words[0], b);
                    has.insert(words[2], a);
                }
                _ => {
                    assert!(line.contains(" gets "), "{line}");
                    let n = ints(line)[0];
                    *has.get_mut(words[0]).unwrap() += n;
                    *has.get_mut(words[words.len() - 1]).unwrap() -= n;
                }
            }
            assert!(has.values().all(|n| *n >= 0), "{text}");
        }
        false
    });
}

/// `x = k * y + add`, of ages now.
fn relation(line: &str) -> (&str, i64, &str, i64) {
    let words: Vec<&str> = line.split(' ').collect();
    let n = ints(line).first().copied().unwrap_or(0);
    let last = words[words.len() - 1];
    match () {
        _ if line.starts_with("In ") => {
            let who = words.iter().position(|w| *w == "as").unwrap();
            // x + n = 2 (y + n)
            (words[3], 2, words[who + 3], n)
        }
        _ if line.contains(" twice as old") => (words[0], 2, last, 0),
        _ if line.contains(" three times as old") => (words[0], 3, last, 0),
        _ if line.contains(" younger than ") => (words[0], 1, last, -n),
        _ => {
            assert!(line.contains(" older than "), "{line}");
            (words[0], 1, last, n)
        }
    }
}

#[test]
fn ages_by_trying_all_of_them() {
    agrees("ages", 1..=10, |p| {
        let text = body(p);
        let (facts, rest) = text.split_once(". The ages of ").unwrap();
        let who = parts(rest.split(" add up").next().unwrap());
        let sum = ints(between(rest, " up to ", " years"))[0];
        let asked = between(rest, "years old is ", "?");
        let facts: Vec<_> = facts.split(". ").map(relation).collect();
        assert_eq!(facts.len() + 1, who.len(), "{text}");
        let mut found = Vec::new();
        for start in 1..=110 {
            let mut age = BTreeMap::from([(who[0], start)]);
            while age.len() < who.len() {
                let before = age.len();
                for (x, k, y, add) in &facts {
                    if let (Some(v), None) = (age.get(y).copied(), age.get(x)) {
                        age.insert(x, k * v + add);
                    } else if let (Some(v), None) = (age.get(x).copied(), age.get(y))
                        && (v - add) % k == 0
                    {
                        age.insert(y, (v - add) / k);
                    }
                }
                if age.len() == before {
                    break;
                }
            }
            let fits = age.len() == who.len()
                && facts
                    .iter()
                    .all(|(x, k, y, add)| age[x] == k * age[y] + add)
                && age.values().sum::<i64>() == sum;
            if fits {
                // Nobody is unborn or older than people get.
                assert!(
                    age.values().all(|a| (0..=110).contains(a)),
                    "{text}: {age:?}"
                );
                found.push(age[asked]);
            }
        }
        found == [gold(p)]
    });
}

#[test]
fn stocks_and_levels_step_by_step() {
    agrees("production", 1..=10, |p| {
        let text = body(p);
        let first = between(text, " has ", " in stock");
        let mut stock = ints(first).first().copied().unwrap_or(0);
        let mut rate = ints(between(text, " and makes ", " an hour"))[0];
        let hours = ints(between(text, "A day of work has ", " hours"))[0];
        for line in text.split(". ").skip(2) {
            let q = ints(line);
            match () {
                _ if line.starts_with("How many") => return stock == gold(p),
                _ if line.contains("new machine") => rate += q[0],
                _ if line.contains(" sold") => stock -= q[0],
                _ if line.contains("one in every ten") => stock -= stock / 10,
                _ if line.ends_with("for a day") => (0..hours).for_each(|_| stock += rate),
                _ => {
                    assert!(line.contains("works for "), "{line}");
                    (0..hours * q[0]).for_each(|_| stock += rate);
                }
            }
            assert!(stock >= 0, "{text}");
        }
        false
    });
    agrees("tank", 1..=10, |p| {
        let text = body(p);
        let mut level = ints(text)[0] as f64;
        let phases = between(text, "much more. ", ". How many");
        for phase in parts(phases.trim_start_matches("One after the other, ")) {
            let words: Vec<&str> = phase.split(' ').collect();
            let flow = float(words[0]) * float(words[7]);
            match words[5] {
                "in" => level += flow,
                "out" => level -= flow,
                other => panic!("{other}: {text}"),
            }
            assert!(level >= 0.0, "{text}");
        }
        near(level, float(&p.answer))
    });
    agrees("sharing", 1..=10, |p| {
        let text = body(p);
        let who = parts(text.split(" share ").next().unwrap());
        let total = ints(text)[0];
        let mut shares = vec![0; who.len()];
        if text.contains("First ") {
            let lucky = between(text, "First ", " gets");
            let at = who.iter().position(|name| *name == lucky).unwrap();
            shares[at] = ints(between(text, "gets ", " for"))[0];
        }
        let ratio: Vec<i64> = between(text, "ratio ", ", in")
            .split(" : ")
            .map(|n| n.parse().unwrap())
            .collect();
        assert_eq!(ratio.len(), who.len());
        // Round after round, each takes as many as the ratio says.
        while shares.iter().sum::<i64>() < total {
            shares
                .iter_mut()
                .zip(&ratio)
                .for_each(|(share, n)| *share += n);
        }
        shares == ints(&p.answer)
    });
}
