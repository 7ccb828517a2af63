//! A reply of a corpus to a turn with the thought apart from the answer.

use retort_text::{Message, Piece, ThinkSplitter};

use crate::{DatasetError, Origin, ThoughtTags};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// What is wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Unfinished(&'static str),
    Tags(&'static str),
}

impl Flaw {
    pub fn error(self, origin: &Origin) -> DatasetError {
        let origin = origin.clone();
        match self {
            Self::Unfinished(reason) => DatasetError::Unfinished { origin, reason },
            Self::Tags(reason) => DatasetError::ThoughtTags { origin, reason },
        }
    }
}

/// The turn for a reply with this text, and this thought where it stands apart.
pub(super) fn reply(text: &str, thought: Option<&str>, tags: ThoughtTags) -> Result<Message, Flaw> {
    let apart = thought.map(str::trim).filter(|thought| !thought.is_empty());
    let (thought, answer) = match apart {
        Some(thought) => {
            if tags != ThoughtTags::Text && text.trim_start().starts_with(OPEN) {
                return Err(Flaw::Tags("it stands apart and in the text"));
            }
            (thought.to_owned(), text.to_owned())
        }
        None => inline(text, tags)?,
    };
    let (thought, answer) = (thought.trim(), answer.trim());
    if thought.contains(CLOSE) {
        return Err(Flaw::Tags("the thought holds a `</think>`"));
    }
    if answer.is_empty() {
        return Err(Flaw::Unfinished("the answer is empty"));
    }
    let mut message = Message::new("assistant", answer);
    message.reasoning_content = (!thought.is_empty()).then(|| thought.to_owned());
    Ok(message)
}

/// Thought and answer of a text that holds both.
fn inline(text: &str, tags: ThoughtTags) -> Result<(String, String), Flaw> {
    let opens = text.trim_start().starts_with(OPEN);
    let closes = text.contains(CLOSE);
    match tags {
        ThoughtTags::Text => return Ok((String::new(), text.to_owned())),
        ThoughtTags::Tags if !opens && !closes => return Ok((String::new(), text.to_owned())),
        ThoughtTags::Tags if !opens => return Err(Flaw::Tags("a `</think>` without a `<think>`")),
        _ if !closes => return Err(Flaw::Unfinished("the thought has no `</think>`")),
        _ => {}
    }
    let mut splitter = ThinkSplitter::new(!opens);
    let mut pieces = splitter.push(text);
    pieces.extend(splitter.finish());
    let (mut thought, mut answer) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Thought(text) => thought.push_str(&text),
            Piece::Answer(text) => answer.push_str(&text),
        }
    }
    if thought.contains(OPEN) {
        return Err(Flaw::Tags("a `<think>` inside the thought"));
    }
    Ok((thought, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(
        text: &str,
        thought: Option<&str>,
        tags: ThoughtTags,
    ) -> Result<(String, String), Flaw> {
        let message = reply(text, thought, tags)?;
        let thought = message.reasoning_content.clone().unwrap_or_default();
        Ok((thought, message.content_text().to_owned()))
    }

    #[test]
    fn thoughts_are_found_where_they_stand() {
        let pair = |thought: &str, answer: &str| Ok((thought.to_owned(), answer.to_owned()));
        let tags = ThoughtTags::Tags;
        assert_eq!(
            parts("<think>\nSo.\n</think>\n\nYes.\n", None, tags),
            pair("So.", "Yes.")
        );
        assert_eq!(parts("Yes.", Some(" So.\n"), tags), pair("So.", "Yes."));
        assert_eq!(parts("Yes.", Some(""), tags), pair("", "Yes."));
        assert_eq!(parts("<think></think>Yes.", None, tags), pair("", "Yes."));
        assert_eq!(
            parts("So.</think> Yes.", None, ThoughtTags::Open),
            pair("So.", "Yes.")
        );
        assert_eq!(
            parts("<think>So.</think>Yes.", None, ThoughtTags::Open),
            pair("So.", "Yes.")
        );
        assert_eq!(
            parts("a</think>b", None, ThoughtTags::Text),
            pair("", "a</think>b")
        );
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        let flaw = |text, thought, tags| parts(text, thought, tags).unwrap_err();
        let (tags, open) = (ThoughtTags::Tags, ThoughtTags::Open);
        assert!(matches!(flaw("So.</think>Yes.", None, tags), Flaw::Tags(_)));
        assert!(matches!(
            flaw("Q<think>So.</think>Yes.", None, open),
            Flaw::Tags(_)
        ));
        assert!(matches!(
            flaw("<think>a</think>b", Some("c"), tags),
            Flaw::Tags(_)
        ));
        assert!(matches!(flaw("b", Some("a</think>"), tags), Flaw::Tags(_)));
    }

    #[test]
    fn replies_without_an_end_are_known() {
        let flaw = |text, thought, tags| parts(text, thought, tags).unwrap_err();
        let (tags, open) = (ThoughtTags::Tags, ThoughtTags::Open);
        assert!(matches!(flaw("<think>So", None, tags), Flaw::Unfinished(_)));
        assert!(matches!(flaw("So", None, open), Flaw::Unfinished(_)));
        assert!(matches!(
            flaw("<think>So</think>\n", None, tags),
            Flaw::Unfinished(_)
        ));
        assert!(matches!(flaw("", Some("So"), tags), Flaw::Unfinished(_)));
        assert!(matches!(flaw(" \n", None, tags), Flaw::Unfinished(_)));
    }
}
