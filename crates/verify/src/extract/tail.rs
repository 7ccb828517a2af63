//! Answers by what stands before them, and the guesses: the last formula, the last number.

use super::{Extraction, Rule};
use crate::parse::{Node, parse};

/// `<answer>...</answer>`, the last one.
pub fn tag(reply: &str) -> Option<&str> {
    let start = reply.rfind("<answer>")? + "<answer>".len();
    let inner = &reply[start..];
    Some(inner.find("</answer>").map_or(inner, |end| &inner[..end]))
}

/// `#### 42`, the last one.
pub fn hashes(reply: &str) -> Option<String> {
    let at = reply.rfind("####")?;
    let line = reply[at + 4..].lines().next()?.trim();
    // A heading of Markdown is not an answer.
    let heading = line.to_ascii_lowercase().starts_with("final");
    (!line.is_empty() && !heading).then(|| line.to_owned())
}

/// What a phrase that announces an answer is followed by, with where it begins.
pub fn phrase(reply: &str) -> Option<(usize, String)> {
    const PHRASES: [&str; 6] = [
        "final answer is",
        "final answer:",
        "answer is",
        "answer:",
        "answer**:",
        "answer :",
    ];
    let lower = reply.to_ascii_lowercase();
    let found = PHRASES
        .iter()
        .filter_map(|phrase| lower.rfind(phrase).map(|at| (at + phrase.len(), at)))
        .max();
    // `A: 18` on a line of its own, as the solutions of grade school problems end.
    let lines = reply.rfind("\nA: ").map(|at| (at + 4, at));
    let lines = lines.or_else(|| reply.starts_with("A: ").then_some((3, 0)));
    let (end, at) = found.max(lines)?;
    let rest = reply.get(end..)?;
    let rest = rest.trim_start_matches([' ', ':', '*', '\n', '\t', '\r', '_']);
    let sentence = sentence(rest);
    if sentence.is_empty() {
        return None;
    }
    // "The answer is not 5" names no answer.
    if sentence.starts_with("not ") {
        return Some((at, sentence.to_owned()));
    }
    Some((at, said(sentence)))
}

/// Whether the last phrase is followed by its value at once, with no words between.
pub fn phrase_is_direct(reply: &str, at: usize) -> bool {
    let rest = reply[at..].trim_start_matches(|c: char| c.is_alphabetic() || " :*\n".contains(c));
    let words = reply[at..].len() - rest.len();
    // "final answer is " and the marks around it, but no more.
    words <= "final answer is: ** ".len()
        && rest.starts_with(|c: char| c.is_ascii_digit() || "$\\-−(\"[".contains(c))
}

/// Up to the end of the sentence or line; a formula may go over several lines.
fn sentence(text: &str) -> &str {
    let bytes = text.as_bytes();
    let mut end = text.len();
    let mut depth = 0_i32;
    for (at, byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1);
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth -= 1,
            b'\n' if depth <= 0 => {
                end = at;
                break;
            }
            b'.' if next.is_none_or(u8::is_ascii_whitespace) => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    text[..end].trim().trim_end_matches(['*', '"', '\\']).trim()
}

/// Without a remark in brackets at the end: "1/7 (about 0.143)".
pub fn without_aside(text: &str) -> &str {
    let bare = text.trim().trim_end_matches('.');
    if !bare.ends_with(')') || bare.ends_with("\\)") {
        return text;
    }
    let Some(open) = bare.rfind(" (") else {
        return text;
    };
    let aside = &bare[open + 2..];
    let word = aside.bytes().take_while(u8::is_ascii_alphabetic).count() > 1;
    if open > 0 && (word || aside.starts_with(['≈', '~'])) {
        return &bare[..open];
    }
    text
}

/// The answer of a sentence such as "The largest n is 34".
fn said(sentence: &str) -> String {
    let is_value = |text: &str| parse(text).is_ok_and(|node| !matches!(node, Node::Text(_)));
    if is_value(sentence) {
        return sentence.to_owned();
    }
    let after_is = sentence.rfind(" is ").map(|at| sentence[at + 4..].trim());
    if let Some(value) = after_is.filter(|value| is_value(value)) {
        return value.to_owned();
    }
    match last_formula_or_number(sentence) {
        Some(found) => found.answer,
        None => sentence.to_owned(),
    }
}

/// Whether what follows a phrase is a value rather than more prose.
pub fn is_explicit(answer: &str) -> bool {
    parse(answer).is_ok_and(|node| !matches!(node, Node::Text(_)))
}

/// The last formula between marks of mathematics or the last number outside of them, whichever
/// comes later.
pub fn last_formula_or_number(text: &str) -> Option<Extraction> {
    let formula = last_formula(text);
    let from = formula.as_ref().map_or(0, |found| found.0);
    if let Some(number) = last_number(&text[from..]) {
        return Some(Extraction::new(number, Rule::LastNumber));
    }
    formula.map(|(_, inner)| Extraction::new(inner, Rule::Formula))
}

/// The end and the inside of the last `$...$`, `\(...\)` or `\[...\]`.
fn last_formula(text: &str) -> Option<(usize, &str)> {
    let mut best: Option<(usize, &str)> = None;
    for (open, close) in [("\\(", "\\)"), ("\\[", "\\]")] {
        if let Some(end) = text.rfind(close)
            && let Some(start) = text[..end].rfind(open)
            && best.is_none_or(|(known, _)| end + 2 > known)
        {
            best = Some((end + 2, &text[start + 2..end]));
        }
    }
    // Dollars pair up from the start; escaped ones are money.
    let bytes = text.as_bytes();
    let mut open: Option<usize> = None;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'$' || (at > 0 && bytes[at - 1] == b'\\') {
            continue;
        }
        match open {
            Some(start) => {
                let inner = &text[start + 1..at];
                if !inner.trim().is_empty() {
                    if best.is_none_or(|(known, _)| at + 1 > known) {
                        best = Some((at + 1, inner));
                    }
                    open = None;
                } else {
                    open = Some(at);
                }
            }
            None => open = Some(at),
        }
    }
    best.filter(|(_, inner)| !inner.trim().is_empty())
}

/// The last number, with its sign, fraction and percent sign.
fn last_number(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_part = |at: usize| match bytes.get(at) {
        Some(b'0'..=b'9') => true,
        Some(b'.' | b',' | b'/') => {
            at > 0
                && bytes[at - 1].is_ascii_digit()
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        }
        _ => false,
    };
    let mut end = bytes.len();
    while let Some(last) = bytes[..end].iter().rposition(u8::is_ascii_digit) {
        let mut start = last;
        while start > 0 && is_part(start - 1) {
            start -= 1;
        }
        let before = text[..start].chars().next_back();
        // Digits inside of a word or a name are no number.
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            end = start;
            continue;
        }
        if matches!(before, Some('.')) {
            start -= 1;
        }
        let mut stop = last + 1;
        // A minus that is no difference: "is -3", not "5-3".
        if let Some(sign @ ('-' | '−')) = text[..start].chars().next_back() {
            let earlier = text[..start - sign.len_utf8()].chars().next_back();
            if !earlier.is_some_and(|c| c.is_alphanumeric() || c == ')') {
                start -= sign.len_utf8();
            }
        }
        if text[stop..].starts_with('%') {
            stop += 1;
        } else if text[stop..].starts_with("\\%") {
            stop += 2;
        }
        return Some(&text[start..stop]);
    }
    None
}
