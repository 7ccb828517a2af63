//! A trace: a problem, what a teacher wrote about it, and what was found out about that.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Tests, words};

/// One line of a corpus. All files that this crate writes hold traces of this shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Unique in its corpus.
    pub id: String,
    /// The name of the source in the recipe.
    pub source: String,
    /// What it is about: `math`, `code`, `general`. Rules for mathematics look at it.
    pub domain: String,
    /// The question, as asked.
    pub problem: String,
    /// The right answer, if it is known.
    #[serde(default)]
    pub answer: Option<String>,
    /// What a program that is the answer must pass, at most [`crate::MAX_TESTS_BYTES`] of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
    /// The conversation: the reply to learn is its last turn.
    pub messages: Vec<Turn>,
    /// Who wrote the reply.
    #[serde(default)]
    pub teacher: Teacher,
    /// What a judge said; none: not judged.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Whatever else the source says: level, subject, pass rate, licence.
    #[serde(default)]
    pub meta: Map<String, Value>,
}

/// A turn of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The text; of a reply, the answer without its thought.
    pub content: String,
    /// The thought of a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
}

/// Who wrote a reply, and how it was asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Teacher {
    /// The model's name; empty if the source does not say.
    #[serde(default)]
    pub model: String,
    /// Temperature, top-p and the like, as the source gives them.
    #[serde(default)]
    pub sampling: Map<String, Value>,
    /// Tokens of the reply, by the teacher's own count.
    #[serde(default)]
    pub tokens: Option<u64>,
}

/// What a judge said of a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the answer is right.
    pub accepted: bool,
    /// The judge: `upstream`, `equivalence`, `tests`.
    #[serde(default)]
    pub how: String,
    /// Its reason.
    #[serde(default)]
    pub detail: String,
}

impl Turn {
    /// A turn without a thought.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            content: content.into(),
            reasoning_content: None,
        }
    }

    /// A reply with its thought, which may be empty.
    pub fn reply(thought: impl Into<String>, answer: impl Into<String>) -> Self {
        let thought = thought.into();
        Self {
            role: "assistant".to_owned(),
            content: answer.into(),
            reasoning_content: (!thought.is_empty()).then_some(thought),
        }
    }
}

impl Trace {
    /// The reply to learn: the last turn, if it is the assistant's.
    pub fn reply(&self) -> Option<&Turn> {
        self.messages.last().filter(|turn| turn.role == "assistant")
    }

    /// The thought of the reply; empty if it has none.
    pub fn thought(&self) -> &str {
        let thought = self
            .reply()
            .and_then(|turn| turn.reasoning_content.as_deref());
        thought.unwrap_or_default()
    }

    /// The answer of the reply, as the teacher wrote it; empty if there is none.
    pub fn said(&self) -> &str {
        self.reply()
            .map(|turn| turn.content.as_str())
            .unwrap_or_default()
    }

    /// Bytes of thought and answer.
    pub fn reply_bytes(&self) -> usize {
        self.thought().len() + self.said().len()
    }

    /// A hash of the words of the problem: the same for all traces of a problem, however it is
    /// spaced or capitalised. Splits and selections go by it.
    pub fn problem_key(&self) -> u64 {
        words::text_key(&self.problem)
    }

    /// A field of `meta`, or of the trace itself: `source`, `domain`, `teacher`.
    pub fn field(&self, name: &str) -> Option<String> {
        Some(match name {
            "source" => self.source.clone(),
            "domain" => self.domain.clone(),
            "teacher" => self.teacher.model.clone(),
            _ => match self.meta.get(name)? {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        })
    }

    /// A number of `meta`, also where it is written as text.
    pub fn number(&self, name: &str) -> Option<f64> {
        let number = match self.meta.get(name)? {
            Value::String(text) => text.trim().parse().ok()?,
            value => value.as_f64()?,
        };
        number.is_finite().then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_survives_as_json_and_short_lines_are_traces() {
        let mut trace = Trace {
            id: "a".into(),
            problem: "1+1?".into(),
            messages: vec![Turn::new("user", "1+1?"), Turn::reply("So.", "2")],
            verdict: Some(Verdict::default()),
            ..Trace::default()
        };
        trace.meta.insert("pass_rate".into(), "0.5".into());
        let text = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), trace);
        assert_eq!(trace.number("pass_rate"), Some(0.5));
        assert_eq!((trace.thought(), trace.said()), ("So.", "2"));
        let short = r#"{"id":"","source":"","domain":"","problem":"","messages":[]}"#;
        assert_eq!(
            serde_json::from_str::<Trace>(short).unwrap(),
            Trace::default()
        );
    }

    #[test]
    fn problems_are_the_same_whatever_their_spacing() {
        let key = |problem: &str| {
            let problem = problem.to_owned();
            Trace {
                problem,
                ..Trace::default()
            }
            .problem_key()
        };
        assert_eq!(key("Find $x+1$."), key(" find  $x + 1$ "));
        assert_ne!(key("Find x+1"), key("Find x+2"));
        // Signs between the words count: these two have different answers.
        assert_ne!(key("Find 3-1"), key("Find 3+1"));
    }
}
