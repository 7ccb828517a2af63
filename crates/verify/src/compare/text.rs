//! Words, letters of multiple choices, times of day.

use crate::extract::{Extraction, choice_letter};
use crate::options::{Kind, Options};
use crate::verdict::{How, Reason, Verdict};

/// Whether two answers are the same letters, but for what LaTeX needs to set them, spaces, a final
/// point and, between words, case.
pub fn same_text(a: &str, b: &str, options: &Options) -> bool {
    if options.strict && options.kind == Kind::Text {
        return a.trim() == b.trim();
    }
    // Nothing longer is worth a pass over it when the lengths are far apart.
    let (a, b) = (flat(a), flat(b));
    if a.is_empty() {
        return false;
    }
    a == b
        || (is_words(&a, options) && is_words(&b, options) && a.to_lowercase() == b.to_lowercase())
}

/// Case means nothing in words, and much in formulas.
fn is_words(text: &str, options: &Options) -> bool {
    options.kind == Kind::Text
        || (!text.contains(['\\', '^', '_', '=']) && {
            let mut run = 0;
            let mut longest = 0;
            for c in text.chars() {
                run = if c.is_alphabetic() { run + 1 } else { 0 };
                longest = longest.max(run);
            }
            longest > 1
        })
}

/// Without wrappers, marks of mathematics and spaces that separate nothing.
fn flat(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = 1 + rest[1..]
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let (command, after) = rest.split_at(length);
        match command {
            "\\left" | "\\right" | "\\displaystyle" | "\\quad" | "\\qquad" => plain.push(' '),
            "\\text" | "\\mathrm" | "\\textbf" | "\\mbox" | "\\mathbf" | "\\textrm"
            | "\\textnormal" | "\\operatorname" | "\\textit"
                if after.starts_with('{') =>
            {
                // The braces go with the command where they close at once.
                match after
                    .find(['{', '}'].as_slice())
                    .and_then(|_| after[1..].find(['{', '}']))
                {
                    Some(end) if after[1 + end..].starts_with('}') => {
                        plain.push_str(&after[1..1 + end]);
                        rest = &after[end + 2..];
                        continue;
                    }
                    _ => plain.push_str(command),
                }
            }
            "\\dfrac" | "\\tfrac" => plain.push_str("\\frac"),
            "\\" => match after.chars().next() {
                Some(c @ ('(' | ')' | '[' | ']' | ',' | '!' | ';' | ':' | ' ')) => {
                    plain.push(' ');
                    rest = &after[c.len_utf8()..];
                    continue;
                }
                Some(c @ ('%' | '$')) => {
                    plain.push(c);
                    rest = &after[c.len_utf8()..];
                    continue;
                }
                _ => plain.push('\\'),
            },
            other => plain.push_str(other),
        }
        rest = after;
    }
    plain.push_str(rest);
    let mut out = String::with_capacity(plain.len());
    let mut space = false;
    for c in plain.chars() {
        if c.is_whitespace() || c == '$' {
            space = true;
            continue;
        }
        let before = out.chars().next_back();
        if space && before.is_some_and(char::is_alphanumeric) && c.is_alphanumeric() {
            out.push(' ');
        }
        space = false;
        out.push(c);
    }
    if out.ends_with('.') && !out.ends_with("..") {
        out.pop();
    }
    let quoted = out.len() > 1 && out.starts_with('"') && out.ends_with('"');
    if quoted {
        out = out[1..out.len() - 1].to_owned();
    }
    out.trim_matches('*').trim().to_owned()
}

/// The letter of `C`, `(C)`, `C.`, `\text{(C)}`.
pub fn lettered(answer: &str) -> Option<char> {
    let plain = flat(answer);
    let inner = plain
        .trim_matches(['(', ')', '.', ':', '[', ']', '*'])
        .trim();
    let mut chars = inner.chars();
    match (chars.next(), chars.next()) {
        (Some(c @ 'A'..='J'), None) => Some(c),
        _ => None,
    }
}

/// Whether two times such as `4:30` or `9:00 a.m.` are the same; `None` where one is no time.
/// They are not ratios: `4:30` is not `2:15`.
pub fn same_clock(a: &str, b: &str) -> Option<bool> {
    let (a, b) = (clock(a)?, clock(b)?);
    let half = a.1.is_empty() || b.1.is_empty() || a.1 == b.1;
    Some(a.0 == b.0 && half)
}

/// The minute, and the half of the day where it is said.
fn clock(text: &str) -> Option<(u32, String)> {
    let plain = flat(text).to_lowercase().replace(['.', ' '], "");
    let (hour, rest) = plain.split_once(':')?;
    let (minute, half) = rest.split_at_checked(2)?;
    let digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if hour.len() > 2 || !digits(hour) || !digits(minute) || !matches!(half, "" | "am" | "pm") {
        return None;
    }
    let minutes = hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()?;
    Some((minutes, half.to_owned()))
}

/// A multiple choice: letters, or the text of an option.
pub fn choice(gold: &str, found: &Extraction, options: &Options) -> Verdict {
    let texts = &options.choices;
    let of_text = |answer: &str| {
        let at = texts
            .iter()
            .position(|text| same_text(text, answer, options))?;
        u8::try_from(at)
            .ok()
            .filter(|at| *at < 26)
            .map(|at| char::from(b'A' + at))
    };
    let letter = |answer: &str| of_text(answer).or_else(|| choice_letter(answer));
    match (letter(gold), letter(&found.answer)) {
        (Some(a), Some(b)) if a == b => Verdict::new(Reason::Same, How::Choice),
        (Some(_), Some(_)) => Verdict::new(Reason::Different, How::Choice),
        _ if same_text(gold, &found.answer, options) => Verdict::new(Reason::Same, How::Text),
        (Some(_), None) => Verdict::new(Reason::NoAnswer, How::Nothing),
        _ => Verdict::new(Reason::Different, How::Text),
    }
}
