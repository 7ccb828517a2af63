//! Text of the template and text of the corpus, encoded together without trusting both.

use retort_text::{SpecialTokens, TextError, Tokenizer};

use super::Student;

/// A stretch of a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text in which the name of a control token is text.
    Text(String),
    /// A token that steers the student, from the template.
    Special(u32),
}

impl Part {
    /// What the part stands for.
    pub fn text(&self, tokenizer: &Tokenizer) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Special(id) => tokenizer.decode(&[*id], false),
        }
    }
}

/// The template's own text, its control tokens and the student's stop tokens apart.
pub(super) fn literal(student: &Student<'_>, text: &str) -> Result<Vec<Part>, TextError> {
    let tokenizer = student.tokenizer;
    let mut parts = Vec::new();
    let mut rest = text;
    for id in tokenizer.encode(text, SpecialTokens::Parse)? {
        if !tokenizer.is_control(id) && !student.stop_ids.contains(&id) {
            continue;
        }
        // Found again by its name: the tokens between two control tokens need not give their
        // text back byte by byte.
        let name = tokenizer.decode(&[id], false);
        let Some((before, after)) = rest.split_once(&name).filter(|_| !name.is_empty()) else {
            continue;
        };
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Special(id));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Ids of the parts. Neighbouring texts are encoded as one, so that they merge as they would in a
/// reply that the student writes.
pub(super) fn encode(tokenizer: &Tokenizer, parts: &[Part]) -> Result<Vec<u32>, TextError> {
    let mut ids = Vec::new();
    let mut text = String::new();
    let flush = |text: &mut String, ids: &mut Vec<u32>| {
        if !text.is_empty() {
            ids.extend(tokenizer.encode(text, SpecialTokens::AsText)?);
            text.clear();
        }
        Ok(())
    };
    for part in parts {
        match part {
            Part::Text(more) => text.push_str(more),
            Part::Special(id) => {
                flush(&mut text, &mut ids)?;
                ids.push(*id);
            }
        }
    }
    flush(&mut text, &mut ids)?;
    Ok(ids)
}
