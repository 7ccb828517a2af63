//! Combinatorics.

use std::collections::BTreeSet;

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::rng::Rng;
use crate::words::{INTEGER, WORDS, and, dial, ordinal};

use AnswerKind::{Integer, Text};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(
        name,
        Domain::Combinatorics,
        kind,
        description,
        measure,
        make,
    )
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "letter_arrangements",
        Integer,
        "Different arrangements of letters",
        "letters",
        arrangements,
    ),
    new(
        "committees",
        Integer,
        "Committees with a condition",
        "people",
        committees,
    ),
    new(
        "lattice_paths",
        Integer,
        "Paths in a grid with blocked points",
        "points",
        paths,
    ),
    new(
        "inclusion_exclusion",
        Integer,
        "Numbers divisible by none or some of several",
        "divisors × digits",
        exclusion,
    ),
    new(
        "distributions",
        Integer,
        "Equal things among people with least shares",
        "things",
        distributions,
    ),
    new(
        "restricted_strings",
        Integer,
        "Words without a long run of one letter",
        "length",
        restricted,
    ),
    new(
        "change_ways",
        Integer,
        "Ways to make an amount with coins",
        "amount",
        change,
    ),
    new(
        "nth_permutation",
        Text,
        "The n-th arrangement in alphabetical order",
        "letters",
        nth,
    ),
    new(
        "seatings",
        Integer,
        "People in a row who want or avoid each other",
        "people",
        seatings,
    ),
];

fn factorial(n: i64) -> i64 {
    (1..=n).product()
}

pub(super) fn choose(n: i64, k: i64) -> i64 {
    if k < 0 || k > n {
        return 0;
    }
    (0..k).fold(1, |value, i| value * (n - i) / (i + 1))
}

fn arrangements(rng: &mut Rng, d: u8) -> Draft {
    let letters = dial(d, 4, 13);
    let alphabet: Vec<char> = ('A'..='Z').collect();
    let alphabet = rng.sample(&alphabet, (letters as usize).div_ceil(2).max(3));
    let word: Vec<char> = (0..letters).map(|_| *rng.pick(&alphabet)).collect();
    let repeats: i64 = alphabet
        .iter()
        .map(|c| factorial(word.iter().filter(|w| *w == c).count() as i64))
        .product();
    let word: String = word.into_iter().collect();
    let question = format!(
        "In how many different ways can all the letters of {word} be arranged in a row? (Equal letters are not told apart.) {INTEGER}"
    );
    Draft::new(question, factorial(letters) / repeats, letters)
}

fn committees(rng: &mut Rng, d: u8) -> Draft {
    let people = dial(d, 7, 30);
    let first = rng.range(people / 3, people * 2 / 3);
    let second = people - first;
    let size = rng.range(3, (people / 2).min(7));
    let least = rng.range(1, (size - 1).min(first));
    let (x, y) = *rng.pick(&[
        ("teachers", "pupils"),
        ("cooks", "waiters"),
        ("engineers", "designers"),
        ("sailors", "fishers"),
    ]);
    let count: i64 = (least..=size)
        .map(|k| choose(first, k) * choose(second, size - k))
        .sum();
    let question = format!(
        "A committee of {size} is to be chosen from {first} {x} and {second} {y}, all different people. In how many ways can this be done so that at least {least} of its members {are} {x}? {INTEGER}",
        are = if least == 1 { "is one of the" } else { "are" }
    );
    Draft::new(question, count, people)
}

fn paths(rng: &mut Rng, d: u8) -> Draft {
    let side = dial(d, 3, 10) as usize;
    let (w, h) = (side, side + rng.count(0, 2));
    let blocked: Vec<(usize, usize)> = (0..rng.count(1, side / 2 + 1))
        .map(|_| (rng.count(0, w), rng.count(0, h)))
        .filter(|p| *p != (0, 0) && *p != (w, h))
        .collect();
    let mut ways = vec![vec![0_i64; h + 1]; w + 1];
    for x in 0..=w {
        for y in 0..=h {
            ways[x][y] = match (x, y) {
                _ if blocked.contains(&(x, y)) => 0,
                (0, 0) => 1,
                (0, y) => ways[0][y - 1],
                (x, 0) => ways[x - 1][0],
                (x, y) => ways[x - 1][y] + ways[x][y - 1],
            };
        }
    }
    let points: BTreeSet<&(usize, usize)> = blocked.iter().collect();
    let points: Vec<String> = points.iter().map(|(x, y)| format!("({x}, {y})")).collect();
    let avoid = match points.len() {
        0 => String::new(),
        1 => format!(" that do not pass through {}", points[0]),
        _ => format!(" that pass through none of the points {}", and(&points)),
    };
    let question = format!(
        "A path goes from (0, 0) to ({w}, {h}) in steps of 1 to the right or 1 up. How many such paths are there{avoid}? {INTEGER}"
    );
    Draft::new(question, ways[w][h], (side * side) as i64)
}

fn exclusion(rng: &mut Rng, d: u8) -> Draft {
    let (count, digits) = (dial(d, 2, 4), dial(d, 2, 5));
    let n = rng.digits(digits as u32);
    let by = rng.sample(
        &[2_i64, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        count as usize,
    );
    let none = rng.coin();
    let hit = (1..=n).filter(|x| by.iter().any(|b| x % b == 0)).count() as i64;
    let question = format!(
        "How many integers from 1 to {n} are divisible by {} of the numbers {}? {INTEGER}",
        if none { "none" } else { "at least one" },
        and(&by)
    );
    Draft::new(question, if none { n - hit } else { hit }, count * digits)
}

fn distributions(rng: &mut Rng, d: u8) -> Draft {
    let things = dial(d, 6, 24);
    let people = rng.range(3, dial(d, 3, 6));
    let least: Vec<i64> = (0..people)
        .map(|_| rng.range(0, things / people - 1))
        .collect();
    let names = crate::words::names(rng, people as usize);
    let thing = rng.pick(&crate::words::THINGS).1;
    let wishes: Vec<String> = names
        .iter()
        .zip(&least)
        .filter(|(_, k)| **k > 0)
        .map(|(name, k)| format!("{name} at least {k}"))
        .collect();
    let wishes = match wishes.len() {
        0 => "each may get none".to_owned(),
        n if n == names.len() => and(&wishes),
        _ => format!("{} (others may get none)", and(&wishes)),
    };
    let free = things - least.iter().sum::<i64>();
    let question = format!(
        "{things} equal {thing} are given to {}: {wishes}. In how many ways can they all be shared out, if it only matters how many each person gets? {INTEGER}",
        and(&names)
    );
    Draft::new(question, choose(free + people - 1, people - 1), things)
}

fn restricted(rng: &mut Rng, d: u8) -> Draft {
    let length = dial(d, 4, 16);
    let run = rng.count(2, 4.min(length as usize - 1));
    let letters = rng.range(2, 4);
    let alphabet: Vec<char> = ('A'..='Z').collect();
    let first = rng.sample(&alphabet, letters as usize);
    let avoid = *rng.pick(&first);
    // Words by the length of the run of the letter at their end.
    let mut ends = vec![0_i64; run];
    ends[0] = 1;
    for _ in 0..length {
        let all: i64 = ends.iter().sum();
        ends.rotate_right(1);
        ends[0] = all * (letters - 1);
    }
    let question = format!(
        "Any string of letters counts as a word. How many words of {length} letters over the alphabet {} never have {run} or more letters {avoid} in a row? {INTEGER}",
        and(&first)
    );
    Draft::new(question, ends.iter().sum::<i64>(), length)
}

fn change(rng: &mut Rng, d: u8) -> Draft {
    let amount = dial(d, 12, 150);
    let total = amount + rng.range(0, 9);
    let mut coins = rng.sample(
        &[1_i64, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25],
        dial(d, 3, 5) as usize,
    );
    coins.sort_unstable();
    let mut ways = vec![0_i64; total as usize + 1];
    ways[0] = 1;
    for coin in &coins {
        for at in *coin as usize..ways.len() {
            ways[at] += ways[at - *coin as usize];
        }
    }
    let question = format!(
        "In how many ways can {total} cents be paid with coins of {} cents, if the order does not matter and there are plenty of each? {INTEGER}",
        and(&coins)
    );
    Draft::new(question, ways[total as usize], amount)
}

fn nth(rng: &mut Rng, d: u8) -> Draft {
    let letters = dial(d, 3, 9);
    let alphabet: Vec<char> = ('A'..='Z').collect();
    let mut left = rng.sample(&alphabet, letters as usize);
    left.sort_unstable();
    let word: String = left.iter().collect();
    let n = rng.range(1, factorial(letters));
    let mut rank = n - 1;
    let mut answer = String::new();
    for size in (1..=letters).rev() {
        let block = factorial(size - 1);
        answer.push(left.remove((rank / block) as usize));
        rank %= block;
    }
    let question = format!(
        "All arrangements of the letters {word} are listed in alphabetical order. Which is the {} one? Answer with its letters in capitals, without spaces.",
        ordinal(n)
    );
    Draft::new(question, answer, letters)
}

fn seatings(rng: &mut Rng, d: u8) -> Draft {
    let people = dial(d, 4, 12);
    let names = crate::words::names(rng, 4);
    let (a, b, c, e) = (names[0], names[1], names[2], names[3]);
    let place = *rng.pick(&[
        "from left to right in a row of chairs",
        "from front to back in a queue",
        "from left to right on a bench",
        "from left to right in a line for a photograph",
    ]);
    let extra = rng.pick(&WORDS);
    let all = factorial(people);
    let (wish, count) = match rng.below(6) {
        0 => (
            format!("{a} and {b} are next to each other"),
            2 * factorial(people - 1),
        ),
        1 => (
            format!("{a} and {b} are not next to each other"),
            all - 2 * factorial(people - 1),
        ),
        2 => (format!("{a} is somewhere before {b}"), all / 2),
        3 => (
            format!("{a}, {b} and {c} are all next to each other, in any order"),
            6 * factorial(people - 2),
        ),
        4 => (
            format!("{a} and {b} are next to each other, and so are {c} and {e}"),
            4 * factorial(people - 2),
        ),
        _ => (
            format!("neither {a} nor {b} is first or last"),
            (people - 2) * (people - 3) * factorial(people - 2),
        ),
    };
    let question = format!(
        "The {people} members of the {extra} club, among them {a}, {b}, {c} and {e}, are placed {place}. In how many orders is it true that {wish}? {INTEGER}"
    );
    Draft::new(question, count, people)
}
