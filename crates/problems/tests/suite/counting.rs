//! Counts by enumeration.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{agrees, between, body, gold, ints};

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
    agrees("committees", 1..=10, |p| {
        let q = ints(body(p));
        let (size, first, second, least) = (q[0], q[1], q[2], q[3]);
        // Committees by size and by members of the first kind, one person after the other.
        let mut ways = BTreeMap::from([((0, 0), 1)]);
        for person in 0..first + second {
            for ((n, k), w) in ways.clone() {
                let key = (n + 1, k + i64::from(person < first));
                *ways.entry(key).or_insert(0) += w;
            }
        }
        let fits = ways.iter().filter(|((n, k), _)| *n == size && *k >= least);
        fits.map(|(_, w)| w).sum::<i64>() == gold(p)
    });
    agrees("lattice_paths", 1..=10, |p| {
        // The text says "steps of 1 to the right or 1 up" between the goal and the blocked points.
        let mut q = ints(body(p));
        q.drain(4..6);
        // No point is named twice.
        let blocked: BTreeSet<&[i64]> = q[4..].chunks(2).collect();
        assert_eq!(2 * blocked.len(), q.len() - 4, "{p:?}");
        fn path(at: [i64; 2], q: &[i64], known: &mut BTreeMap<[i64; 2], i64>) -> i64 {
            let [x, y] = at;
            if x > q[2] || y > q[3] || q[4..].chunks(2).any(|c| c == at) {
                return 0;
            }
            if at == [q[2], q[3]] {
                return 1;
            }
            if let Some(known) = known.get(&at) {
                return *known;
            }
            let value = path([x + 1, y], q, known) + path([x, y + 1], q, known);
            known.insert(at, value);
            value
        }
        path([0, 0], &q, &mut BTreeMap::new()) == gold(p)
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
    agrees("distributions", 1..=10, |p| {
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
    agrees("restricted_strings", 1..=10, |p| {
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
        // How many words end alike: more of the end than a run does not matter.
        let mut words = BTreeMap::from([(String::new(), 1_i64)]);
        for _ in 0..q[0] {
            let mut longer = BTreeMap::new();
            for (word, count) in &words {
                for c in &letters {
                    let word = format!("{word}{c}");
                    if !word.ends_with(&run) {
                        let end = word[word.len().saturating_sub(run.len())..].to_owned();
                        *longer.entry(end).or_insert(0) += count;
                    }
                }
            }
            words = longer;
        }
        words.into_values().sum::<i64>() == gold(p)
    });
    agrees("change_ways", 1..=10, |p| {
        fn go(left: i64, coins: &[i64]) -> i64 {
            match coins {
                [] => i64::from(left == 0),
                [coin, rest @ ..] => (0..=left / coin).map(|n| go(left - n * coin, rest)).sum(),
            }
        }
        let q = ints(body(p));
        go(q[0], &q[1..]) == gold(p)
    });
    agrees("nth_permutation", 1..=10, |p| {
        let mut letters: Vec<u8> = between(&p.question, "letters ", " are").bytes().collect();
        // How many arrangements come before the answer: those that differ first at each place.
        let mut before = 0;
        for c in p.answer.bytes() {
            let at = letters.iter().position(|l| *l == c).unwrap();
            letters.remove(at);
            before += at as i64 * (1..=letters.len() as i64).product::<i64>();
        }
        letters.is_empty() && before + 1 == ints(body(p))[0]
    });
    agrees("seatings", 1..=10, |p| {
        let text = body(p);
        let n = ints(text)[0] as usize;
        let wish = between(text, "true that ", "?");
        let names: Vec<&str> = between(text, "among them ", ", are")
            .split([',', ' '])
            .filter(|w| !w.is_empty() && *w != "and")
            .collect();
        assert_eq!(names.len(), 4);
        // All places of the four who are named; the others take what is left in any order.
        let mut count = 0;
        for code in 0..n.pow(4) {
            let at = |i: u32| code / n.pow(i) % n;
            if (0..4).any(|i| (0..i).any(|j| at(i) == at(j))) {
                continue;
            }
            let next = |i, j| at(i).abs_diff(at(j)) == 1;
            let end = |i| at(i) == 0 || at(i) == n - 1;
            count += i64::from(match () {
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
            });
        }
        count * (1..=n as i64 - 4).product::<i64>() == gold(p)
    });
}
