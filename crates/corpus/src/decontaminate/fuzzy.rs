//! How alike two texts are, by their longest common subsequence.

/// 2 L / (a + b) over bytes, where L is the length of the longest common subsequence: 1 for the
/// same text, 0 for texts without a common byte. Two empty texts are the same.
///
/// L is found 64 places at a time, with one bit a place of `a` (Hyyrö's recurrence).
pub fn ratio(a: &str, b: &str) -> f64 {
    let symbols = |text: &str| -> Vec<u16> { text.bytes().map(u16::from).collect() };
    share(&symbols(a), &symbols(b), 256)
}

/// The same over words, given as hashes. Words differ where formulas do, whose characters are
/// nearly the same in all questions.
pub(super) fn words_ratio(a: &[u64], b: &[u64]) -> f64 {
    let mut known = a.to_vec();
    known.sort_unstable();
    known.dedup();
    // Words that `a` does not have are one symbol more.
    let symbol = |word: &u64| known.binary_search(word).unwrap_or(known.len()) as u16;
    let symbols = |words: &[u64]| -> Vec<u16> { words.iter().map(symbol).collect() };
    share(&symbols(a), &symbols(b), known.len() + 1)
}

fn share(a: &[u16], b: &[u16], alphabet: usize) -> f64 {
    match a.len() + b.len() {
        0 => 1.0,
        sum => 2.0 * common(a, b, alphabet) as f64 / sum as f64,
    }
}

/// The most that [`ratio`] can be, from the lengths alone.
pub(super) fn bound(a: usize, b: usize) -> f64 {
    match a + b {
        0 => 1.0,
        sum => 2.0 * a.min(b) as f64 / sum as f64,
    }
}

/// Of symbols below `alphabet`.
fn common(a: &[u16], b: &[u16], alphabet: usize) -> usize {
    let blocks = a.len().div_ceil(64);
    let mut places = vec![0_u64; alphabet * blocks];
    for (at, symbol) in a.iter().enumerate() {
        places[usize::from(*symbol) * blocks + at / 64] |= 1 << (at % 64);
    }
    // A zero is a place of `a` that ends a longer subsequence than the place before it.
    let mut state = vec![u64::MAX; blocks];
    for symbol in b {
        let row = usize::from(*symbol) * blocks;
        let mut carry = false;
        for (state, matches) in state.iter_mut().zip(&places[row..row + blocks]) {
            let both = *state & matches;
            let (sum, first) = state.overflowing_add(both);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            *state = sum | (*state - both);
        }
    }
    // Places past the end of `a` match nothing and stay ones.
    state.iter().map(|block| block.count_zeros() as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::mix;

    fn slow(a: &[u16], b: &[u16]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut before = 0;
            for (at, y) in b.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if x == y {
                    before + 1
                } else {
                    above.max(row[at])
                };
                before = above;
            }
        }
        row[b.len()]
    }

    #[test]
    fn bits_and_table_agree() {
        for seed in 0..200_u64 {
            let text = |salt: u64, len: u64| -> Vec<u16> {
                (0..len)
                    .map(|at| (mix(seed * 1000 + salt * 500 + at) % 5) as u16)
                    .collect()
            };
            let (a, b) = (text(0, mix(seed) % 200), text(1, mix(seed + 9) % 200));
            assert_eq!(common(&a, &b, 5), slow(&a, &b), "seed {seed}");
        }
    }

    #[test]
    fn ratios_are_those_of_the_definition() {
        assert_eq!(ratio("", ""), 1.0);
        assert_eq!(ratio("abc", ""), 0.0);
        assert_eq!(ratio("abcd", "abxd"), 0.75);
        assert_eq!(ratio("abcd", "abcd"), 1.0);
        assert!(ratio("abcd", "ab") <= bound(4, 2));
        assert_eq!(words_ratio(&[], &[]), 1.0);
        assert_eq!(words_ratio(&[9, 7, 5, 3], &[9, 7, 8, 3]), 0.75);
        assert_eq!(words_ratio(&[1, 2], &[3, 4]), 0.0);
    }
}
