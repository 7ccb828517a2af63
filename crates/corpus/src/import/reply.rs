//! A reply's text, parted into thought and answer.

use super::Thought;
use crate::Turn;

/// Pairs of marks around a thought.
const MARKS: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<thinking>", "</thinking>"),
];
/// Pairs of marks around an answer.
const ANSWERS: [(&str, &str); 2] = [
    ("<answer>", "</answer>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
];
/// What chat templates of the R1 family put where a reply begins, and where it ends.
const ASSISTANT: &str = "<｜Assistant｜>";
const ENDS: [&str; 3] = ["<｜end▁of▁sentence｜>", "<|im_end|>", "<|endoftext|>"];

/// A reply, and whether it has an end.
pub struct Reply {
    pub turn: Turn,
    pub finished: bool,
}

/// From text that holds both.
pub fn parted(text: &str, marks: Thought) -> Reply {
    // A whole chat as text: only what follows the last question is the reply.
    let text = text.rsplit_once(ASSISTANT).map_or(text, |(_, reply)| reply);
    let mut text = text.trim();
    for end in ENDS {
        text = text.strip_suffix(end).unwrap_or(text).trim_end();
    }
    for (open, close) in MARKS {
        let primed = marks == Thought::Open && open == "<think>";
        let opened = text.strip_prefix(open);
        if opened.is_none() && !primed {
            continue;
        }
        let inside = opened.unwrap_or(text);
        return match inside.split_once(close) {
            Some((thought, answer)) => apart(thought, answer),
            None => Reply {
                turn: Turn::reply(inside.trim(), ""),
                finished: false,
            },
        };
    }
    // The prompt held the opening mark and nobody said so.
    match text.split_once("</think>") {
        Some((thought, answer)) if !thought.contains("<think>") => apart(thought, answer),
        _ => apart("", text),
    }
}

/// From fields that hold one each.
pub fn apart(thought: &str, answer: &str) -> Reply {
    let thought = thought.trim();
    let (thought, closed) = match MARKS.iter().find(|(open, _)| thought.starts_with(open)) {
        Some((open, close)) => {
            let inside = &thought[open.len()..];
            (inside.strip_suffix(close).unwrap_or(inside).trim(), true)
        }
        None => (thought, true),
    };
    let answer = bare(answer.trim());
    Reply {
        finished: closed && !answer.is_empty(),
        turn: Turn::reply(thought, answer),
    }
}

/// An answer without the marks around it.
fn bare(answer: &str) -> &str {
    for (open, close) in ANSWERS {
        if let Some(inside) = answer.strip_prefix(open) {
            return inside
                .split_once(close)
                .map_or(inside, |(inside, _)| inside)
                .trim();
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_marking_gives_the_same_parts() {
        let (tags, open) = (Thought::Tags, Thought::Open);
        for (text, marks) in [
            ("<think>\nSo.\n</think>\n\nYes.", tags),
            ("So.</think>Yes.", open),
            ("<think>So.</think>Yes.", open),
            ("So.</think> Yes.", tags),
            ("So.</think> <answer>Yes.</answer>", tags),
            (
                "<|begin_of_thought|>\n\nSo.\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nYes.\n\n<|end_of_solution|>",
                tags,
            ),
            (
                "<｜User｜>Is it?<｜Assistant｜><think>So.</think>Yes.<｜end▁of▁sentence｜>",
                tags,
            ),
            ("<thinking>So.</thinking>Yes.<|im_end|>", tags),
        ] {
            let reply = parted(text, marks);
            assert_eq!(reply.turn, Turn::reply("So.", "Yes."), "{text}");
            assert!(reply.finished, "{text}");
        }
        assert_eq!(parted("Yes.", tags).turn, Turn::reply("", "Yes."));
        assert_eq!(
            apart("<think>So.</think>", "Yes.").turn,
            Turn::reply("So.", "Yes.")
        );
    }

    #[test]
    fn replies_without_an_end_are_known() {
        for (text, marks) in [
            ("<think>So", Thought::Tags),
            ("So", Thought::Open),
            ("<think>So</think>\n ", Thought::Tags),
            ("<|begin_of_thought|>So", Thought::Tags),
            ("So</think><answer></answer>", Thought::Open),
            ("", Thought::Tags),
        ] {
            assert!(!parted(text, marks).finished, "{text}");
        }
    }
}
