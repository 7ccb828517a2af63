//! Truth and lies.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::rng::Rng;
use crate::words::{INTEGER, and, capital, dial, join, list, names};

use AnswerKind::{Assignment, Integer, WordList};

pub(super) const FAMILIES: &[Family] = &[
    Family::new(
        "knights_and_knaves",
        Domain::Logic,
        Assignment,
        "Who tells the truth, with exactly one solution",
        "people",
        knights,
    ),
    Family::new(
        "truth_table",
        Domain::Logic,
        Integer,
        "How many assignments satisfy a formula",
        "connectives",
        table,
    ),
    Family::new(
        "formula_values",
        Domain::Logic,
        WordList,
        "The values of formulas under an assignment",
        "connectives",
        values,
    ),
];

/// What someone says of the others; people are bits of a mask, knights are ones.
#[derive(Clone, Copy, PartialEq)]
enum Claim {
    Knight(usize),
    Knave(usize),
    Same(usize, usize),
    Different(usize, usize),
    Exactly(u32),
    AtLeast(u32),
    If(usize, usize),
}

impl Claim {
    fn random(rng: &mut Rng, people: usize, speaker: usize) -> Self {
        let mut others: Vec<usize> = (0..people).filter(|p| *p != speaker).collect();
        rng.shuffle(&mut others);
        let a = others[0];
        let b = others.get(1).copied().unwrap_or(speaker);
        let some = rng.count(1, people) as u32;
        match rng.below(7) {
            0 => Self::Knight(a),
            1 => Self::Knave(a),
            2 => Self::Same(a, b),
            3 => Self::Different(a, b),
            4 => Self::Exactly(some),
            5 => Self::AtLeast(some),
            _ => Self::If(a, b),
        }
    }

    fn holds(self, mask: u32) -> bool {
        let knight = |p: usize| mask >> p & 1 == 1;
        match self {
            Self::Knight(p) => knight(p),
            Self::Knave(p) => !knight(p),
            Self::Same(p, q) => knight(p) == knight(q),
            Self::Different(p, q) => knight(p) != knight(q),
            Self::Exactly(n) => mask.count_ones() == n,
            Self::AtLeast(n) => mask.count_ones() >= n,
            Self::If(p, q) => !knight(p) || knight(q),
        }
    }

    fn say(self, who: &[&str], speaker: usize) -> String {
        let name = |p: usize| if p == speaker { "I" } else { who[p] };
        let is = |p: usize| if p == speaker { "am" } else { "is" };
        let total = who.len();
        let pair = |p: usize, q: usize| {
            if q == speaker {
                format!("{} and I", who[p])
            } else {
                format!("{} and {}", name(p), name(q))
            }
        };
        match self {
            Self::Knight(p) => format!("{} {} a knight", name(p), is(p)),
            Self::Knave(p) => format!("{} {} a knave", name(p), is(p)),
            Self::Same(p, q) => format!("{} are of the same kind", pair(p, q)),
            Self::Different(p, q) => format!("{} are of different kinds", pair(p, q)),
            Self::Exactly(n) => format!(
                "exactly {n} of the {total} of us {}",
                if n == 1 { "is a knight" } else { "are knights" }
            ),
            Self::AtLeast(n) => {
                format!("the number of knights among the {total} of us is at least {n}")
            }
            Self::If(p, q) => format!(
                "if {} {} a knight, then {} {} one too",
                name(p),
                is(p),
                name(q),
                is(q)
            ),
        }
    }
}

fn knights(rng: &mut Rng, d: u8) -> Draft {
    let people = dial(d, 2, 8) as usize;
    let who = names(rng, people);
    let truth = rng.below(1 << people) as u32;
    let fits = |claims: &[(usize, Claim)], mask: u32| {
        claims
            .iter()
            .all(|(speaker, claim)| claim.holds(mask) == (mask >> speaker & 1 == 1))
    };
    // Claims true to the hidden truth are added until nothing else fits; a set that does not get
    // there is dropped.
    let claims = loop {
        let mut claims: Vec<(usize, Claim)> = Vec::new();
        let mut left: Vec<u32> = (0..1 << people).collect();
        for turn in 0..4 * people {
            let speaker = turn % people;
            let knight = truth >> speaker & 1 == 1;
            let claim = Claim::random(rng, people, speaker);
            if claim.holds(truth) != knight || claims.contains(&(speaker, claim)) {
                continue;
            }
            let fewer: Vec<u32> = left
                .iter()
                .copied()
                .filter(|m| fits(&[(speaker, claim)], *m))
                .collect();
            if fewer.len() < left.len() {
                left = fewer;
                claims.push((speaker, claim));
            }
            if left.len() == 1 {
                break;
            }
        }
        if left.len() == 1 {
            break claims;
        }
    };
    let lines: Vec<String> = claims
        .iter()
        .map(|(speaker, claim)| {
            format!(
                "{} says: \"{}.\"",
                who[*speaker],
                capital(&claim.say(&who, *speaker))
            )
        })
        .collect();
    let place = *rng.pick(&["On an island", "In a village", "At a party", "In a castle"]);
    let question = format!(
        "{place}, everyone is either a knight, who always tells the truth, or a knave, who always lies. Here are {}. {} What is each of them? Answer in the form `Name: knight, Name: knave` for all of them.",
        and(&who),
        join(&lines, " ")
    );
    let roles: Vec<String> = who
        .iter()
        .enumerate()
        .map(|(p, name)| {
            format!(
                "{name}: {}",
                if truth >> p & 1 == 1 {
                    "knight"
                } else {
                    "knave"
                }
            )
        })
        .collect();
    Draft::new(question, list(&roles), people as i64)
}

/// A random formula with this many connectives, as text and as the set of assignments (a bit each)
/// that satisfy it.
fn formula(rng: &mut Rng, connectives: i64, columns: &[(char, u32)], all: u32) -> (String, u32) {
    if connectives == 0 {
        let (name, column) = *rng.pick(columns);
        return match rng.below(3) {
            0 => (format!("not {name}"), !column & all),
            _ => (name.to_string(), column),
        };
    }
    let first = rng.range(0, connectives - 1);
    let (left, a) = formula(rng, first, columns, all);
    let (right, b) = formula(rng, connectives - 1 - first, columns, all);
    let wrap = |text: String, simple: bool| if simple { text } else { format!("({text})") };
    let (left, right) = (
        wrap(left, first == 0),
        wrap(right, connectives - 1 == first),
    );
    let (word, value) = match rng.below(5) {
        0 => ("and", a & b),
        1 => ("or", a | b),
        2 => ("xor", a ^ b),
        3 => ("implies", !a | b),
        _ => ("iff", !(a ^ b)),
    };
    (format!("{left} {word} {right}"), value & all)
}

const MEANING: &str = "Here xor means exactly one of the two, implies is false only if its left side is true and its right side false, iff means both are equal, and not binds most tightly.";

/// Variables with the assignments in which they are true, and the set of all assignments.
fn columns(variables: usize) -> (Vec<(char, u32)>, u32) {
    let rows = 1_u32 << variables;
    let all = if rows == 32 {
        u32::MAX
    } else {
        (1 << rows) - 1
    };
    let columns = ('p'..)
        .take(variables)
        .enumerate()
        .map(|(bit, name)| {
            (
                name,
                (0..rows)
                    .filter(|row| row >> bit & 1 == 1)
                    .fold(0, |set, row| set | 1 << row),
            )
        })
        .collect();
    (columns, all)
}

fn table(rng: &mut Rng, d: u8) -> Draft {
    let connectives = dial(d, 2, 9);
    let variables = dial(d, 2, 5) as usize;
    let (columns, all) = columns(variables);
    let (text, value) = formula(rng, connectives, &columns, all);
    let letters: Vec<char> = columns.iter().map(|c| c.0).collect();
    let question = format!(
        "The variables {} can each be true or false. For how many of the {} assignments is this formula true: {text}? {MEANING} {INTEGER}",
        and(&letters),
        1 << variables
    );
    Draft::new(question, value.count_ones(), connectives)
}

fn values(rng: &mut Rng, d: u8) -> Draft {
    let connectives = dial(d, 1, 6);
    let variables = 4;
    let (columns, all) = columns(variables);
    let row = rng.below(1 << variables);
    let facts: Vec<String> = columns
        .iter()
        .map(|(name, set)| format!("{name} be {}", set >> row & 1 == 1))
        .collect();
    let (mut lines, mut truths) = (Vec::new(), Vec::new());
    // Several at once, so that guessing does not pay.
    for index in 1..=5 {
        let (text, value) = formula(rng, connectives, &columns, all);
        lines.push(format!("{index}. {text}"));
        truths.push(value >> row & 1 == 1);
    }
    let question = format!(
        "Let {}. Find the truth value of each formula:\n{}\n{MEANING} Answer with five words, true or false, in order and separated by commas.",
        and(&facts),
        lines.join("\n")
    );
    Draft::new(question, list(&truths), connectives)
}
