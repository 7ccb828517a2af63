//! A byte-level BPE vocabulary in the terms of both formats.

mod from_gguf;
mod from_json;
mod pre_tokenizer;

use retort_formats::gguf::{Array, Metadata, Value};
use retort_text::{SpecialTokens, Tokenizer};

use crate::ExportError;

pub(crate) use from_gguf::{GgufText, tokenizer_json};
pub(crate) use from_json::{JsonText, add_to_metadata};

/// Token types of GGUF (llama.cpp, `enum llama_token_type`).
const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

/// Name of a row of the embedding that no token has, as llama.cpp's converter writes it.
fn padding(id: usize) -> String {
    format!("[PAD{id}]")
}

/// Pads the tokens in GGUF metadata to the embedding's `rows`.
///
/// # Errors
/// [`ExportError::Vocabulary`] where there are more, [`ExportError::Format`] where there are none.
pub(crate) fn pad(metadata: &mut Metadata, rows: usize) -> Result<(), ExportError> {
    let key = "tokenizer.ggml.tokens";
    let mut tokens = metadata.strings(key)?.to_vec();
    let count = tokens.len();
    if count > rows {
        return Err(ExportError::Vocabulary {
            tokens: count,
            rows,
        });
    }
    if count < rows {
        tokens.extend((count..rows).map(padding));
        metadata.set(key, Value::Array(Array::String(tokens)));
        let key = "tokenizer.ggml.token_type";
        let mut types = metadata.i32s(key)?.to_vec();
        types.resize(rows, UNUSED);
        metadata.set(key, Value::Array(Array::I32(types)));
        // Absent from byte-level vocabularies; of the old length it would be an error.
        metadata.take("tokenizer.ggml.scores");
    }
    Ok(())
}

/// Texts on which pre-tokenizers differ: digits, contractions, spaces, line ends, scripts.
const PROBES: [&str; 12] = [
    "Hello, world! It's 12345.678 o'clock, and they'LL see.",
    "  two   spaces\n\n\n  and\ttabs \t \r\n end  ",
    "fn main() {\n    let x: Vec<u8> = vec![0x1F; 256]; // ok?\n}\n",
    "def f(a, b=3):\n\treturn a**2 + b // 7 if a != b else None",
    "na\u{ef}ve caf\u{e9} \u{2014} \u{201c}quotes\u{201d} \u{20ac}99",
    "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}\u{3002}2024\u{5e74}",
    "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{3b1}\u{3b2}\u{3b3} \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{1f600}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{2713}",
    "$x^2 + \\frac{1}{2} = \\sqrt{3}$ <think>\nso\n</think>\n\n42",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|>",
    "I'M YOU'RE we'd 1a2b3c ____ ---- ==== ###",
    "100,000.50 1/3 0001 12 123 1234",
];

/// Checks that a tokenizer written for the other format gives the ids of its original.
///
/// Texts in which the original sees `unknown`, its token for bytes that have none, are passed
/// over: GGUF leaves such bytes out, and their neighbours may merge.
fn check_same(
    original: &Tokenizer,
    written: &Tokenizer,
    unknown: Option<u32>,
) -> Result<(), ExportError> {
    for text in PROBES {
        for special in [SpecialTokens::Parse, SpecialTokens::AsText] {
            let expected = original.encode(text, special)?;
            if unknown.is_some_and(|unknown| expected.contains(&unknown)) {
                continue;
            }
            let got = written.encode(text, special)?;
            if got != expected {
                return Err(ExportError::TokenizerDiffers {
                    text: text.to_owned(),
                    expected,
                    got,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer(name: &str) -> Tokenizer {
        let folder =
            std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
                .join("../text/tests/golden");
        Tokenizer::from_json(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    }

    #[test]
    fn the_probes_tell_pre_tokenizers_apart() {
        let names = ["qwen2.json", "smollm.json", "gpt-2.json"];
        for a in names {
            for b in names {
                let result = check_same(&tokenizer(a), &tokenizer(b), None);
                assert_eq!(result.is_ok(), a == b, "{a} {b}");
            }
        }
        let error = check_same(&tokenizer(names[0]), &tokenizer(names[1]), None).unwrap_err();
        assert!(
            matches!(error, ExportError::TokenizerDiffers { .. }),
            "{error}"
        );
    }

    #[test]
    fn tokens_are_padded_to_the_rows() {
        let mut metadata = Metadata::new();
        let key = "tokenizer.ggml.tokens";
        let tokens = vec!["a".to_owned(), "b".to_owned()];
        metadata.set(key, Value::Array(Array::String(tokens)));
        let types = "tokenizer.ggml.token_type";
        metadata.set(types, Value::Array(Array::I32(vec![1, 1])));
        pad(&mut metadata, 4).unwrap();
        let expected = ["a", "b", "[PAD2]", "[PAD3]"];
        assert_eq!(metadata.strings(key).unwrap(), expected);
        assert_eq!(metadata.i32s(types).unwrap(), [1, 1, 5, 5]);
        let error = pad(&mut metadata, 3).unwrap_err();
        assert!(
            matches!(error, ExportError::Vocabulary { tokens: 4, rows: 3 }),
            "{error}"
        );
    }
}
