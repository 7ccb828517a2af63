//! Benchmarks' questions in a corpus: found and dropped, each with the evidence beside it.
//!
//! The question and the reply of each trace are compared with every question of the benchmarks, as
//! words without case, spacing and punctuation. The first method that finds something is noted:
//!
//! | method | finds |
//! |---|---|
//! | `same` | the same words |
//! | `13-gram` (10, 8) | a share of the question's runs of so many words |
//! | `masked` | the same with all numbers alike: changed numbers |
//! | `fuzzy` | a share of the question's characters and of its words, in order: light paraphrases |
//!
//! A share of 0 asks for one common run only. That is the strictest rule in use, and drops every
//! question with a sentence that many share ("Express your answer as a common fraction..."), which
//! is why the shares here are more by default.
//!
//! Memory: some 24 bytes for each run of words of the benchmarks and each n; nothing of the traces.

mod fuzzy;
mod index;

use std::path::{Path, PathBuf};

use retort_dataset::Rows;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::import::problem::problem;
use crate::pipeline::{Context, Outcome, Sink, file_sha256, pass};
use crate::{CorpusError, Trace};
pub use fuzzy::ratio;
pub use index::{Found, Index, Item};

/// What is compared with what, and from when on it is a hit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decontaminate {
    /// Files of questions, of any shape that [`crate::import::problem`] knows.
    #[serde(rename = "benchmark")]
    pub benchmarks: Vec<Benchmark>,
    /// Runs of words.
    #[serde(default = "ngrams")]
    pub ngrams: Vec<Ngram>,
    /// The same with all numbers alike; absent: not compared.
    #[serde(default = "masked", skip_serializing_if = "Option::is_none")]
    pub masked: Option<Ngram>,
    /// The least ratio of characters; 0 switches it off. It is 2 L / (a + b), where L is the
    /// length of the longest common subsequence.
    #[serde(default = "fuzzy_ratio")]
    pub fuzzy: f64,
    /// The least ratio of words, besides.
    #[serde(default = "fuzzy_ratio")]
    pub fuzzy_words: f64,
    /// Shorter questions, in words, are not compared with numbers alike, nor by ratios: of "What is
    /// the remainder when 7 is divided by 3?" too little is left.
    #[serde(default = "loose_words")]
    pub loose_words: usize,
    /// Shorter questions, in words, count only if they are the same.
    #[serde(default = "min_words")]
    pub min_words: usize,
    /// Whether replies are searched as well.
    #[serde(default = "yes")]
    pub replies: bool,
}

/// A file of questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// As the report calls it.
    pub name: String,
    /// `.jsonl`, `.jsonl.gz` or `.parquet`.
    pub path: PathBuf,
}

/// Runs of `n` words.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ngram {
    /// Words of a run.
    pub n: usize,
    /// The share of the question's runs that makes a hit; 0: one run does.
    #[serde(default)]
    pub share: f64,
}

fn ngrams() -> Vec<Ngram> {
    let grams = [(13, 0.3), (10, 0.4), (8, 0.5)];
    grams.map(|(n, share)| Ngram { n, share }).to_vec()
}

fn masked() -> Option<Ngram> {
    Some(Ngram { n: 8, share: 0.6 })
}

fn fuzzy_ratio() -> f64 {
    0.8
}

fn loose_words() -> usize {
    20
}

fn min_words() -> usize {
    8
}

fn yes() -> bool {
    true
}

impl Default for Decontaminate {
    fn default() -> Self {
        Self {
            benchmarks: Vec::new(),
            ngrams: ngrams(),
            masked: masked(),
            fuzzy: fuzzy_ratio(),
            fuzzy_words: fuzzy_ratio(),
            loose_words: loose_words(),
            min_words: min_words(),
            replies: true,
        }
    }
}

/// A trace that holds a benchmark's question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The trace's name.
    pub trace: String,
    /// `question` or `reply`: where it was found.
    pub place: String,
    /// The benchmark.
    pub benchmark: String,
    /// The benchmark's own name for the question, or its line.
    pub item: String,
    /// How it was found.
    pub method: String,
    /// The share or ratio.
    pub score: f64,
    /// The benchmark's question.
    pub theirs: String,
    /// What stands in the trace.
    pub ours: String,
}

/// Texts in the record of a hit are at most so long.
const HIT_CHARS: usize = 1200;

impl Decontaminate {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        let share = |name: &str, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(CorpusError::option(name, value, "a share from 0 to 1")),
        };
        if self.benchmarks.is_empty() {
            return Err(CorpusError::option(
                "decontaminate.benchmark",
                "absent",
                "at least one",
            ));
        }
        share("decontaminate.fuzzy", self.fuzzy)?;
        share("decontaminate.fuzzy_words", self.fuzzy_words)?;
        for gram in self.ngrams.iter().chain(&self.masked) {
            share("decontaminate.ngrams.share", gram.share)?;
            if !(1..=64).contains(&gram.n) {
                return Err(CorpusError::option(
                    "decontaminate.ngrams.n",
                    gram.n,
                    "1 to 64",
                ));
            }
        }
        Ok(())
    }

    /// Decides with the options whether a step that was done still holds.
    pub(crate) fn benchmark_hashes(&self, base: &Path) -> Result<String, CorpusError> {
        let hash = |benchmark: &Benchmark| file_sha256(&base.join(&benchmark.path));
        let hashes: Result<Vec<_>, _> = self.benchmarks.iter().map(hash).collect();
        Ok(hashes?.join(" "))
    }

    /// The questions of all benchmarks, ready for comparing.
    ///
    /// # Errors
    /// Those of the files; [`CorpusError::NoProblems`] for one that is empty.
    pub fn index(&self, base: &Path) -> Result<Index, CorpusError> {
        let mut items = Vec::new();
        for benchmark in &self.benchmarks {
            let path = base.join(&benchmark.path);
            let before = items.len();
            for row in Rows::open(&path)? {
                let row = row?;
                let origin = row.origin().clone();
                let Value::Object(mut fields) = row.value()? else {
                    continue;
                };
                fields.retain(|_, value| !value.is_null());
                let problem = problem(&mut fields, &origin)?;
                let id = match problem.id.as_str() {
                    "" => origin.line.to_string(),
                    id => id.to_owned(),
                };
                items.push(Item {
                    benchmark: benchmark.name.clone(),
                    id,
                    text: problem.problem,
                });
            }
            if items.len() == before {
                return Err(CorpusError::NoProblems { path });
            }
        }
        Ok(Index::new(items, self))
    }

    /// What contaminates a trace, if anything does.
    pub fn check(&self, index: &Index, trace: &Trace) -> Option<Hit> {
        let hit = |place: &str, found: Found, text: &str| {
            let item = index.item(found.item);
            let cut = |text: &str| text.chars().take(HIT_CHARS).collect();
            Hit {
                trace: trace.id.clone(),
                place: place.to_owned(),
                benchmark: item.benchmark.clone(),
                item: item.id.clone(),
                method: found.method,
                score: found.score,
                theirs: cut(&item.text),
                ours: cut(&text[found.bytes]),
            }
        };
        if let Some(found) = index.question(&trace.problem) {
            return Some(hit("question", found, &trace.problem));
        }
        let replies = [trace.thought(), trace.said()];
        let replies = replies.into_iter().filter(|_| self.replies);
        for text in replies {
            if let Some(found) = index.reply(text) {
                return Some(hit("reply", found, text));
            }
        }
        None
    }

    pub(crate) fn run(&self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let index = self.index(&context.base)?;
        let counts: serde_json::Map<String, Value> = self
            .benchmarks
            .iter()
            .map(|benchmark| (benchmark.name.clone(), index.count(&benchmark.name).into()))
            .collect();
        context.fact("questions", counts);
        let mut hashes = serde_json::Map::new();
        for benchmark in &self.benchmarks {
            let hash = file_sha256(&context.base.join(&benchmark.path))?;
            hashes.insert(benchmark.name.clone(), hash.into());
        }
        context.fact("hashes", hashes);
        pass(&context.input, sink, &mut context.control, |_, trace| {
            let Some(hit) = self.check(&index, trace) else {
                return Outcome::Keep;
            };
            Outcome::Drop {
                reason: format!("decontaminate: {}", hit.place),
                detail: format!(
                    "{} {} ({} {:.2})",
                    hit.benchmark, hit.item, hit.method, hit.score
                ),
                note: serde_json::to_value(&hit).ok(),
            }
        })
    }
}
