//! Puzzles of order and place, each with exactly one solution, found by exhausting all others.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::rng::Rng;
use crate::words::{and, capital, dial, list, names, ordinal, spelled_count};

use AnswerKind::WordList;

pub(super) const FAMILIES: &[Family] = &[
    Family::new(
        "race_order",
        Domain::Logic,
        WordList,
        "The order of a race from clues",
        "runners",
        race,
    ),
    Family::new(
        "zebra",
        Domain::Logic,
        WordList,
        "Who lives where and owns what, from clues",
        "facts to find",
        zebra,
    ),
    Family::new(
        "who_is_older",
        Domain::Logic,
        WordList,
        "A total order from comparisons",
        "people",
        older,
    ),
    Family::new(
        "shuffled_cups",
        Domain::Logic,
        WordList,
        "Where things are after swaps",
        "swaps",
        swaps,
    ),
];

/// All orders of `0..n`, alphabetically.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new()];
    for _ in 0..n {
        out = out
            .into_iter()
            .flat_map(|prefix: Vec<usize>| {
                (0..n)
                    .filter(|i| !prefix.contains(i))
                    .map(|i| [&prefix[..], &[i]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    out
}

/// What is told of the places (from 0) of two things, or of one.
#[derive(Clone, Copy, PartialEq)]
enum Clue {
    At(usize, i64),
    NotAt(usize, i64),
    Before(usize, usize),
    RightAfter(usize, usize),
    NextTo(usize, usize),
    Apart(usize, usize, i64),
}

impl Clue {
    /// A random clue that is true for these places.
    fn of(rng: &mut Rng, place: &[i64], direct: bool) -> Self {
        let n = place.len();
        let a = rng.count(0, n - 1);
        let b = (a + rng.count(1, n - 1)) % n;
        let (pa, pb) = (place[a], place[b]);
        match rng.below(6) {
            0 if direct => Self::At(a, pa),
            1 => Self::NotAt(a, pb),
            2 | 0 if pa < pb => Self::Before(a, b),
            3 if pa == pb + 1 => Self::RightAfter(a, b),
            4 if (pa - pb).abs() == 1 => Self::NextTo(a, b),
            _ if (pa - pb).abs() > 1 => Self::Apart(a, b, (pa - pb).abs() - 1),
            _ if pa < pb => Self::Before(a, b),
            _ => Self::Before(b, a),
        }
    }

    fn holds(self, place: impl Fn(usize) -> i64) -> bool {
        match self {
            Self::At(a, p) => place(a) == p,
            Self::NotAt(a, p) => place(a) != p,
            Self::Before(a, b) => place(a) < place(b),
            Self::RightAfter(a, b) => place(a) == place(b) + 1,
            Self::NextTo(a, b) => (place(a) - place(b)).abs() == 1,
            Self::Apart(a, b, k) => (place(a) - place(b)).abs() == k + 1,
        }
    }
}

/// Clues that together fit only the truth, which is one of `left`; none of them can be missed.
fn clues_for<T: Clone>(
    rng: &mut Rng,
    all: &[T],
    mut next: impl FnMut(&mut Rng) -> Clue,
    holds: impl Fn(Clue, &T) -> bool,
) -> Vec<Clue> {
    let mut left = all.to_vec();
    let mut clues = Vec::new();
    while left.len() > 1 {
        let clue = next(rng);
        let fewer: Vec<T> = left.iter().filter(|t| holds(clue, t)).cloned().collect();
        if fewer.len() < left.len() {
            left = fewer;
            clues.push(clue);
        }
    }
    let mut at = 0;
    while at < clues.len() {
        let without = all.iter().filter(|t| {
            clues
                .iter()
                .enumerate()
                .all(|(i, clue)| i == at || holds(*clue, t))
        });
        if without.take(2).count() == 1 {
            clues.remove(at);
        } else {
            at += 1;
        }
    }
    rng.shuffle(&mut clues);
    clues
}

fn race(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 3, 7) as usize;
    let who = names(rng, n);
    let mut place: Vec<i64> = (0..n as i64).collect();
    rng.shuffle(&mut place);
    // Candidates as the place of each runner.
    let all: Vec<Vec<i64>> = permutations(n)
        .into_iter()
        .map(|p| p.into_iter().map(|x| x as i64).collect())
        .collect();
    let direct = d < 4;
    let clues = clues_for(
        rng,
        &all,
        |rng| Clue::of(rng, &place, direct),
        |clue, t| clue.holds(|a| t[a]),
    );
    let lines: Vec<String> = clues
        .iter()
        .map(|clue| match *clue {
            Clue::At(a, p) => format!("{} came {}.", who[a], ordinal(p + 1)),
            Clue::NotAt(a, p) => format!("{} did not come {}.", who[a], ordinal(p + 1)),
            Clue::Before(a, b) => format!("{} finished before {}.", who[a], who[b]),
            Clue::RightAfter(a, b) => format!("{} finished directly after {}.", who[a], who[b]),
            Clue::NextTo(a, b) => format!("Nobody finished between {} and {}.", who[a], who[b]),
            Clue::Apart(a, b, 1) => format!(
                "Exactly 1 runner finished between {} and {}.",
                who[a], who[b]
            ),
            Clue::Apart(a, b, k) => format!(
                "Exactly {k} runners finished between {} and {}.",
                who[a], who[b]
            ),
        })
        .collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|a| place[*a]);
    let order: Vec<&str> = order.into_iter().map(|a| who[a]).collect();
    let mut sorted = who.clone();
    sorted.sort_unstable();
    let question = format!(
        "{} ran a race, and no two finished together. {} In which order did they finish? Answer with the names from first to last, separated by commas.",
        and(&sorted),
        lines.join(" ")
    );
    Draft::new(question, list(&order), n as i64)
}

const PETS: [&str; 6] = ["cat", "dog", "parrot", "rabbit", "hamster", "turtle"];
const DRINKS: [&str; 6] = ["tea", "coffee", "milk", "juice", "water", "cocoa"];

fn zebra(rng: &mut Rng, d: u8) -> Draft {
    let (houses, kinds) = [
        (3, 2),
        (3, 2),
        (4, 2),
        (4, 2),
        (3, 3),
        (3, 3),
        (5, 2),
        (5, 2),
        (4, 3),
        (4, 3),
    ][usize::from(d.clamp(1, 10)) - 1];
    let labels: Vec<Vec<&str>> = vec![
        names(rng, houses),
        rng.sample(&PETS, houses),
        rng.sample(&DRINKS, houses),
    ];
    // Things are numbered through: the person of number a, then the pets, then the drinks.
    let mut place = Vec::new();
    for _ in 0..kinds {
        let mut row: Vec<i64> = (0..houses as i64).collect();
        rng.shuffle(&mut row);
        place.extend(row);
    }
    let orders = permutations(houses);
    let mut all: Vec<Vec<u8>> = vec![Vec::new()];
    for _ in 0..kinds {
        all = all
            .iter()
            .flat_map(|head| {
                orders.iter().map(move |p| {
                    head.iter()
                        .copied()
                        .chain(p.iter().map(|x| *x as u8))
                        .collect()
                })
            })
            .collect();
    }
    // The clue "in the same house" is said of things of two kinds; `Before` and others of any.
    let same = |rng: &mut Rng| -> Option<Clue> {
        let house = rng.range(0, houses as i64 - 1);
        let there: Vec<usize> = (0..place.len()).filter(|a| place[*a] == house).collect();
        let two = rng.sample(&there, 2);
        Some(Clue::Apart(*two.iter().min()?, *two.iter().max()?, -1))
    };
    let next = |rng: &mut Rng| match rng.below(5) {
        0 | 1 => same(rng).unwrap_or(Clue::At(0, place[0])),
        _ => loop {
            // Things of one house have no order.
            let clue = Clue::of(rng, &place, d < 5);
            if clue.holds(|a| place[a]) {
                break clue;
            }
        },
    };
    let clues = clues_for(rng, &all, next, |clue, t| clue.holds(|a| i64::from(t[a])));
    let thing = |a: usize| match a / houses {
        0 => labels[0][a].to_owned(),
        1 => format!("the owner of the {}", labels[1][a - houses]),
        _ => format!("the one who drinks {}", labels[2][a - 2 * houses]),
    };
    let lines: Vec<String> = clues
        .iter()
        .map(|clue| {
            let text = match *clue {
                Clue::At(a, p) => format!("{} lives in house {}.", thing(a), p + 1),
                Clue::NotAt(a, p) => format!("{} does not live in house {}.", thing(a), p + 1),
                Clue::Before(a, b) => {
                    format!("{} lives somewhere to the left of {}.", thing(a), thing(b))
                }
                Clue::RightAfter(a, b) => {
                    format!("{} lives directly to the right of {}.", thing(a), thing(b))
                }
                Clue::NextTo(a, b) => format!("{} lives next door to {}.", thing(a), thing(b)),
                Clue::Apart(a, b, -1) => format!("{} is {}.", thing(a), thing(b)),
                Clue::Apart(a, b, 1) => format!(
                    "There is exactly 1 house between {} and {}.",
                    thing(a),
                    thing(b)
                ),
                Clue::Apart(a, b, k) => format!(
                    "There are exactly {k} houses between {} and {}.",
                    thing(a),
                    thing(b)
                ),
            };
            let (first, rest) = text.split_at(1);
            format!("- {}{rest}", first.to_uppercase())
        })
        .collect();
    let asked = rng.count(0, kinds - 1);
    let mut row: Vec<usize> = (0..houses).collect();
    row.sort_by_key(|a| place[asked * houses + a]);
    let answer: Vec<&str> = row.into_iter().map(|a| labels[asked][a]).collect();
    let sorted = |kind: usize| {
        let mut all = labels[kind].clone();
        all.sort_unstable();
        and(&all)
    };
    let more = if kinds > 2 {
        format!(" and a favourite drink ({})", sorted(2))
    } else {
        String::new()
    };
    let question = format!(
        "{} houses in a row are numbered 1 to {houses} from left to right. In each lives one person ({}), and everyone has one pet ({}){more}; no two have the same.\n{}\nAnswer with the {} of houses 1 to {houses}, in this order, separated by commas.",
        capital(&spelled_count(houses)),
        sorted(0),
        sorted(1),
        lines.join("\n"),
        ["names of the people", "pets", "drinks"][asked]
    );
    Draft::new(question, list(&answer), (houses * kinds) as i64)
}

fn older(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 3, 12) as usize;
    let who = names(rng, n);
    let (more, less) = *rng.pick(&[
        ("old", "young"),
        ("tall", "short"),
        ("rich", "poor"),
        ("fast", "slow"),
    ]);
    let (most, least) = (format!("{more}est"), format!("{less}est"));
    let (more, less) = (format!("{more}er"), format!("{less}er"));
    let mut lines: Vec<String> = who
        .windows(2)
        .map(|pair| match rng.coin() {
            true => format!("{} is {more} than {}.", pair[0], pair[1]),
            false => format!("{} is {less} than {}.", pair[1], pair[0]),
        })
        .collect();
    // True but needless comparisons.
    for _ in 0..n / 3 {
        let a = rng.count(0, n - 3);
        let b = rng.count(a + 2, n - 1);
        lines.push(format!("{} is {more} than {}.", who[a], who[b]));
    }
    lines.sort_unstable();
    lines.dedup();
    rng.shuffle(&mut lines);
    let question = format!(
        "{} Order all {n} of them from the {most} to the {least}. Answer with the names, separated by commas.",
        lines.join(" ")
    );
    Draft::new(question, list(&who), n as i64)
}

fn swaps(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 14);
    let n = dial(d, 3, 7) as usize;
    let things = rng.sample(
        &[
            "coin", "ring", "bean", "key", "stamp", "shell", "nut", "bead",
        ],
        n,
    );
    let mut cups = things.clone();
    let mut parts = Vec::new();
    let mut last = (n, n);
    while parts.len() < count as usize {
        let a = rng.count(0, n - 1);
        let b = (a + rng.count(1, n - 1)) % n;
        // A swap undone at once would say nothing.
        if last == (a.min(b), a.max(b)) {
            continue;
        }
        last = (a.min(b), a.max(b));
        let c = (0..n).find(|c| *c != a && *c != b);
        match c.filter(|_| d > 6 && rng.below(3) == 0) {
            Some(c) => {
                // The content of a goes to b, of b to c, of c to a.
                let held = cups[c];
                (cups[c], cups[b], cups[a]) = (cups[b], cups[a], held);
                last = (n, n);
                parts.push(format!(
                    "at the same time, the thing under cup {} goes under cup {}, the thing under cup {} under cup {}, and the thing under cup {} under cup {}",
                    a + 1, b + 1, b + 1, c + 1, c + 1, a + 1
                ));
            }
            None => {
                cups.swap(a, b);
                parts.push(format!(
                    "the things under cups {} and {} are swapped",
                    a + 1,
                    b + 1
                ));
            }
        }
    }
    let start: Vec<String> = things
        .iter()
        .zip(1..)
        .map(|(thing, n)| format!("a {thing} under cup {n}"))
        .collect();
    let question = format!(
        "Cups 1 to {n} stand in a row: {}. Now {}. What is under cups 1 to {n}? Answer with the things in this order, one word each, separated by commas.",
        and(&start),
        parts.join("; then ")
    );
    Draft::new(question, list(&cups), count)
}
