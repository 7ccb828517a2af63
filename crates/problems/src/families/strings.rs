//! Letters and words.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::rng::Rng;
use crate::words::{ANAGRAMS, INTEGER, WORDS, counted, dial, join, list, ordinal};

use AnswerKind::{Integer, NumberList, Text, Word, WordList};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Strings, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new("reverse_text", Text, "Text backwards", "letters", reverse),
    new(
        "letter_count",
        NumberList,
        "How often letters occur",
        "words",
        letter_count,
    ),
    new(
        "caesar",
        Text,
        "Letters shifted along the alphabet",
        "words",
        caesar,
    ),
    new(
        "anagram",
        Word,
        "The word that rearranges to another",
        "words to choose from",
        anagram,
    ),
    new(
        "string_edits",
        Text,
        "A word after several edits",
        "edits",
        edits,
    ),
    new(
        "word_sort",
        WordList,
        "Words in alphabetical or another order",
        "words",
        word_sort,
    ),
    new(
        "run_length",
        Text,
        "Text with its runs counted, or back",
        "runs",
        runs,
    ),
    new(
        "palindrome",
        Integer,
        "The longest palindrome within a text",
        "letters",
        palindrome,
    ),
    new(
        "acrostic",
        Text,
        "Chosen letters of words, joined",
        "words",
        acrostic,
    ),
    new(
        "edit_distance",
        Integer,
        "The fewest edits between two words",
        "letters",
        super::spelling::distance,
    ),
];

pub(super) fn letters(rng: &mut Rng, alphabet: &str, count: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    (0..count).map(|_| *rng.pick(&alphabet)).collect()
}

fn reverse(rng: &mut Rng, d: u8) -> Draft {
    let size = dial(d, 5, 50);
    let text = if rng.coin() {
        letters(rng, "abcdefghijklmnopqrstuvwxyz", size as usize)
    } else {
        let mut text = String::new();
        while text.len() < size as usize {
            let word: &str = rng.pick::<&str>(&WORDS);
            text.push_str(word);
        }
        text.truncate(size as usize);
        text
    };
    let back: String = text.chars().rev().collect();
    let question = format!(
        "Write the letters of `{text}` in reverse order. Answer with the reversed text only."
    );
    Draft::new(question, back, size)
}

fn letter_count(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 1, 14);
    let words = rng.sample(&WORDS, count as usize);
    let text = join(&words, " ");
    let asked = rng.sample(&['e', 'a', 'r', 'n', 't', 'l', 'o', 'i', 's'], 3);
    let counts: Vec<usize> = asked
        .iter()
        .map(|c| text.chars().filter(|t| t == c).count())
        .collect();
    let question = format!(
        "How often do the letters {} occur in `{text}`? Answer with the three numbers in this order, separated by commas.",
        list(&asked)
    );
    Draft::new(question, list(&counts), count)
}

fn shift(text: &str, by: u8) -> String {
    let turn = |c: char| match c {
        'a'..='z' => char::from((c as u8 - b'a' + by) % 26 + b'a'),
        c => c,
    };
    text.chars().map(turn).collect()
}

fn caesar(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 1, 8);
    let text = join(&rng.sample(&WORDS, count as usize), " ");
    let by = rng.range(1, if d < 4 { 5 } else { 25 }) as u8;
    let places = counted(by, "place", "places");
    let (question, answer) = if rng.coin() {
        (
            format!(
                "Each letter of `{text}` is replaced by the one {places} later in the alphabet, where a follows z again. What is the result?"
            ),
            shift(&text, by),
        )
    } else {
        (
            format!(
                "Each letter of a text was replaced by the one {places} later in the alphabet, where a follows z again. The result is `{}`. What was the text?",
                shift(&text, by)
            ),
            text,
        )
    };
    Draft::new(
        format!("{question} Answer with the text only, in lower case."),
        answer,
        count,
    )
}

fn anagram(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 4, 24) as usize;
    let (a, b) = *rng.pick(&ANAGRAMS);
    let (word, answer) = if rng.coin() { (a, b) } else { (b, a) };
    let sorted = |text: &str| {
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        chars
    };
    let key = sorted(word);
    // A shuffle of the letters, so that the words themselves do not give it away.
    let mut mixed: Vec<char> = word.chars().collect();
    rng.shuffle(&mut mixed);
    let mut choices: Vec<&str> = rng.sample(&WORDS, count);
    choices.extend(rng.sample(&ANAGRAMS, 3).into_iter().map(|pair| pair.0));
    choices.retain(|w| sorted(w) != key);
    choices.truncate(count - 1);
    choices.push(answer);
    choices.sort_unstable();
    choices.dedup();
    let question = format!(
        "Exactly one of these words can be made by rearranging all the letters {}: {}. Which one? Answer with the word.",
        join(&mixed, " "),
        list(&choices)
    );
    Draft::new(question, answer, count as i64)
}

fn edits(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 10);
    let mut text: Vec<char> = rng
        .pick(&WORDS)
        .chars()
        .chain(rng.pick(&WORDS).chars())
        .collect();
    let start: String = text.iter().collect();
    let mut parts = Vec::new();
    for _ in 0..count {
        let size = text.len();
        match rng.below(7) {
            0 => {
                text.reverse();
                parts.push("Reverse the text.".to_owned());
            }
            1 => {
                let by = rng.count(1, 3.min(size - 1));
                text.rotate_left(by);
                parts.push(format!(
                    "Move the first {} to the end, keeping their order.",
                    counted(by as i64, "letter", "letters")
                ));
            }
            2 if size > 5 => {
                let at = rng.count(0, size - 1);
                text.remove(at);
                parts.push(format!("Delete the {} letter.", ordinal(at as i64 + 1)));
            }
            3 => {
                text.swap(0, size - 1);
                parts.push("Exchange the first and the last letter.".to_owned());
            }
            4 => {
                let from = *rng.pick(&text);
                let others: Vec<char> = ['k', 'm', 'u', 'y', 'w']
                    .into_iter()
                    .filter(|c| *c != from)
                    .collect();
                let to = *rng.pick(&others);
                text.iter_mut()
                    .filter(|c| **c == from)
                    .for_each(|c| *c = to);
                parts.push(format!("Replace every {from} by {to}."));
            }
            5 => {
                let (at, c) = (rng.count(1, size), *rng.pick(&['b', 'd', 'g', 'h', 'v']));
                text.insert(at, c);
                parts.push(format!(
                    "Insert the letter {c} after the {} letter.",
                    ordinal(at as i64)
                ));
            }
            _ => {
                for pair in text.chunks_exact_mut(2) {
                    pair.swap(0, 1);
                }
                parts.push("Exchange the 1st and 2nd letter, the 3rd and 4th, and so on; a last single letter stays.".to_owned());
            }
        }
    }
    let answer: String = text.into_iter().collect();
    let steps: Vec<String> = parts
        .iter()
        .zip(1..)
        .map(|(part, n)| format!("{n}. {part}"))
        .collect();
    let question = format!(
        "Start with the text `{start}` and do, in this order:\n{}\nAnswer with the resulting text only.",
        steps.join("\n")
    );
    Draft::new(question, answer, count)
}

/// What a word is sorted by.
type Key = fn(&str) -> (usize, String);

fn word_sort(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 3, 20);
    let mut words = rng.sample(&WORDS, count as usize);
    let shown = list(&words);
    let (order, by): (_, Key) = match rng.below(if d < 3 { 2 } else { 4 }) {
        0 => ("in alphabetical order", |w| (0, w.to_owned())),
        1 => (
            "by length, the shortest first, and alphabetically among words of the same length",
            |w| (w.len(), w.to_owned()),
        ),
        2 => (
            "alphabetically by their letters read from right to left",
            |w| (0, w.chars().rev().collect()),
        ),
        _ => (
            "by the number of letters e in them, the fewest first, and alphabetically among words with equally many",
            |w| (w.matches('e').count(), w.to_owned()),
        ),
    };
    words.sort_by_key(|word| by(word));
    let question = format!(
        "Sort these words {order}: {shown}. Answer with the sorted words, separated by commas."
    );
    Draft::new(question, list(&words), count)
}

fn runs(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 3, 18);
    let (mut plain, mut coded, mut last) = (String::new(), String::new(), ' ');
    for _ in 0..count {
        let c = loop {
            let c = *rng.pick(&['a', 'b', 'c', 'x', 'y', 'z']);
            if c != last {
                break c;
            }
        };
        let times = rng.count(1, 5);
        plain.extend(std::iter::repeat_n(c, times));
        coded.push_str(&format!("{times}{c}"));
        last = c;
    }
    let rule = "In a run-length code each run of equal letters is written as its length followed by the letter, so that aab becomes 2a1b.";
    let (question, answer) = if rng.coin() {
        (
            format!("{rule} Encode `{plain}`. Answer with the code only."),
            coded,
        )
    } else {
        (
            format!("{rule} Decode `{coded}`. Answer with the decoded text only."),
            plain,
        )
    };
    Draft::new(question, answer, count)
}

fn palindrome(rng: &mut Rng, d: u8) -> Draft {
    let size = dial(d, 7, 40);
    let text: Vec<char> = letters(rng, "abc", size as usize).chars().collect();
    let is = |part: &[char]| part.iter().eq(part.iter().rev());
    let longest = (1..=text.len())
        .rev()
        .find(|n| text.windows(*n).any(is))
        .unwrap_or(1);
    let shown: String = text.iter().collect();
    let question = format!(
        "A palindrome reads the same from left to right and from right to left. How many letters does the longest palindrome have that can be cut out of `{shown}` in one piece? {INTEGER}"
    );
    Draft::new(question, longest, size)
}

fn acrostic(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 3, 16);
    let words = rng.sample(&WORDS, count as usize);
    let (which, pick): (_, fn(&str, usize) -> Option<char>) = match rng.below(if d < 3 {
        2
    } else {
        4
    }) {
        0 => ("the first letter of each", |w, _| w.chars().next()),
        1 => ("the last letter of each", |w, _| w.chars().last()),
        2 => ("the third letter of each", |w, _| w.chars().nth(2)),
        _ => (
            "in turns the first letter of one and the last letter of the next, beginning with the first letter of the first,",
            |w, i| {
                if i % 2 == 0 {
                    w.chars().next()
                } else {
                    w.chars().last()
                }
            },
        ),
    };
    let answer: String = words
        .iter()
        .enumerate()
        .filter_map(|(i, w)| pick(w, i))
        .collect();
    let question = format!(
        "Take {which} of these words, in their order: {}. Answer with the letters joined, in lower case and without spaces.",
        list(&words)
    );
    Draft::new(question, answer, count)
}
