//! Replies that go round in circles.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::{Trace, words};

/// Drops a reply that ends in a loop, or much of which stands in it more than once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repetition {
    /// Runs of so many words are compared.
    pub words: usize,
    /// At most this share of the runs may be repeats of an earlier one.
    pub max_share: f64,
    /// So often the same words in a row at the end of a thought are a loop.
    pub loops: usize,
}

impl Default for Repetition {
    fn default() -> Self {
        Self {
            words: 16,
            max_share: 0.25,
            loops: 4,
        }
    }
}

/// A loop's period is at most so many words, and a loop at least so long altogether.
const LONGEST_PERIOD: usize = 400;
const SHORTEST_LOOP: usize = 24;

impl Repetition {
    pub(super) fn check(&self, trace: &Trace) -> Option<Reason> {
        for text in [trace.thought(), trace.said()] {
            let words = words::hashes(text);
            if let Some(period) = self.tail(&words) {
                let detail = format!("ends with the same {period} words over and over");
                return Some(Reason::new("repetition", detail));
            }
            let share = self.share(&words);
            if share > self.max_share {
                let share = 100.0 * share;
                let detail = format!(
                    "{share:.0}% of its runs of {} words are repeats",
                    self.words
                );
                return Some(Reason::new("repetition", detail));
            }
        }
        None
    }

    /// The share of runs that stand earlier in the text as well. Short texts have none to speak of.
    fn share(&self, words: &[u64]) -> f64 {
        if words.len() < 8 * self.words {
            return 0.0;
        }
        let grams = words::grams(words, self.words);
        let all = grams.len();
        1.0 - words::distinct(grams) as f64 / all as f64
    }

    /// The period of a loop at the end; the last turn of it may be cut off.
    fn tail(&self, words: &[u64]) -> Option<usize> {
        let most = LONGEST_PERIOD.min(words.len() / self.loops);
        (1..=most).find(|&period| {
            let needed = (period * (self.loops - 1)).max(SHORTEST_LOOP.saturating_sub(period));
            let same = words.iter().rev().zip(words.iter().rev().skip(period));
            let len = same.take_while(|(a, b)| a == b).take(needed).count();
            len >= needed
        })
    }
}
