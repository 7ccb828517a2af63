//! The final answer inside a whole completion.
//!
//! Only what follows the thought counts: a completion that stops inside of it has no answer, even
//! if it names the gold one. After it, the explicit forms come first and the guesses last; the
//! [`Rule`] that found an answer is part of the verdict, so that guesses can be counted.

mod boxed;
mod choice;
mod tail;

pub use choice::choice_letter;

use serde::{Deserialize, Serialize};

use crate::error::VerifyError;
use crate::options::{Kind, Options};
use crate::parse::{Node, parse};
use crate::verdict::Reason;

/// How much of the end of a reply is searched, in bytes.
const WINDOW: usize = 64 * 1024;
/// How long a reply may be that is an answer as a whole.
const SHORT: usize = 400;

/// How an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The last `\boxed{...}`, or several that stand side by side.
    Boxed,
    /// `<answer>...</answer>`.
    Tag,
    /// `#### ...`.
    Hashes,
    /// "The final answer is ...", "Answer: ...".
    Phrase,
    /// A letter of a multiple choice.
    Letter,
    /// The last formula between marks of mathematics.
    Formula,
    /// The last number.
    LastNumber,
    /// The whole of a short reply.
    Whole,
}

/// An answer, and the rule that found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// The answer as it was written.
    pub answer: String,
    /// Where it was.
    pub rule: Rule,
}

impl Extraction {
    fn new(answer: &str, rule: Rule) -> Self {
        Self {
            answer: answer.trim().to_owned(),
            rule,
        }
    }
}

/// The final answer of a completion; `None` without one.
pub fn extract(completion: &str, options: &Options) -> Option<Extraction> {
    find(completion, options).ok()
}

/// As [`extract`], with the reason when there is none.
pub(crate) fn find(completion: &str, options: &Options) -> Result<Extraction, Reason> {
    let reply = after_thought(completion)?;
    let reply = last_bytes(reply.trim(), WINDOW);
    if reply.is_empty() {
        return Err(Reason::NoAnswer);
    }
    marked(reply, options)
        .or_else(|| guessed(reply, options))
        .filter(|found| !found.answer.is_empty())
        .ok_or(Reason::NoAnswer)
}

/// The value that a sentence names, where it is prose and not a value itself.
pub(crate) fn said(sentence: &str) -> Option<Extraction> {
    if !matches!(
        parse(sentence),
        Ok(Node::Text(_)) | Err(VerifyError::Unexpected { .. })
    ) {
        return None;
    }
    let sentence = tail::without_aside(last_bytes(sentence, SHORT));
    let denied = sentence
        .split_whitespace()
        .any(|word| matches!(word, "not" | "or" | "isn't"));
    if denied {
        return None;
    }
    tail::last_formula_or_number(sentence)
}

/// The answer inside a gold text, which is mostly the text itself.
pub(crate) fn gold(text: &str, options: &Options) -> String {
    let window = last_bytes(text.trim(), WINDOW);
    if let Some(found) = boxed::last(window).or_else(|| tail::hashes(window)) {
        return found;
    }
    if options.kind == Kind::Text || options.kind == Kind::Choice {
        return text.trim().to_owned();
    }
    text.trim().trim_end_matches("<|im_end|>").trim().to_owned()
}

/// What follows the thought.
fn after_thought(completion: &str) -> Result<&str, Reason> {
    if let Some(at) = completion.rfind("</think>") {
        return Ok(&completion[at + "</think>".len()..]);
    }
    if completion.contains("<think>") {
        return Err(Reason::UnclosedThought);
    }
    Ok(completion)
}

/// The end of a text, at a character.
fn last_bytes(text: &str, most: usize) -> &str {
    let mut at = text.len().saturating_sub(most);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    &text[at..]
}

/// Answers that are marked as such.
fn marked(reply: &str, options: &Options) -> Option<Extraction> {
    let boxed = boxed::last(reply);
    let phrase = tail::phrase(reply);
    if let Some(answer) = &boxed {
        // "The final answer is" after the box replaces it.
        if let Some((at, later)) = &phrase
            && boxed::last_at(reply).is_some_and(|boxed_at| *at > boxed_at)
            && tail::phrase_is_direct(reply, *at)
            && tail::is_explicit(later)
        {
            return Some(Extraction::new(later, Rule::Phrase));
        }
        return Some(Extraction::new(answer, Rule::Boxed));
    }
    if let Some(inner) = tail::tag(reply) {
        // A tag may hold a sentence, or a box that was not closed.
        let inner = inner.trim();
        if parse(inner).is_ok() || inner.len() < 200 {
            return Some(Extraction::new(inner, Rule::Tag));
        }
        return guessed(inner, options);
    }
    if let Some(answer) = tail::hashes(reply) {
        return Some(Extraction::new(&answer, Rule::Hashes));
    }
    if options.kind == Kind::Choice {
        return choice::letter(reply)
            .map(|letter| Extraction::new(&letter.to_string(), Rule::Letter));
    }
    phrase.map(|(_, answer)| Extraction::new(&answer, Rule::Phrase))
}

/// Answers that are not.
fn guessed(reply: &str, options: &Options) -> Option<Extraction> {
    let whole = Extraction::new(reply, Rule::Whole);
    if options.kind == Kind::Text || options.kind == Kind::Choice {
        return (reply.len() <= SHORT).then_some(whole);
    }
    let short = reply.len() <= SHORT;
    // Over a limit it is still one answer, which the verdict then says.
    let formula = || match parse(reply) {
        Ok(node) => !matches!(node, Node::Text(_)),
        Err(error) => matches!(error, VerifyError::TooComplex { .. }),
    };
    if short && formula() {
        return Some(whole);
    }
    if let Some(found) = tail::last_formula_or_number(reply) {
        return Some(found);
    }
    short.then_some(whole)
}
