//! How far apart two words are.

use super::strings::letters;
use crate::problem::Draft;
use crate::rng::Rng;
use crate::words::{INTEGER, dial};

pub(super) fn distance(rng: &mut Rng, d: u8) -> Draft {
    let size = dial(d, 4, 10);
    let a = letters(rng, "abcde", size as usize);
    let mut b: Vec<char> = a.chars().collect();
    // Until the words are far enough apart: equal ones, or a single edit, would show at a glance.
    let least = (dial(d, 1, 6) - rng.range(0, 2)).max(1) as usize;
    while edit_distance(&a, &b) < least || rng.coin() {
        let at = rng.count(0, b.len() - 1);
        match rng.below(3) {
            0 if b.len() > 2 => drop(b.remove(at)),
            1 => b.insert(at, *rng.pick(&['a', 'b', 'c', 'd', 'e'])),
            _ => b[at] = *rng.pick(&['a', 'b', 'c', 'd', 'e']),
        }
    }
    let answer = edit_distance(&a, &b);
    let b: String = b.into_iter().collect();
    let question = format!(
        "One edit inserts, deletes or replaces a single letter. What is the smallest number of edits that turns `{a}` into `{b}`? {INTEGER}"
    );
    Draft::new(question, answer, size)
}

fn edit_distance(a: &str, b: &[char]) -> usize {
    // One row of the table: the distance of a prefix of `a` to all prefixes of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let best = (diagonal + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}
