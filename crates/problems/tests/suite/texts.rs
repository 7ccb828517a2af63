//! Texts and lists by other algorithms.

use std::collections::{BTreeMap, BTreeSet};

use retort_problems::Problem;

use crate::common::{agrees, between, body, float, floats, gold, ints, near};

#[test]
fn texts_and_lists_by_other_algorithms() {
    let quoted = |p: &Problem| between(&p.question, "`", "`").to_owned();
    agrees("reverse_text", 1..=10, |p| {
        quoted(p).bytes().eq(p.answer.bytes().rev())
    });
    agrees("letter_count", 1..=10, |p| {
        let asked = between(&p.question, "letters ", " occur");
        let text = quoted(p);
        let counts: Vec<String> = asked
            .split(", ")
            .map(|c| (text.split(c).count() - 1).to_string())
            .collect();
        counts.join(", ") == p.answer
    });
    agrees("caesar", 1..=10, |p| {
        let by = ints(body(p))[0] as u8;
        let (from, to) = if p.question.contains("What was") {
            (
                p.answer.clone(),
                between(&p.question, "result is `", "`").to_owned(),
            )
        } else {
            (quoted(p), p.answer.clone())
        };
        from.len() == to.len()
            && from.bytes().zip(to.bytes()).all(|(a, b)| {
                if a == b' ' {
                    b == b' '
                } else {
                    (b + 26 - a) % 26 == by % 26
                }
            })
    });
    agrees("anagram", 1..=10, |p| {
        let sort = |t: &str| {
            let mut v: Vec<u8> = t.bytes().filter(|b| *b != b' ').collect();
            v.sort_unstable();
            v
        };
        let key = sort(between(&p.question, "all the letters ", ":"));
        let fits: Vec<&str> = between(&p.question, ": ", ".")
            .split(", ")
            .filter(|w| sort(w) == key)
            .collect();
        fits == [p.answer.as_str()]
    });
    agrees("palindrome", 1..=10, |p| {
        let text = quoted(p).into_bytes();
        let grow = |mut a: i64, mut b: i64| {
            while a >= 0 && b < text.len() as i64 && text[a as usize] == text[b as usize] {
                (a, b) = (a - 1, b + 1);
            }
            b - a - 1
        };
        (0..text.len() as i64)
            .map(|i| grow(i, i).max(grow(i, i + 1)))
            .max()
            == Some(gold(p))
    });
    agrees("edit_distance", 1..=10, |p| {
        let parts: Vec<&str> = p.question.split('`').collect();
        // Breadth-first over the alignment graph.
        let (a, b) = (parts[1].as_bytes(), parts[3].as_bytes());
        let mut cost = BTreeMap::from([((0, 0), 0)]);
        let mut ring = BTreeSet::from([(0, 0)]);
        for step in 0.. {
            let mut todo: Vec<(usize, usize)> = ring.iter().copied().collect();
            while let Some((i, j)) = todo.pop() {
                if i < a.len() && j < b.len() && a[i] == b[j] && !cost.contains_key(&(i + 1, j + 1))
                {
                    cost.insert((i + 1, j + 1), step);
                    ring.insert((i + 1, j + 1));
                    todo.push((i + 1, j + 1));
                }
            }
            if let Some(found) = cost.get(&(a.len(), b.len())) {
                return i64::from(*found) == gold(p);
            }
            let next: BTreeSet<(usize, usize)> = ring
                .iter()
                .flat_map(|(i, j)| [(i + 1, *j), (*i, j + 1), (i + 1, j + 1)])
                .filter(|(i, j)| *i <= a.len() && *j <= b.len() && !cost.contains_key(&(*i, *j)))
                .collect();
            next.iter().for_each(|at| {
                cost.insert(*at, step + 1);
            });
            ring = next;
        }
        false
    });
    agrees("run_length", 1..=10, |p| {
        let parts: Vec<&str> = p.question.split('`').collect();
        let (code, plain) = if p.question.contains("Decode") {
            (parts[1], p.answer.as_str())
        } else {
            (p.answer.as_str(), parts[1])
        };
        let code: Vec<char> = code.chars().collect();
        let text: String = code
            .chunks(2)
            .flat_map(|c| std::iter::repeat_n(c[1], c[0].to_digit(10).unwrap() as usize))
            .collect();
        text == plain
            && code
                .chunks(2)
                .zip(code.chunks(2).skip(1))
                .all(|(a, b)| a[1] != b[1])
    });
    agrees("number_sort", 1..=10, |p| {
        let text = between(&p.question, ": ", ". Answer");
        let (mut q, mut a) = (floats(text), floats(&p.answer));
        if p.question.contains("from the largest") {
            a.reverse();
        }
        q.sort_by(f64::total_cmp);
        q == a
    });
    agrees("statistics", 1..=10, |p| {
        let text = body(p);
        let mut q: Vec<f64> = ints(text).into_iter().map(|v| v as f64).collect();
        q.sort_by(f64::total_cmp);
        let n = q.len();
        let mean = q.iter().sum::<f64>() / n as f64;
        let value = match () {
            _ if text.contains("variance") => {
                q.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64
            }
            _ if text.contains("median") => (q[n / 2] + q[(n - 1) / 2]) / 2.0,
            _ if text.contains("range") => q[n - 1] - q[0],
            _ => mean,
        };
        near(value, float(&p.answer))
    });
    agrees("subarray_sum", 1..=10, |p| {
        let q = ints(body(p));
        (0..q.len())
            .flat_map(|i| (i..q.len()).map(move |j| (i, j)))
            .map(|(i, j)| q[i..=j].iter().sum())
            .max()
            == Some(gold(p))
    });
    agrees("inversions", 1..=10, |p| {
        // As many as swaps of neighbours while sorting.
        let mut q = ints(body(p));
        let mut swaps = 0;
        for _ in 0..q.len() {
            for i in 1..q.len() {
                if q[i - 1] > q[i] {
                    q.swap(i - 1, i);
                    swaps += 1;
                }
            }
        }
        swaps == gold(p)
    });
}
