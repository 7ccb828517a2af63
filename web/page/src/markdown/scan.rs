//! Finds mathematics and code in Markdown before the Markdown parser sees it.
//!
//! CommonMark would read `\(` as an escaped parenthesis, a line of `=` inside a formula as a
//! heading, and `_` as emphasis. R1 models write `\( \)`, `\[ \]`, `$ $`, `$$ $$`, bare
//! environments and a bare `\boxed{}`; all of them are found here, code is left alone.

/// A piece of the source, in order; together they are the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Markdown.
    Text(&'a str),
    /// A code span or fenced block with its marks: Markdown, but mathematics does not begin here.
    Code(&'a str),
    Math {
        source: &'a str,
        /// LaTeX without the delimiters.
        latex: &'a str,
        display: bool,
    },
    /// A formula that has begun and may go on: only at the end of a text still being written.
    OpenMath(&'a str),
}

impl<'a> Segment<'a> {
    /// The source of this piece.
    pub fn source(&self) -> &'a str {
        match self {
            Segment::Text(s) | Segment::Code(s) | Segment::OpenMath(s) => s,
            Segment::Math { source, .. } => source,
        }
    }
}

/// A delimiter without its partner within this many bytes is not mathematics.
const LONGEST_FORMULA: usize = 4096;

/// Environments that stand on their own, without delimiters around.
const BARE_ENVIRONMENTS: [&str; 9] = [
    "align",
    "align*",
    "equation",
    "equation*",
    "gather",
    "gather*",
    "multline",
    "multline*",
    "eqnarray*",
];

/// Splits `text`; `growing` says that more of it may come.
pub fn segments(text: &str, growing: bool) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let (mut plain, mut at) = (0, 0);
    let mut line_start = true;
    while at < text.len() {
        match begin(text, at, line_start, growing) {
            Some(segment) => {
                if plain < at {
                    found.push(Segment::Text(&text[plain..at]));
                }
                at += segment.source().len();
                plain = at;
                line_start = segment.source().ends_with('\n');
                found.push(segment);
            }
            None => {
                let step = literal(&text[at..]);
                line_start = text.as_bytes()[at] == b'\n';
                at += step;
            }
        }
    }
    if plain < text.len() {
        found.push(Segment::Text(&text[plain..]));
    }
    found
}

/// Bytes of text to pass over: an escaped character counts as one with its backslash, a run of
/// backticks or dollars as one.
fn literal(rest: &str) -> usize {
    let mut chars = rest.chars();
    match chars.next() {
        Some('\\') => {
            1 + chars
                .next()
                .map_or(0, |c| if c == '\n' { 0 } else { c.len_utf8() })
        }
        Some(mark @ ('`' | '$')) => rest.len() - rest.trim_start_matches(mark).len(),
        Some(c) => c.len_utf8(),
        None => 0,
    }
}

/// The code or formula that begins exactly at `at`, if any.
fn begin(text: &str, at: usize, line_start: bool, growing: bool) -> Option<Segment<'_>> {
    let rest = &text[at..];
    if line_start && let Some(length) = fence(rest) {
        return Some(Segment::Code(&rest[..length]));
    }
    match rest.as_bytes()[0] {
        b'`' => code_span(rest).map(|length| Segment::Code(&rest[..length])),
        b'\\' => backslash(rest, growing),
        b'$' if rest.starts_with("$$") => enclosed(rest, "$$", true, growing),
        b'$' => dollar(rest),
        _ => None,
    }
}

/// Length of a fenced code block at the start of a line, to its closing fence or the end.
fn fence(rest: &str) -> Option<usize> {
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next()?;
    let opening = first.trim_start_matches([' ', '\t', '>']);
    let opening = opening.strip_prefix("- ").unwrap_or(opening);
    let mark = opening.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = opening.len() - opening.trim_start_matches(mark).len();
    if length < 3 || (mark == '`' && opening[length..].contains('`')) {
        return None;
    }
    let mut end = first.len();
    for line in lines {
        end += line.len();
        let inner = line.trim_matches([' ', '\t', '>', '\n', '\r']);
        if inner.len() >= length && inner.trim_start_matches(mark).is_empty() {
            return Some(end);
        }
    }
    Some(end)
}

/// Length of a code span: a run of backticks to the next run of the same length in the paragraph.
fn code_span(rest: &str) -> Option<usize> {
    let run = rest.len() - rest.trim_start_matches('`').len();
    let mut at = run;
    let end = paragraph_end(rest);
    while let Some(offset) = rest[at..end].find('`') {
        at += offset;
        let length = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        at += length;
        if length == run {
            return Some(at);
        }
    }
    None
}

fn backslash(rest: &str, growing: bool) -> Option<Segment<'_>> {
    if rest.starts_with("\\(") {
        return enclosed(rest, "\\)", false, growing);
    }
    if rest.starts_with("\\[") {
        return enclosed(rest, "\\]", true, growing);
    }
    if let Some(name) = rest
        .strip_prefix("\\begin{")
        .and_then(|r| r.split_once('}'))
        .map(|x| x.0)
        && BARE_ENVIRONMENTS.contains(&name)
    {
        let close = format!("\\end{{{name}}}");
        return match window(rest).find(&close) {
            Some(end) => {
                let source = &rest[..end + close.len()];
                Some(Segment::Math {
                    source,
                    latex: source,
                    display: true,
                })
            }
            None => growing.then(|| open(rest)).flatten(),
        };
    }
    if rest.starts_with("\\boxed{") {
        return match braces(&rest["\\boxed".len()..window(rest).len()]) {
            Some(length) => {
                let source = &rest[.."\\boxed".len() + length];
                Some(Segment::Math {
                    source,
                    latex: source,
                    display: false,
                })
            }
            None => growing.then(|| open(rest)).flatten(),
        };
    }
    None
}

/// A formula between an opening mark (two bytes, all of them) and `close`.
fn enclosed<'a>(rest: &'a str, close: &str, display: bool, growing: bool) -> Option<Segment<'a>> {
    let skip = 2;
    let limit = if display {
        window(rest).len()
    } else {
        paragraph_end(window(rest))
    };
    match find_unescaped(&rest[skip..limit.max(skip)], close) {
        Some(end) => {
            let latex = &rest[skip..skip + end];
            let source = &rest[..skip + end + close.len()];
            (!latex.trim().is_empty()).then_some(Segment::Math {
                source,
                latex,
                display,
            })
        }
        None if growing && limit == rest.len() => open(rest),
        None => None,
    }
}

fn open(rest: &str) -> Option<Segment<'_>> {
    (rest.len() < LONGEST_FORMULA).then_some(Segment::OpenMath(rest))
}

/// `$...$` by Pandoc's rule, so that prices stay prices: no space inside the marks, no digit
/// after the closing one, and no other dollar between.
fn dollar(rest: &str) -> Option<Segment<'_>> {
    let inner = &rest[1..];
    if inner.starts_with(|c: char| c.is_whitespace()) {
        return None;
    }
    let end = find_unescaped(&inner[..paragraph_end(window(inner))], "$").filter(|end| *end > 0)?;
    let (source, latex) = (&rest[..end + 2], &inner[..end]);
    let spaced = latex.ends_with(|c: char| c.is_whitespace());
    let digit = inner[end + 1..].starts_with(|c: char| c.is_ascii_digit());
    let mathematics = !spaced && !digit && !latex.contains('`') && !is_price(latex);
    mathematics.then_some(Segment::Math {
        source,
        latex,
        display: false,
    })
}

/// "10 and US", as from "$10 and US$ 7": an amount, then words.
fn is_price(latex: &str) -> bool {
    let word = |word: &str| word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase());
    latex.starts_with(|c: char| c.is_ascii_digit())
        && !latex.contains('\\')
        && latex.split_whitespace().any(word)
}

/// Where `mark` is first found outside of a backslash escape; `\)` and `\]` are marks themselves.
fn find_unescaped(text: &str, mark: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if text[at..].starts_with(mark) {
            return Some(at);
        }
        let step = if bytes[at] == b'\\' { 2 } else { 1 };
        at += step;
        while at < bytes.len() && !text.is_char_boundary(at) {
            at += 1;
        }
    }
    None
}

/// Length of a balanced `{...}` at the start.
fn braces(text: &str) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at + 1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The part of the text in which a formula that starts here has to end.
fn window(rest: &str) -> &str {
    let mut end = rest.len().min(LONGEST_FORMULA);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    &rest[..end]
}

/// Where the paragraph ends: before the next blank line, or at the end of the text.
fn paragraph_end(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && line.trim().is_empty() && line.ends_with('\n') {
            return at;
        }
        at += line.len();
    }
    text.len()
}
