//! What a finished step leaves beside its traces.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use retort_report::atomic;
use retort_report::number::count;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::stream::{Dropped, hex};
use crate::CorpusError;

/// The record of a step. It is written after the step's file, so a step without it is not finished.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's place, from 0 (the import).
    pub number: usize,
    /// Its kind: `import`, `filter`.
    pub name: String,
    /// A hash of all that decides what the step makes: its options, those of the steps before, the
    /// sources' bytes, the judge.
    pub key: String,
    /// The step's options, as the recipe gives them.
    pub options: Value,
    /// Traces read; of the import, rows.
    pub rows_in: u64,
    /// Traces kept.
    pub rows_out: u64,
    /// Length of the step's file: the traces kept, or which ones they are.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// What was dropped, by reason.
    pub dropped: BTreeMap<String, Dropped>,
    /// What else the step found out.
    pub facts: Map<String, Value>,
}

impl StepRecord {
    /// The record of an earlier run, if that run did the same and its file is as it was left.
    pub(crate) fn finished(record: &Path, traces: &Path, key: &str) -> Option<Self> {
        let text = std::fs::read(record).ok()?;
        let record: Self = serde_json::from_slice(&text).ok()?;
        let len = std::fs::metadata(traces).ok()?.len();
        let same = record.key == key
            && record.bytes == len
            && file_sha256(traces).is_ok_and(|hash| hash == record.sha256);
        same.then_some(record)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), CorpusError> {
        Ok(atomic::write_file(path, json(self).as_bytes())?)
    }

    /// How many were dropped for each reason, the most frequent first, without what the step's
    /// name says already.
    pub fn reasons(&self) -> Vec<(&str, u64)> {
        let prefix = format!("{}: ", self.name);
        let named = self
            .dropped
            .iter()
            .filter(|(reason, _)| **reason != self.name);
        let mut reasons: Vec<(&str, u64)> = named
            .map(|(reason, dropped)| {
                let reason = reason.strip_prefix(&prefix).unwrap_or(reason);
                (reason, dropped.count)
            })
            .collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    /// Traces dropped, for whatever reason.
    pub fn dropped_count(&self) -> u64 {
        self.dropped.values().map(|dropped| dropped.count).sum()
    }
}

/// `2 filter  12,345 → 11,900  dropped 445: unfinished 300, repetition 145`.
impl fmt::Display for StepRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (read, left) = (count(self.rows_in), count(self.rows_out));
        write!(f, "{:>2} {:<13} {read} → {left}", self.number, self.name)?;
        let dropped = self.dropped_count();
        if dropped > 0 {
            write!(f, "  dropped {}", count(dropped))?;
        }
        for (at, (reason, dropped)) in self.reasons().into_iter().enumerate() {
            let before = if at == 0 { ": " } else { ", " };
            write!(f, "{before}{reason} {}", count(dropped))?;
        }
        Ok(())
    }
}

/// As indented JSON with an end of line. What is written here has only text as keys.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// The key of a step after another.
pub(crate) fn key(before: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&before).chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

pub(crate) fn file_sha256(path: &Path) -> Result<String, CorpusError> {
    let failed = |error| CorpusError::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_readable_line() {
        let mut step = StepRecord {
            number: 2,
            name: "verify".into(),
            rows_in: 12_345,
            rows_out: 11_900,
            ..StepRecord::default()
        };
        assert_eq!(step.to_string(), " 2 verify        12,345 → 11,900");
        for (reason, count) in [("verify: refused", 145), ("other", 300)] {
            let examples = Vec::new();
            step.dropped
                .insert(reason.into(), Dropped { count, examples });
        }
        let mut near = step.clone();
        near.dropped = [(
            "verify".to_owned(),
            Dropped {
                count: 7,
                examples: Vec::new(),
            },
        )]
        .into();
        assert!(near.to_string().ends_with("  dropped 7"));
        assert_eq!(
            step.to_string(),
            " 2 verify        12,345 → 11,900  dropped 445: other 300, refused 145"
        );
    }
}
