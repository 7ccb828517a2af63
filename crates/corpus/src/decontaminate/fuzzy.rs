//! How alike two texts are, by their longest common subsequence.

/// 2 L / (a + b) over bytes, where L is the length of the longest common subsequence: 1 for the
/// same text, 0 for texts without a common byte. Two empty texts are the same.
///
/// L is found 64 places at a time, with one bit a place of `a` (Hyyrö's recurrence).
pub fn ratio(a: &str, b: &str) -> f64 {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let sum = a.len() + b.len();
    if sum == 0 {
        return 1.0;
    }
    2.0 * common(a, b) as f64 / sum as f64
}

/// The most that [`ratio`] can be, from the lengths alone.
pub(super) fn bound(a: usize, b: usize) -> f64 {
    match a + b {
        0 => 1.0,
        sum => 2.0 * a.min(b) as f64 / sum as f64,
    }
}

fn common(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.len().div_ceil(64);
    let mut places = vec![0_u64; 256 * blocks];
    for (at, byte) in a.iter().enumerate() {
        places[usize::from(*byte) * blocks + at / 64] |= 1 << (at % 64);
    }
    // A zero is a place of `a` that ends a longer subsequence than the place before it.
    let mut state = vec![u64::MAX; blocks];
    for byte in b {
        let row = usize::from(*byte) * blocks;
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

    fn slow(a: &[u8], b: &[u8]) -> usize {
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
            let text = |salt: u64, len: u64| -> Vec<u8> {
                (0..len)
                    .map(|at| b'a' + (mix(seed * 1000 + salt * 500 + at) % 5) as u8)
                    .collect()
            };
            let (a, b) = (text(0, mix(seed) % 200), text(1, mix(seed + 9) % 200));
            assert_eq!(common(&a, &b), slow(&a, &b), "seed {seed}");
        }
    }

    #[test]
    fn ratios_are_those_of_the_definition() {
        assert_eq!(ratio("", ""), 1.0);
        assert_eq!(ratio("abc", ""), 0.0);
        assert_eq!(ratio("abcd", "abxd"), 0.75);
        assert_eq!(ratio("abcd", "abcd"), 1.0);
        assert!(ratio("abcd", "ab") <= bound(4, 2));
    }
}
