//! Separates a model's reasoning from its answer while the reply streams in.
//!
//! A reasoning model writes `<think>`, its thought, `</think>`, its answer; many templates put the
//! `<think>` into the prompt already. The tags are text that can arrive in any number of pieces.
//! Rules: `<think>` opens a thought only at the start of the reply (white space may precede it);
//! the first `</think>` closes it; from there on everything is answer, tags included. A reply that
//! starts with neither is all answer. Newlines around the tags belong to the tags: a thought
//! neither starts nor ends with one, an answer after a thought does not start with one (Qwen's
//! templates strip the same when they put a turn into the next prompt).

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// A stretch of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Reasoning.
    Thought(String),
    /// What the user asked for.
    Answer(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing but white space and perhaps part of `<think>` so far.
    Start,
    Thought,
    /// Right after `</think>`: newlines are dropped.
    AfterThought,
    Answer,
}

/// Tokens on each side of the reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Tokens of the thought, its tags included.
    pub thought: usize,
    pub answer: usize,
}

/// Splits a reply as it arrives. However it is cut into pushes, the thought and the answer come
/// out the same.
#[derive(Clone, Debug)]
pub struct ThinkSplitter {
    place: Place,
    /// Text that may turn out to be part of a tag, or newlines that may precede one.
    held: String,
    /// Whether the thought has any text yet: newlines before it are dropped.
    thought_begun: bool,
    counts: TokenCounts,
    /// Tokens not counted yet, while the reply's side is unknown.
    undecided: usize,
}

impl ThinkSplitter {
    /// `primed`: the prompt has opened the thought.
    pub fn new(primed: bool) -> Self {
        Self {
            place: if primed { Place::Thought } else { Place::Start },
            held: String::new(),
            thought_begun: false,
            counts: TokenCounts::default(),
            undecided: 0,
        }
    }

    /// For the reply to a rendered prompt: primed if that ends in `<think>`, but for white space.
    pub fn for_prompt(prompt: &str) -> Self {
        Self::new(prompt.trim_end().ends_with(OPEN))
    }

    /// Whether the reply is inside the thought.
    pub fn is_thinking(&self) -> bool {
        self.place == Place::Thought
    }

    /// Takes the next part of the reply. What could still be part of a tag is held back.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        self.push_tokens(text, 0)
    }

    /// The same for a part made of `tokens` tokens, which are counted: a part that touches the
    /// thought or its tags as thought.
    pub fn push_tokens(&mut self, text: &str, tokens: usize) -> Vec<Piece> {
        let was_thinking = self.is_thinking();
        self.held.push_str(text);
        let mut pieces = Pieces::default();
        while self.step(&mut pieces) {}
        self.undecided += tokens;
        let thought = was_thinking || self.is_thinking() || pieces.thought_closed;
        if thought {
            self.counts.thought += std::mem::take(&mut self.undecided);
        } else if self.place != Place::Start {
            self.counts.answer += std::mem::take(&mut self.undecided);
        }
        pieces.list
    }

    /// Ends the reply: what was held back is what it looks like. An unclosed thought stays a
    /// thought.
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Pieces::default();
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Thought => self.thought(held.trim_end_matches(NEWLINES), &mut pieces),
            Place::AfterThought => {}
            Place::Start | Place::Answer => pieces.answer(&held),
        }
        self.counts.answer += std::mem::take(&mut self.undecided);
        pieces.list
    }

    /// Tokens pushed so far, by side. Tokens before the side is known are not yet in.
    pub fn counts(&self) -> TokenCounts {
        self.counts
    }

    /// Takes what is certain from the held text; whether there may be more.
    fn step(&mut self, pieces: &mut Pieces) -> bool {
        match self.place {
            Place::Start => {
                let begun = self.held.trim_start();
                if let Some(rest) = begun.strip_prefix(OPEN) {
                    self.held = rest.to_owned();
                    self.place = Place::Thought;
                    return true;
                }
                if OPEN.starts_with(begun) {
                    return false;
                }
                self.place = Place::Answer;
                true
            }
            Place::Thought => self.step_thought(pieces),
            Place::AfterThought => {
                self.held = self.held.trim_start_matches(NEWLINES).to_owned();
                if !self.held.is_empty() {
                    self.place = Place::Answer;
                }
                !self.held.is_empty()
            }
            Place::Answer => {
                pieces.answer(&std::mem::take(&mut self.held));
                false
            }
        }
    }

    fn step_thought(&mut self, pieces: &mut Pieces) -> bool {
        let held = std::mem::take(&mut self.held);
        if let Some((thought, rest)) = held.split_once(CLOSE) {
            self.thought(thought.trim_end_matches(NEWLINES), pieces);
            self.held = rest.to_owned();
            self.place = Place::AfterThought;
            pieces.thought_closed = true;
            return true;
        }
        // A start of the tag at the end, and newlines before it, may be the tag's.
        let sure = held.len() - partial_suffix(&held, CLOSE);
        let sure = held[..sure].trim_end_matches(NEWLINES).len();
        self.thought(&held[..sure], pieces);
        self.held = held[sure..].to_owned();
        false
    }

    fn thought(&mut self, text: &str, pieces: &mut Pieces) {
        let text = match self.thought_begun {
            true => text,
            false => text.trim_start_matches(NEWLINES),
        };
        self.thought_begun |= !text.is_empty();
        pieces.thought(text);
    }
}

const NEWLINES: [char; 2] = ['\n', '\r'];

/// Length of the longest proper prefix of `tag` that `text` ends with.
fn partial_suffix(text: &str, tag: &str) -> usize {
    (1..tag.len())
        .rev()
        .find(|&len| text.ends_with(&tag[..len]))
        .unwrap_or(0)
}

#[derive(Default)]
struct Pieces {
    list: Vec<Piece>,
    thought_closed: bool,
}

impl Pieces {
    fn thought(&mut self, text: &str) {
        if !text.is_empty() {
            self.list.push(Piece::Thought(text.to_owned()));
        }
    }

    fn answer(&mut self, text: &str) {
        if !text.is_empty() {
            self.list.push(Piece::Answer(text.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Thought and answer of a reply that arrives in these parts.
    fn split<'a>(primed: bool, parts: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut splitter = ThinkSplitter::new(primed);
        let mut pieces: Vec<_> = parts.into_iter().flat_map(|p| splitter.push(p)).collect();
        pieces.extend(splitter.finish());
        let (mut thought, mut answer) = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Thought(text) => {
                    assert!(answer.is_empty(), "a thought after the answer");
                    thought.push_str(&text);
                }
                Piece::Answer(text) => answer.push_str(&text),
            }
        }
        (thought, answer)
    }

    /// The same reply whole, by characters, and cut in two at every character.
    fn check(primed: bool, reply: &str, thought: &str, answer: &str) {
        let expected = (thought.to_owned(), answer.to_owned());
        assert_eq!(split(primed, [reply]), expected, "{reply:?}");
        for (at, char) in reply.char_indices() {
            assert_eq!(split(primed, [&reply[..at], &reply[at..]]), expected);
            let end = at + char.len_utf8();
            let parts = [&reply[..at], &reply[at..end], &reply[end..]];
            assert_eq!(split(primed, parts), expected);
        }
        let chars: Vec<_> = reply
            .char_indices()
            .map(|(at, c)| &reply[at..at + c.len_utf8()])
            .collect();
        assert_eq!(split(primed, chars), expected);
    }

    #[test]
    fn thoughts_are_separated() {
        check(false, "<think>\nSo.\n</think>\n\nYes.", "So.", "Yes.");
        check(
            true,
            "So.\n\nHm.\n</think>\n\nYes.\n",
            "So.\n\nHm.",
            "Yes.\n",
        );
        check(true, "\nSo.</think>Yes.", "So.", "Yes.");
        check(false, " \n<think>a</think>b", "a", "b");
    }

    #[test]
    fn empty_and_unclosed_thoughts() {
        check(false, "<think>\n\n</think>\n\nYes.", "", "Yes.");
        check(true, "</think>Yes.", "", "Yes.");
        check(false, "<think>So. </thin", "So. </thin", "");
        check(true, "So.\n\n", "So.", "");
        check(true, "", "", "");
        check(false, "<think>", "", "");
        check(false, "<think></think>", "", "");
    }

    #[test]
    fn tags_elsewhere_are_text() {
        check(
            false,
            "Use <think> and </think>.",
            "",
            "Use <think> and </think>.",
        );
        check(false, "<thin", "", "<thin");
        check(false, " <thinking>", "", " <thinking>");
        check(false, "</think>a", "", "</think>a");
        check(true, "a</think>b</think><think>c", "a", "b</think><think>c");
        check(true, "a<think>b</think>c", "a<think>b", "c");
        check(
            true,
            "a < b </ c </thinks</think>d",
            "a < b </ c </thinks",
            "d",
        );
        check(true, "é\n<</think>é", "é\n<", "é");
    }

    #[test]
    fn the_answer_keeps_its_indentation() {
        check(true, "a</think>\r\n\n    code\n", "a", "    code\n");
        check(false, "\n  a", "", "\n  a");
    }

    #[test]
    fn prompts_prime() {
        let primed = |prompt| ThinkSplitter::for_prompt(prompt).is_thinking();
        assert!(primed("<｜Assistant｜><think>\n"));
        assert!(primed("<think>"));
        assert!(!primed("<｜Assistant｜>"));
        assert!(!primed("<think>\n\n</think>\n\n"));
        assert!(!primed(""));
    }

    #[test]
    fn text_is_not_held_longer_than_needed() {
        let mut splitter = ThinkSplitter::new(true);
        assert_eq!(splitter.push("So <b"), [Piece::Thought("So <b".into())]);
        assert_eq!(splitter.push(" </"), [Piece::Thought(" ".into())]);
        assert_eq!(splitter.push("b"), [Piece::Thought("</b".into())]);
        assert_eq!(splitter.push("\n"), []);
        assert_eq!(splitter.push("\nx"), [Piece::Thought("\n\nx".into())]);
    }

    #[test]
    fn tokens_are_counted_by_side() {
        let mut splitter = ThinkSplitter::new(false);
        for token in [
            "\n", "<think>", "\n", "So", ".", "</think>", "\n\n", "Yes", ".",
        ] {
            splitter.push_tokens(token, 1);
        }
        splitter.finish();
        let expected = TokenCounts {
            thought: 6,
            answer: 3,
        };
        assert_eq!(splitter.counts(), expected);
        let mut splitter = ThinkSplitter::new(false);
        splitter.push_tokens(" <", 2);
        assert_eq!(splitter.counts(), TokenCounts::default());
        splitter.finish();
        assert_eq!(splitter.counts().answer, 2);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_parts(
            primed: bool,
            parts in prop::collection::vec(
                prop_oneof![
                    Just("<think>".to_owned()),
                    Just("</think>".to_owned()),
                    "[<>/think\n é]{0,8}",
                ],
                0..12,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let reply = parts.concat();
            let mut cuts: Vec<usize> = (cuts.iter())
                .map(|cut| reply.floor_char_boundary(cut.index(reply.len() + 1)))
                .collect();
            cuts.extend([0, reply.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|pair| &reply[pair[0]..pair[1]]);
            let whole = split(primed, [reply.as_str()]);
            prop_assert_eq!(split(primed, chunks), whole.clone());
            // Nothing is invented, and little is lost: tags and newlines.
            prop_assert!(whole.0.len() + whole.1.len() <= reply.len());
        }
    }
}
