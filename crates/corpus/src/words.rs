//! Text as hashes of words, so that case, spacing and punctuation make no difference.

/// Words of a text: runs of letters, runs of digits, and each character of scripts that write
/// without spaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// A hash of each word in lower case.
    pub exact: Vec<u64>,
    /// The same with all numbers alike.
    pub masked: Vec<u64>,
    /// Where each word stands, in bytes.
    pub spans: Vec<(u32, u32)>,
}

/// The hash of every number in [`Words::masked`].
const NUMBER: u64 = 0x5bd1_e995_97f4_a7c5;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Letter,
    Digit,
    Alone,
    Other,
}

/// The kind of each ASCII character; texts are mostly made of them.
const ASCII: [Kind; 128] = {
    let mut kinds = [Kind::Other; 128];
    let mut at = 0;
    while at < 128 {
        let byte = at as u8;
        if byte.is_ascii_alphabetic() {
            kinds[at] = Kind::Letter;
        } else if byte.is_ascii_digit() {
            kinds[at] = Kind::Digit;
        }
        at += 1;
    }
    kinds
};

fn kind(c: char) -> Kind {
    match c {
        _ if c.is_ascii() => ASCII[c as usize],
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => Kind::Alone,
        '\u{20000}'..='\u{323af}' => Kind::Alone,
        _ if c.is_numeric() => Kind::Digit,
        _ if c.is_alphabetic() => Kind::Letter,
        _ => Kind::Other,
    }
}

/// The kind and the length of the character that begins at a boundary.
#[inline]
fn kind_at(text: &str, at: usize) -> (Kind, usize) {
    match ASCII.get(usize::from(text.as_bytes()[at])) {
        Some(kind) => (*kind, 1),
        None => text[at..]
            .chars()
            .next()
            .map_or((Kind::Other, 1), |c| (kind(c), c.len_utf8())),
    }
}

/// Calls `word` with each word's first and last byte offsets and whether it is a number.
fn each(text: &str, mut word: impl FnMut(usize, usize, bool)) {
    let mut at = 0;
    while at < text.len() {
        let (first, len) = kind_at(text, at);
        let from = at;
        at += len;
        if first == Kind::Other {
            continue;
        }
        while at < text.len() && first != Kind::Alone {
            let (kind, len) = kind_at(text, at);
            if kind != first {
                break;
            }
            at += len;
        }
        word(from, at, first == Kind::Digit);
    }
}

impl Words {
    pub fn of(text: &str) -> Self {
        let guess = text.len() / 5;
        let mut words = Self {
            exact: Vec::with_capacity(guess),
            masked: Vec::with_capacity(guess),
            spans: Vec::with_capacity(guess),
        };
        each(text, |from, to, number| {
            let hash = word_hash(text, from, to);
            words.exact.push(hash);
            words.masked.push(if number { NUMBER } else { hash });
            words.spans.push((from as u32, to as u32));
        });
        words
    }

    pub fn len(&self) -> usize {
        self.exact.len()
    }
}

/// Hashes of the words only, for shingles.
pub(crate) fn hashes(text: &str) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(text.len() / 5);
    each(text, |from, to, _| hashes.push(word_hash(text, from, to)));
    hashes
}

/// The words in lower case, one space between.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    each(text, |from, to, _| {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(text[from..to].chars().flat_map(char::to_lowercase));
    });
    plain
}

/// The [`hash`] of a word in lower case.
fn word_hash(text: &str, from: usize, to: usize) -> u64 {
    let word = &text[from..to];
    if !word.is_ascii() {
        let lower: String = word.chars().flat_map(char::to_lowercase).collect();
        return hash(lower.as_bytes());
    }
    // ASCII letters differ from their lower case in one bit, which digits have as well; and a word
    // of ASCII is all letters or all digits.
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let eight = |at: usize| -> Option<u64> {
        let bytes = text.as_bytes().get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?) | LOWER)
    };
    let len = to - from;
    let mut state = begin(len);
    for chunk in 0..len / 8 {
        state = next(state, eight(from + 8 * chunk).unwrap_or_default());
    }
    let rest = from + len / 8 * 8;
    let bits = 8 * (to - rest) as u32;
    let last = match eight(rest) {
        Some(eight) => eight & !(u64::MAX << bits),
        None => part(&text.as_bytes()[rest..to]) | (LOWER & !(u64::MAX << bits)),
    };
    end(state, last)
}

/// A hash of a text without its spaces and in lower case. Signs count: `3-1` is not `3+1`.
pub(crate) fn text_key(text: &str) -> u64 {
    let mut plain = unspaced(text);
    plain.retain(|byte| *byte != b'$');
    let end = plain.iter().rposition(|byte| !matches!(byte, b'.' | b'?'));
    hash(&plain[..end.map_or(0, |end| end + 1)])
}

/// A text in lower case without its spaces, in UTF-8.
pub(crate) fn unspaced(text: &str) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut utf8 = [0; 4];
    for c in text.chars() {
        match c {
            '\t'..='\r' | ' ' => {}
            _ if c.is_ascii() => plain.push((c as u8).to_ascii_lowercase()),
            _ if c.is_whitespace() => {}
            _ => {
                for lower in c.to_lowercase() {
                    plain.extend(lower.encode_utf8(&mut utf8).as_bytes());
                }
            }
        }
    }
    plain
}

/// How many different hashes there are, in a table of twice their number.
pub(crate) fn distinct(hashes: impl ExactSizeIterator<Item = u64>) -> usize {
    let places = (2 * hashes.len()).next_power_of_two();
    let mut table = vec![0_u64; places];
    let mut distinct = 0;
    for hash in hashes {
        // Zero marks a free place.
        let hash = hash.max(1);
        let mut at = hash as usize % places;
        while table[at] != 0 && table[at] != hash {
            at = (at + 1) % places;
        }
        distinct += usize::from(table[at] == 0);
        table[at] = hash;
    }
    distinct
}

/// Spreads the bits of a number over all of them (the finaliser of splitmix64).
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A hash that is the same on every machine and in every version. Not against adversaries: for
/// lineage there is SHA-256.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = begin(bytes.len());
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        state = next(state, part(chunk));
    }
    end(state, part(chunks.remainder()))
}

const FACTOR: u64 = 0x9fb2_1c65_1e98_df25;

fn begin(len: usize) -> u64 {
    len as u64 ^ 0x9e37_79b9_7f4a_7c15
}

fn next(state: u64, part: u64) -> u64 {
    let state = (state.rotate_left(27) ^ part).wrapping_mul(FACTOR);
    state ^ (state >> 29)
}

fn end(state: u64, last: u64) -> u64 {
    mix((state.rotate_left(27) ^ last).wrapping_mul(FACTOR))
}

/// At most eight bytes as a number.
fn part(bytes: &[u8]) -> u64 {
    let places = bytes.iter().enumerate();
    places.fold(0, |sum, (at, byte)| sum | u64::from(*byte) << (8 * at))
}

/// A hash with a seed, for sampling.
pub(crate) fn seeded(seed: u64, bytes: &[u8]) -> u64 {
    mix(hash(bytes) ^ mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

/// Hashes of all runs of `n` words: a polynomial over the words' hashes, rolled along.
pub(crate) fn grams(words: &[u64], n: usize) -> impl ExactSizeIterator<Item = u64> + '_ {
    const BASE: u64 = 0xd6e8_feb8_6659_fd93;
    let top = (0..n.saturating_sub(1)).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let enough = n > 0 && words.len() >= n;
    let head = if enough { n - 1 } else { 0 };
    let mut sum = words[..head].iter().fold(0_u64, |sum, word| {
        sum.wrapping_mul(BASE).wrapping_add(*word)
    });
    let ends = if enough { &words[head..] } else { &[] };
    ends.iter().enumerate().map(move |(at, word)| {
        sum = sum.wrapping_mul(BASE).wrapping_add(*word);
        let gram = mix(sum);
        sum = sum.wrapping_sub(words[at].wrapping_mul(top));
        gram
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_no_case_no_spacing_no_signs() {
        assert_eq!(plain("  Find $X_1+2.5y$, Émile!\n"), "find x 1 2 5 y émile");
        assert_eq!(plain("求x的值"), "求 x 的 值");
        assert_eq!(Words::of("A b").exact, Words::of("a  B.").exact);
        let (a, b) = (Words::of("has 12 eggs"), Words::of("has 7 eggs"));
        assert_ne!(a.exact, b.exact);
        assert_eq!(a.masked, b.masked);
        assert_eq!(a.spans, [(0, 3), (4, 6), (7, 11)]);
        assert_eq!(hashes("Has 12 eggs"), a.exact);
    }

    #[test]
    fn rolled_grams_are_those_of_their_words_alone() {
        let words: Vec<u64> = (0..40).map(mix).collect();
        for n in [1, 3, 8] {
            let rolled: Vec<u64> = grams(&words, n).collect();
            assert_eq!(rolled.len(), words.len() + 1 - n);
            for (at, gram) in rolled.iter().enumerate() {
                assert_eq!(grams(&words[at..at + n], n).next(), Some(*gram));
            }
        }
        assert_eq!(grams(&words[..2], 3).count(), 0);
        assert_eq!(grams(&words, 0).count(), 0);
    }

    #[test]
    fn words_are_hashed_as_their_lower_case() {
        let texts = [
            "a",
            "Abc",
            "ABCDEFGH",
            "Determined",
            "1234567",
            "123456789012345678",
            "Émile",
        ];
        for word in texts {
            let lower = word.to_lowercase();
            // Before other text and at the very end, where eight bytes cannot be read at once.
            for text in [
                format!("{word} and more of it"),
                word.to_owned(),
                format!("x {word}"),
            ] {
                let found = hashes(&text).contains(&hash(lower.as_bytes()));
                assert!(found, "{word} in `{text}`");
            }
        }
    }

    #[test]
    fn different_hashes_are_counted() {
        for (of, expected) in [(1, 1), (7, 7), (1000, 1000)] {
            let hashes = (0..3000_u64).map(|at| at % of);
            // The hashes 0 and 1 are taken for one.
            let expected = if of > 1 { expected - 1 } else { expected };
            assert_eq!(distinct(hashes.collect::<Vec<_>>().into_iter()), expected);
        }
        assert_eq!(distinct(std::iter::empty()), 0);
    }

    #[test]
    fn keys_of_texts_know_no_case_no_spacing_no_final_stop() {
        assert_eq!(text_key("Find $x$\u{a0}É .?"), text_key("find x é"));
        assert_ne!(text_key("3-1"), text_key("3+1"));
        assert_eq!(unspaced(" A\u{2003}İ\u{b}b\n"), "ai\u{307}b".as_bytes());
    }

    #[test]
    fn hashes_are_pinned() {
        // Work folders and splits of older versions rely on these.
        assert_eq!(hash(b""), hash(b""));
        assert_ne!(hash(b"ab"), hash(b"ba"));
        assert_ne!(hash(b"a\0"), hash(b"a"));
        assert_ne!(seeded(1, b"a"), seeded(2, b"a"));
    }
}
