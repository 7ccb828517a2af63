//! The figures of a corpus that is ready to be trained on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Dataset, DatasetError, Packing};

/// What an epoch reads. Repeated documents count as often as they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// SHA-256 of the dataset: [`Dataset::hash`].
    pub hash: String,
    /// Conversations read from the corpus.
    pub conversations: u64,
    /// Conversations left out because a reply has no end.
    pub unfinished: u64,
    /// Documents in the bins.
    pub documents: u64,
    /// Documents longer than a bin, left out.
    pub dropped: u64,
    /// Documents longer than a bin, cut.
    pub truncated: u64,
    /// Documents in the bins with a thought that is learnt.
    pub with_thought: u64,
    /// Documents in the bins that the vocabulary cannot hold exactly.
    pub inexact: u64,
    /// Tokens in the bins.
    pub tokens: u64,
    /// Learnt tokens in the bins.
    pub learnt: u64,
    pub bins: u64,
    /// Tokens a bin holds.
    pub capacity: u64,
    /// Share of the bins' room that holds tokens, 0 to 1.
    pub efficiency: f64,
    /// Lengths in tokens of the documents that were given to the packing, whole.
    pub lengths: Lengths,
    /// What the student learns to emit after each answer.
    pub end: String,
}

/// How long documents are, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
    /// By powers of two, from the first that holds a document to the last.
    pub buckets: Vec<Bucket>,
}

/// Documents of more than half of `up_to` tokens, and at most `up_to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub up_to: u64,
    pub documents: u64,
}

impl Report {
    pub(super) fn new(dataset: &Dataset, packing: &Packing) -> Result<Self, DatasetError> {
        let (mut tokens, mut learnt, mut lengths) = (0, 0, Vec::new());
        let (mut with_thought, mut inexact) = (0, 0);
        for piece in packing.bins.iter().flat_map(|bin| &bin.pieces) {
            let index = piece.document as usize;
            tokens += u64::from(piece.len);
            let whole = dataset.tokens_of(index)?;
            learnt += match piece.len as usize == whole {
                true => dataset.learnt_of(index)?,
                false => {
                    let mask = dataset.get(index)?.learnt.iter();
                    mask.take(piece.len as usize)
                        .filter(|&&learnt| learnt)
                        .count()
                }
            } as u64;
            with_thought += u64::from(dataset.has_thought(index)?);
            inexact += u64::from(dataset.is_inexact(index)?);
            lengths.push(whole as u64);
        }
        for &document in &packing.dropped {
            lengths.push(dataset.tokens_of(document as usize)? as u64);
        }
        let summary = dataset.summary();
        Ok(Self {
            hash: dataset.hash().to_owned(),
            conversations: summary.files.iter().map(|file| file.conversations).sum(),
            unfinished: summary.files.iter().map(|file| file.unfinished).sum(),
            documents: packing.documents() as u64,
            dropped: packing.dropped.len() as u64,
            truncated: packing.truncated.len() as u64,
            with_thought,
            inexact,
            tokens,
            learnt,
            bins: packing.bins.len() as u64,
            capacity: packing.capacity as u64,
            efficiency: packing.efficiency(),
            lengths: Lengths::new(lengths),
            end: summary.end.clone(),
        })
    }

    /// Share of the documents that did not fit into a bin and were left out, 0 to 1.
    pub fn dropped_share(&self) -> f64 {
        share(self.dropped, self.documents + self.dropped)
    }

    /// Share of the documents that were cut, 0 to 1.
    pub fn truncated_share(&self) -> f64 {
        share(self.truncated, self.documents + self.dropped)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

impl Lengths {
    fn new(mut lengths: Vec<u64>) -> Self {
        lengths.sort_unstable();
        // Nearest rank: the smallest length that so many are at most as long as.
        let percentile = |percent: usize| {
            let rank = (lengths.len() * percent).div_ceil(100);
            lengths.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        let mut buckets: Vec<Bucket> = Vec::new();
        for &length in &lengths {
            let up_to = length.next_power_of_two();
            while let Some(last) = buckets.last()
                && last.up_to < up_to
            {
                buckets.push(Bucket {
                    up_to: last.up_to * 2,
                    documents: 0,
                });
            }
            match buckets.last_mut() {
                Some(last) => last.documents += 1,
                None => buckets.push(Bucket {
                    up_to,
                    documents: 1,
                }),
            }
        }
        Self {
            p50: percentile(50),
            p90: percentile(90),
            p99: percentile(99),
            max: lengths.last().copied().unwrap_or(0),
            buckets,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        writeln!(f, "conversations  {}", self.conversations)?;
        if self.unfinished > 0 {
            writeln!(f, "unfinished     {} left out", self.unfinished)?;
        }
        writeln!(
            f,
            "documents      {} ({} with a thought)",
            self.documents, self.with_thought
        )?;
        if self.dropped > 0 {
            let share = percent(self.dropped_share());
            writeln!(f, "too long       {} left out ({share})", self.dropped)?;
        }
        if self.truncated > 0 {
            let share = percent(self.truncated_share());
            writeln!(f, "too long       {} cut ({share})", self.truncated)?;
        }
        if self.inexact > 0 {
            writeln!(
                f,
                "inexact        {} changed by the tokenizer",
                self.inexact
            )?;
        }
        let learnt = percent(share(self.learnt, self.tokens));
        writeln!(f, "tokens         {}", self.tokens)?;
        writeln!(f, "learnt         {} ({learnt})", self.learnt)?;
        let full = percent(self.efficiency);
        writeln!(
            f,
            "bins           {} of {} tokens, {full} full",
            self.bins, self.capacity
        )?;
        writeln!(f, "a reply ends   {:?}", self.end)?;
        let Lengths {
            p50, p90, p99, max, ..
        } = self.lengths;
        writeln!(
            f,
            "tokens a document: p50 {p50}, p90 {p90}, p99 {p99}, longest {max}"
        )?;
        const WIDTH: u64 = 40;
        let most = self
            .lengths
            .buckets
            .iter()
            .map(|bucket| bucket.documents)
            .max();
        for Bucket { up_to, documents } in &self.lengths.buckets {
            let bar = (documents * WIDTH).div_ceil(most.unwrap_or(1).max(1)) as usize;
            writeln!(f, "  ≤ {up_to:<8} {documents:>8} {}", "█".repeat(bar))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_lengths_that_occur() {
        let lengths = Lengths::new((1..=100).rev().collect());
        assert_eq!(
            (lengths.p50, lengths.p90, lengths.p99, lengths.max),
            (50, 90, 99, 100)
        );
        let one = Lengths::new(vec![7]);
        assert_eq!((one.p50, one.p99, one.max), (7, 7, 7));
        assert_eq!(Lengths::new(Vec::new()), Lengths::default());
    }

    #[test]
    fn buckets_are_powers_of_two_without_gaps() {
        let buckets = Lengths::new(vec![3, 4, 5, 17, 64]).buckets;
        let buckets: Vec<_> = buckets.iter().map(|b| (b.up_to, b.documents)).collect();
        assert_eq!(buckets, [(4, 2), (8, 1), (16, 0), (32, 1), (64, 1)]);
    }
}
