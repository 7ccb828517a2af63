//! What a judge said.

/// What may stand around the line: emphasis, quotes, a full stop.
const AROUND: [char; 9] = ['*', '_', '`', '#', '>', '.', '"', '-', ' '];

/// Whether the reply is right, and the reason; none if there is no verdict, or another than these
/// two, or if two verdicts differ. The verdict is the last line, with the question's code.
pub(super) fn read<'a>(said: &'a str, code: &str) -> Option<(bool, &'a str)> {
    let said = said.trim_end();
    let (reason, last) = said.rsplit_once('\n').unwrap_or(("", said));
    let verdict = word(last, code)?;
    let others = reason.lines().filter_map(|line| word(line, code));
    if others
        .into_iter()
        .any(|other| !other.eq_ignore_ascii_case(verdict))
    {
        return None;
    }
    match verdict.to_ascii_lowercase().as_str() {
        "correct" => Some((true, reason.trim())),
        "incorrect" => Some((false, reason.trim())),
        _ => None,
    }
}

/// The word of a line that is a verdict.
fn word<'a>(line: &'a str, code: &str) -> Option<&'a str> {
    let line = line.trim().trim_matches(AROUND);
    let (name, rest) = line.split_at_checked("VERDICT".len())?;
    let rest = rest.trim_start().strip_prefix(code)?;
    let word = rest.trim_start_matches(AROUND).strip_prefix(':')?;
    name.eq_ignore_ascii_case("verdict")
        .then(|| word.trim_matches(AROUND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_the_last_line_with_the_code() {
        for (said, expected) in [
            ("It holds.\nVERDICT c0de: CORRECT", Some(true)),
            (
                "It does not.\n\n**VERDICT c0de: INCORRECT.**\n",
                Some(false),
            ),
            ("`verdict c0de: correct`", Some(true)),
            ("**VERDICT c0de**: CORRECT", Some(true)),
            (
                "VERDICT c0de: INCORRECT\nVERDICT c0de: INCORRECT",
                Some(false),
            ),
            ("VERDICT c0de: UNSURE", None),
            ("VERDICT c0de: CORRECT or INCORRECT", None),
            ("VERDICT c0de: NOT CORRECT", None),
            ("VERDICT c0de: INCORRECT\nVERDICT c0de: CORRECT", None),
            ("VERDICT c0de: CORRECT\nOr so I think.", None),
            ("VERDICT 0000: CORRECT", None),
            ("VERDICT: CORRECT", None),
            ("VERDICT c0de: CORRECT VERDICT c0de: INCORRECT", None),
            ("The line is VERDICT c0de: CORRECT", None),
            ("CORRECT", None),
            ("ü", None),
            ("", None),
        ] {
            assert_eq!(read(said, "c0de").map(|found| found.0), expected, "{said}");
        }
        assert_eq!(read("So.\nVERDICT c: correct", "c"), Some((true, "So.")));
    }
}
