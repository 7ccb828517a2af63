//! Puzzles on a board.

use serde_json::json;

use super::games::given;
use crate::check::{math, numbers as read};
use crate::problem::{AnswerKind, Check, Domain, Draft, Family, Problem};
use crate::rng::Rng;
use crate::words::{INTEGER, dial, join, list};

use AnswerKind::{Integer, NumberList};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Puzzles, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "small_sudoku",
        NumberList,
        "A sudoku of 4 or 6, any completion",
        "empty fields",
        sudoku,
    )
    .checked_by(check_sudoku),
    new(
        "queens",
        NumberList,
        "Queens that do not attack each other, any",
        "queens to place",
        queens,
    )
    .checked_by(check_queens),
    new(
        "maze",
        Integer,
        "The shortest way through a maze",
        "fields",
        maze,
    ),
    new(
        "life",
        Integer,
        "Living cells after some generations",
        "fields × generations",
        life,
    ),
    new(
        "islands",
        Integer,
        "The largest island of a map",
        "fields",
        islands,
    ),
    new(
        "magic_square",
        NumberList,
        "The missing numbers of a magic square",
        "largest step",
        magic,
    ),
];

fn sudoku(rng: &mut Rng, d: u8) -> Draft {
    let (rows, columns, blanks) = if d <= 4 {
        (2, 2, dial(d, 4, 14))
    } else {
        (2, 3, dial(d, 8, 26))
    };
    let n = rows * columns;
    // A shifted pattern is a valid board; renaming digits and permuting rows and columns within
    // their bands keeps it so.
    let mut digits: Vec<i64> = (1..=n as i64).collect();
    rng.shuffle(&mut digits);
    let mut order = |bands: usize, size: usize| -> Vec<usize> {
        let mut groups: Vec<Vec<usize>> = (0..bands)
            .map(|b| (b * size..(b + 1) * size).collect())
            .collect();
        rng.shuffle(&mut groups);
        groups.iter_mut().for_each(|group| rng.shuffle(group));
        groups.concat()
    };
    let (row_order, column_order) = (order(columns, rows), order(rows, columns));
    let board: Vec<i64> = row_order
        .iter()
        .flat_map(|r| {
            column_order
                .iter()
                .map(move |c| (r % rows * columns + r / rows + c) % n)
        })
        .map(|at| digits[at])
        .collect();
    let fields: Vec<usize> = (0..n * n).collect();
    let empty = rng.sample(&fields, blanks as usize);
    let shown: Vec<i64> = (0..n * n)
        .map(|at| if empty.contains(&at) { 0 } else { board[at] })
        .collect();
    let lines: Vec<String> = shown
        .chunks(n)
        .map(|row| join(row, " ").replace('0', "."))
        .collect();
    let question = format!(
        "Fill the dots of this board so that each row, each column and each of the blocks ({rows} rows high and {columns} columns wide) holds each of the numbers 1 to {n} once:\n{}\nAnswer with all {} numbers of the full board, row by row, separated by commas. Any valid board that keeps the given numbers is accepted.",
        lines.join("\n"),
        n * n
    );
    Draft::new(question, list(&board), blanks)
        .with("board", json!(shown))
        .with("block", json!([rows, columns]))
}

/// Whole numbers within `1..=most`, or why they are none.
fn whole(answer: &str, count: usize, most: usize) -> Result<Vec<usize>, Check> {
    let values = read(&math(answer))
        .ok_or_else(|| Check::wrong("the answer cannot be read: expected numbers"))?;
    if values.len() != count {
        return Err(Check::wrong(format!(
            "there are {} numbers: expected {count}",
            values.len()
        )));
    }
    values
        .iter()
        .map(|v| {
            usize::try_from(v.num())
                .ok()
                .filter(|n| v.den() == 1 && (1..=most).contains(n))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Check::wrong(format!("a number is not from 1 to {most}")))
}

fn check_sudoku(problem: &Problem, answer: &str) -> Check {
    let shown = given(problem, "board");
    let &[rows, columns] = given(problem, "block").as_slice() else {
        return Check::wrong("the problem lacks its board");
    };
    let (rows, columns) = (rows.clamp(1, 9) as usize, columns.clamp(1, 9) as usize);
    let n = rows * columns;
    let board = match whole(answer, n * n, n) {
        Ok(board) if shown.len() == n * n => board,
        Ok(_) => return Check::wrong("the problem lacks its board"),
        Err(verdict) => return verdict,
    };
    if shown
        .iter()
        .zip(&board)
        .any(|(old, new)| *old != 0 && *old != *new as i64)
    {
        return Check::wrong("a given number was changed");
    }
    let block = |at: usize| at / n / rows * rows + at % n / columns;
    let clash = (0..n * n).any(|a| {
        (0..a).any(|b| {
            board[a] == board[b] && (a / n == b / n || a % n == b % n || block(a) == block(b))
        })
    });
    Check::of(!clash, "a row, column or block holds a number twice")
}

/// Completes `columns` (the queen of each row) in a random way.
fn place(rng: &mut Rng, n: usize, columns: &mut Vec<usize>) -> bool {
    if columns.len() == n {
        return true;
    }
    let mut choices: Vec<usize> = (1..=n).collect();
    rng.shuffle(&mut choices);
    for column in choices {
        let row = columns.len();
        if columns
            .iter()
            .enumerate()
            .all(|(r, c)| *c != column && c.abs_diff(column) != row - r)
        {
            columns.push(column);
            if place(rng, n, columns) {
                return true;
            }
            columns.pop();
        }
    }
    false
}

fn queens(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 6, 11) as usize;
    let free = dial(d, 3, 9) as usize;
    let mut columns = Vec::new();
    // Boards of six and more have solutions.
    place(rng, n, &mut columns);
    let rows: Vec<usize> = (0..n).collect();
    let open = rng.sample(&rows, free);
    let given: Vec<usize> = (0..n)
        .map(|row| if open.contains(&row) { 0 } else { columns[row] })
        .collect();
    let lines: Vec<String> = given
        .iter()
        .map(|column| {
            (1..=n)
                .map(|c| if c == *column { 'Q' } else { '.' })
                .collect()
        })
        .collect();
    let question = format!(
        "Some queens stand on a board of {n} by {n} fields:\n{}\nAdd one queen in each row without one, so that no two of all {n} queens share a row, a column or a diagonal. Answer with the column of the queen of each row, from the top row to the bottom, counted from 1 at the left and separated by commas. Any solution is accepted.",
        lines.join("\n")
    );
    Draft::new(question, list(&columns), free as i64).with("columns", json!(given))
}

fn check_queens(problem: &Problem, answer: &str) -> Check {
    let fixed = given(problem, "columns");
    let columns = match whole(answer, fixed.len(), fixed.len()) {
        Ok(columns) => columns,
        Err(verdict) => return verdict,
    };
    if fixed
        .iter()
        .zip(&columns)
        .any(|(old, new)| *old != 0 && *old != *new as i64)
    {
        return Check::wrong("a given queen was moved");
    }
    let clash = (0..columns.len()).any(|a| {
        (0..a).any(|b| columns[a] == columns[b] || columns[a].abs_diff(columns[b]) == a - b)
    });
    Check::of(!clash, "two queens attack each other")
}

/// The fields next to one on a board of `n` columns.
fn beside(at: usize, n: usize, total: usize) -> impl Iterator<Item = usize> {
    let left = (!at.is_multiple_of(n)).then(|| at - 1);
    let right = (at % n + 1 < n).then(|| at + 1);
    let down = (at + n < total).then(|| at + n);
    [left, right, at.checked_sub(n), down].into_iter().flatten()
}

fn picture(cells: &[bool], n: usize, full: char) -> String {
    let lines: Vec<String> = cells
        .chunks(n)
        .map(|row| row.iter().map(|c| if *c { full } else { '.' }).collect())
        .collect();
    lines.join("\n")
}

fn maze(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 5, 14) as usize;
    loop {
        let mut walls: Vec<bool> = (0..n * n).map(|_| rng.below(100) < 34).collect();
        let goal = rng.count(n * n / 2, n * n - 1);
        (walls[0], walls[goal]) = (false, false);
        let mut steps = vec![usize::MAX; n * n];
        steps[0] = 0;
        let mut queue = vec![0];
        let mut next = 0;
        while let Some(at) = queue.get(next).copied() {
            next += 1;
            for to in beside(at, n, n * n) {
                if !walls[to] && steps[to] == usize::MAX {
                    steps[to] = steps[at] + 1;
                    queue.push(to);
                }
            }
        }
        // A maze that can be crossed without a detour is none, unless it is a small one.
        let shortest = steps[goal];
        let straight = shortest == goal % n + goal / n;
        if shortest == usize::MAX || (d > 4 && straight && rng.below(4) > 0) {
            continue;
        }
        let mut shown: Vec<String> = picture(&walls, n, '#').lines().map(str::to_owned).collect();
        shown[goal / n].replace_range(goal % n..=goal % n, "G");
        let question = format!(
            "In this maze # is a wall, . is free and G, free too, is the goal. One step leads from a free field to a free one directly above, below, left or right of it.\n{}\nHow many steps does the shortest way from the top left field to the goal take? {INTEGER}",
            shown.join("\n")
        );
        return Draft::new(question, shortest, (n * n) as i64);
    }
}

fn life(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 4, 8) as usize;
    let generations = dial(d, 1, 4);
    let mut cells: Vec<bool> = (0..n * n).map(|_| rng.below(100) < 40).collect();
    let shown = picture(&cells, n, '#');
    for _ in 0..generations {
        cells = (0..n * n)
            .map(|at| {
                let (r, c) = (at / n, at % n);
                let alive = (r.saturating_sub(1)..(r + 2).min(n))
                    .flat_map(|y| (c.saturating_sub(1)..(c + 2).min(n)).map(move |x| y * n + x))
                    .filter(|other| *other != at && cells[*other])
                    .count();
                alive == 3 || (alive == 2 && cells[at])
            })
            .collect();
    }
    let question = format!(
        "Conway's game of life is played on this board; # is a living cell, and everything outside the board stays dead:\n{shown}\nIn each generation a living cell with two or three living neighbours (of up to eight) stays alive, a dead cell with exactly three comes alive, and all others are dead. How many cells live after {generations} generation{}? {INTEGER}",
        if generations == 1 { "" } else { "s" }
    );
    let living = cells.iter().filter(|c| **c).count();
    Draft::new(question, living, (n * n) as i64 * generations)
}

fn islands(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 4, 13) as usize;
    let land: Vec<bool> = (0..n * n).map(|_| rng.below(100) < 45).collect();
    let mut seen = vec![false; n * n];
    let mut sizes = Vec::new();
    for start in 0..n * n {
        let mut todo = vec![start];
        let mut size = 0;
        while let Some(at) = todo.pop() {
            if land[at] && !seen[at] {
                seen[at] = true;
                size += 1;
                todo.extend(beside(at, n, n * n));
            }
        }
        if size > 0 {
            sizes.push(size);
        }
    }
    let (text, value) = match rng.coin() {
        true => ("How many islands are there", sizes.len()),
        false => (
            "How many fields of land does the largest island have (0 if there is none)",
            sizes.iter().copied().max().unwrap_or(0),
        ),
    };
    let question = format!(
        "On this map # is land and . is water. Fields of land that touch along a side belong to the same island.\n{}\n{text}? {INTEGER}",
        picture(&land, n, '#')
    );
    Draft::new(question, value, (n * n) as i64)
}

/// Fields of a magic square of three whose numbers fix all others.
const FIXING: [&[usize]; 7] = [
    &[0, 1, 4],
    &[0, 2, 4],
    &[2, 5, 4],
    &[6, 8, 4],
    &[1, 3, 8, 0],
    &[6, 7, 4],
    &[8, 5, 4],
];

fn magic(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 4, 40);
    // Every magic square of three has this form, with its mean in the middle.
    let (a, b) = loop {
        let (a, b) = (rng.range(1, top), rng.range(1, top));
        if a != b && a != 2 * b && b != 2 * a {
            break (a, b);
        }
    };
    let m = a + b + rng.range(1, 3 * top);
    let square = [
        m - b,
        m + a + b,
        m - a,
        m - a + b,
        m,
        m + a - b,
        m + a,
        m - a - b,
        m + b,
    ];
    let keep = *rng.pick(&FIXING);
    let fields: Vec<String> = (0..9)
        .map(|at| {
            if keep.contains(&at) {
                square[at].to_string()
            } else {
                "?".to_owned()
            }
        })
        .collect();
    let lines: Vec<String> = fields.chunks(3).map(|row| row.join(" ")).collect();
    let question = format!(
        "In a magic square all rows, all columns and both diagonals have the same sum. Complete this one:\n{}\nAnswer with all its nine numbers, row by row, separated by commas.",
        lines.join("\n")
    );
    Draft::new(question, list(&square), top)
}
