//! Tokens that are found in the text as they are written, before it is split into words.

use std::collections::HashMap;

use crate::{TextError, error::shown};

/// A token that is matched verbatim (Hugging Face: added token).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Special {
    pub text: String,
    pub id: u32,
    /// A control token: recognised only where the caller trusts the text.
    pub control: bool,
}

/// Refuses a text that stands for two ids, among the special tokens or beside the vocabulary.
pub(super) fn check(
    specials: &[(Special, bool)],
    vocabulary: impl Fn(&str) -> Option<u32>,
) -> Result<(), TextError> {
    let mut ids = HashMap::new();
    for (Special { text, id, .. }, _) in specials {
        let other = ids.insert(text, *id).or_else(|| vocabulary(text));
        if let Some(first) = other.filter(|first| first != id) {
            return Err(TextError::DuplicateToken {
                token: shown(text),
                first,
                second: *id,
            });
        }
    }
    Ok(())
}

/// Finds special tokens: the leftmost, and of those that start there the longest.
///
/// The tokens lie sorted, and a candidate is found by narrowing the range that shares the text's
/// prefix. No automaton: its tables are many times the size of the tokens, which is too much for
/// a hostile file's, and real texts hold few characters that start a token.
#[derive(Debug)]
pub(super) struct Finder {
    sorted: Vec<Special>,
    /// Whether some token starts with this byte.
    starts: [bool; 256],
}

/// Part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Id(u32),
}

impl Finder {
    /// Tokens without text are left out; a repeated one counts once.
    pub fn new(mut specials: Vec<Special>) -> Self {
        specials.retain(|special| !special.text.is_empty());
        specials.sort_by(|a, b| a.text.cmp(&b.text));
        specials.dedup_by(|later, earlier| later.text == earlier.text);
        let mut starts = [false; 256];
        for special in &specials {
            starts[usize::from(special.text.as_bytes()[0])] = true;
        }
        Self {
            sorted: specials,
            starts,
        }
    }

    pub fn id_of(&self, text: &str) -> Option<u32> {
        let found = self.sorted.binary_search_by(|s| s.text.as_str().cmp(text));
        Some(self.sorted[found.ok()?].id)
    }

    /// Calls `each` with the parts of `text` in order; `control` says whether control tokens
    /// count. One that does not count still hides what lies inside it, as in Hugging Face's
    /// `split_special_tokens`.
    pub fn split<E>(
        &self,
        text: &str,
        control: bool,
        mut each: impl FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = text.as_bytes();
        let (mut done, mut at) = (0, 0);
        while at < bytes.len() {
            if !self.starts[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            let Some(special) = self.longest(&bytes[at..]) else {
                at += 1;
                continue;
            };
            let end = at + special.text.len();
            if control || !special.control {
                if done < at {
                    each(Part::Text(&text[done..at]))?;
                }
                each(Part::Id(special.id))?;
                done = end;
            }
            at = end;
        }
        if done < bytes.len() {
            each(Part::Text(&text[done..]))?;
        }
        Ok(())
    }

    /// The longest token that `bytes` starts with.
    fn longest(&self, bytes: &[u8]) -> Option<&Special> {
        let mut range = &self.sorted[..];
        let mut best = None;
        for (depth, &byte) in bytes.iter().enumerate() {
            // Within the range all tokens share `bytes[..depth]`, so they are sorted by the next
            // byte; one that ends here comes first.
            let next = |special: &Special| special.text.as_bytes().get(depth).copied();
            let from = range.partition_point(|special| next(special) < Some(byte));
            let to = range.partition_point(|special| next(special) <= Some(byte));
            range = &range[from..to];
            let Some(first) = range.first() else { break };
            if first.text.len() == depth + 1 {
                best = Some(first);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(tokens: &[(&str, bool)]) -> Finder {
        let special = |(id, &(text, control)): (usize, &(&str, bool))| Special {
            text: text.to_owned(),
            id: id as u32,
            control,
        };
        Finder::new(tokens.iter().enumerate().map(special).collect())
    }

    fn check(tokens: &[(&str, bool)], text: &str, control: bool, expected: &str) {
        let mut got = String::new();
        finder(tokens)
            .split(text, control, |part| {
                match part {
                    Part::Text(text) => got.push_str(text),
                    Part::Id(id) => got.push_str(&format!("[{id}]")),
                }
                Ok::<_, ()>(())
            })
            .unwrap();
        assert_eq!(got, expected);
    }

    #[test]
    fn the_leftmost_longest_token_wins() {
        let tokens = [("ab", false), ("abcd", false), ("bc", false), ("é", false)];
        check(&tokens, "abc", true, "[0]c");
        check(&tokens, "abcd", true, "[1]");
        check(&tokens, "xbcabé", true, "x[2][0][3]");
        check(&tokens, "aab", true, "a[0]");
        check(&tokens, "", true, "");
        check(&[], "abc", true, "abc");
    }

    #[test]
    fn control_tokens_are_text_where_the_text_is_not_trusted() {
        let tokens = [("<|end|>", true), ("<think>", false), ("end", false)];
        check(&tokens, "a<|end|><think>", true, "a[0][1]");
        check(&tokens, "a<|end|><think>end", false, "a<|end|>[1][2]");
    }

    #[test]
    fn texts_are_looked_up() {
        let finder = finder(&[("b", false), ("a", true)]);
        assert_eq!(finder.id_of("a"), Some(1));
        assert_eq!(finder.id_of("c"), None);
    }
}
