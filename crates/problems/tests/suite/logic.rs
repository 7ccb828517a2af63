//! Puzzles read back and searched.

use std::collections::BTreeSet;

use crate::common::{agrees, between, body, gold, ints, permutations};

#[test]
fn puzzles_have_one_solution_and_it_is_the_gold() {
    agrees("knights_and_knaves", 1..=10, |p| {
        let text = body(p);
        let names: Vec<&str> = between(text, "Here are ", ". ")
            .split([',', ' '])
            .filter(|w| !w.is_empty() && *w != "and")
            .collect();
        let says: Vec<(usize, &str)> = text
            .split(" says: \"")
            .collect::<Vec<_>>()
            .windows(2)
            .map(|w| {
                let speaker = w[0].split(' ').next_back().unwrap();
                (
                    names.iter().position(|n| *n == speaker).unwrap(),
                    w[1].split('"').next().unwrap(),
                )
            })
            .collect();
        let fits: Vec<u32> = (0..1 << names.len())
            .filter(|mask: &u32| {
                says.iter().all(|(speaker, said)| {
                    let words: Vec<&str> = said
                        .split([' ', '.', ','])
                        .filter(|w| !w.is_empty())
                        .collect();
                    let who: Vec<usize> = words
                        .iter()
                        .filter_map(|w| {
                            if *w == "I" {
                                Some(*speaker)
                            } else {
                                names.iter().position(|n| n == w)
                            }
                        })
                        .collect();
                    let knight = |i: usize| mask >> who[i] & 1 == 1;
                    let count = i64::from(mask.count_ones());
                    let truth = match () {
                        _ if said.contains("at least") => count >= ints(said)[1],
                        _ if said.starts_with("Exactly") => count == ints(said)[0],
                        _ if said.starts_with("If") => !knight(0) || knight(1),
                        _ if said.contains("same kind") => knight(0) == knight(1),
                        _ if said.contains("different") => knight(0) != knight(1),
                        _ if said.contains("a knave") => !knight(0),
                        _ => knight(0),
                    };
                    truth == (mask >> speaker & 1 == 1)
                })
            })
            .collect();
        let shown: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, n)| {
                format!(
                    "{n}: {}",
                    if fits[0] >> i & 1 == 1 {
                        "knight"
                    } else {
                        "knave"
                    }
                )
            })
            .collect();
        fits.len() == 1 && shown.join(", ") == p.answer
    });
    agrees("race_order", 1..=10, |p| {
        let text = body(p);
        let names: Vec<&str> = p.answer.split(", ").collect();
        let clues: Vec<&str> = between(text, "together. ", " In which")
            .split(". ")
            .collect();
        let fits = permutations(names.len())
            .into_iter()
            .filter(|order| {
                clues.iter().all(|clue| {
                    let who: Vec<usize> = clue
                        .split([' ', '.'])
                        .filter_map(|w| names.iter().position(|n| *n == w))
                        .collect();
                    let at = |i: usize| order[who[i]] as i64;
                    match () {
                        _ if clue.contains("did not come") => at(0) + 1 != ints(clue)[0],
                        _ if clue.contains(" came ") => at(0) + 1 == ints(clue)[0],
                        _ if clue.contains("directly after") => at(0) == at(1) + 1,
                        _ if clue.contains("before") => at(0) < at(1),
                        _ if clue.contains("Nobody") => (at(0) - at(1)).abs() == 1,
                        _ => (at(0) - at(1)).abs() - 1 == ints(clue)[0],
                    }
                })
            })
            .collect::<Vec<_>>();
        fits == [(0..names.len()).collect::<Vec<_>>()]
    });
    agrees("truth_table", 1..=10, |p| {
        let text = body(p);
        let formula = between(text, "formula true: ", "? Here");
        let n = between(text, "variables ", " can")
            .replace(" and ", ", ")
            .split(", ")
            .count();
        (0..1_u32 << n).filter(|row| truth(formula, *row)).count() as i64 == gold(p)
    });
    agrees("formula_values", 1..=10, |p| {
        let text = body(p);
        let row = (0..4)
            .filter(|i| text.contains(&format!("{} be true", char::from(b'p' + i))))
            .fold(0, |r, i| r | 1 << i);
        let values: Vec<String> = text
            .lines()
            .filter(|l| l.as_bytes()[0].is_ascii_digit())
            .map(|l| truth(&l[3..], row).to_string())
            .collect();
        values.join(", ") == p.answer
    });
    agrees("who_is_older", 1..=10, |p| {
        let at = |name: &str| p.answer.split(", ").position(|n| n == name).unwrap();
        let names = p.answer.split(", ").count();
        let most = between(&p.question, "them from the ", "est to");
        let up = format!("{most}er");
        let pairs: BTreeSet<(usize, usize)> = body(p)
            .split(" Order all")
            .next()
            .unwrap()
            .split(". ")
            .map(|line| {
                let words: Vec<&str> = line.trim_end_matches('.').split(' ').collect();
                let (a, b) = (at(words[0]), at(words[words.len() - 1]));
                if words[2] == up { (a, b) } else { (b, a) }
            })
            .collect();
        pairs.iter().all(|(a, b)| a < b) && (1..names).all(|i| pairs.contains(&(i - 1, i)))
    });
}

/// Evaluates a formula: every connective binds alike, parentheses decide.
fn truth(text: &str, row: u32) -> bool {
    fn atom(words: &[String], at: &mut usize, row: u32) -> bool {
        *at += 1;
        match words[*at - 1].as_str() {
            "not" => !atom(words, at, row),
            "(" => {
                let value = whole(words, at, row);
                *at += 1;
                value
            }
            name => row >> (name.as_bytes()[0] - b'p') & 1 == 1,
        }
    }
    fn whole(words: &[String], at: &mut usize, row: u32) -> bool {
        let left = atom(words, at, row);
        let Some(word) = words.get(*at).filter(|w| *w != ")") else {
            return left;
        };
        *at += 1;
        let right = atom(words, at, row);
        match word.as_str() {
            "and" => left && right,
            "or" => left || right,
            "xor" => left != right,
            "implies" => left <= right,
            "iff" => left == right,
            other => panic!("{other} in a formula"),
        }
    }
    let spaced = text.replace('(', "( ").replace(')', " )");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    let mut at = 0;
    let value = whole(&words, &mut at, row);
    assert_eq!(at, words.len(), "{text}");
    value
}
