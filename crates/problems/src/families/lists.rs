//! Lists, sets and tables of numbers.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, INTEGER, LIST, and, dial, list};

use AnswerKind::{Integer, NumberList, NumberSet, Rational};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Lists, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "number_sort",
        NumberList,
        "Numbers in order, mixed ways of writing",
        "numbers",
        sort,
    ),
    new(
        "filter_sum",
        Integer,
        "The sum of the numbers with some property",
        "numbers",
        filter,
    ),
    new(
        "set_operations",
        NumberSet,
        "Unions, intersections and differences",
        "operations × elements",
        sets,
    ),
    new(
        "statistics",
        Rational,
        "Median, mean, range or variance",
        "numbers",
        statistics,
    ),
    new(
        "list_pipeline",
        NumberList,
        "A list through several operations",
        "operations",
        pipeline,
    ),
    new(
        "matrix_turn",
        NumberList,
        "A table turned, mirrored and transposed",
        "moves × entries",
        turn,
    ),
    new(
        "subarray_sum",
        Integer,
        "The largest sum of neighbouring numbers",
        "numbers",
        subarray,
    ),
    new(
        "inversions",
        Integer,
        "Pairs of a list that are out of order",
        "numbers",
        inversions,
    ),
];

fn sort(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 4, 24);
    let places = i64::from(d) / 4;
    let scale = 10_i64.pow(places as u32);
    // In units of the last place, all different.
    let mut values: Vec<i64> = Vec::new();
    while values.len() < count as usize {
        let value = rng.range(-60 * scale, 60 * scale);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let show = |values: &[i64]| {
        list(
            &values
                .iter()
                .map(|v| Ratio::of(*v, scale).decimal())
                .collect::<Vec<_>>(),
        )
    };
    let shown = show(&values);
    values.sort_unstable();
    let down = rng.coin();
    if down {
        values.reverse();
    }
    let order = if down {
        "from the largest to the smallest"
    } else {
        "from the smallest to the largest"
    };
    Draft::new(
        format!("Sort these numbers {order}: {shown}. {LIST}"),
        show(&values),
        count,
    )
}

fn some(rng: &mut Rng, count: i64, low: i64, high: i64) -> Vec<i64> {
    (0..count).map(|_| rng.range(low, high)).collect()
}

fn filter(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 5, 30);
    let values = some(rng, count, -30, 99);
    let k = rng.range(2, 7);
    let limit = rng.range(10, 60);
    let (text, keep): (String, Box<dyn Fn(i64) -> bool>) = match rng.below(5) {
        0 => (
            format!("are divisible by {k}"),
            Box::new(move |v| v % k == 0),
        ),
        1 => (
            format!("are greater than {limit}"),
            Box::new(move |v| v > limit),
        ),
        2 => ("are odd".to_owned(), Box::new(|v| v % 2 != 0)),
        3 => (
            format!("are less than {limit} and even"),
            Box::new(move |v| v < limit && v % 2 == 0),
        ),
        _ => (
            format!("are negative or greater than {limit}"),
            Box::new(move |v| v < 0 || v > limit),
        ),
    };
    let sum: i64 = values.iter().filter(|v| keep(**v)).sum();
    let question = format!(
        "Consider the list {}. Add up all its numbers that {text} (0 if there are none; a number that stands there twice counts twice). {INTEGER}",
        list(&values)
    );
    Draft::new(question, sum, count)
}

fn sets(rng: &mut Rng, d: u8) -> Draft {
    let (operations, size) = (dial(d, 1, 4), dial(d, 4, 12));
    let range: Vec<i64> = (1..=size * 2).collect();
    loop {
        let all: Vec<Vec<i64>> = (0..=operations)
            .map(|_| rng.sample(&range, size as usize))
            .collect();
        let mut value = all[0].clone();
        let mut text = "A".to_owned();
        for (index, (set, name)) in all.iter().zip('A'..).enumerate().skip(1) {
            if index > 1 {
                text = format!("({text})");
            }
            match rng.below(4) {
                0 => {
                    value.extend(set);
                    text.push_str(&format!(" union {name}"));
                }
                1 => {
                    value.retain(|v| set.contains(v));
                    text.push_str(&format!(" intersect {name}"));
                }
                2 => {
                    value.retain(|v| !set.contains(v));
                    text.push_str(&format!(" minus {name}"));
                }
                _ => {
                    let new: Vec<i64> =
                        set.iter().filter(|v| !value.contains(v)).copied().collect();
                    value.retain(|v| !set.contains(v));
                    value.extend(new);
                    text.push_str(&format!(" symmetric-difference {name}"));
                }
            }
            value.sort_unstable();
            value.dedup();
        }
        if value.is_empty() {
            continue;
        }
        let mut meaning = String::new();
        for (word, says) in [
            ("minus", "what is in X but not in Y"),
            ("symmetric-difference", "what is in exactly one of X and Y"),
        ] {
            if text.contains(word) {
                meaning.push_str(&format!(" Here X {word} Y holds {says}."));
            }
        }
        let lines: Vec<String> = all
            .iter()
            .zip('A'..)
            .map(|(set, name)| format!("{name} = {{{}}}", list(set)))
            .collect();
        let question = format!(
            "Let {}. Find {text}.{meaning} Answer with the elements in any order, separated by commas.",
            and(&lines)
        );
        return Draft::new(question, list(&value), operations * size);
    }
}

fn statistics(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 4, 20);
    let values = some(rng, count, -20, 80);
    let mut sorted = values.clone();
    sorted.sort_unstable();
    let n = sorted.len();
    let sum: i64 = values.iter().sum();
    let squares: i64 = values.iter().map(|v| v * v).sum();
    let (what, value) = match rng.below(if d < 5 { 3 } else { 4 }) {
        0 => (
            "median (the mean of the middle two for an even count)",
            Ratio::of(sorted[(n - 1) / 2] + sorted[n / 2], 2),
        ),
        1 => ("mean", Ratio::of(sum, count)),
        2 => (
            "range (largest minus smallest)",
            Ratio::whole(sorted[n - 1] - sorted[0]),
        ),
        _ => (
            "variance (the mean of the squared distances from the mean)",
            Ratio::of(squares * count - sum * sum, count * count),
        ),
    };
    let question = format!("What is the {what} of {}? {FRACTION}", list(&values));
    Draft::new(question, value, count)
}

fn pipeline(rng: &mut Rng, d: u8) -> Draft {
    let operations = dial(d, 1, 9);
    let mut values = some(rng, 6 + i64::from(d) / 2, 1, 40);
    let shown = list(&values);
    let mut steps = Vec::new();
    for _ in 0..operations {
        let k = rng.range(2, 6);
        steps.push(match rng.below(8) {
            0 => {
                values.reverse();
                "reverse the list".to_owned()
            }
            1 => {
                values.sort_unstable();
                "sort it, the smallest first".to_owned()
            }
            2 => {
                values.iter_mut().for_each(|v| *v += k);
                format!("add {k} to every number")
            }
            3 => {
                values.iter_mut().for_each(|v| *v = *v * 2 % 50);
                "replace every number by the remainder of its double on division by 50".to_owned()
            }
            4 if values.len() > 3 => {
                values.remove(0);
                "drop the first number".to_owned()
            }
            5 if values.iter().filter(|v| *v % k != 0).count() > 2 => {
                values.retain(|v| v % k != 0);
                format!("drop the numbers divisible by {k}")
            }
            6 => {
                for at in 1..values.len() {
                    values[at] = (values[at] + values[at - 1]) % 100;
                }
                "from the second number on, and from left to right, replace each number by the remainder on division by 100 of its sum with the new value before it".to_owned()
            }
            _ => {
                values.rotate_right(1);
                "move the last number to the front".to_owned()
            }
        });
    }
    let lines: Vec<String> = steps
        .iter()
        .zip(1..)
        .map(|(step, n)| format!("{n}. {step}"))
        .collect();
    let question = format!(
        "Start with the list {shown} and do, in this order:\n{}\nWhat is the list then? {LIST}",
        lines.join("\n")
    );
    Draft::new(question, list(&values), operations)
}

fn turn(rng: &mut Rng, d: u8) -> Draft {
    let (moves, size) = (dial(d, 1, 6), dial(d, 2, 4) as usize);
    let mut table: Vec<Vec<i64>> = (0..size).map(|_| some(rng, size as i64, 0, 9)).collect();
    let text: Vec<String> = table
        .iter()
        .map(|row| crate::words::join(row, " "))
        .collect();
    let mut parts = Vec::new();
    for _ in 0..moves {
        let get = |f: &dyn Fn(usize, usize) -> i64| -> Vec<Vec<i64>> {
            (0..size)
                .map(|r| (0..size).map(|c| f(r, c)).collect())
                .collect()
        };
        let last = size - 1;
        let (name, new) = match rng.below(5) {
            0 => (
                "turn it clockwise by 90 degrees",
                get(&|r, c| table[last - c][r]),
            ),
            1 => (
                "turn it counterclockwise by 90 degrees",
                get(&|r, c| table[c][last - r]),
            ),
            2 => ("mirror it left to right", get(&|r, c| table[r][last - c])),
            3 => ("mirror it top to bottom", get(&|r, c| table[last - r][c])),
            _ => (
                "transpose it (rows become columns)",
                get(&|r, c| table[c][r]),
            ),
        };
        table = new;
        parts.push(name);
    }
    let question = format!(
        "Take the table\n{}\nand {}. Answer with all numbers of the result, row by row, separated by commas.",
        text.join("\n"),
        parts.join(", then ")
    );
    Draft::new(
        question,
        list(&table.concat()),
        moves * (size * size) as i64,
    )
}

fn subarray(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 5, 24);
    let values = some(rng, count, -20, 20);
    let (mut best, mut ending) = (i64::MIN, 0);
    for value in &values {
        ending = value + ending.max(0);
        best = best.max(ending);
    }
    let question = format!(
        "Choose one or more numbers that stand next to each other, without gaps, in the list {}. What is the largest sum they can have? {INTEGER}",
        list(&values)
    );
    Draft::new(question, best, count)
}

fn inversions(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 5, 16);
    let values = rng.sample(&(1..=99).collect::<Vec<i64>>(), count as usize);
    let pairs = (0..values.len())
        .flat_map(|i| (0..i).map(move |j| (j, i)))
        .filter(|(j, i)| values[*j] > values[*i])
        .count();
    let question = format!(
        "In how many pairs of numbers of the list {} does the larger number stand somewhere before the smaller one? {INTEGER}",
        list(&values)
    );
    Draft::new(question, pairs, count)
}
