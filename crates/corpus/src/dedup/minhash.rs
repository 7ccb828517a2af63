//! MinHash: texts whose sets of word runs overlap have signatures that agree as often.
//!
//! The signature is that of Fast Similarity Sketching (Dahlgaard, Knudsen and Thorup, 2017): with
//! plain MinHash each place has a hash function of its own, and a text of n runs costs n times the
//! places. Here one hash of a run says its place as well as its rank there, in rounds, until no
//! place is empty: a text of many runs needs one or two rounds. The estimate is as good.

use std::collections::HashSet;

use crate::words::{self, mix};

/// Makes signatures. Two texts' signatures agree in about that share of places that is the Jaccard
/// similarity of their sets of shingles; with 120 places the estimate is off by 0.04 (one standard
/// deviation) at a similarity of 0.8.
#[derive(Clone, Debug)]
pub struct MinHasher {
    /// Words of a shingle.
    shingle: usize,
    /// Numbers of a signature.
    places: usize,
}

impl MinHasher {
    /// `places` numbers a signature, of shingles of `shingle` words.
    pub fn new(places: usize, shingle: usize) -> Self {
        Self {
            shingle: shingle.max(1),
            places,
        }
    }

    /// The signature of a text. Texts shorter than a shingle are one shingle.
    pub fn signature(&self, text: &str) -> Vec<u32> {
        let words = words::hashes(text);
        let n = self.shingle.min(words.len()).max(1);
        let grams: Vec<u64> = words::grams(&words, n).collect();
        let mut least = vec![u64::MAX; self.places];
        let mut empty = if grams.is_empty() { 0 } else { self.places };
        // Any run may fall into any place, for as many rounds as there are places; then each of the
        // places gets its own round, so that none stays empty.
        for round in 0..2 * self.places as u64 {
            if empty == 0 {
                break;
            }
            let salt = mix(round.wrapping_add(0x2545_f491));
            let own = round.checked_sub(self.places as u64);
            let before = least.clone();
            for gram in &grams {
                let hash = mix(gram ^ salt);
                let place = match own {
                    None => (((hash >> 32) * self.places as u64) >> 32) as usize,
                    Some(own) => own as usize,
                };
                // What an earlier round found stays: a later round ranks below it.
                if before[place] != u64::MAX {
                    continue;
                }
                empty -= usize::from(least[place] == u64::MAX);
                // The place took the upper bits.
                least[place] = least[place].min(hash & u64::from(u32::MAX));
            }
        }
        least.into_iter().map(|rank| rank as u32).collect()
    }
}

/// The estimated similarity of two signatures.
pub fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
    same as f64 / a.len().max(1) as f64
}

/// The similarity itself, for tests and small corpora.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn exact_jaccard(a: &str, b: &str, shingle: usize) -> f64 {
    let set = |text: &str| -> HashSet<u64> {
        let words = words::hashes(text);
        words::grams(&words, shingle.min(words.len()).max(1)).collect()
    };
    let (a, b) = (set(a), set(b));
    let both = a.intersection(&b).count();
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_estimate_the_similarity() {
        let hasher = MinHasher::new(512, 3);
        let words = |from: u64, to: u64| -> String {
            (from..to).map(|at| format!("w{} ", mix(at))).collect()
        };
        for shift in [0, 10, 50, 150, 400] {
            let (a, b) = (words(0, 400), words(shift, 400 + shift));
            let truth = exact_jaccard(&a, &b, 3);
            let estimate = jaccard(&hasher.signature(&a), &hasher.signature(&b));
            // Four standard deviations of 512 places.
            assert!(
                (truth - estimate).abs() < 0.09,
                "{shift}: {truth} {estimate}"
            );
        }
        assert_eq!(hasher.signature("A b"), hasher.signature("a  B!"));
        assert_ne!(hasher.signature("a b"), hasher.signature("a c"));
    }
}
