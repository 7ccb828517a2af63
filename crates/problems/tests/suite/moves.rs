//! Games with many right answers: the gold is played, another solver's answer is accepted, and the
//! checker is compared with the rules of the text.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use retort_problems::{Problem, check, generate};

use crate::common::{agrees, between, body, eval, ints, near, parts};

/// Whether the player to move wins, by playing everything out.
fn wins(heaps: &mut Vec<i64>, known: &mut BTreeMap<Vec<i64>, bool>) -> bool {
    let mut key = heaps.clone();
    key.sort_unstable();
    if let Some(known) = known.get(&key) {
        return *known;
    }
    let mut value = false;
    for at in 0..heaps.len() {
        for left in 0..heaps[at] {
            let before = std::mem::replace(&mut heaps[at], left);
            value |= !wins(heaps, known);
            heaps[at] = before;
        }
    }
    known.insert(key, value);
    value
}

fn heaps(p: &Problem) -> Vec<i64> {
    let mut q = ints(body(p));
    let heaps = q.split_off(1);
    heaps[..q[0] as usize].to_vec()
}

#[test]
fn nim_moves_by_playing_everything_out() {
    let mut known = BTreeMap::new();
    for d in 1..=3 {
        for seed in 0..20 {
            let p = generate("nim", d, seed).unwrap();
            let start = heaps(&p);
            for at in 0..start.len() {
                for take in 1..=start[at] {
                    let mut after = start.clone();
                    after[at] -= take;
                    let good = !wins(&mut after, &mut known);
                    let said = check(&p, &format!("{}, {take}", at + 1)).equal;
                    assert_eq!(said, good, "{} {take}: {p:?}", at + 1);
                }
            }
        }
    }
    agrees("nim", 1..=10, |p| {
        let start = heaps(p);
        let answer = ints(&p.answer);
        let mut after = start.clone();
        after[answer[0] as usize - 1] -= answer[1];
        // Lost for the other player: every binary place has an even number of ones.
        (0..8).all(|bit| after.iter().filter(|n| *n >> bit & 1 == 1).count() % 2 == 0)
            && answer[1] > 0
            && after.iter().all(|n| *n >= 0)
    });
}

/// The way from a start to a goal with the fewest steps, breadth first.
fn search<S: Ord + Clone>(
    start: S,
    next: impl Fn(&S) -> Vec<(String, S)>,
    done: impl Fn(&S) -> bool,
) -> Option<Vec<String>> {
    let mut from: BTreeMap<S, Option<(S, String)>> = BTreeMap::from([(start.clone(), None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(state) = queue.pop_front() {
        if done(&state) {
            let mut path = Vec::new();
            let mut at = state;
            while let Some(Some((before, step))) = from.get(&at).cloned() {
                path.push(step);
                at = before;
            }
            path.reverse();
            return Some(path);
        }
        for (step, other) in next(&state) {
            if !from.contains_key(&other) {
                from.insert(other.clone(), Some((state.clone(), step)));
                queue.push_back(other);
            }
        }
    }
    None
}

type Pegs = Vec<Vec<i64>>;

/// The pegs of a text, each from the bottom to the top, and the peg to end on.
fn pegs(p: &Problem) -> (Pegs, usize) {
    let text = body(p);
    let towers = ["A", "B", "C"]
        .iter()
        .map(
            |name| match text.split(&format!("peg {name} holds ")).nth(1) {
                Some(rest) => {
                    let end = rest.find(['p', '.', 'a']).unwrap();
                    ints(&rest[..end])
                }
                None => Vec::new(),
            },
        )
        .collect();
    let goal = text.split("end on peg ").nth(1).unwrap().as_bytes()[0] - b'A';
    (towers, goal.into())
}

fn lift(towers: &Pegs, from: usize, to: usize) -> Option<Pegs> {
    let disc = *towers[from].last()?;
    if from == to || towers[to].last().is_some_and(|top| *top < disc) {
        return None;
    }
    let mut after = towers.clone();
    after[from].pop();
    after[to].push(disc);
    Some(after)
}

fn lifts(towers: &Pegs) -> Vec<(String, Pegs)> {
    let name = |peg: usize| char::from(b'A' + peg as u8);
    (0..9)
        .map(|k| (k / 3, k % 3))
        .filter_map(|(a, b)| Some((format!("{}{}", name(a), name(b)), lift(towers, a, b)?)))
        .collect()
}

#[test]
fn towers_are_moved_by_the_rules() {
    agrees("hanoi", 1..=10, |p| {
        let (start, goal) = pegs(p);
        let discs = start.concat().len();
        let said = ints(between(body(p), "(the smallest) to ", " (the largest)"))[0];
        assert_eq!(said as usize, discs, "{p:?}");
        let done = |towers: &Pegs| towers[goal].len() == discs;
        let mut at = start.clone();
        for step in p.answer.split(", ") {
            let peg: Vec<usize> = step.bytes().map(|b| usize::from(b - b'A')).collect();
            let Some(next) = lift(&at, peg[0], peg[1]) else {
                return false;
            };
            at = next;
        }
        // Its own, shortest way, for a few: the search is slow.
        let own = p.seed > 5 || {
            let path = search(start, lifts, done).unwrap();
            let cut = path[..path.len() - 1].join(", ");
            path.len() <= p.answer.split(", ").count()
                && check(p, &path.join(", ")).equal
                && !check(p, &cut).equal
        };
        done(&at) && own
    });
    for d in 1..=7 {
        for seed in 0..4 {
            let p = generate("hanoi_shortest", d, seed).unwrap();
            let (start, goal) = pegs(&p);
            let discs = start.concat().len();
            let path = search(start, lifts, |towers| towers[goal].len() == discs).unwrap();
            assert_eq!(path.len().to_string(), p.answer, "{p:?}");
        }
    }
}

/// Sizes and start of the vessels of a text.
fn vessels(text: &str) -> (Vec<i64>, Vec<i64>) {
    let sizes: Vec<i64> = parts(between(text, "marks: ", " when full"))
        .into_iter()
        .map(|part| ints(part)[0])
        .collect();
    let start = match text.contains("All of them are empty at first") {
        true => vec![0; sizes.len()],
        false => parts(between(text, "At first ", "."))
            .into_iter()
            .map(|part| ints(part).first().copied().unwrap_or(0))
            .collect(),
    };
    (sizes, start)
}

fn pours(sizes: &[i64], state: &[i64]) -> Vec<(String, Vec<i64>)> {
    let name = |jug: usize| char::from(b'A' + jug as u8);
    let mut out = Vec::new();
    for a in 0..sizes.len() {
        for (word, level) in [("empty", 0), ("fill", sizes[a])] {
            let mut next = state.to_vec();
            next[a] = level;
            out.push((format!("{word} {}", name(a)), next));
        }
        for b in (0..sizes.len()).filter(|b| *b != a) {
            // Drop by drop.
            let mut next = state.to_vec();
            while next[a] > 0 && next[b] < sizes[b] {
                (next[a], next[b]) = (next[a] - 1, next[b] + 1);
            }
            out.push((format!("pour {} {}", name(a), name(b)), next));
        }
    }
    out
}

#[test]
fn jugs_are_poured_as_told() {
    let mut kinds = BTreeSet::new();
    agrees("water_jugs", 1..=10, |p| {
        let text = body(p);
        let (sizes, start) = vessels(text);
        assert_eq!(sizes.len(), start.len(), "{text}");
        let wish = between(text, "At the end ", ".");
        let target = ints(wish)[0];
        let done = |state: &Vec<i64>| match () {
            _ if wish.contains("together") => state.iter().sum::<i64>() == target,
            _ if wish.contains("no matter which") => state.contains(&target),
            _ => {
                let jug = wish.split(" is to").next().unwrap().bytes().last().unwrap();
                state[usize::from(jug - b'A')] == target
            }
        };
        let mut at = start.clone();
        for step in p.answer.split(", ") {
            let Some((_, next)) = pours(&sizes, &at)
                .into_iter()
                .find(|(name, _)| name == step)
            else {
                return false;
            };
            at = next;
        }
        let own = p.seed > 5 || {
            let path = search(start.clone(), |state| pours(&sizes, state), done).unwrap();
            // The gold is a shortest way, and three moves at least.
            path.len() == p.answer.split(", ").count()
                && path.len() >= 3
                && check(p, &path.join("\n")).equal
                && !check(p, &path[1..].join(", ")).equal
        };
        done(&at) && own
    });
    for seed in 0..40 {
        let p = generate("water_jugs", 5, seed).unwrap();
        let wish = between(&p.question, "At the end ", ".").to_owned();
        kinds.insert((
            wish.contains("together"),
            wish.contains("no matter which"),
            p.question.contains("All of them are empty"),
        ));
    }
    assert_eq!(kinds.len(), 6, "every goal comes with every start");
}

/// An expression for the target of all numbers, joining the first with each other in turn.
fn reach(numbers: &[(f64, String)], target: f64) -> Option<String> {
    if let [(value, text)] = numbers {
        return ((value - target).abs() < 1e-9).then(|| text.clone());
    }
    for a in 0..numbers.len() {
        for b in (0..numbers.len()).filter(|b| *b != a) {
            let ((x, s), (y, t)) = (&numbers[a], &numbers[b]);
            for (sign, value) in [('-', x - y), ('/', x / y), ('+', x + y), ('*', x * y)] {
                if !value.is_finite() {
                    continue;
                }
                let mut rest: Vec<(f64, String)> = (0..numbers.len())
                    .filter(|k| *k != a && *k != b)
                    .map(|k| numbers[k].clone())
                    .collect();
                rest.push((value, format!("({s} {sign} {t})")));
                if let Some(found) = reach(&rest, target) {
                    return Some(found);
                }
            }
        }
    }
    None
}

#[test]
fn targets_are_reached_with_the_given_numbers() {
    for family in ["countdown", "make_target"] {
        agrees(family, 1..=10, |p| {
            let text = body(p);
            let (given, target) = match family {
                "countdown" => (
                    ints(between(text, "numbers ", " with")),
                    ints(between(text, "Make ", " from"))[0],
                ),
                _ => (
                    ints(between(text, "numbers ", " exactly")),
                    ints(between(text, "to make ", "."))[0],
                ),
            };
            // Every number of the answer is one of the given, used once at most.
            let mut left = given.clone();
            for used in ints(&p.answer.replace(['(', ')'], " ")) {
                let Some(at) = left.iter().position(|n| *n == used) else {
                    return false;
                };
                left.remove(at);
            }
            let all = family == "countdown" || left.is_empty();
            let own = given.len() > 4 || p.seed > 9 || {
                let parts: Vec<(f64, String)> =
                    given.iter().map(|n| (*n as f64, n.to_string())).collect();
                let own = reach(&parts, target as f64);
                own.is_none_or(|text| check(p, &text).equal)
            };
            all && own && near(eval(&p.answer, &|_| unreachable!()), target as f64)
        });
    }
}
