//! Counts by enumeration.

use std::collections::BTreeMap;

use crate::common::{agrees, between, body, gold, ints, permutations};

#[test]
fn counts_by_enumeration() {
    agrees("letter_arrangements", 1..=10, |p| {
        fn ways(counts: &[u8], memo: &mut BTreeMap<Vec<u8>, i64>) -> i64 {
            if counts.iter().all(|c| *c == 0) {
                return 1;
            }
            if let Some(known) = memo.get(counts) {
                return *known;
            }
            let mut total = 0;
            for i in (0..counts.len()).filter(|i| counts[*i] > 0) {
                let mut less = counts.to_vec();
                less[i] -= 1;
                total += ways(&less, memo);
            }
            memo.insert(counts.to_vec(), total);
            total
        }
        let mut counts = BTreeMap::new();
        between(&p.question, "letters of ", " be")
            .bytes()
            .for_each(|b| *counts.entry(b).or_insert(0) += 1);
        ways(
            &counts.into_values().collect::<Vec<u8>>(),
            &mut BTreeMap::new(),
        ) == gold(p)
    });
    agrees("committees", 1..=4, |p| {
        let q = ints(body(p));
        let (size, first, second, least) = (q[0], q[1], q[2], q[3]);
        let count = (0_u32..1 << (first + second)).filter(|set| {
            i64::from(set.count_ones()) == size
                && i64::from((set & ((1 << first) - 1)).count_ones()) >= least
        });
        count.count() as i64 == gold(p)
    });
    agrees("lattice_paths", 1..=4, |p| {
        // The text says "steps of 1 to the right or 1 up" between the goal and the blocked points.
        let mut q = ints(body(p));
        q.drain(4..6);
        fn path(x: i64, y: i64, q: &[i64]) -> i64 {
            if x > q[2] || y > q[3] || q[4..].chunks(2).any(|c| c == [x, y]) {
                return 0;
            }
            if (x, y) == (q[2], q[3]) {
                1
            } else {
                path(x + 1, y, q) + path(x, y + 1, q)
            }
        }
        path(0, 0, &q) == gold(p)
    });
    agrees("inclusion_exclusion", 1..=10, |p| {
        fn gcd(a: i64, b: i64) -> i64 {
            if b == 0 { a } else { gcd(b, a % b) }
        }
        let q = ints(body(p));
        let (n, by) = (q[1], &q[2..]);
        let hit: i64 = (1_u32..1 << by.len())
            .map(|set| {
                let lcm = (0..by.len())
                    .filter(|i| set >> i & 1 == 1)
                    .fold(1, |a, i| a / gcd(a, by[i]) * by[i]);
                if set.count_ones() % 2 == 1 {
                    n / lcm
                } else {
                    -(n / lcm)
                }
            })
            .sum();
        gold(p)
            == if body(p).contains(" none ") {
                n - hit
            } else {
                hit
            }
    });
    agrees("distributions", 1..=6, |p| {
        let text = body(p);
        let people = between(text, "given to ", ":")
            .replace(" and ", ", ")
            .split(", ")
            .count();
        let least: Vec<i64> = ints(&text[text.find(':').unwrap()..]);
        let mut least = least;
        least.resize(people, 0);
        fn go(left: i64, least: &[i64]) -> i64 {
            match least {
                [] => i64::from(left == 0),
                [first, rest @ ..] => (*first..=left).map(|take| go(left - take, rest)).sum(),
            }
        }
        go(ints(text)[0], &least) == gold(p)
    });
    agrees("restricted_strings", 1..=4, |p| {
        let text = body(p);
        let q = ints(text);
        let letters: Vec<char> = between(text, "alphabet ", " never")
            .replace(" and ", ", ")
            .split(", ")
            .map(|w| w.chars().next().unwrap())
            .collect();
        let avoid = between(text, "more letters ", " in a")
            .chars()
            .next()
            .unwrap();
        let run: String = std::iter::repeat_n(avoid, q[1] as usize).collect();
        let mut words = vec![String::new()];
        for _ in 0..q[0] {
            words = words
                .iter()
                .flat_map(|w| letters.iter().map(move |c| format!("{w}{c}")))
                .filter(|w| !w.ends_with(&run))
                .collect();
        }
        words.len() as i64 == gold(p)
    });
    agrees("change_ways", 1..=6, |p| {
        fn go(left: i64, coins: &[i64]) -> i64 {
            match coins {
                [] => i64::from(left == 0),
                [coin, rest @ ..] => (0..=left / coin).map(|n| go(left - n * coin, rest)).sum(),
            }
        }
        let q = ints(body(p));
        go(q[0], &q[1..]) == gold(p)
    });
    agrees("nth_permutation", 1..=6, |p| {
        let letters: Vec<char> = between(&p.question, "letters ", " are").chars().collect();
        let mut all: Vec<String> = permutations(letters.len())
            .into_iter()
            .map(|o| o.into_iter().map(|i| letters[i]).collect())
            .collect();
        all.sort_unstable();
        all[ints(body(p))[0] as usize - 1] == p.answer
    });
    agrees("seatings", 1..=4, |p| {
        let text = body(p);
        let n = ints(text)[0] as usize;
        let wish = between(text, "true that ", "?");
        let names: Vec<&str> = between(text, "among them ", ", are")
            .split([',', ' '])
            .filter(|w| !w.is_empty() && *w != "and")
            .collect();
        assert_eq!(names.len(), 4);
        let count = permutations(n).into_iter().filter(|order| {
            let at = |i: usize| order.iter().position(|x| *x == i).unwrap();
            let next = |i, j| at(i).abs_diff(at(j)) == 1;
            let end = |i| at(i) == 0 || at(i) == n - 1;
            match () {
                _ if wish.contains("so are") => next(0, 1) && next(2, 3),
                _ if wish.contains("all next") => {
                    let mut v = [at(0), at(1), at(2)];
                    v.sort_unstable();
                    v[2] - v[0] == 2
                }
                _ if wish.contains("not next") => !next(0, 1),
                _ if wish.contains("next to") => next(0, 1),
                _ if wish.contains("before") => at(0) < at(1),
                _ => !end(0) && !end(1),
            }
        });
        count.count() as i64 == gold(p)
    });
}
