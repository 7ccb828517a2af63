//! Comparison with the gold, by kind of answer.

use std::collections::BTreeMap;

use super::clean::math;
use super::poly::Poly;
use super::read::{number, numbers, words};
use crate::expr::evaluate;
use crate::problem::{AnswerKind, Check, Problem};
use crate::ratio::Ratio;

/// Compares an answer, already without wrapping, with the gold.
pub(super) fn with_gold(problem: &Problem, answer: &str) -> Check {
    let gold = problem.answer.as_str();
    match problem.kind {
        AnswerKind::Integer | AnswerKind::Rational => {
            same(number(&unitless(problem, answer)), number(gold), "a number")
        }
        AnswerKind::LowestTerms => lowest(&math(answer), gold),
        AnswerKind::NumberList => same(numbers(&math(answer)), numbers(gold), "numbers"),
        AnswerKind::NumberSet => same(set(&math(answer)), set(gold), "numbers"),
        AnswerKind::Polynomial => same(Poly::read(&math(answer)), Poly::read(gold), "a polynomial"),
        AnswerKind::Factors => same(factors(&math(answer)), factors(gold), "a product"),
        AnswerKind::Digits => same(digits(problem, answer), digits(problem, gold), "digits"),
        AnswerKind::Clock => same(clock(answer), clock(gold), "a time of day"),
        AnswerKind::Date => same(date(answer), date(gold), "a date such as 2031-04-09"),
        AnswerKind::Assignment => same(pairs(answer), pairs(gold), "pairs `Name: role`"),
        AnswerKind::WordList => same(Some(lower(answer)), Some(lower(gold)), "words"),
        AnswerKind::Word => same(Some(word(answer)), Some(word(gold)), "a word"),
        AnswerKind::Text => same(Some(answer), Some(gold), "text"),
        // Families of these kinds have their own checkers; this is for problems of other versions.
        AnswerKind::Expression | AnswerKind::Moves => {
            let bare = |text: &str| -> String { math(text).split_whitespace().collect() };
            same(Some(bare(answer)), Some(bare(gold)), "text")
        }
    }
}

fn same<T: PartialEq>(answer: Option<T>, gold: Option<T>, expected: &str) -> Check {
    match (answer, gold) {
        (None, _) => Check::wrong(format!("the answer cannot be read: expected {expected}")),
        (Some(answer), Some(gold)) => Check::of(answer == gold, "the answer is another"),
        (Some(_), None) => Check::wrong("the problem's own answer cannot be read"),
    }
}

/// Units that are written in several ways, in lower case.
const UNITS: [(&str, &[&str]); 10] = [
    ("°", &["degrees", "degree", "deg"]),
    ("π", &["pi", "*π", "*pi"]),
    ("%", &["percent", "per cent"]),
    ("cm", &["centimetres", "centimeters"]),
    ("cm^2", &["cm²", "square centimetres", "square centimeters"]),
    ("cm^3", &["cm³", "cubic centimetres", "cubic centimeters"]),
    (
        "km/h",
        &["kilometres per hour", "kilometers per hour", "kph"],
    ),
    ("litres", &["liters", "l"]),
    ("minutes", &["min"]),
    ("hours", &["h"]),
];

/// The number of an answer that may name its unit, and only its own.
fn unitless(problem: &Problem, answer: &str) -> String {
    let text = math(answer).to_lowercase();
    let Some(unit) = problem.meta.get("unit").and_then(|unit| unit.as_str()) else {
        return text;
    };
    let one = unit.strip_suffix('s').filter(|one| !one.is_empty());
    let others = UNITS.iter().find(|(name, _)| *name == unit);
    let bare = [unit]
        .into_iter()
        .chain(others.iter().flat_map(|(_, names)| names.iter().copied()))
        .chain(one)
        .find_map(|name| text.strip_suffix(name));
    bare.map_or(text.as_str(), str::trim_end).to_owned()
}

fn lowest(answer: &str, gold: &str) -> Check {
    let verdict = same(number(answer), number(gold), "a fraction");
    if !verdict.equal {
        return verdict;
    }
    let bare: String = answer
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '+'))
        .collect();
    Check::of(bare == gold, "the fraction is not in lowest terms")
}

fn set(text: &str) -> Option<Vec<Ratio>> {
    let mut values = numbers(text)?;
    values.sort_by_key(|value| (value.num(), value.den()));
    values.dedup();
    Some(values)
}

/// Prime powers by prime. Whether they are prime needs no test: the gold's are.
fn factors(text: &str) -> Option<BTreeMap<u64, u64>> {
    let mut powers = BTreeMap::new();
    for factor in text.split('*') {
        let (prime, power) = factor.split_once('^').unwrap_or((factor, "1"));
        let power: u64 = power.trim().parse().ok()?;
        let count = powers.entry(prime.trim().parse().ok()?).or_insert(0_u64);
        *count = count.checked_add(power)?;
    }
    powers.retain(|_, power| *power > 0);
    Some(powers)
}

/// Without leading zeros, prefix, spaces and the base as an index.
fn digits(problem: &Problem, text: &str) -> Option<String> {
    let text = math(text).to_lowercase();
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let base = problem.meta.get("base").and_then(|base| base.as_u64());
    let prefix = match base {
        Some(2) => "0b",
        Some(8) => "0o",
        _ => "0x",
    };
    let text = text.strip_prefix(prefix).unwrap_or(&text);
    let text = base
        .and_then(|base| text.strip_suffix(&format!("_{base}")))
        .unwrap_or(text);
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    Some(text.trim_start_matches('0').to_owned())
}

/// Minutes since midnight.
fn clock(text: &str) -> Option<u32> {
    let text = text.trim().to_lowercase().replace('.', "");
    let half = [("am", 0), ("pm", 12)]
        .into_iter()
        .find_map(|(suffix, add)| Some((text.strip_suffix(suffix)?.trim_end(), add)));
    let (hours, minutes) = half.map_or(text.as_str(), |half| half.0).split_once(':')?;
    let (mut hours, minutes): (u32, u32) =
        (hours.trim().parse().ok()?, minutes.trim().parse().ok()?);
    if let Some((_, add)) = half {
        if !(1..=12).contains(&hours) {
            return None;
        }
        hours = hours % 12 + add;
    }
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn date(text: &str) -> Option<[u32; 3]> {
    let parts: Option<Vec<u32>> = text
        .trim()
        .split(['-', '/'])
        .map(|part| part.trim().parse().ok())
        .collect();
    parts?.try_into().ok()
}

/// Roles by name; nothing if a name has two.
fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    let text = text.to_lowercase().replace("**", "");
    let mut roles = BTreeMap::new();
    for part in words(&text) {
        let (name, role) = part
            .split_once(':')
            .or_else(|| part.split_once('='))
            .or_else(|| part.split_once(" is a "))?;
        let role = role.trim().to_owned();
        if roles.insert(name.trim().to_owned(), role).is_some() {
            return None;
        }
    }
    Some(roles)
}

fn lower(text: &str) -> Vec<String> {
    words(&text.to_lowercase())
}

fn word(text: &str) -> String {
    let text = math(text).to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Evaluates an answer that is to make `target` of `numbers`, each used once: all of them if `all`.
pub(crate) fn expression(answer: &str, numbers: &[i128], target: i128, all: bool) -> Check {
    let text = math(answer);
    let mut text = text.as_str();
    // `(3 + 5) * 3 = 24` says the target again.
    if let Some((left, right)) = text.split_once('=') {
        if number(right) != Some(Ratio::whole(target)) {
            return Check::wrong("what stands after `=` is not the target");
        }
        text = left;
    }
    let value = match evaluate(text) {
        Ok(value) => value,
        Err(reason) => return Check::wrong(reason),
    };
    let mut left = numbers.to_vec();
    for used in &value.used {
        match left.iter().position(|number| number == used) {
            Some(at) => left.swap_remove(at),
            None => {
                return Check::wrong(format!(
                    "{used} is not given, or not as often as it is used"
                ));
            }
        };
    }
    if all && !left.is_empty() {
        return Check::wrong("not every number is used");
    }
    Check::of(
        value.value == Ratio::whole(target),
        format!("the value is {}: expected {target}", value.value),
    )
}
