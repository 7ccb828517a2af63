//! `\boxed{...}`.

/// How many boxes are looked at, from the end.
const MAX_BOXES: usize = 32;
/// How long what is boxed may be.
const MAX_LENGTH: usize = 8192;
/// How much may stand between boxes that are one answer.
const MAX_GAP: usize = 24;

/// Where the last box is.
pub fn last_at(text: &str) -> Option<usize> {
    boxes(text).next().map(|found| found.0)
}

/// The boxes of a text from its end: start, content, and end.
fn boxes(text: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    // The first letter may have become a control character: `\b` of a careless string literal.
    text.rmatch_indices("oxed")
        .take(MAX_BOXES)
        .filter(|(at, _)| text[..*at].ends_with(['b', '\u{8}']))
        .map(|(at, name)| (at - 1, &text[at - 1..at + name.len()]))
        .filter_map(move |(at, name)| {
            let after = at + name.len();
            let rest = &text[after..];
            let inner = rest.trim_start();
            let open = after + rest.len() - inner.len();
            if !inner.starts_with('{') {
                // `\boxed 5`
                let word = inner.split_whitespace().next()?;
                let word = word.trim_end_matches(['$', '.', ',']);
                let ends = open + word.len();
                return (!word.is_empty() && open > after).then_some((at, word, ends));
            }
            let length = balanced(&inner[1..])?;
            Some((at, &inner[1..=length], open + length + 2))
        })
}

/// How far it is to the brace that closes; the end of the line where none does.
fn balanced(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().take(MAX_LENGTH) {
        match byte {
            b'{' if !escaped => depth += 1,
            b'}' if !escaped => depth -= 1,
            _ => {}
        }
        // `\\{`: the second backslash escapes nothing.
        escaped = byte == b'\\' && !escaped;
        if depth == 0 {
            return Some(at);
        }
    }
    if text.len() > MAX_LENGTH {
        return None;
    }
    // A box that is never closed ends with its line or its formula.
    let end = text.find(['\n']).unwrap_or(text.len());
    let line = &text[..end];
    Some(line.rfind('$').filter(|at| *at > 0).unwrap_or(end))
}

/// The last box, together with those right before it that belong to the same answer.
pub fn last(text: &str) -> Option<String> {
    let mut found = boxes(text);
    let (mut start, content, _) = found.next()?;
    let mut parts = vec![innermost(content)];
    for (at, content, end) in found {
        // Nested in one another: the outer one has been taken apart already.
        if end > start {
            continue;
        }
        let gap = text[end..start].trim_end_matches('\\');
        let joined = gap.contains([',', ';'])
            || gap
                .split(|c: char| !c.is_alphabetic())
                .any(|word| matches!(word, "and" | "or"))
            || !(gap.contains([':', '=']) || gap.chars().any(char::is_alphabetic));
        let apart = gap.contains('\n') || gap.contains(". ") || gap.contains(['<', '>']);
        let connects = joined && !apart && gap.len() <= MAX_GAP;
        if !connects {
            break;
        }
        if !parts.contains(&innermost(content)) {
            parts.push(innermost(content));
        }
        start = at;
    }
    parts.reverse();
    Some(parts.join(", "))
}

/// Without a box in the box.
fn innermost(content: &str) -> &str {
    let content = content.trim();
    for name in ["\\boxed{", "\\text{\\boxed{"] {
        if let Some(inner) = content.strip_prefix(name) {
            return inner.trim_end_matches('}').trim();
        }
    }
    content
}
