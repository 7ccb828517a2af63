//! Which documents are held out of training, for a loss that was not trained on.
//!
//! Decided by a hash of what is asked ([`Conversation::group`](crate::Conversation::group)), so
//! all traces of one question fall on the same side, the order of the corpus does not matter, and
//! a corpus that grows keeps its held-out questions.

use std::collections::BTreeSet;

use crate::{Dataset, DatasetError, HeldOut};

/// Indices of documents, in the order of the dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<u32>,
    /// Each document once, whatever `repeat` says.
    pub held_out: Vec<u32>,
}

impl Split {
    /// Fails if the share is not from 0 to below 1, or if nothing is left to train on.
    pub fn new(dataset: &Dataset, held_out: HeldOut) -> Result<Self, DatasetError> {
        let groups = (0..dataset.len()).map(|at| dataset.group_of(at));
        let groups: Vec<u64> = groups.collect::<Result<_, _>>()?;
        let below = bound(&groups, held_out)?;
        let mut split = Self::default();
        for (at, group) in (0u32..).zip(groups) {
            if u128::from(group) >= below {
                split.train.push(at);
            } else if !dataset.is_repeat(at as usize) {
                split.held_out.push(at);
            }
        }
        match split.train.is_empty() {
            true => Err(DatasetError::Empty {
                reason: format!("{} of {} are held out", split.held_out.len(), dataset.len()),
            }),
            false => Ok(split),
        }
    }
}

/// Groups below it are held out.
fn bound(groups: &[u64], held_out: HeldOut) -> Result<u128, DatasetError> {
    match held_out {
        HeldOut::Share(share) if (0.0..1.0).contains(&share) => {
            Ok((share * (u64::MAX as f64)) as u128)
        }
        HeldOut::Share(share) => Err(DatasetError::Option {
            name: "held_out",
            got: share.to_string(),
            expected: "a share from 0 to below 1, or a count",
        }),
        HeldOut::Count(count) => {
            let distinct: BTreeSet<u64> = groups.iter().copied().collect();
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            // All below the first that stays.
            let first = distinct.iter().nth(count).copied();
            Ok(first.map_or(u128::MAX, u128::from))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn held(groups: &[u64], held_out: HeldOut) -> Vec<u64> {
        let below = bound(groups, held_out).unwrap();
        let held = groups.iter().copied();
        held.filter(|&group| u128::from(group) < below).collect()
    }

    #[test]
    fn counts_are_of_questions() {
        let groups = [9, 3, 3, 7, u64::MAX];
        assert_eq!(held(&groups, HeldOut::Count(0)), [0; 0]);
        assert_eq!(held(&groups, HeldOut::Count(1)), [3, 3]);
        assert_eq!(held(&groups, HeldOut::Count(2)), [3, 3, 7]);
        assert_eq!(held(&groups, HeldOut::Count(4)), groups);
        assert_eq!(held(&groups, HeldOut::Count(9)), groups);
    }

    #[test]
    fn shares_out_of_range_are_refused() {
        for share in [-0.1, 1.0, 2.0, f64::NAN] {
            assert!(bound(&[1], HeldOut::Share(share)).is_err(), "{share}");
        }
        assert_eq!(held(&[0, 1, u64::MAX], HeldOut::Share(0.0)), [0; 0]);
    }

    proptest! {
        #[test]
        fn a_share_does_not_change_when_the_corpus_grows(
            old in prop::collection::vec(any::<u64>(), 0..50),
            new in prop::collection::vec(any::<u64>(), 0..50),
            share in 0.0..1.0f64,
        ) {
            let both: Vec<u64> = old.iter().chain(&new).copied().collect();
            let before = held(&old, HeldOut::Share(share));
            let after = held(&both, HeldOut::Share(share));
            prop_assert_eq!(&after[..before.len()], &before[..]);
        }
    }
}
