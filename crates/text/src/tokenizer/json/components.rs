//! The small parts of a `tokenizer.json`: normalizer, pre-tokenizer, decoder, post-processor.

use serde_json::{Value, value::RawValue};

use super::super::split;
use crate::{TextError, error::shown};

/// Real components have a few hundred bytes; DeepSeek's post-processors a few thousand.
const MAX_BYTES: usize = 64 << 10;

/// A component as a tree; null where the file has none.
fn component(field: &'static str, raw: Option<&RawValue>) -> Result<Value, TextError> {
    let text = raw.map_or("null", RawValue::get);
    if text.len() > MAX_BYTES {
        return Err(TextError::Limit {
            field,
            got: text.len(),
            max: MAX_BYTES,
        });
    }
    serde_json::from_str(text).map_err(|error| TextError::Json {
        reason: error.to_string(),
    })
}

fn refuse<T>(field: &'static str, got: &Value, expected: &'static str) -> Result<T, TextError> {
    Err(TextError::Unsupported {
        field,
        got: shown(&got.to_string()),
        expected,
    })
}

/// The components in `value`: of a `Sequence` its own, under `key`; none for null.
fn sequence<'a>(
    field: &'static str,
    value: &'a Value,
    key: &str,
) -> Result<Vec<&'a Value>, TextError> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    if value["type"] != "Sequence" {
        return Ok(vec![value]);
    }
    match value[key].as_array() {
        Some(parts) => Ok(parts.iter().collect()),
        None => refuse(field, value, "a Sequence with a list"),
    }
}

/// Whether text is composed (NFC) first.
pub fn composes(raw: Option<&RawValue>) -> Result<bool, TextError> {
    let field = "normalizer";
    let value = component(field, raw)?;
    let parts = sequence(field, &value, "normalizers")?;
    for part in &parts {
        if part["type"] != "NFC" {
            return refuse(field, &part["type"], "NFC or none");
        }
    }
    Ok(!parts.is_empty())
}

/// The patterns that cut text into words, in the order they apply.
pub fn patterns(raw: Option<&RawValue>) -> Result<Vec<String>, TextError> {
    let field = "pre_tokenizer";
    let value = component(field, raw)?;
    let parts = sequence(field, &value, "pretokenizers")?;
    let mut patterns = Vec::new();
    let mut bytes = false;
    for part in parts {
        if bytes {
            return refuse(field, &value, "nothing after ByteLevel");
        }
        match part["type"].as_str() {
            Some("Split") => patterns.push(split_pattern(part)?),
            Some("Digits") => patterns.push(digits_pattern(part)?),
            Some("ByteLevel") => {
                bytes = true;
                if part["add_prefix_space"] != false {
                    return refuse(field, part, "add_prefix_space: false");
                }
                // Absent means true.
                if part["use_regex"] != false {
                    patterns.push(split::GPT2.to_owned());
                }
            }
            _ => return refuse(field, &part["type"], "Split, Digits or ByteLevel"),
        }
    }
    match bytes {
        true => Ok(patterns),
        false => refuse(field, &value, "ByteLevel at the end"),
    }
}

fn split_pattern(part: &Value) -> Result<String, TextError> {
    let field = "pre_tokenizer.Split";
    if part["behavior"] != "Isolated" || part["invert"] != false {
        return refuse(field, part, "behavior Isolated, not inverted");
    }
    let pattern = &part["pattern"];
    match (pattern["Regex"].as_str(), pattern["String"].as_str()) {
        (Some(regex), None) => Ok(regex.to_owned()),
        (None, Some(text)) => Ok(fancy_regex::escape(text).into_owned()),
        _ => refuse(field, pattern, "a Regex or a String"),
    }
}

fn digits_pattern(part: &Value) -> Result<String, TextError> {
    match part["individual_digits"].as_bool() {
        Some(true) => Ok(split::DIGIT.to_owned()),
        Some(false) => Ok(format!("{}+", split::DIGIT)),
        None => refuse("pre_tokenizer.Digits", part, "individual_digits: a boolean"),
    }
}

/// Tokens must be spelled as bytes.
pub fn check_decoder(raw: Option<&RawValue>) -> Result<(), TextError> {
    let field = "decoder";
    let value = component(field, raw)?;
    match sequence(field, &value, "decoders")?[..] {
        [part] if part["type"] == "ByteLevel" => Ok(()),
        _ => refuse(field, &value, "ByteLevel"),
    }
}

/// The token that is put in front of a text, if any.
pub fn begin_token(raw: Option<&RawValue>) -> Result<Option<String>, TextError> {
    let field = "post_processor";
    let value = component(field, raw)?;
    let mut begin = None;
    for part in sequence(field, &value, "processors")? {
        match part["type"].as_str() {
            // Moves offsets, which are not used here.
            Some("ByteLevel") => {}
            Some("TemplateProcessing") if begin.is_none() => begin = template(part)?,
            _ => {
                return refuse(
                    field,
                    &part["type"],
                    "ByteLevel, one TemplateProcessing or none",
                );
            }
        }
    }
    Ok(begin)
}

/// A template for one text must be the text, or a token and the text.
fn template(part: &Value) -> Result<Option<String>, TextError> {
    let single = &part["single"];
    let token = |value: &Value| value["SpecialToken"]["id"].as_str().map(str::to_owned);
    let is_text = |value: &Value| value["Sequence"].is_object();
    match single.as_array().map(Vec::as_slice) {
        Some([text]) if is_text(text) => Ok(None),
        Some([first, text]) if is_text(text) && token(first).is_some() => Ok(token(first)),
        _ => refuse(
            "post_processor.TemplateProcessing",
            single,
            "at most one token, in front of the text",
        ),
    }
}
