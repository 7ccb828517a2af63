//! Games with many right answers, each checked by playing it.

use serde_json::{Value, json};

use crate::check::{math, numbers as read, words as split};
use crate::problem::{AnswerKind, Check, Domain, Draft, Family, Problem};
use crate::rng::Rng;
use crate::words::{and, dial, list};

use AnswerKind::{Integer, Moves, NumberList};

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
        "nim",
        NumberList,
        "A winning move at Nim, any",
        "heaps × largest",
        nim,
    )
    .checked_by(check_nim),
    new(
        "hanoi",
        Moves,
        "Moves for the tower of Hanoi, any that work",
        "discs",
        hanoi,
    )
    .checked_by(check_hanoi),
    new(
        "hanoi_shortest",
        Integer,
        "The fewest moves from a given position",
        "discs",
        hanoi_shortest,
    ),
    new(
        "take_away",
        Integer,
        "Who wins when tokens are taken: the first move",
        "tokens",
        take_away,
    ),
];

/// Numbers the checker of a problem needs; empty if they are missing.
pub(super) fn given(problem: &Problem, key: &str) -> Vec<i64> {
    problem
        .meta
        .get(key)
        .and_then(Value::as_array)
        .map(|values| values.iter().filter_map(Value::as_i64).collect())
        .unwrap_or_default()
}

fn nim(rng: &mut Rng, d: u8) -> Draft {
    let (count, top) = (dial(d, 3, 6), dial(d, 7, 40));
    loop {
        let heaps: Vec<i64> = (0..count).map(|_| rng.range(1, top)).collect();
        let sum = heaps.iter().fold(0, |a, b| a ^ b);
        let Some(at) = heaps.iter().position(|heap| heap ^ sum < *heap) else {
            continue;
        };
        let thing = *rng.pick(&["stones", "matches", "coins", "beans"]);
        let question = format!(
            "Two players take turns. At each turn a player takes one or more {thing} from a single heap, and whoever takes the last of all wins. There are {count} heaps, of {} {thing}. Find a move after which the player who makes it can always win. Answer with the number of the heap (1 for the first) and how many {thing} to take, separated by a comma.",
            and(&heaps)
        );
        let take = heaps[at] - (heaps[at] ^ sum);
        return Draft::new(question, format!("{}, {take}", at + 1), count * top)
            .with("heaps", json!(heaps));
    }
}

fn check_nim(problem: &Problem, answer: &str) -> Check {
    let mut heaps = given(problem, "heaps");
    let Some(&[heap, take]) = read(&math(answer)).as_deref() else {
        return Check::wrong("the answer cannot be read: expected two numbers");
    };
    let index = usize::try_from(heap.num() - 1)
        .ok()
        .filter(|_| heap.den() == 1);
    let Some(size) = index.and_then(|index| heaps.get_mut(index)) else {
        return Check::wrong("there is no such heap");
    };
    if take.den() != 1 || take.num() < 1 || take.num() > i128::from(*size) {
        return Check::wrong("the heap does not allow to take as many");
    }
    *size -= take.num() as i64;
    Check::of(
        heaps.iter().fold(0, |a, b| a ^ b) == 0,
        "the other player can win",
    )
}

const PEGS: [char; 3] = ['A', 'B', 'C'];

/// The moves that bring discs `0..discs` (0 is the smallest) from where they are to `goal`.
fn solve_hanoi(place: &mut [usize], discs: usize, goal: usize, moves: &mut Vec<(usize, usize)>) {
    let Some(last) = discs.checked_sub(1) else {
        return;
    };
    if place[last] != goal {
        let from = place[last];
        solve_hanoi(place, last, 3 - from - goal, moves);
        moves.push((from, goal));
        place[last] = goal;
    }
    solve_hanoi(place, last, goal, moves);
}

fn random_towers(rng: &mut Rng, discs: usize) -> (Vec<usize>, usize, String) {
    let goal = rng.count(0, 2);
    let mut place: Vec<usize> = (0..discs).map(|_| rng.count(0, 2)).collect();
    place[discs - 1] = (goal + rng.count(1, 2)) % 3;
    let pegs: Vec<String> = (0..3)
        .map(|peg| {
            let here: Vec<usize> = (0..discs)
                .rev()
                .filter(|disc| place[*disc] == peg)
                .map(|disc| disc + 1)
                .collect();
            match here.is_empty() {
                true => format!("peg {} is empty", PEGS[peg]),
                false => format!("peg {} holds {}", PEGS[peg], list(&here)),
            }
        })
        .collect();
    let (thing, things) = *rng.pick(&[
        ("disc", "Discs"),
        ("ring", "Rings"),
        ("plate", "Plates"),
        ("wheel", "Wheels"),
    ]);
    let text = format!(
        "{things} numbered 1 (the smallest) to {discs} (the largest) are on pegs A, B and C, listed from the bottom to the top: {}. One move takes the top {thing} of a peg and puts it on top of another peg, never onto a smaller {thing}. All of them are to end on peg {}.",
        and(&pegs),
        PEGS[goal]
    );
    (place, goal, text)
}

fn hanoi(rng: &mut Rng, d: u8) -> Draft {
    let discs = dial(d, 4, 7) as usize;
    let (place, goal, text) = random_towers(rng, discs);
    let mut moves = Vec::new();
    solve_hanoi(&mut place.clone(), discs, goal, &mut moves);
    let moves: Vec<String> = moves
        .iter()
        .map(|(a, b)| format!("{}{}", PEGS[*a], PEGS[*b]))
        .collect();
    let limit = 3 << discs;
    let question = format!(
        "{text} Find at most {limit} moves that do so. Answer with the moves in order, each as the letters of the peg it leaves and the peg it goes to, separated by commas, such as AB, AC, BC."
    );
    Draft::new(question, list(&moves), discs as i64)
        .with("place", json!(place))
        .with("goal", json!(goal))
        .with("limit", json!(limit))
}

fn check_hanoi(problem: &Problem, answer: &str) -> Check {
    let mut place = given(problem, "place");
    let number = |key: &str| problem.meta.get(key).and_then(Value::as_i64).unwrap_or(0);
    let moves = split(answer);
    if moves.len() as i64 > number("limit") {
        return Check::wrong("there are more moves than allowed");
    }
    for (index, text) in moves.iter().enumerate() {
        let text = text.to_uppercase().replace(" TO ", " ");
        // "BA or 7" is two answers, not a move.
        if text
            .chars()
            .any(|c| c.is_alphanumeric() && !PEGS.contains(&c))
        {
            return Check::wrong(format!("move {} cannot be read", index + 1));
        }
        let letters: Vec<i64> = text
            .chars()
            .filter_map(|c| PEGS.iter().position(|peg| *peg == c))
            .map(|peg| peg as i64)
            .collect();
        let &[from, to] = letters.as_slice() else {
            return Check::wrong(format!("move {} cannot be read", index + 1));
        };
        let top = |peg: i64| place.iter().position(|at| *at == peg);
        match (top(from), top(to)) {
            (Some(disc), under) if from != to && under.is_none_or(|under| under > disc) => {
                place[disc] = to
            }
            _ => return Check::wrong(format!("move {} is not allowed", index + 1)),
        }
    }
    Check::of(
        place.iter().all(|at| *at == number("goal")),
        "not all discs end on the peg",
    )
}

fn hanoi_shortest(rng: &mut Rng, d: u8) -> Draft {
    let discs = dial(d, 3, 9) as usize;
    let (mut place, goal, text) = random_towers(rng, discs);
    let mut moves = Vec::new();
    solve_hanoi(&mut place, discs, goal, &mut moves);
    let question = format!("{text} What is the smallest number of moves? Answer with an integer.");
    Draft::new(question, moves.len(), discs as i64)
}

fn take_away(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 12, 90);
    loop {
        let tokens = rng.range(top / 2, top);
        let mut takes = rng.sample(&[1_i64, 2, 3, 4, 5, 6, 7, 8, 9], if d < 3 { 2 } else { 3 });
        takes.sort_unstable();
        // A position is won if some move leads to a lost one; without a move it is lost.
        let mut won = vec![false; tokens as usize + 1];
        for n in 1..won.len() {
            won[n] = takes
                .iter()
                .any(|t| n as i64 >= *t && !won[n - *t as usize]);
        }
        let winning: Vec<i64> = takes
            .iter()
            .copied()
            .filter(|t| *t <= tokens && !won[(tokens - t) as usize])
            .collect();
        // Only positions with a single good move have a single answer.
        let &[take] = winning.as_slice() else {
            continue;
        };
        let thing = *rng.pick(&["tokens", "pebbles", "cards", "nuts"]);
        let question = format!(
            "Two players take turns to remove {} {thing} from a heap of {tokens}. Whoever cannot move, because too few are left, loses. How many must the first player take now to be sure to win? Answer with an integer.",
            and(&takes).replace(" and ", " or ")
        );
        return Draft::new(question, take, top);
    }
}
