//! Letters of multiple choices in prose.

/// The letter of an answer, which is mostly the letter itself.
pub fn choice_letter(answer: &str) -> Option<char> {
    let plain: String = answer
        .replace("\\text", "")
        .replace("\\mathrm", "")
        .replace("\\textbf", "")
        .replace(['{', '}', '$', '*', '\\', '"'], "");
    let plain = plain.trim();
    let inner = plain.trim_matches(['(', ')', '.', ':', '[', ']', ' ', ',']);
    let mut chars = inner.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return c.is_ascii_alphabetic().then(|| c.to_ascii_uppercase());
    }
    letter(plain)
}

/// The letter that a reply settles on.
pub fn letter(reply: &str) -> Option<char> {
    let chars: Vec<char> = reply.chars().collect();
    let lower = reply.to_ascii_lowercase();
    // "the answer is B", "Answer: (B)", "choose B": the last one that a letter follows.
    const PHRASES: [&str; 7] = [
        "answer is",
        "answer:",
        "option is",
        "choice is",
        "answer is:",
        "choose",
        "finalize",
    ];
    let mut best: Option<(usize, char)> = None;
    for phrase in PHRASES {
        for (at, _) in lower.rmatch_indices(phrase).take(16) {
            let Some(rest) = reply.get(at + phrase.len()..) else {
                continue;
            };
            let rest = rest.trim_start_matches([' ', '\n', ':', '*', '(', '$', '\\', '[', '"']);
            let rest = rest.strip_prefix("text{").unwrap_or(rest);
            let rest = rest.strip_prefix("option ").unwrap_or(rest);
            let rest = rest.trim_start_matches(['(', '*']);
            let mut following = rest.chars();
            let (Some(c), next) = (following.next(), following.next()) else {
                continue;
            };
            let alone = !next.is_some_and(|next| next.is_alphanumeric() || next == '\'');
            // "the answer is a number": an article, not a letter.
            let article = c == 'a'
                || (c == 'A'
                    && next == Some(' ')
                    && following.next().is_some_and(char::is_lowercase));
            if c.is_ascii_alphabetic()
                && alone
                && !article
                && best.is_none_or(|(known, _)| at > known)
            {
                best = Some((at, c.to_ascii_uppercase()));
            }
        }
    }
    if let Some((_, letter)) = best {
        return Some(letter);
    }
    let single = |at: usize| {
        let edge = |at: Option<usize>| {
            at.and_then(|at| chars.get(at))
                .is_none_or(|c| !c.is_alphanumeric() && *c != '\'' && *c != '’')
        };
        chars[at].is_ascii_uppercase() && edge(at.checked_sub(1)) && edge(Some(at + 1))
    };
    // "D. it cannot be A", "(D) Alina", "C Cecile": the reply starts with it.
    let start = chars.iter().position(|c| c.is_alphanumeric())?;
    if single(start) && start < 4 {
        let (next, after) = (chars.get(start + 1), chars.get(start + 2));
        let closed = matches!(next, None | Some('.' | ')' | ':' | '\n' | '*' | ','));
        let named = next == Some(&' ') && after.is_some_and(|c| c.is_uppercase());
        let is = reply.trim_start().get(1..5) == Some(" is ") && chars[start] != 'A';
        if closed || named || (is && !lower.contains("actually")) {
            return Some(chars[start]);
        }
    }
    let mut last = None;
    for at in 0..chars.len() {
        let article = matches!(chars[at], 'A' | 'I')
            && chars.get(at + 1) == Some(&' ')
            && chars.get(at + 2).is_some_and(|c| c.is_lowercase());
        if single(at) && !article {
            last = Some(chars[at]);
        }
    }
    if last.is_none() && reply.trim().len() == 1 {
        return reply.trim().chars().next().map(|c| c.to_ascii_uppercase());
    }
    last
}
