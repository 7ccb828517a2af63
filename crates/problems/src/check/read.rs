//! Reads values from the text of an answer.

use crate::ratio::Ratio;

/// Longer numbers do not fit the arithmetic anyway.
const LONGEST_NUMBER: usize = 80;

/// A number: `-12`, `1,234`, `0.5`, `3/4`, `1 3/4`, `x = 7`.
pub(super) fn number(text: &str) -> Option<Ratio> {
    let text = text.trim();
    let text = match text.split_once('=') {
        Some((name, value)) if is_name(name.trim()) => value.trim(),
        _ => text,
    };
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    if let Some((whole, fraction)) = text.split_once(' ') {
        // Only a fraction after a space makes a mixed number; `1 234` and `3 / 4` do not.
        if !fraction.trim().starts_with('/')
            && fraction.contains('/')
            && !whole.contains('/')
            && let Some(mixed) = mixed(whole, fraction)
        {
            return Some(mixed);
        }
    }
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // `1 234` is one number only if its groups are those of thousands.
    if text.contains(' ') && !bare.contains('/') && !bare.starts_with(['+', '-']) {
        return decimal(&text.replace(' ', ","));
    }
    match bare.split_once('/') {
        Some((num, den)) => decimal(inner(num))?.over(decimal(inner(den))?),
        None => decimal(inner(&bare)),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.chars().all(|c| c.is_ascii_alphabetic())
}

/// Without one pair of parentheses around it.
fn inner(text: &str) -> &str {
    text.strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(text)
}

fn mixed(whole: &str, fraction: &str) -> Option<Ratio> {
    let size = decimal(whole)?;
    let (num, den) = fraction.split_once('/')?;
    let part = decimal(num.trim())?.over(decimal(den.trim())?)?;
    if size.den() != 1 || part.is_negative() {
        return None;
    }
    match whole.starts_with('-') {
        true => size.minus(part),
        false => size.plus(part),
    }
}

/// A number with a decimal point at most.
fn decimal(text: &str) -> Option<Ratio> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = ungroup(whole)?;
    if whole.is_empty() && places.is_empty() {
        return None;
    }
    let mut value = 0_i128;
    for digit in whole.bytes().chain(places.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    let scale = 10_i128.checked_pow(u32::try_from(places.len()).ok()?)?;
    Ratio::new(if negative { -value } else { value }, scale)
}

/// Without the commas between thousands; nothing if they stand elsewhere.
fn ungroup(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let mut digits = first.to_owned();
    for (index, group) in groups.enumerate() {
        if group.len() != 3 || (index == 0 && !(1..=3).contains(&first.len())) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

/// Whether these are brackets around the whole list.
fn unbracket(text: &str) -> &str {
    let text = text.trim();
    for (open, close) in [('[', ']'), ('(', ')'), ('{', '}')] {
        if let Some(inner) = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
        {
            return inner;
        }
    }
    text
}

/// The parts of a list: between commas, semicolons or lines, else between spaces.
pub(crate) fn words(text: &str) -> Vec<String> {
    let text = unbracket(text).replace(" and ", ",");
    let commas = |c| matches!(c, ',' | ';' | '\n');
    let parts: Vec<&str> = match text.contains(commas) {
        true => text.split(commas).collect(),
        // A single `x = 7`.
        false if text.matches('=').count() == 1 => vec![text.as_str()],
        false => text.split_whitespace().collect(),
    };
    parts
        .into_iter()
        .map(|part| part.trim().trim_matches(['"', '\'', '`']).to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// A list of numbers.
pub(crate) fn numbers(text: &str) -> Option<Vec<Ratio>> {
    words(text).iter().map(|word| number(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        number(text).map_or("none".to_owned(), |value| value.to_string())
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, value) in [
            ("1,234", "1234"),
            ("1 234 567", "1234567"),
            ("+12.0", "12"),
            ("-0.125", "-1/8"),
            ("x = 7", "7"),
            ("3 / 4", "3/4"),
            ("(3)/(4)", "3/4"),
            ("1 3/4", "7/4"),
            ("-1 3/4", "-7/4"),
            (".5", "1/2"),
            ("- 5", "-5"),
            ("12,34", "none"),
            ("1 2", "none"),
            ("1/0", "none"),
            ("", "none"),
            (".", "none"),
            ("five", "none"),
            ("5 or 6", "none"),
            ("1e9", "none"),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn lists_with_any_separator() {
        for text in [
            "[1, 2, 3]",
            "1 2 3",
            "1; 2; 3",
            "1, 2 and 3",
            "1\n2\n3",
            "(1,2,3)",
        ] {
            assert_eq!(words(text), ["1", "2", "3"], "{text}");
        }
        assert_eq!(words("x = 7"), ["x = 7"]);
    }
}
