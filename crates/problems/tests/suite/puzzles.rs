//! Puzzles solved again from their pictures and clues.

use std::collections::BTreeMap;

use retort_problems::{Problem, check};

use crate::common::{agrees, between, body, gold, ints, parts, permutations};

/// What a clue of the houses says of the places of one or two things.
fn holds(clue: &str, q: &[i64], at: &[i64]) -> bool {
    match () {
        _ if clue.contains("does not live in house") => at[0] != q[0],
        _ if clue.contains(" lives in house ") => at[0] == q[0],
        _ if clue.contains("somewhere to the left of") => at[0] < at[1],
        _ if clue.contains("directly to the right of") => at[0] == at[1] + 1,
        _ if clue.contains("next door to") => (at[0] - at[1]).abs() == 1,
        _ if clue.contains("between") => (at[0] - at[1]).abs() == q[0] + 1,
        _ => at[0] == at[1],
    }
}

#[test]
fn houses_by_trying_all_orders() {
    agrees("zebra", 1..=10, |p| {
        let text = body(p);
        let mut kinds = vec![
            parts(between(text, "one person (", ")")),
            parts(between(text, "one pet (", ")")),
        ];
        if text.contains("drink (") {
            kinds.push(parts(between(text, "drink (", ")")));
        }
        let n = kinds[0].len();
        let labels: Vec<&str> = kinds.concat();
        let clues: Vec<(&str, Vec<i64>, Vec<usize>)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("- "))
            .map(|line| {
                let line = line.trim_end_matches('.');
                let things = line
                    .split(' ')
                    .filter_map(|word| labels.iter().position(|label| *label == word))
                    .collect();
                (line, ints(line), things)
            })
            .collect();
        // One kind after the other, with the clues that speak of placed things only.
        let orders = permutations(n);
        let mut left: Vec<Vec<i64>> = vec![Vec::new()];
        for _ in &kinds {
            left = left
                .iter()
                .flat_map(|head| {
                    orders.iter().map(move |order| {
                        let places = order.iter().map(|x| *x as i64 + 1);
                        head.iter().copied().chain(places).collect::<Vec<i64>>()
                    })
                })
                .filter(|places| {
                    clues.iter().all(|(line, q, things)| {
                        let at: Option<Vec<i64>> =
                            things.iter().map(|t| places.get(*t).copied()).collect();
                        at.is_none_or(|at| holds(line, q, &at))
                    })
                })
                .collect();
        }
        let [places] = left.as_slice() else {
            return false;
        };
        let asked = match () {
            _ if p.question.contains("Answer with the names") => 0,
            _ if p.question.contains("Answer with the pets") => 1,
            _ => 2,
        };
        let row: Vec<&str> = (1..=n as i64)
            .map(|house| {
                let thing = (asked * n..(asked + 1) * n).find(|t| places[*t] == house);
                labels[thing.unwrap()]
            })
            .collect();
        row.join(", ") == p.answer
    });
}

#[test]
fn cups_are_moved_as_told() {
    agrees("shuffled_cups", 1..=10, |p| {
        let text = body(p);
        let mut cups: BTreeMap<i64, &str> = parts(between(text, "row: ", ". Now"))
            .into_iter()
            .map(|part| (ints(part)[0], part.split(' ').nth(1).unwrap()))
            .collect();
        for step in between(text, "Now ", ". What").split("; then ") {
            let q = ints(step);
            let before = cups.clone();
            // Pairs of where a thing is and where it goes.
            let moves = match step.contains("swapped") {
                true => vec![q[0], q[1], q[1], q[0]],
                false => q,
            };
            for pair in moves.chunks(2) {
                cups.insert(pair[1], before[&pair[0]]);
            }
        }
        cups.into_values().collect::<Vec<_>>().join(", ") == p.answer
    });
}

fn rows(p: &Problem, one: impl Fn(char) -> bool) -> Vec<Vec<char>> {
    p.question
        .lines()
        .filter(|line| !line.is_empty() && line.chars().all(&one))
        .map(|line| line.chars().filter(|c| *c != ' ').collect())
        .collect()
}

/// Fills the first empty field in every way that breaks no rule.
fn fill(board: &mut Vec<Vec<usize>>, high: usize, wide: usize) -> bool {
    let n = board.len();
    let Some(at) = (0..n * n).find(|at| board[at / n][at % n] == 0) else {
        return true;
    };
    let (r, c) = (at / n, at % n);
    for value in 1..=n {
        let (top, left) = (r / high * high, c / wide * wide);
        let used = (0..n).any(|i| board[r][i] == value || board[i][c] == value)
            || (top..top + high).any(|y| board[y][left..left + wide].contains(&value));
        if !used {
            board[r][c] = value;
            if fill(board, high, wide) {
                return true;
            }
            board[r][c] = 0;
        }
    }
    false
}

fn joined(values: impl IntoIterator<Item = usize>) -> String {
    let text: Vec<String> = values.into_iter().map(|v| v.to_string()).collect();
    text.join(", ")
}

#[test]
fn boards_are_completed_by_another_search() {
    agrees("small_sudoku", 1..=10, |p| {
        let shown = rows(p, |c| "123456. ".contains(c));
        let given: Vec<usize> = shown
            .concat()
            .into_iter()
            .map(|c| c.to_digit(10).unwrap_or(0) as usize)
            .collect();
        let n = shown.len();
        let block = ints(between(&p.question, "blocks (", ")"));
        let (high, wide) = (block[0] as usize, block[1] as usize);
        let mut board: Vec<Vec<usize>> = given.chunks(n).map(<[_]>::to_vec).collect();
        assert!(fill(&mut board, high, wide), "{p:?}");
        let own = board.concat();
        // The gold keeps the given numbers and each group holds all numbers.
        let answer: Vec<usize> = ints(&p.answer).into_iter().map(|v| v as usize).collect();
        let whole = |group: &dyn Fn(usize) -> usize| {
            (0..n).all(|k| {
                let mut values: Vec<usize> = (0..n * n)
                    .filter(|at| group(*at) == k)
                    .map(|at| answer[at])
                    .collect();
                values.sort_unstable();
                values == (1..=n).collect::<Vec<_>>()
            })
        };
        let kept = given.iter().zip(&answer).all(|(g, a)| *g == 0 || g == a);
        let good = kept
            && whole(&|at| at / n)
            && whole(&|at| at % n)
            && whole(&|at| at / n / high * (n / wide) + at % n / wide);
        // A given number changed along with its equal in another place is still no solution.
        let mut changed = own.clone();
        let fixed = given.iter().position(|g| *g > 0).unwrap();
        changed[fixed] = changed[fixed] % n + 1;
        good && check(p, &joined(own)).equal && !check(p, &joined(changed)).equal
    });
    agrees("queens", 1..=10, |p| {
        let shown = rows(p, |c| ".Q".contains(c));
        let n = shown.len();
        let given: Vec<Option<usize>> = shown
            .iter()
            .map(|row| row.iter().position(|c| *c == 'Q').map(|c| c + 1))
            .collect();
        let free = |set: &[usize]| {
            (0..set.len())
                .all(|a| (0..a).all(|b| set[a] != set[b] && set[a].abs_diff(set[b]) != a - b))
        };
        // From the last row up, while the generator goes down.
        let mut partial: Vec<Vec<usize>> = vec![Vec::new()];
        for row in (0..n).rev() {
            partial = partial
                .iter()
                .flat_map(|tail| {
                    (1..=n)
                        .filter(|c| given[row].is_none_or(|g| g == *c))
                        .map(|c| [&[c], tail.as_slice()].concat())
                        .collect::<Vec<_>>()
                })
                .filter(|set| free(set))
                .collect();
        }
        let answer: Vec<usize> = ints(&p.answer).into_iter().map(|v| v as usize).collect();
        let own = partial[partial.len() / 2].clone();
        partial.contains(&answer) && check(p, &joined(own)).equal
    });
}

#[test]
fn maps_by_joining_and_squares_by_elimination() {
    agrees("islands", 1..=10, |p| {
        let map = rows(p, |c| "#.".contains(c));
        let n = map.len();
        let land = |at: usize| map[at / n][at % n] == '#';
        // Every field takes the smallest name of its neighbours until nothing changes.
        let mut name: Vec<usize> = (0..n * n).collect();
        loop {
            let mut changed = false;
            for a in (0..n * n).filter(|a| land(*a)) {
                for b in (0..n * n).filter(|b| land(*b)) {
                    let touch = (a / n).abs_diff(b / n) + (a % n).abs_diff(b % n) == 1;
                    if touch && name[b] < name[a] {
                        name[a] = name[b];
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let mut sizes: BTreeMap<usize, i64> = BTreeMap::new();
        (0..n * n)
            .filter(|at| land(*at))
            .for_each(|at| *sizes.entry(name[at]).or_insert(0) += 1);
        let value = match p.question.contains("How many islands") {
            true => sizes.len() as i64,
            false => sizes.values().copied().max().unwrap_or(0),
        };
        value == gold(p)
    });
    agrees("magic_square", 1..=10, |p| {
        let shown: Vec<Option<f64>> = body(p)
            .lines()
            .filter(|line| line.chars().all(|c| "? -0123456789".contains(c)))
            .flat_map(|line| line.split(' '))
            .map(|word| word.parse().ok())
            .collect();
        assert_eq!(shown.len(), 9);
        // Nine fields and the common sum: eight sums and what is given must fix them all.
        let lines = [
            [0, 1, 2],
            [3, 4, 5],
            [6, 7, 8],
            [0, 3, 6],
            [1, 4, 7],
            [2, 5, 8],
            [0, 4, 8],
            [2, 4, 6],
        ];
        let mut system: Vec<[f64; 11]> = Vec::new();
        for line in lines {
            let mut row = [0.0; 11];
            line.iter().for_each(|at| row[*at] = 1.0);
            row[9] = -1.0;
            system.push(row);
        }
        for (at, value) in shown.iter().enumerate() {
            if let Some(value) = value {
                let mut row = [0.0; 11];
                (row[at], row[10]) = (1.0, *value);
                system.push(row);
            }
        }
        for column in 0..10 {
            let pivot = (column..system.len())
                .max_by(|a, b| {
                    system[*a][column]
                        .abs()
                        .total_cmp(&system[*b][column].abs())
                })
                .unwrap();
            assert!(system[pivot][column].abs() > 1e-9, "not unique: {p:?}");
            system.swap(column, pivot);
            let top = system[column].map(|v| v / system[column][column]);
            system[column] = top;
            for row in (0..system.len()).filter(|r| *r != column) {
                let by = system[row][column];
                (0..11).for_each(|k| system[row][k] -= by * top[k]);
            }
        }
        let answer = ints(&p.answer);
        system[10..].iter().all(|row| row[10].abs() < 1e-6)
            && (0..9).all(|at| (system[at][10] - answer[at] as f64).abs() < 1e-6)
    });
}
