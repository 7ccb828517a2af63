//! Rows of other projects' files as [`Trace`]s.
//!
//! A row is known by its fields; the first line that fits is taken:
//!
//! | fields | project | traces of a row |
//! |---|---|---|
//! | `id`, `source`, `domain`, `problem`, `messages`, `teacher` | Retort | one |
//! | `generations` beside `problem` | open-r1 | one a generation |
//! | `completion` beside `question` | inline thoughts; `format` says how they are marked | one |
//! | `deepseek_reasoning`, `deepseek_solution` | OpenThoughts, its metadata subset | one |
//! | `deepseek_` or `gemini_thinking_trajectory`, `_attempt`; `thinking_trajectories` | s1K | one for each teacher |
//! | `message_thinking`, `message_content` | recorded API replies | one |
//! | `reasoning_content`, `content` | an API's fields | one |
//! | `messages` or `conversations` | chats: NuminaMath, OpenThoughts, Bespoke-Stratos | one |
//! | `prompt`, `completion` | pairs | one |
//! | a problem of any shape of [`problem`] with a worked solution | GSM8K, MATH, LIMO and others | one, if the source says `solutions = true` |
//!
//! A reply that was cut off is imported, marked `meta.finished = false`, and dropped by the filter
//! `unfinished`, so that the report can say how many there were.

mod code_tests;
pub mod problem;
mod reply;
mod rows;

use retort_dataset::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CorpusError, Trace};
pub use problem::Problem;

/// How a reply marks its thought where it has no field for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thought {
    /// `<think>` or `<|begin_of_thought|>` blocks; without any, the whole reply is the answer.
    #[default]
    Tags,
    /// The prompt held the `<think>`: the reply starts inside its thought.
    Open,
}

/// What a source's rows do not say themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Name of the source.
    pub source: String,
    /// Domain of rows that name none.
    pub domain: String,
    /// Whether `domain` holds for all rows, whatever they say.
    pub force_domain: bool,
    /// Teacher of rows that name none.
    pub teacher: String,
    /// Marks of thoughts.
    pub thought: Thought,
    /// Whether a problem's own worked solution counts as a reply.
    pub solutions: bool,
}

/// The traces of a row; none if it is a problem without a reply.
///
/// # Errors
/// [`CorpusError::Shape`] and [`CorpusError::Field`], with the row's place.
pub fn traces(
    value: Value,
    defaults: &Defaults,
    origin: &Origin,
) -> Result<Vec<Trace>, CorpusError> {
    let mut traces = rows::traces(value, defaults, origin)?;
    let several = traces.len() > 1;
    for (at, trace) in traces.iter_mut().enumerate() {
        if trace.id.is_empty() {
            trace.id = format!("{}/{}", defaults.source, origin.line);
        }
        if several {
            trace.id = format!("{}#{at}", trace.id);
        }
        if trace.source.is_empty() || !defaults.source.is_empty() {
            let source = std::mem::replace(&mut trace.source, defaults.source.clone());
            if !source.is_empty() && source != defaults.source {
                trace.meta.insert("upstream_source".into(), source.into());
            }
        }
        if trace.domain.is_empty() || defaults.force_domain {
            let domain = std::mem::replace(&mut trace.domain, defaults.domain.clone());
            if !domain.is_empty() && domain != defaults.domain {
                trace.meta.insert("upstream_domain".into(), domain.into());
            }
        }
        if trace.teacher.model.is_empty() {
            trace.teacher.model = defaults.teacher.clone();
        }
    }
    Ok(traces)
}

/// Why a trace has no end: a thought that is never closed, an empty answer, or the teacher's own
/// word for it.
pub fn unfinished(trace: &Trace) -> Option<&'static str> {
    let said = |name: &str| trace.meta.get(name);
    if said("finished").and_then(Value::as_bool) == Some(false) {
        return Some("cut off at the token limit");
    }
    if said("finish_reason").and_then(Value::as_str) == Some("length") {
        return Some("the teacher's finish reason is length");
    }
    match trace.reply() {
        None => Some("no reply"),
        Some(reply) if reply.content.trim().is_empty() => Some("no answer"),
        Some(reply) if reply.content.contains("<think>") => Some("a thought inside the answer"),
        Some(_) => None,
    }
}
