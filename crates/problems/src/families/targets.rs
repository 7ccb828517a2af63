//! Expressions that make a target.

use serde_json::{Value, json};

use super::games::given;
use crate::check::expression;
use crate::problem::{AnswerKind, Check, Domain, Draft, Family, Problem};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{and, dial};

use AnswerKind::Expression;

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Games, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "countdown",
        Expression,
        "Make a target of some of the numbers",
        "numbers × largest",
        countdown,
    )
    .checked_by(check_expression),
    new(
        "make_target",
        Expression,
        "Make 24, or another target, of all numbers",
        "largest number",
        make_24,
    )
    .checked_by(check_expression),
];

fn countdown(rng: &mut Rng, d: u8) -> Draft {
    let (count, top) = (dial(d, 3, 7), dial(d, 10, 100));
    loop {
        let numbers: Vec<i64> = (0..count).map(|_| rng.range(1, top)).collect();
        // Pairs are joined at random until one value is left; some numbers stay unused.
        let mut parts: Vec<(String, i64)> = numbers.iter().map(|n| (n.to_string(), *n)).collect();
        let unused = if d > 3 { rng.count(0, 1) } else { 0 };
        while parts.len() > 1 + unused {
            rng.shuffle(&mut parts);
            let (Some((right, b)), Some((left, a))) = (parts.pop(), parts.pop()) else {
                break;
            };
            let (sign, value) = match rng.below(4) {
                0 if a * b <= 2000 => ('*', a * b),
                1 if a > b => ('-', a - b),
                2 if a % b == 0 && b > 1 => ('/', a / b),
                _ => ('+', a + b),
            };
            parts.push((format!("({left} {sign} {right})"), value));
        }
        let Some((text, target)) = parts.last() else {
            continue;
        };
        if *target > 999 || numbers.contains(target) {
            continue;
        }
        let question = format!(
            "Make {target} from the numbers {} with +, -, * and / and parentheses. Each number may be used once at most, and not all must be used; numbers may not be joined to longer ones. Answer with one expression, such as (3 + 5) * 2.",
            and(&numbers)
        );
        return Draft::new(question, &text[1..text.len() - 1], count * top)
            .with("numbers", json!(numbers))
            .with("target", json!(target))
            .with("all", false);
    }
}

/// An expression for the target that uses all parts, by joining every pair in every way.
fn solve(parts: &[(String, Ratio)], target: Ratio) -> Option<String> {
    if let [(text, value)] = parts {
        return (*value == target).then(|| text.clone());
    }
    for i in 0..parts.len() {
        for j in 0..parts.len() {
            if i == j {
                continue;
            }
            let ((left, a), (right, b)) = (&parts[i], &parts[j]);
            let joined = [
                ('+', a.plus(*b)),
                ('*', a.times(*b)),
                ('-', a.minus(*b)),
                ('/', a.over(*b)),
            ];
            for (sign, value) in joined {
                if i > j && matches!(sign, '+' | '*') {
                    continue;
                }
                let Some(value) = value else { continue };
                let mut rest: Vec<(String, Ratio)> = (0..parts.len())
                    .filter(|k| *k != i && *k != j)
                    .map(|k| parts[k].clone())
                    .collect();
                rest.push((format!("({left} {sign} {right})"), value));
                if let Some(found) = solve(&rest, target) {
                    return Some(found);
                }
            }
        }
    }
    None
}

fn make_24(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 9, 18);
    loop {
        let numbers: Vec<i64> = (0..4).map(|_| rng.range(1, top)).collect();
        let target = if d < 6 { 24 } else { rng.range(17, 99) };
        let parts: Vec<(String, Ratio)> = numbers
            .iter()
            .map(|n| (n.to_string(), Ratio::whole(*n)))
            .collect();
        let Some(text) = solve(&parts, Ratio::whole(target)) else {
            continue;
        };
        let question = format!(
            "Use each of the numbers {} exactly once, with +, -, * and / and parentheses, to make {target}. Fractions may come up on the way. Answer with one expression, such as (3 + 5) * 2 * 1.",
            and(&numbers)
        );
        return Draft::new(question, &text[1..text.len() - 1], top)
            .with("numbers", json!(numbers))
            .with("target", json!(target))
            .with("all", true);
    }
}

fn check_expression(problem: &Problem, answer: &str) -> Check {
    let numbers: Vec<i128> = given(problem, "numbers")
        .into_iter()
        .map(i128::from)
        .collect();
    let Some(target) = problem.meta.get("target").and_then(Value::as_i64) else {
        return Check::wrong("the problem lacks its target");
    };
    let all = problem
        .meta
        .get("all")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    expression(answer, &numbers, target.into(), all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::evaluate;

    #[test]
    fn twenty_four_by_fractions() {
        let parts: Vec<(String, Ratio)> = [3, 3, 8, 8]
            .iter()
            .map(|n: &i64| (n.to_string(), Ratio::whole(*n)))
            .collect();
        let text = solve(&parts, Ratio::whole(24)).unwrap();
        assert_eq!(evaluate(&text).unwrap().value, Ratio::whole(24));
    }
}
