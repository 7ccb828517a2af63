//! Word problems of how many each are or get.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::gcd;
use crate::rng::Rng;
use crate::words::{and, dial, list, names};

use AnswerKind::NumberList;

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Stories, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "heads_and_legs",
        NumberList,
        "How many animals of each kind",
        "kinds × largest herd",
        legs,
    ),
    new(
        "sharing",
        NumberList,
        "A sum split in a ratio, with extras",
        "people",
        sharing,
    ),
];

fn legs(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 12, 120);
    let animals = [
        ("hens", 2, 2),
        ("goats", 4, 1),
        ("beetles", 6, 3),
        ("spiders", 8, 5),
        ("crabs", 10, 4),
    ];
    let kinds = if d < 6 { 2 } else { 3 };
    let chosen = loop {
        let chosen = rng.sample(&animals, kinds);
        // Three kinds need a third equation, by weight, that is not a mix of the others.
        let [a, b, c] = [chosen[0], chosen[1], *chosen.get(2).unwrap_or(&("", 0, 0))];
        let det = (b.1 - a.1) * (c.2 - a.2) - (c.1 - a.1) * (b.2 - a.2);
        if kinds == 2 || det != 0 {
            break chosen;
        }
    };
    let counts: Vec<i64> = chosen.iter().map(|_| rng.range(2, top)).collect();
    let sum = |value: fn(&(&str, i64, i64)) -> i64| -> i64 {
        chosen
            .iter()
            .zip(&counts)
            .map(|(animal, n)| value(animal) * n)
            .sum()
    };
    let kinds_text: Vec<String> = chosen
        .iter()
        .map(|(name, legs, _)| format!("{name} ({legs} legs each)"))
        .collect();
    let place = *rng.pick(&[
        "On a farm",
        "In a zoo",
        "In a picture book",
        "In a film studio",
    ]);
    let mut text = format!(
        "{place} there are only {}: {} heads and {} legs in all.",
        and(&kinds_text),
        sum(|_| 1),
        sum(|animal| animal.1)
    );
    if kinds == 3 {
        let points: Vec<String> = chosen
            .iter()
            .map(|(name, _, points)| format!("{points} for each of the {name}"))
            .collect();
        text.push_str(&format!(
            " In a game the children count points, {}, and come to {} points.",
            and(&points),
            sum(|animal| animal.2)
        ));
    }
    let order: Vec<&str> = chosen.iter().map(|animal| animal.0).collect();
    let question = format!(
        "{text} How many of each are there? Answer with the numbers of {}, in this order, separated by commas.",
        and(&order)
    );
    Draft::new(question, list(&counts), kinds as i64 * top)
}

fn sharing(rng: &mut Rng, d: u8) -> Draft {
    let people = dial(d, 2, 6);
    let who = names(rng, people as usize);
    let mut parts: Vec<i64> = who.iter().map(|_| rng.range(1, 9)).collect();
    let common = parts.iter().fold(0, |a, b| gcd(a, i128::from(*b))) as i64;
    parts.iter_mut().for_each(|part| *part /= common);
    let unit = rng.range(2, 20 + 10 * i64::from(d));
    let extra = if d > 4 { rng.range(5, 60) } else { 0 };
    let total: i64 = parts.iter().sum::<i64>() * unit + extra;
    let lucky = rng.count(0, who.len() - 1);
    let ratio: Vec<String> = parts.iter().map(i64::to_string).collect();
    let split = format!(
        "in the ratio {}, in the order of the names",
        ratio.join(" : ")
    );
    let coin = *rng.pick(&["coins", "points", "shells", "crowns"]);
    let how = match extra {
        0 => format!("They split them {split}."),
        extra => format!(
            "First {} gets {extra} {coin} for the work done; the rest is split among all of them {split}.",
            who[lucky]
        ),
    };
    let mut shares: Vec<i64> = parts.iter().map(|part| part * unit).collect();
    shares[lucky] += extra;
    let question = format!(
        "{} share {total} {coin}. {how} How many {coin} does each get in the end? Answer with the numbers in the order of the names, separated by commas.",
        and(&who)
    );
    Draft::new(question, list(&shares), people)
}
