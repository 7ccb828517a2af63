//! Words, lists and tables, worked on as the text says.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{agrees, between, body, gold, ints};

#[test]
fn words_are_edited_sorted_and_picked_from() {
    agrees("string_edits", 1..=10, |p| {
        let mut text = between(&p.question, "`", "`").to_owned();
        let steps = body(p).lines().filter(|l| l.as_bytes()[0].is_ascii_digit());
        for step in steps.map(|l| l.split_once(". ").unwrap().1) {
            let n = ints(step).first().map_or(0, |n| *n as usize);
            text = match () {
                _ if step == "Reverse the text." => text.chars().rev().collect(),
                _ if step.starts_with("Move the first") => {
                    format!("{}{}", &text[n..], &text[..n])
                }
                _ if step.starts_with("Delete the") => {
                    format!("{}{}", &text[..n - 1], &text[n..])
                }
                _ if step.starts_with("Insert the letter") => {
                    let letter = between(step, "letter ", " after");
                    format!("{}{letter}{}", &text[..n], &text[n..])
                }
                _ if step.starts_with("Replace every") => {
                    let (from, to) = between(step, "every ", ".").split_once(" by ").unwrap();
                    assert!(from != to && text.contains(from), "{step}");
                    text.replace(from, to)
                }
                _ if step.contains("first and the last") => {
                    let last = text.len() - 1;
                    format!("{}{}{}", &text[last..], &text[1..last], &text[..1])
                }
                _ => {
                    assert!(step.contains("1st and 2nd letter"), "{step}");
                    let pairs = text.as_bytes().chunks(2);
                    let swapped = pairs.flat_map(|pair| pair.iter().rev().copied());
                    String::from_utf8(swapped.collect()).unwrap()
                }
            };
        }
        text == p.answer
    });
    agrees("word_sort", 1..=10, |p| {
        let text = body(p);
        let shown: BTreeSet<&str> = between(text, ": ", ".").split(", ").collect();
        let answer: Vec<&str> = p.answer.split(", ").collect();
        let same = shown == answer.iter().copied().collect() && shown.len() == answer.len();
        let backwards = |w: &str| w.chars().rev().collect::<String>();
        // Every neighbour is in order: by what is asked for, then by the alphabet.
        same && answer.windows(2).all(|w| match () {
            _ if text.contains("by length") => {
                w[0].len() < w[1].len() || (w[0].len() == w[1].len() && w[0] < w[1])
            }
            _ if text.contains("letters e") => {
                let e = |w: &str| w.split('e').count();
                e(w[0]) < e(w[1]) || (e(w[0]) == e(w[1]) && w[0] < w[1])
            }
            _ if text.contains("right to left") => backwards(w[0]) < backwards(w[1]),
            _ => {
                assert!(text.contains("in alphabetical order"), "{text}");
                w[0] < w[1]
            }
        })
    });
    agrees("acrostic", 1..=10, |p| {
        let text = body(p);
        let words = between(text, ": ", ".").split(", ");
        let picked: String = words
            .enumerate()
            .map(|(at, word)| {
                let first = match () {
                    _ if text.contains("in turns") => at % 2 == 0,
                    _ if text.contains("third letter") => return &word[2..3],
                    _ => text.contains("the first letter of each"),
                };
                match first {
                    true => &word[..1],
                    false => &word[word.len() - 1..],
                }
            })
            .collect();
        picked == p.answer
    });
}

/// Whether a number is in `(A union B) minus C` and so on.
fn member(text: &str, sets: &BTreeMap<&str, BTreeSet<i64>>, n: i64) -> bool {
    let Some((left, last)) = text.rsplit_once(' ') else {
        return sets[text].contains(&n);
    };
    let (left, word) = left.rsplit_once(' ').unwrap();
    let left = match left.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')').unwrap(),
        None => left,
    };
    let (a, b) = (member(left, sets, n), sets[last].contains(&n));
    match word {
        "union" => a || b,
        "intersect" => a && b,
        "minus" => a && !b,
        "symmetric-difference" => a != b,
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_are_chosen_as_the_text_says() {
    agrees("filter_sum", 1..=10, |p| {
        let text = body(p);
        let list = ints(between(text, "list ", ". Add"));
        let rule = between(text, "numbers that are ", " (0");
        let keep = |n: i64, rule: &str| -> bool {
            let limit = ints(rule).first().copied().unwrap_or(0);
            match rule.split(' ').next().unwrap() {
                "divisible" => n.rem_euclid(limit) == 0,
                "greater" => n > limit,
                "less" => n < limit,
                "odd" => n.rem_euclid(2) == 1,
                "even" => n.rem_euclid(2) == 0,
                "negative" => n < 0,
                other => panic!("{other}"),
            }
        };
        let kept = |n: i64| match (rule.split_once(" and "), rule.split_once(" or ")) {
            (Some((a, b)), _) => keep(n, a) && keep(n, b),
            (_, Some((a, b))) => keep(n, a) || keep(n, b),
            _ => keep(n, rule),
        };
        list.into_iter().filter(|n| kept(*n)).sum::<i64>() == gold(p)
    });
    agrees("set_operations", 1..=10, |p| {
        let text = body(p);
        let sets: BTreeMap<&str, BTreeSet<i64>> = between(text, "Let ", ". Find")
            .split('}')
            .filter_map(|part| part.split_once(" = {"))
            .map(|(name, all)| (&name[name.len() - 1..], ints(all).into_iter().collect()))
            .collect();
        let rule = between(text, "Find ", ".");
        for word in ["minus", "symmetric-difference"] {
            // What is used is explained, and nothing else.
            assert_eq!(
                rule.contains(word),
                text.contains(&format!("X {word} Y")),
                "{text}"
            );
        }
        let own: Vec<i64> = (0..=99).filter(|n| member(rule, &sets, *n)).collect();
        own == ints(&p.answer)
    });
    agrees("list_pipeline", 1..=10, |p| {
        let text = body(p);
        let mut list = ints(between(text, "list ", " and do"));
        let steps = text.lines().filter(|l| l.as_bytes()[0].is_ascii_digit());
        for step in steps.map(|l| l.split_once(". ").unwrap().1) {
            let n = ints(step).first().copied().unwrap_or(0);
            list = match () {
                _ if step == "reverse the list" => list.into_iter().rev().collect(),
                _ if step.starts_with("sort it, the smallest first") => {
                    // By insertion.
                    list.into_iter().fold(Vec::new(), |mut sorted, v| {
                        let at = sorted.iter().take_while(|s| **s <= v).count();
                        sorted.insert(at, v);
                        sorted
                    })
                }
                _ if step.starts_with("add ") => list.into_iter().map(|v| v + n).collect(),
                _ if step.contains("its double") => {
                    list.into_iter().map(|v| (v + v).rem_euclid(n)).collect()
                }
                _ if step == "drop the first number" => list.split_off(1),
                _ if step.starts_with("drop the numbers divisible") => {
                    list.into_iter().filter(|v| v.rem_euclid(n) > 0).collect()
                }
                _ if step.contains("new value before it") => {
                    // Each is the sum of all up to it, modulo.
                    (1..=list.len())
                        .map(|k| match k {
                            1 => list[0],
                            _ => list[..k].iter().sum::<i64>().rem_euclid(n),
                        })
                        .collect()
                }
                _ => {
                    assert_eq!(step, "move the last number to the front");
                    let last = list.pop().unwrap();
                    [&[last], list.as_slice()].concat()
                }
            };
        }
        list == ints(&p.answer)
    });
    agrees("matrix_turn", 1..=10, |p| {
        let text = body(p);
        let rows: Vec<Vec<i64>> = text
            .lines()
            .filter(|line| line.as_bytes()[0].is_ascii_digit())
            .map(ints)
            .collect();
        let n = rows.len() as i64;
        // Each entry with where it is, moved about the middle of the table.
        let mut entries: Vec<(i64, i64, i64)> = Vec::new();
        for (r, row) in rows.iter().enumerate() {
            for (c, value) in row.iter().enumerate() {
                entries.push((2 * c as i64 - n + 1, n - 1 - 2 * r as i64, *value));
            }
        }
        for step in text.rsplit("\nand ").next().unwrap().split(", then ") {
            for (x, y, _) in &mut entries {
                (*x, *y) = match () {
                    _ if step.contains("counterclockwise") => (-*y, *x),
                    _ if step.contains("clockwise") => (*y, -*x),
                    _ if step.contains("left to right") => (-*x, *y),
                    _ if step.contains("top to bottom") => (*x, -*y),
                    _ => {
                        assert!(step.contains("transpose"), "{step}");
                        (-*y, -*x)
                    }
                };
            }
        }
        entries.sort_by_key(|(x, y, _)| (-y, *x));
        entries.into_iter().map(|e| e.2).collect::<Vec<_>>() == ints(&p.answer)
    });
}
