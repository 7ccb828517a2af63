//! A byte-level vocabulary with the special tokens of the R1 students.

use retort_formats::gguf::{Array, Metadata, Value};

pub(super) const END: &str = "<｜end▁of▁sentence｜>";
pub(super) const THINK_END: &str = "</think>";

/// Prompts end with an open thought and a line break, as R1's do.
const TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
{% if message['role'] == 'user' %}<｜User｜>{{ message['content'] }}\
{% elif message['role'] == 'assistant' %}<｜Assistant｜>\
{{ message['content'].split('</think>')[-1] }}<｜end▁of▁sentence｜>\
{% else %}{{ message['content'] }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}";

/// ggml's numbers for the kinds of tokens.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// Tokens by id, as a GGUF file holds them.
pub(super) struct Vocabulary {
    tokens: Vec<String>,
    kinds: Vec<i32>,
}

impl Vocabulary {
    /// All bytes (id = byte), then the special tokens.
    pub fn bytes() -> Self {
        let tokens = (0..=255).map(|byte| byte_char(byte).to_string()).collect();
        let mut vocabulary = Self {
            tokens,
            kinds: vec![NORMAL; 256],
        };
        for (token, kind) in [
            ("<｜begin▁of▁sentence｜>", CONTROL),
            (END, CONTROL),
            ("<｜User｜>", CONTROL),
            ("<｜Assistant｜>", CONTROL),
            ("<think>", USER_DEFINED),
            (THINK_END, USER_DEFINED),
        ] {
            vocabulary.tokens.push(token.to_owned());
            vocabulary.kinds.push(kind);
        }
        vocabulary
    }

    /// Adds a token that stands for `text`. No merge leads to it: a prompt never contains it.
    pub fn add(&mut self, text: &str) -> usize {
        self.tokens.push(text.bytes().map(byte_char).collect());
        self.kinds.push(NORMAL);
        self.tokens.len() - 1
    }

    /// Fills up to `len` with tokens that mean nothing, as the students' padded vocabularies do.
    pub fn pad_to(&mut self, len: usize) {
        for id in self.tokens.len()..len {
            self.tokens.push(format!("[PAD{id}]"));
            self.kinds.push(UNUSED);
        }
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn id(&self, token: &str) -> Option<usize> {
        self.tokens.iter().position(|known| known == token)
    }

    pub fn add_to(self, metadata: &mut Metadata) {
        let id = |token: &str| Value::U32(self.id(token).unwrap_or(0) as u32);
        let (begin, end) = (id("<｜begin▁of▁sentence｜>"), id(END));
        let string = |text: &str| Value::String(text.to_owned());
        for (key, value) in [
            ("model", string("gpt2")),
            ("pre", string("qwen2")),
            ("tokens", Value::Array(Array::String(self.tokens))),
            ("token_type", Value::Array(Array::I32(self.kinds))),
            ("merges", Value::Array(Array::String(Vec::new()))),
            ("bos_token_id", begin),
            ("eos_token_id", end),
            ("add_bos_token", Value::Bool(false)),
        ] {
            metadata.set(format!("tokenizer.ggml.{key}"), value);
        }
        metadata.set("tokenizer.chat_template", string(TEMPLATE));
    }
}

/// GPT-2's printable character for a byte: the byte's own where it is printable Latin-1, else one
/// from U+0100 on, in order (Radford et al. 2019, `encoder.py`, `bytes_to_unicode`).
fn byte_char(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&other| !printable(other)).count() as u32;
    // At most 0x100 + 68, well inside the letters.
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_gpt2_names() {
        assert_eq!(byte_char(b' '), 'Ġ');
        assert_eq!(byte_char(b'\n'), 'Ċ');
        assert_eq!(byte_char(b'a'), 'a');
        assert_eq!(byte_char(0xad), 'Ń');
        let all: std::collections::HashSet<char> = (0..=255).map(byte_char).collect();
        assert_eq!(all.len(), 256);
    }
}
