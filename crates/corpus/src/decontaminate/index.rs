//! The questions of benchmarks, found by runs of words.

use std::collections::HashMap;
use std::ops::Range;

use super::fuzzy::{bound, ratio, words_ratio};
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
    /// The words of each question, plain, and their hashes.
    plain: Vec<(String, Vec<u64>)>,
    /// A hash of all words of a question.
    whole: HashMap<u64, u32>,
    grams: Vec<Table>,
    /// For candidates of the fuzzy comparison: short runs, over questions and over replies.
    near: Option<(Table, Table)>,
    fuzzy: f64,
    fuzzy_words: f64,
}

/// Runs of `n` words with the questions they stand in.
struct Table {
    gram: Ngram,
    masked: bool,
    /// Sorted.
    entries: Vec<(u64, u32)>,
    /// Where the entries of each value of the hashes' upper bits begin.
    starts: Vec<u32>,
    /// Most runs of a text stand in no question, and this says so in one look: the upper bits of a
    /// hash choose a word, and its lower bits three bits of it.
    filter: Vec<u64>,
    /// Different runs of each question.
    runs: Vec<u32>,
}

/// How many values `upper` takes for so many entries.
fn values(entries: usize) -> usize {
    entries.max(1).next_power_of_two()
}

/// The upper bits of a hash: one of so many values, a power of two.
fn upper(hash: u64, values: usize) -> usize {
    ((u128::from(hash) * values as u128) >> 64) as usize
}

/// The bits of a hash in its word of the filter.
fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
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
        let places = values(entries.len());
        let mut starts = vec![0; places + 1];
        // 16 bits or more for each entry.
        let mut filter = vec![0_u64; places.div_ceil(4)];
        let words = filter.len();
        for (gram, _) in &entries {
            starts[upper(*gram, places) + 1] += 1;
            filter[upper(*gram, words)] |= bits(*gram);
        }
        for at in 0..places {
            starts[at + 1] += starts[at];
        }
        Self {
            gram,
            masked,
            entries,
            starts,
            filter,
            runs,
        }
    }

    /// The text's runs that stand in a question, perhaps, and where.
    fn likely<'a>(&'a self, text: &'a Words) -> impl Iterator<Item = (usize, u64)> + 'a {
        let words = if self.masked {
            &text.masked
        } else {
            &text.exact
        };
        let grams = words::grams(words, self.gram.n).enumerate();
        grams.filter(|(_, gram)| {
            let bits = bits(*gram);
            self.filter[upper(*gram, self.filter.len())] & bits == bits
        })
    }

    /// The entries of a run.
    fn of(&self, gram: u64) -> impl Iterator<Item = u32> + '_ {
        let place = upper(gram, self.starts.len() - 1);
        let near = self.starts[place] as usize..self.starts[place + 1] as usize;
        let same = self.entries[near]
            .iter()
            .filter(move |entry| entry.0 == gram);
        same.map(|entry| entry.1)
    }

    /// Whether any run of the text stands in a question.
    fn any(&self, text: &Words) -> bool {
        self.likely(text)
            .any(|(_, gram)| self.of(gram).next().is_some())
    }

    /// Whether a run that this table finds holds a run that the other one finds as well.
    fn implies(&self, other: &Self) -> bool {
        self.gram.n >= other.gram.n && self.masked == other.masked
    }

    /// Question, run and word, for each run of the text that stands in a question.
    fn matches(&self, text: &Words) -> Vec<(u32, u64, u32)> {
        let mut found = Vec::new();
        for (at, gram) in self.likely(text) {
            found.extend(self.of(gram).map(|item| (item, gram, at as u32)));
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
        let longer: Vec<bool> = words
            .iter()
            .map(|words| words.len() >= options.loose_words.max(options.min_words))
            .collect();
        let table = |gram: Ngram, masked: bool| {
            let long = if masked { &longer } else { &long };
            Table::new(&words, gram, masked, long, usize::MAX)
        };
        let mut ngrams = options.ngrams.clone();
        ngrams.sort_by_key(|gram| std::cmp::Reverse(gram.n));
        let mut grams: Vec<Table> = ngrams.iter().map(|gram| table(*gram, false)).collect();
        grams.extend(options.masked.map(|gram| table(gram, true)));
        let near = |n: usize| {
            let gram = Ngram {
                n,
                share: NEAR_SHARE,
            };
            Table::new(&words, gram, true, &longer, COMMON)
        };
        let whole = |words: &Words| words::grams(&words.exact, words.len().max(1)).next();
        let first = words.iter().enumerate().rev();
        Self {
            plain: items
                .iter()
                .zip(&words)
                .map(|(item, words)| (cut(&item.text, words, 0..words.len()), words.exact.clone()))
                .collect(),
            whole: first
                .filter_map(|(at, words)| Some((whole(words)?, at as u32)))
                .collect(),
            near: (options.fuzzy > 0.0).then(|| (near(NEAR.0), near(NEAR.1))),
            fuzzy: options.fuzzy,
            fuzzy_words: options.fuzzy_words,
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
        // The table that most others imply says for most texts that there is nothing.
        let gate = self.grams.iter().max_by_key(|gate| {
            let implying = self.grams.iter().filter(|table| table.implies(gate));
            implying.count()
        })?;
        let open = gate.any(words);
        let tables = self.grams.iter();
        let tables = tables.filter(|table| open || !table.implies(gate));
        let mut found = tables.filter_map(|table| Some((table, table.best(words)?)));
        found.next().map(|(table, (item, score, at))| {
            let method = match table.masked {
                true => "masked".to_owned(),
                false => format!("{}-gram", table.gram.n),
            };
            Found {
                item: item as usize,
                method,
                score,
                bytes: bytes(words, at),
            }
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
                let len = self.plain[item as usize].1.len();
                let enough = different >= 2 && different as f64 >= NEAR_SHARE * runs;
                enough.then(|| (item, window(of, len, table.gram.n, words.len()), different))
            })
            .collect();
        candidates.sort_by_key(|(item, _, different)| (std::cmp::Reverse(*different), *item));
        let mut best: Option<Found> = None;
        for (item, at, _) in candidates.into_iter().take(CANDIDATES) {
            let (theirs, their_words) = &self.plain[item as usize];
            // A question is compared as a whole if it is about as long, else where it is alike.
            let all = 0..words.len();
            for at in [Some(at), whole.then_some(all)].into_iter().flatten() {
                let ours = cut(text, words, at.clone());
                let least = best.as_ref().map_or(self.fuzzy, |best| best.score);
                if bound(ours.len(), theirs.len()) < least {
                    continue;
                }
                let score = ratio(&ours, theirs);
                let better = best.as_ref().is_none_or(|best| score > best.score);
                if score >= self.fuzzy && better && self.same_words(words, &at, their_words) {
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

    /// Whether enough of the words are the same in the same order.
    fn same_words(&self, ours: &Words, at: &Range<usize>, theirs: &[u64]) -> bool {
        let ours = ours.exact.get(at.clone()).unwrap_or_default();
        words_ratio(beginning(ours), beginning(theirs)) >= self.fuzzy_words
    }
}

/// At most so many words are compared.
fn beginning(words: &[u64]) -> &[u64] {
    &words[..words.len().min(FUZZY_WORDS)]
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
