//! Takes the wrapping off an answer.

/// The content of the last `\boxed{…}`, or all of it; without quotes, emphasis, `$` and a final
/// full stop around it.
pub(super) fn light(answer: &str) -> String {
    let mut text = boxed(answer).unwrap_or(answer).trim();
    loop {
        let before = text.len();
        for (open, close) in WRAPPINGS {
            if let Some(inner) = text
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
            {
                text = inner.trim();
            }
        }
        if let Some(rest) = text.strip_suffix('.') {
            text = rest.trim_end();
        }
        if text.len() == before {
            return text.to_owned();
        }
    }
}

const WRAPPINGS: [(&str, &str); 8] = [
    ("**", "**"),
    ("$$", "$$"),
    ("$", "$"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
    ("`", "`"),
    ("\"", "\""),
    ("'", "'"),
];

fn boxed(answer: &str) -> Option<&str> {
    let (_, inner) = answer.rsplit_once("\\boxed{")?;
    let mut depth = 1;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&inner[..at]);
        }
    }
    None
}

/// What TeX and typography write, and what is meant by it. `\frac{a}{b}` is handled apart.
const SIGNS: [(&str, &str); 32] = [
    ("^{\\circ}", "°"),
    ("^\\circ", "°"),
    ("\\left", ""),
    ("\\right", ""),
    ("\\dfrac", "\\frac"),
    ("\\tfrac", "\\frac"),
    ("\\mathrm", ""),
    // Before its own beginning.
    ("\\textbf", ""),
    ("\\text", ""),
    ("\\mathbf", ""),
    ("\\cdot", "*"),
    ("\\times", "*"),
    ("\\div", "/"),
    ("\\pi", "π"),
    ("\\circ", "°"),
    ("\\{", "("),
    ("\\}", ")"),
    ("\\,", ""),
    ("\\!", ""),
    ("\\;", " "),
    ("\\ ", " "),
    ("\\%", "%"),
    ("\\$", "$"),
    ("\\_", "_"),
    ("−", "-"),
    ("–", "-"),
    ("×", "*"),
    ("·", "*"),
    ("⋅", "*"),
    ("÷", "/"),
    ("\u{a0}", " "),
    ("\u{202f}", " "),
];

/// Mathematics as plain text: signs in ASCII, fractions with a slash, no braces.
pub(crate) fn math(answer: &str) -> String {
    let mut text = answer.to_owned();
    for (from, to) in SIGNS {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    // The slash of `\frac{a}{b}` stands where the first brace closes before the second opens. What
    // is right before it is the whole part of a mixed number: `1\frac{3}{4}` is not 13/4.
    if text.contains("\\frac") {
        let mut parts = text.split("\\frac");
        let mut joined = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if joined.ends_with(|c: char| c.is_ascii_digit()) {
                joined.push(' ');
            }
            joined.push_str(part);
        }
        text = joined.replace("}{", "}/{");
    }
    text.retain(|c| !matches!(c, '{' | '}' | '$' | '`'));
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappings_come_off_in_any_order() {
        assert_eq!(light(" **42.** "), "42");
        assert_eq!(light("so $\\boxed{\\frac{1}{2}}$."), "\\frac{1}{2}");
        assert_eq!(light("\\boxed{1} then \\boxed{ 2 }"), "2");
        assert_eq!(light("\"abc\""), "abc");
        assert_eq!(light("\\boxed{open"), "\\boxed{open");
        assert_eq!(light("'"), "'");
    }

    #[test]
    fn tex_becomes_plain() {
        assert_eq!(math("-\\frac{3}{4}"), "-3/4");
        assert_eq!(math("-1\\frac{3}{4}"), "-1 3/4");
        assert_eq!(math("2^{10} \\cdot 3"), "2^10 * 3");
        assert_eq!(math("−5"), "-5");
    }
}
