//! Ids to text while they arrive. A token can be half a character; its bytes wait for the rest.

use crate::Tokenizer;

/// Turns a stream of ids into text that is whole at every step. What the pushes and the final
/// [`finish`](Self::finish) return, joined, equals [`Tokenizer::decode`] of all ids.
#[derive(Clone, Debug)]
pub struct Detokenizer<'a> {
    tokenizer: &'a Tokenizer,
    skip_special: bool,
    utf8: Utf8Stream,
}

impl<'a> Detokenizer<'a> {
    pub(crate) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self {
            tokenizer,
            skip_special: false,
            utf8: Utf8Stream::default(),
        }
    }

    /// Whether control tokens are left out; they are shown at first.
    #[must_use]
    pub fn skip_special(mut self, skip: bool) -> Self {
        self.skip_special = skip;
        self
    }

    /// The text that `id` completes; empty while a character lacks bytes. Bytes that can no
    /// longer become a character give one U+FFFD.
    pub fn push(&mut self, id: u32) -> String {
        if self.skip_special && self.tokenizer.is_control(id) {
            return String::new();
        }
        let bytes = self.tokenizer.token_bytes(id).unwrap_or_default();
        self.utf8.push(bytes)
    }

    /// What is left: U+FFFD if the last character lacks bytes, else nothing.
    pub fn finish(&mut self) -> String {
        self.utf8.finish()
    }
}

/// Bytes to text, piece by piece, as [`String::from_utf8_lossy`] does it at once.
#[derive(Clone, Debug, Default)]
struct Utf8Stream {
    /// The start of a character, at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = &self.pending[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    rest = after;
                    // No length: the bytes so far are the start of a character.
                    if let Some(invalid) = error.error_len() {
                        text.push(char::REPLACEMENT_CHARACTER);
                        rest = &rest[invalid..];
                        continue;
                    }
                }
            }
            break;
        }
        self.pending = rest.to_vec();
        text
    }

    fn finish(&mut self) -> String {
        match std::mem::take(&mut self.pending).is_empty() {
            true => String::new(),
            false => char::REPLACEMENT_CHARACTER.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut stream = Utf8Stream::default();
        let mut texts: Vec<_> = chunks.into_iter().map(|bytes| stream.push(bytes)).collect();
        texts.push(stream.finish());
        texts
    }

    #[test]
    fn characters_wait_for_their_bytes() {
        let chunks: [&[u8]; 4] = [b"a\xf0\x9f", b"\xa6", b"\x99b", b"\xe2\x82"];
        assert_eq!(stream(chunks), ["a", "", "🦙b", "", "\u{fffd}"]);
    }

    #[test]
    fn an_invalid_sequence_is_one_replacement() {
        let chunks: [&[u8]; 3] = [b"\xe2\x82", b"x", b"\xff\xfe"];
        assert_eq!(stream(chunks), ["", "\u{fffd}x", "\u{fffd}\u{fffd}", ""]);
    }

    /// Bytes that often are the start or the middle of a character.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            any::<u8>(),
            0x80..0xc0u8,
            0xe0..0xf8u8,
            Just(0xf0),
            Just(0x9f)
        ];
        prop::collection::vec(byte, 0..12)
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_text(
            chunks in prop::collection::vec(prop_oneof![
                bytes(),
                "\\PC{0,4}".prop_map(String::into_bytes),
            ], 0..20)
        ) {
            let whole = chunks.concat();
            let joined = stream(chunks.iter().map(Vec::as_slice)).concat();
            prop_assert_eq!(joined, String::from_utf8_lossy(&whole));
            let single = stream(whole.chunks(1)).concat();
            prop_assert_eq!(single, String::from_utf8_lossy(&whole));
        }
    }
}
