//! How a template shows a reply, found by rendering probes.

use retort_text::{Message, TextError, ThinkSplitter};
use serde_json::Value;

use super::parts::{Part, literal};
use super::{Student, render};
use crate::DatasetError;
use crate::error::shown;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Letters only, so that no template trims or escapes them, and in no template.
const QUESTION: &str = "retortprobequestion";
const ANSWER: &str = "retortprobeanswer";
const THOUGHT: &str = "retortprobethought";

/// What a completion is made of besides thought and answer.
pub(super) struct TurnForm {
    pub form: Form,
    /// After the answer, up to the token at which the student stops, which it ends with.
    pub end: Vec<Part>,
}

pub(super) enum Form {
    /// `<think>`, thought, `</think>`, answer: R1's form, and that of the product's splitter.
    Think { open: Vec<Part>, close: Vec<Part> },
    /// The template's own channels for thoughts (gpt-oss).
    Channels {
        /// Before the thought, and between it and the answer.
        thought: [Vec<Part>; 2],
        /// Before an answer without a thought.
        plain: Vec<Part>,
    },
}

impl TurnForm {
    pub fn probe(student: &Student<'_>) -> Result<Self, DatasetError> {
        let turns = |reply: Message| [Message::new("user", QUESTION), reply];
        let plain = turns(Message::new("assistant", ANSWER));
        let shown_plain = render(student, &plain, false).map_err(failed)?;
        let at = shown_plain.rfind(ANSWER).ok_or(DatasetError::NoAnswer)?;
        let end = end(student, &shown_plain[at + ANSWER.len()..])?;

        let mut thinking = Message::new("assistant", ANSWER);
        thinking.reasoning_content = Some(THOUGHT.to_owned());
        // gpt-oss's template calls the field so.
        (thinking.extra).insert("thinking".to_owned(), Value::String(THOUGHT.to_owned()));
        let shown_thinking = render(student, &turns(thinking), false).map_err(failed)?;
        let prompt = render(student, &plain[..1], true).map_err(failed)?;
        let form = match channels(&shown_thinking, &shown_plain, &prompt)? {
            None => Form::Think {
                open: parts(student, "<think>\n")?,
                close: parts(student, "\n</think>\n\n")?,
            },
            Some([before, between, plain]) => Form::Channels {
                thought: [parts(student, before)?, parts(student, between)?],
                plain: parts(student, plain)?,
            },
        };
        let form = Self { form, end };
        form.check_stops(student)?;
        Ok(form)
    }

    /// What the student emits after `prompt`. Without a thought that is the answer alone, or, if
    /// the prompt has opened a thought, an empty one.
    pub fn completion(&self, prompt: &str, thought: &str, answer: &str) -> Vec<Part> {
        let text = |text: &str| Part::Text(text.to_owned());
        let mut parts = Vec::new();
        match &self.form {
            Form::Think { open, close } => {
                let opened = ThinkSplitter::for_prompt(prompt).is_thinking();
                if opened && !prompt.ends_with('\n') {
                    // So that a thought begins alike, whoever has opened it.
                    parts.push(text("\n"));
                } else if !opened && !thought.is_empty() {
                    parts.extend_from_slice(open);
                }
                if opened || !thought.is_empty() {
                    parts.push(text(thought));
                    parts.extend_from_slice(close);
                }
            }
            Form::Channels { plain, .. } if thought.is_empty() => parts.extend_from_slice(plain),
            Form::Channels {
                thought: [before, between],
                ..
            } => {
                parts.extend_from_slice(before);
                parts.push(text(thought));
                parts.extend_from_slice(between);
            }
        }
        parts.push(text(answer));
        parts.extend_from_slice(&self.end);
        parts
    }

    /// A template whose own text around a thought stops the student cannot be served.
    fn check_stops(&self, student: &Student<'_>) -> Result<(), DatasetError> {
        let own: Vec<&Part> = match &self.form {
            Form::Think { open, close } => open.iter().chain(close).collect(),
            Form::Channels { thought, plain } => thought.iter().flatten().chain(plain).collect(),
        };
        let stop =
            |part: &&Part| matches!(part, Part::Special(id) if student.stop_ids.contains(id));
        match own.into_iter().find(stop) {
            Some(part) => Err(DatasetError::StopInside {
                origin: None,
                token: shown(&part.text(student.tokenizer)),
            }),
            None => Ok(()),
        }
    }
}

/// Up to the first token at which the student stops. What a template writes after it (a newline,
/// mostly) the student never emits.
fn end(student: &Student<'_>, after: &str) -> Result<Vec<Part>, DatasetError> {
    let mut parts = parts(student, after)?;
    let stop = |part: &Part| matches!(part, Part::Special(id) if student.stop_ids.contains(id));
    let Some(at) = parts.iter().position(stop) else {
        let mut names: Vec<String> = (student.stop_ids.iter())
            .map(|&id| format!("`{}`", shown(&student.tokenizer.decode(&[id], false))))
            .collect();
        if names.is_empty() {
            names.push("no token at all".to_owned());
        }
        return Err(DatasetError::EndNeverEmitted {
            after: shown(after),
            stops: names.join(", "),
        });
    };
    parts.truncate(at + 1);
    Ok(parts)
}

/// The texts around thought and answer, if the template has a form of its own for thoughts; none
/// if it hides them or uses `<think>`.
fn channels<'t>(
    thinking: &'t str,
    plain: &'t str,
    prompt: &str,
) -> Result<Option<[&'t str; 3]>, DatasetError> {
    let (Some(thought), Some(answer)) = (thinking.rfind(THOUGHT), thinking.rfind(ANSWER)) else {
        return Ok(None);
    };
    let after = thought + THOUGHT.len();
    let tagged = thinking[..thought].trim_end().ends_with(OPEN);
    if tagged && (thinking.get(after..answer)).is_some_and(|between| between.contains(CLOSE)) {
        return Ok(None);
    }
    let found = || {
        let before = thinking.get(prompt.len()..thought)?;
        let between = thinking.get(after..answer)?;
        let alone = plain.get(prompt.len()..plain.rfind(ANSWER)?)?;
        let goes_on = thinking.starts_with(prompt) && plain.starts_with(prompt);
        goes_on.then_some([before, between, alone])
    };
    let form = found().ok_or_else(|| DatasetError::ThoughtForm {
        shown: shown(thinking),
        prompt: shown(prompt),
    })?;
    Ok(Some(form))
}

fn parts(student: &Student<'_>, text: &str) -> Result<Vec<Part>, DatasetError> {
    literal(student, text).map_err(failed)
}

fn failed(error: TextError) -> DatasetError {
    DatasetError::Text {
        origin: None,
        error,
    }
}
