//! Games by search.

use std::collections::{BTreeMap, BTreeSet};

use retort_problems::Problem;

use crate::common::{agrees, between, body, gold, ints};

#[test]
fn games_by_search() {
    agrees("hanoi_shortest", 1..=4, |p| {
        let text = body(p);
        let goal = text.split("end on peg ").nth(1).unwrap().as_bytes()[0] - b'A';
        let n = ints(text)[1] as usize;
        let mut start = vec![0_u8; n];
        for peg in 0..3 {
            let name = char::from(b'A' + peg);
            if let Some(part) = text.split(&format!("peg {name} holds ")).nth(1) {
                let end = part.find(['p', '.']).unwrap();
                ints(&part[..end])
                    .into_iter()
                    .for_each(|disc| start[disc as usize - 1] = peg);
            }
        }
        let mut ring = BTreeSet::from([start]);
        let mut seen = ring.clone();
        for step in 0.. {
            if ring.iter().any(|s| s.iter().all(|at| *at == goal)) {
                return step == gold(p);
            }
            let mut next = BTreeSet::new();
            for state in &ring {
                for (disc, from) in state
                    .iter()
                    .enumerate()
                    .filter(|(d, at)| !state[..*d].contains(at))
                {
                    for to in (0..3).filter(|to| to != from && !state[..disc].contains(to)) {
                        let mut new = state.clone();
                        new[disc] = to;
                        if seen.insert(new.clone()) {
                            next.insert(new);
                        }
                    }
                }
            }
            ring = next;
        }
        false
    });
    agrees("take_away", 1..=10, |p| {
        fn wins(left: i64, takes: &[i64], memo: &mut BTreeMap<i64, bool>) -> bool {
            if let Some(known) = memo.get(&left) {
                return *known;
            }
            let value = takes
                .iter()
                .any(|t| *t <= left && !wins(left - t, takes, memo));
            memo.insert(left, value);
            value
        }
        let q = ints(body(p));
        let (takes, left) = (&q[..q.len() - 1], q[q.len() - 1]);
        let mut memo = BTreeMap::new();
        let good: Vec<i64> = takes
            .iter()
            .copied()
            .filter(|t| *t <= left && !wins(left - t, takes, &mut memo))
            .collect();
        good == [gold(p)]
    });
    let board = |p: &Problem| -> Vec<Vec<char>> {
        p.question
            .lines()
            .filter(|l| l.chars().all(|c| "#.G".contains(c)) && !l.is_empty())
            .map(|l| l.chars().collect())
            .collect()
    };
    agrees("maze", 1..=10, |p| {
        // Relax until nothing changes.
        let b = board(p);
        let n = b.len();
        let mut far = vec![vec![i64::MAX / 2; n]; n];
        far[0][0] = 0;
        loop {
            let mut changed = false;
            for r in 0..n {
                for c in 0..n {
                    if b[r][c] != '#' {
                        for (y, x) in [
                            (r.wrapping_sub(1), c),
                            (r + 1, c),
                            (r, c.wrapping_sub(1)),
                            (r, c + 1),
                        ] {
                            if y < n && x < n && far[y][x] + 1 < far[r][c] && b[y][x] != '#' {
                                far[r][c] = far[y][x] + 1;
                                changed = true;
                            }
                        }
                    }
                }
            }
            if !changed {
                let goal = (0..n * n).find(|at| b[at / n][at % n] == 'G').unwrap();
                return far[goal / n][goal % n] == gold(p);
            }
        }
    });
    agrees("life", 1..=10, |p| {
        let mut live: BTreeSet<(i64, i64)> = board(p)
            .iter()
            .enumerate()
            .flat_map(|(r, row)| {
                row.iter()
                    .enumerate()
                    .filter(|(_, c)| **c == '#')
                    .map(move |(c, _)| (r as i64, c as i64))
                    .collect::<Vec<_>>()
            })
            .collect();
        let n = board(p).len() as i64;
        let generations = ints(between(&p.question, "live after ", " gen"))[0];
        for _ in 0..generations {
            let mut counts: BTreeMap<(i64, i64), i32> = BTreeMap::new();
            for (r, c) in &live {
                for (dr, dc) in [
                    (-1, -1),
                    (-1, 0),
                    (-1, 1),
                    (0, -1),
                    (0, 1),
                    (1, -1),
                    (1, 0),
                    (1, 1),
                ] {
                    *counts.entry((r + dr, c + dc)).or_insert(0) += 1;
                }
            }
            live = counts
                .into_iter()
                .filter(|(at, k)| {
                    (0..n).contains(&at.0)
                        && (0..n).contains(&at.1)
                        && (*k == 3 || *k == 2 && live.contains(at))
                })
                .map(|(at, _)| at)
                .collect();
        }
        live.len() as i64 == gold(p)
    });
}
