//! Thoughts that come inline, in the tags of DeepSeek-R1.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Thought and answer of a reply. Newlines at the tags belong to the tags.
///
/// A reply is within a thought from the start if it begins with `<think>`, if the prompt opened the
/// thought (`primed`), or if it has a `</think>` without an opening one: then the prompt did, whatever
/// was configured. A thought that is never closed is all there is.
pub fn split(reply: &str, primed: bool) -> (Option<String>, String) {
    let trimmed = reply.trim_start();
    let (inside, opened) = match trimmed.strip_prefix(OPEN) {
        Some(rest) => (rest, true),
        None => (reply, primed),
    };
    match inside.split_once(CLOSE) {
        Some((thought, answer)) => (some(thought), answer.trim_start_matches(NEWLINES).into()),
        None if opened => (some(inside), String::new()),
        None => (None, reply.into()),
    }
}

const NEWLINES: [char; 2] = ['\n', '\r'];

/// An empty thought (`<think>\n\n</think>`, as templates write it to forbid one) is none.
fn some(thought: &str) -> Option<String> {
    let thought = thought.trim_matches(NEWLINES);
    (!thought.trim().is_empty()).then(|| thought.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_found_however_they_are_opened() {
        let cases = [
            ("<think>\na\n</think>\n\nb", false, Some("a"), "b"),
            ("\n <think>a</think>b", true, Some("a"), "b"),
            ("a\n</think>\n\nb", true, Some("a"), "b"),
            ("a\n</think>\n\nb", false, Some("a"), "b"),
            ("<think>cut sho", false, Some("cut sho"), ""),
            ("cut sho", true, Some("cut sho"), ""),
            ("plain <think>x", false, None, "plain <think>x"),
            ("<think>\n\n</think>\n\nb", false, None, "b"),
            ("<think>a</think>b</think>", false, Some("a"), "b</think>"),
            ("", false, None, ""),
        ];
        for (reply, primed, thought, answer) in cases {
            let got = split(reply, primed);
            assert_eq!(got, (thought.map(String::from), answer.into()), "{reply:?}");
        }
    }
}
