//! Traces that are the same.
//!
//! Memory: some 40 bytes for each different trace.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Over;
use crate::pipeline::{Bits, Context, Gone, Sink, choose, scan};
use crate::{CorpusError, Trace, words};

/// Keeps the first of traces with the same text, whatever their spacing and case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// What is compared. `problem` leaves one trace of each problem.
    #[serde(default)]
    pub over: Over,
}

impl Exact {
    pub(crate) fn run(self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let mut seen: HashSet<u128> = HashSet::new();
        let mut repeats = Bits::default();
        let mut number = 0;
        let look = |trace: &Trace| digest(&self.over.text(trace));
        scan(&context.input, &mut context.control, look, |digest| {
            if !seen.insert(digest) {
                repeats.set(number);
            }
            number += 1;
            Ok(())
        })?;
        drop(seen);
        let reason = match self.over {
            Over::Problem => "dedup_exact: problem",
            Over::Trace => "dedup_exact: trace",
        };
        choose(&context.input, sink, |number| {
            repeats.has(number).then(|| Gone {
                reason,
                detail: "the same stands earlier".to_owned(),
                note: None,
            })
        })
    }
}

/// Half of a SHA-256: two texts that share it are the same text.
fn digest(text: &str) -> u128 {
    let hash = Sha256::digest(words::unspaced(text));
    u128::from_le_bytes(std::array::from_fn(|at| hash[at]))
}
