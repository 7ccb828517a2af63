//! The questions of benchmarks, found by runs of words.

use std::collections::HashMap;
use std::ops::Range;

use super::fuzzy::{bound, ratio};
use super::{Decontaminate, Ngram};
use crate::words::{self, Words};

/// A question of a benchmark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// The benchmark's name.
    pub benchmark: String,
    /// The question's name in it.
    pub id: String,
    /// The question.
    pub text: String,
}

/// A question that was found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which, for [`Index::item`].
    pub item: usize,
    /// `same`, `13-gram`, `masked`, `fuzzy`.
    pub method: String,
    /// The share or ratio.
    pub score: f64,
    /// Where in the text.
    pub bytes: Range<usize>,
}

/// All questions, ready for comparing. It does not change and may be shared among threads.
pub struct Index {
    items: Vec<Item>,
    /// The words of each question, plain, and their number.
    plain: Vec<(String, usize)>,
    /// A hash of all words of a question.
    whole: HashMap<u64, u32>,
    grams: Vec<Table>,
    /// For candidates of the fuzzy comparison: short runs, over questions and over replies.
    near: Option<(Table, Table)>,
    fuzzy: f64,
}

/// Runs of `n` words with the questions they stand in.
struct Table {
    gram: Ngram,
    masked: bool,
    /// Sorted.
    entries: Vec<(u64, u32)>,
    /// One bit for each value of the upper bits of a hash: most runs of a text stand in no
    /// question, and this says so without a search.
    filter: Vec<u64>,
    shift: u32,
    /// Different runs of each question.
    runs: Vec<u32>,
}

/// Of the fuzzy comparison: words of a run over questions and over replies, the least share of
/// them, the most questions compared, and runs that stand in more questions say nothing.
const NEAR: (usize, usize) = (3, 5);
const NEAR_SHARE: f64 = 0.15;
const CANDIDATES: usize = 8;
const COMMON: usize = 64;
/// Longer questions are compared by their beginning.
const FUZZY_WORDS: usize = 600;

impl Table {
    fn new(words: &[Words], gram: Ngram, masked: bool, long: &[bool], common: usize) -> Self {
        let mut entries = Vec::new();
        let mut runs = Vec::with_capacity(words.len());
        for (item, words) in words.iter().enumerate() {
            let of = if masked { &words.masked } else { &words.exact };
            let mut own: Vec<u64> = words::grams(of, gram.n).collect();
            own.sort_unstable();
            own.dedup();
            runs.push(own.len() as u32);
            if long[item] {
                entries.extend(own.into_iter().map(|gram| (gram, item as u32)));
            }
        }
        entries.sort_unstable();
        if common < usize::MAX {
            let kept = entries
                .chunk_by(|a, b| a.0 == b.0)
                .filter(|same| same.len() <= common);
            entries = kept.flatten().copied().collect();
        }
        let bits = (entries.len() * 16).max(64).next_power_of_two();
        let shift = 64 - bits.trailing_zeros();
        let mut filter = vec![0_u64; bits / 64];
        for (gram, _) in &entries {
            let bit = gram >> shift;
            filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Self {
            gram,
            masked,
            entries,
            filter,
            shift,
            runs,
        }
    }

    /// Question, run and word, for each run of the text that stands in a question.
    fn matches(&self, text: &Words) -> Vec<(u32, u64, u32)> {
        let words = if self.masked {
            &text.masked
        } else {
            &text.exact
        };
        let mut found = Vec::new();
        for (at, gram) in words::grams(words, self.gram.n).enumerate() {
            let bit = gram >> self.shift;
            if self.filter[(bit / 64) as usize] >> (bit % 64) & 1 == 0 {
                continue;
            }
            let first = self.entries.partition_point(|entry| entry.0 < gram);
            let same = self.entries[first..]
                .iter()
                .take_while(|entry| entry.0 == gram);
            found.extend(same.map(|(_, item)| (*item, gram, at as u32)));
        }
        found.sort_unstable();
        found
    }

    /// The question of which the greatest share is found, if that is enough.
    fn best(&self, text: &Words) -> Option<(u32, f64, Range<usize>)> {
        let found = self.matches(text);
        let shares = found.chunk_by(|a, b| a.0 == b.0).map(|of| {
            let different = of.chunk_by(|a, b| a.1 == b.1).count();
            let share = different as f64 / f64::from(self.runs[of[0].0 as usize].max(1));
            (of, share)
        });
        let (of, share) = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let at = || of.iter().map(|(.., at)| *at as usize);
        let words = at().min()?..at().max()? + self.gram.n;
        (share >= self.gram.share).then_some((of[0].0, share, words))
    }
}

impl Index {
    /// Makes the tables that the options ask for.
    pub fn new(items: Vec<Item>, options: &Decontaminate) -> Self {
        let words: Vec<Words> = items.iter().map(|item| Words::of(&item.text)).collect();
        let long: Vec<bool> = words
            .iter()
            .map(|words| words.len() >= options.min_words)
            .collect();
        let table = |gram: Ngram, masked: bool| Table::new(&words, gram, masked, &long, usize::MAX);
        let mut ngrams = options.ngrams.clone();
        ngrams.sort_by_key(|gram| std::cmp::Reverse(gram.n));
        let mut grams: Vec<Table> = ngrams.iter().map(|gram| table(*gram, false)).collect();
        grams.extend(options.masked.map(|gram| table(gram, true)));
        let near = |n: usize| {
            let gram = Ngram {
                n,
                share: NEAR_SHARE,
            };
            Table::new(&words, gram, true, &long, COMMON)
        };
        let whole = |words: &Words| words::grams(&words.exact, words.len().max(1)).next();
        let first = words.iter().enumerate().rev();
        Self {
            plain: items
                .iter()
                .zip(&words)
                .map(|(item, words)| (cut(&item.text, words, 0..words.len()), words.len()))
                .collect(),
            whole: first
                .filter_map(|(at, words)| Some((whole(words)?, at as u32)))
                .collect(),
            near: (options.fuzzy > 0.0).then(|| (near(NEAR.0), near(NEAR.1))),
            fuzzy: options.fuzzy,
            grams,
            items,
        }
    }

    /// The question of a [`Found`].
    pub fn item(&self, at: usize) -> &Item {
        &self.items[at]
    }

    /// How many questions a benchmark has.
    pub fn count(&self, benchmark: &str) -> usize {
        self.items
            .iter()
            .filter(|item| item.benchmark == benchmark)
            .count()
    }

    /// A benchmark's question that a trace asks.
    pub fn question(&self, text: &str) -> Option<Found> {
        let words = Words::of(text);
        let whole = words::grams(&words.exact, words.len().max(1)).next();
        if let Some(item) = whole.and_then(|whole| self.whole.get(&whole)) {
            return Some(Found {
                item: *item as usize,
                method: "same".to_owned(),
                score: 1.0,
                bytes: 0..text.len(),
            });
        }
        let near = self.near.as_ref().map(|near| &near.0);
        let found = self
            .runs(&words)
            .or_else(|| self.near(text, &words, near?, true))?;
        Some(Found {
            bytes: 0..text.len(),
            ..found
        })
    }

    /// A benchmark's question that a reply repeats.
    pub fn reply(&self, text: &str) -> Option<Found> {
        let words = Words::of(text);
        let near = self.near.as_ref().map(|near| &near.1);
        self.runs(&words)
            .or_else(|| self.near(text, &words, near?, false))
    }

    fn runs(&self, words: &Words) -> Option<Found> {
        self.grams.iter().find_map(|table| {
            let (item, score, at) = table.best(words)?;
            let method = match table.masked {
                true => "masked".to_owned(),
                false => format!("{}-gram", table.gram.n),
            };
            Some(Found {
                item: item as usize,
                method,
                score,
                bytes: bytes(words, at),
            })
        })
    }

    fn near(&self, text: &str, words: &Words, table: &Table, whole: bool) -> Option<Found> {
        let found = table.matches(words);
        let mut candidates: Vec<(u32, Range<usize>, usize)> = found
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|of| {
                let item = of[0].0;
                let different = of.chunk_by(|a, b| a.1 == b.1).count();
                let runs = f64::from(table.runs[item as usize].max(1));
                let len = self.plain[item as usize].1;
                let enough = different >= 2 && different as f64 >= NEAR_SHARE * runs;
                enough.then(|| (item, window(of, len, table.gram.n, words.len()), different))
            })
            .collect();
        candidates.sort_by_key(|(item, _, different)| (std::cmp::Reverse(*different), *item));
        let mut best: Option<Found> = None;
        for (item, at, _) in candidates.into_iter().take(CANDIDATES) {
            let theirs = &self.plain[item as usize].0;
            // A question is compared as a whole if it is about as long, else where it is alike.
            let all = 0..words.len();
            for at in [Some(at), whole.then_some(all)].into_iter().flatten() {
                let ours = cut(text, words, at.clone());
                let least = best.as_ref().map_or(self.fuzzy, |best| best.score);
                if bound(ours.len(), theirs.len()) < least {
                    continue;
                }
                let score = ratio(&ours, theirs);
                if score >= self.fuzzy && best.as_ref().is_none_or(|best| score > best.score) {
                    let (item, method) = (item as usize, "fuzzy".to_owned());
                    best = Some(Found {
                        item,
                        method,
                        score,
                        bytes: bytes(words, at),
                    });
                }
            }
        }
        best
    }
}

/// The words around the densest matches, as many as the question has.
fn window(of: &[(u32, u64, u32)], len: usize, n: usize, all: usize) -> Range<usize> {
    let mut places: Vec<usize> = of.iter().map(|(.., at)| *at as usize).collect();
    places.sort_unstable();
    let mut best = (0, 0..0);
    let mut first = 0;
    for (last, place) in places.iter().enumerate() {
        while place + n - places[first] > len.max(n) {
            first += 1;
        }
        if last + 1 - first > best.0 {
            best = (last + 1 - first, places[first]..place + n);
        }
    }
    let spare = len.saturating_sub(best.1.len());
    let start = best.1.start.saturating_sub(spare / 2);
    start..(start + len).min(all)
}

/// Some words of a text, plain.
fn cut(text: &str, words: &Words, at: Range<usize>) -> String {
    let at = at.start..at.end.min(at.start + FUZZY_WORDS);
    words::plain(&text[bytes(words, at)])
}

fn bytes(words: &Words, at: Range<usize>) -> Range<usize> {
    let spans = words.spans.get(at).unwrap_or_default();
    match (spans.first(), spans.last()) {
        (Some(first), Some(last)) => first.0 as usize..last.1 as usize,
        _ => 0..0,
    }
}
