//! The pre-tokenizer: a name in GGUF, regular expressions in `tokenizer.json`.

use retort_text::tokenizer::{Preset, preset};
use serde_json::{Value, json};

use crate::ExportError;

/// The names to choose from. Of names for the same thing, the first.
const NAMES: [&str; 5] = ["qwen2", "llama-bpe", "smollm", "gpt-2", "default"];

/// One digit a word: the regular expression of the component `Digits`.
const DIGIT: &str = r"\p{N}";

/// Regular expression of the component `ByteLevel`, which has GPT-2's built in.
fn byte_level() -> Result<&'static str, ExportError> {
    Ok(preset("gpt-2")?.patterns.first().copied().unwrap_or(""))
}

/// `normalizer` and `pre_tokenizer` of a `tokenizer.json`, of the meaning of `preset`.
pub(super) fn to_json(preset: &Preset) -> Result<(Value, Value), ExportError> {
    let (mut patterns, mut use_regex) = (preset.patterns, false);
    if let Some((last, rest)) = patterns.split_last()
        && *last == byte_level()?
    {
        (patterns, use_regex) = (rest, true);
    }
    let mut parts: Vec<Value> = patterns.iter().map(|pattern| split(pattern)).collect();
    parts.push(json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": use_regex,
    }));
    let pre_tokenizer = match parts.len() {
        1 => parts.remove(0),
        _ => json!({"type": "Sequence", "pretokenizers": parts}),
    };
    let normalizer = match preset.nfc {
        true => json!({"type": "NFC"}),
        false => Value::Null,
    };
    Ok((normalizer, pre_tokenizer))
}

fn split(pattern: &str) -> Value {
    match pattern {
        DIGIT => json!({"type": "Digits", "individual_digits": true}),
        _ => json!({
            "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated",
            "invert": false,
        }),
    }
}

/// The name in `tokenizer.ggml.pre` that means `pre_tokenizer`, in a tokenizer that reads.
///
/// Unicode composition is not compared: no name states it, and llama.cpp never composes.
///
/// # Errors
/// [`ExportError::PreTokenizer`] with the regular expressions, where no name means them.
pub(super) fn name(
    pre_tokenizer: &Value,
    ignore_merges: bool,
) -> Result<&'static str, ExportError> {
    let patterns = patterns(pre_tokenizer)?;
    for name in NAMES {
        let preset = preset(name)?;
        if preset.patterns == patterns && preset.ignore_merges == ignore_merges {
            return Ok(name);
        }
    }
    let got = format!("regular expressions {patterns:?}, ignore_merges {ignore_merges}");
    Err(ExportError::PreTokenizer { got })
}

/// The regular expressions of a pre-tokenizer, in the order they apply.
fn patterns(pre_tokenizer: &Value) -> Result<Vec<String>, ExportError> {
    let parts = match pre_tokenizer["pretokenizers"].as_array() {
        Some(parts) => parts.as_slice(),
        None => std::slice::from_ref(pre_tokenizer),
    };
    let mut patterns = Vec::new();
    for part in parts {
        let regex = part["pattern"]["Regex"].as_str();
        match part["type"].as_str() {
            Some("Split") if regex.is_some() => patterns.extend(regex.map(str::to_owned)),
            Some("Digits") if part["individual_digits"] == true => patterns.push(DIGIT.into()),
            Some("ByteLevel") if part["use_regex"] == false => {}
            Some("ByteLevel") => patterns.push(byte_level()?.to_owned()),
            _ => {
                let got = part.to_string();
                return Err(ExportError::PreTokenizer { got });
            }
        }
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_recognised_by_what_it_does() {
        for wanted in NAMES {
            let preset = preset(wanted).unwrap();
            let (_, pre_tokenizer) = to_json(&preset).unwrap();
            assert_eq!(name(&pre_tokenizer, preset.ignore_merges).unwrap(), wanted);
        }
    }

    #[test]
    fn the_components_are_those_of_published_tokenizers() {
        let of = |name: &str| to_json(&preset(name).unwrap()).unwrap();
        let (normalizer, smollm) = of("smollm");
        assert_eq!(normalizer, Value::Null);
        assert_eq!(smollm["pretokenizers"][0]["type"], "Digits");
        assert_eq!(smollm["pretokenizers"][1]["use_regex"], true);
        let (normalizer, qwen2) = of("qwen2");
        assert_eq!(normalizer["type"], "NFC");
        assert_eq!(qwen2["pretokenizers"][0]["type"], "Split");
        assert_eq!(qwen2["pretokenizers"][1]["use_regex"], false);
        assert_eq!(of("gpt-2").1["type"], "ByteLevel");
    }

    #[test]
    fn unknown_expressions_are_named() {
        let split = |regex: &str| {
            json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated",
                 "invert": false},
                {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
            ]})
        };
        let error = name(&split("[a-z]+"), false).unwrap_err();
        assert!(error.to_string().contains("[a-z]+"), "{error}");
        // Llama 3's words, but merges inside of known words: another tokenizer.
        let llama = preset("llama-bpe").unwrap().patterns[0];
        assert_eq!(name(&split(llama), true).unwrap(), "llama-bpe");
        assert!(name(&split(llama), false).is_err());
        let digits = json!({"type": "Digits", "individual_digits": false});
        assert!(matches!(
            name(&digits, false),
            Err(ExportError::PreTokenizer { .. })
        ));
    }
}
