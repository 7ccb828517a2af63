//! Measuring an amount with vessels: any moves that reach the goal are right.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::games::given;
use crate::check::words as split;
use crate::problem::{AnswerKind, Check, Domain, Draft, Family, Problem};
use crate::rng::Rng;
use crate::words::{and, counted, dial, list, spelled_count};

pub(super) const FAMILIES: &[Family] = &[Family::new(
    "water_jugs",
    Domain::Games,
    AnswerKind::Moves,
    "Measure an amount with jugs, any way",
    "largest jug",
    jugs,
)
.checked_by(check_jugs)];

/// Larger vessels are none of ours.
const LARGEST: i64 = 1000;

/// What is to hold the amount at the end.
#[derive(Clone, Copy)]
enum Goal {
    Any,
    One(usize),
    Together,
}

impl Goal {
    fn met(self, state: &[i64], target: i64) -> bool {
        match self {
            Self::Any => state.contains(&target),
            Self::One(jug) => state.get(jug) == Some(&target),
            Self::Together => state.iter().sum::<i64>() == target,
        }
    }

    /// As it stands in a problem: -2, -1 or the index of a vessel.
    fn code(self) -> i64 {
        match self {
            Self::Together => -2,
            Self::Any => -1,
            Self::One(jug) => jug as i64,
        }
    }

    fn read(code: i64) -> Option<Self> {
        match code {
            -2 => Some(Self::Together),
            -1 => Some(Self::Any),
            code => usize::try_from(code).ok().map(Self::One),
        }
    }
}

fn name(jug: usize) -> char {
    char::from(b'A' + jug as u8)
}

/// Every move of a state: its name and what it leads to.
fn pours(sizes: &[i64], state: &[i64]) -> Vec<(String, Vec<i64>)> {
    let mut out = Vec::new();
    for a in 0..sizes.len() {
        let with = |changes: &[(usize, i64)]| {
            let mut next = state.to_vec();
            changes
                .iter()
                .for_each(|(jug, amount)| next[*jug] = *amount);
            next
        };
        out.push((format!("fill {}", name(a)), with(&[(a, sizes[a])])));
        out.push((format!("empty {}", name(a)), with(&[(a, 0)])));
        for b in (0..sizes.len()).filter(|b| *b != a) {
            let flow = state[a].min(sizes[b] - state[b]);
            out.push((
                format!("pour {} {}", name(a), name(b)),
                with(&[(a, state[a] - flow), (b, state[b] + flow)]),
            ));
        }
    }
    out
}

/// The fewest moves to the goal, found breadth first; nothing if there is no way.
fn shortest(sizes: &[i64], start: &[i64], met: impl Fn(&[i64]) -> bool) -> Option<Vec<String>> {
    // Each state with the index of the state and the move that led to it.
    let mut seen = vec![(start.to_vec(), 0, String::new())];
    let mut known = BTreeSet::from([start.to_vec()]);
    let mut at = 0;
    while at < seen.len() && !met(&seen[at].0) {
        for (name, next) in pours(sizes, &seen[at].0.clone()) {
            if known.insert(next.clone()) {
                seen.push((next, at, name));
            }
        }
        at += 1;
    }
    let mut moves = Vec::new();
    seen.get(at)?;
    while at > 0 {
        moves.push(seen[at].2.clone());
        at = seen[at].1;
    }
    moves.reverse();
    Some(moves)
}

fn jugs(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 8, 26);
    let least = [3, 3, 3, 4, 4, 4, 5, 5, 5, 6][usize::from(d.clamp(1, 10)) - 1];
    loop {
        let mut sizes: Vec<i64> = (0..2 + usize::from(d > 5))
            .map(|_| rng.range(3, top))
            .collect();
        let large = rng.count(0, sizes.len() - 1);
        sizes[large] = rng.range(top - 3, top);
        let mut start = vec![0; sizes.len()];
        if rng.below(3) == 0 {
            let jug = rng.count(0, sizes.len() - 1);
            start[jug] = rng.range(1, sizes[jug]);
        }
        let goal = match rng.below(4) {
            0 => Goal::One(rng.count(0, sizes.len() - 1)),
            1 => Goal::Together,
            _ => Goal::Any,
        };
        let target = match goal {
            Goal::Together => rng.range(1, sizes.iter().sum::<i64>() - 1),
            _ => rng.range(1, top - 1),
        };
        let Some(moves) = shortest(&sizes, &start, |state| goal.met(state, target)) else {
            continue;
        };
        if !(least..=60).contains(&moves.len()) {
            continue;
        }
        let question = tell(rng, &sizes, &start, goal, target);
        return Draft::new(question, list(&moves), top)
            .with("sizes", json!(sizes))
            .with("start", json!(start))
            .with("goal", json!(goal.code()))
            .with("target", json!(target));
    }
}

fn tell(rng: &mut Rng, sizes: &[i64], start: &[i64], goal: Goal, target: i64) -> String {
    let (vessel, vessels) = *rng.pick(&[
        ("jug", "jugs"),
        ("bucket", "buckets"),
        ("pail", "pails"),
        ("can", "cans"),
        ("barrel", "barrels"),
        ("tub", "tubs"),
    ]);
    let (one, many) = *rng.pick(&[
        ("litre", "litres"),
        ("gallon", "gallons"),
        ("pint", "pints"),
        ("quart", "quarts"),
    ]);
    let source = *rng.pick(&["a tap", "a well", "a river", "a spring", "a pump"]);
    let amount = |n: i64| counted(n, one, many);
    let holds: Vec<String> = (0..sizes.len())
        .map(|jug| format!("{} holds {}", name(jug), amount(sizes[jug])))
        .collect();
    let first = match start.iter().any(|n| *n > 0) {
        false => "All of them are empty at first.".to_owned(),
        true => {
            let each: Vec<String> = (0..start.len())
                .map(|jug| match start[jug] {
                    0 => format!("{} is empty", name(jug)),
                    n => format!("there {} {} in {}", be(n), amount(n), name(jug)),
                })
                .collect();
            format!("At first {}.", and(&each))
        }
    };
    let wanted = match goal {
        Goal::Any => format!(
            "At the end one of the {vessels}, no matter which, is to hold exactly {}.",
            amount(target)
        ),
        Goal::One(jug) => format!(
            "At the end {vessel} {} is to hold exactly {}.",
            name(jug),
            amount(target)
        ),
        Goal::Together => format!(
            "At the end the {vessels} together are to hold exactly {}.",
            amount(target)
        ),
    };
    format!(
        "There are {} {vessels} without marks: {} when full. {first} Water comes from {source} and may be poured away. {wanted} The moves are `fill A` (to the brim, from {source}), `empty A` (pour all of it away) and `pour A B` (from A into B, until A is empty or B is full), and the same for the other letters. Use at most 100 moves. Answer with the moves in order, separated by commas.",
        spelled_count(sizes.len()),
        and(&holds)
    )
}

fn be(n: i64) -> &'static str {
    match n {
        1 => "is",
        _ => "are",
    }
}

/// Words that may stand in a move without changing it.
const FILLERS: [&str; 11] = [
    "to", "into", "from", "the", "->", "jug", "bucket", "pail", "can", "barrel", "tub",
];

fn check_jugs(problem: &Problem, answer: &str) -> Check {
    let number = |key: &str| problem.meta.get(key).and_then(Value::as_i64);
    let (sizes, mut state) = (given(problem, "sizes"), given(problem, "start"));
    let fits = |(size, n): (&i64, &i64)| (1..=LARGEST).contains(size) && (0..=*size).contains(n);
    let sound = (1..=26).contains(&sizes.len())
        && sizes.len() == state.len()
        && sizes.iter().zip(&state).all(fits);
    let (Some(goal), Some(target), true) =
        (number("goal").and_then(Goal::read), number("target"), sound)
    else {
        return Check::wrong("the problem lacks its vessels or its goal");
    };
    let moves = split(&answer.replace('\u{2192}', " -> "));
    if moves.len() > 100 {
        return Check::wrong("there are more than 100 moves");
    }
    for (index, text) in moves.iter().enumerate() {
        let text: Vec<String> = text
            .split_whitespace()
            .map(|word| word.trim_matches('`').to_lowercase())
            .filter(|word| !FILLERS.contains(&word.as_str()))
            .collect();
        let text = text.join(" ");
        match pours(&sizes, &state)
            .into_iter()
            .find(|(name, _)| name.to_lowercase() == text)
        {
            Some((_, next)) => state = next,
            None => return Check::wrong(format!("move {} cannot be read", index + 1)),
        }
    }
    Check::of(
        goal.met(&state, target),
        "the goal is not reached at the end",
    )
}
