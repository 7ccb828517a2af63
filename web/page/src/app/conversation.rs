//! A conversation as it is kept and exported.

use std::fmt::Write as _;

use retort_infer::{Stats, StopReason};
use retort_text::Message;
use serde::{Deserialize, Serialize};

use super::exercise::{Checked, Exercise};
use super::format;

/// Titles are cut to this many characters.
const LONGEST_TITLE: usize = 60;

/// A conversation. Times in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub id: String,
    /// Chosen by the user, or the beginning of the first question.
    pub title: String,
    pub created: f64,
    pub updated: f64,
    /// System prompt; empty for none.
    #[serde(default)]
    pub system: String,
    pub turns: Vec<Turn>,
}

/// What the list of conversations shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub id: String,
    pub title: String,
    pub updated: f64,
}

/// One side's turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    User {
        text: String,
        /// Set if the page made the question, and knows its answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exercise: Option<Exercise>,
    },
    Student(Box<Reply>),
}

/// A student's turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Name of the student.
    pub student: String,
    pub thought: String,
    pub thought_tokens: usize,
    pub thought_ms: f64,
    pub answer: String,
    pub answer_tokens: usize,
    /// Makes the reply repeatable on the same device.
    pub seed: u64,
    /// Earlier turns that the context had no room for.
    pub trimmed: usize,
    /// Figures of a reply that came to its end.
    pub stats: Option<Stats>,
    /// Why the reply did not come to its end.
    pub broken: Option<String>,
    /// Whether the answer is right, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

impl Conversation {
    pub fn summary(&self) -> Summary {
        let (id, title) = (self.id.clone(), self.title.clone());
        Summary {
            id,
            title,
            updated: self.updated,
        }
    }

    /// What the student is given: the system prompt, then the turns. Empty replies are left out,
    /// and questions that then follow each other become one, because many chat templates insist
    /// on turns that alternate.
    pub fn messages(&self) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        if !self.system.trim().is_empty() {
            messages.push(Message::new("system", self.system.trim()));
        }
        for turn in &self.turns {
            match turn {
                Turn::User { text, .. } => match messages.last_mut() {
                    Some(last) if last.role == "user" => {
                        let both = format!("{}\n\n{text}", last.content_text());
                        *last = Message::new("user", both);
                    }
                    _ => messages.push(Message::new("user", text.as_str())),
                },
                Turn::Student(reply) if !reply.answer.trim().is_empty() => {
                    let mut message = Message::new("assistant", reply.answer.trim());
                    if !reply.thought.trim().is_empty() {
                        message.reasoning_content = Some(reply.thought.trim().to_owned());
                    }
                    messages.push(message);
                }
                Turn::Student(_) => {}
            }
        }
        messages
    }

    /// Takes the title from the first question, where the user has not chosen one.
    pub fn name_from_first_question(&mut self) {
        if self.title.is_empty()
            && let Some(Turn::User { text, .. }) = self.turns.first()
        {
            self.title = title(text);
        }
    }

    /// Everything, for programs.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The conversation for people, thoughts folded.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n\n{}\n", self.title, format::date(self.created));
        if !self.system.is_empty() {
            let _ = write!(out, "\n**System:** {}\n", self.system);
        }
        for turn in &self.turns {
            match turn {
                Turn::User { text, .. } => {
                    let _ = write!(out, "\n## You\n\n{text}\n");
                }
                Turn::Student(reply) => reply.write_markdown(&mut out),
            }
        }
        out
    }

    /// A name for an exported file: the title in lower case, other characters as dashes.
    pub fn file_name(&self, extension: &str) -> String {
        let mut name = String::new();
        for c in self.title.chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() {
                name.push(c);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = name.trim_end_matches('-');
        let name = if name.is_empty() {
            "conversation"
        } else {
            name
        };
        format!("{name}.{extension}")
    }
}

impl Reply {
    fn write_markdown(&self, out: &mut String) {
        let name = if self.student.is_empty() {
            "Student"
        } else {
            &self.student
        };
        let _ = write!(out, "\n## {name}\n");
        if !self.thought.trim().is_empty() {
            let tokens = format::count(self.thought_tokens, "token");
            let thought = self.thought.trim();
            let _ = write!(
                out,
                "\n<details>\n<summary>Thought, {tokens}</summary>\n\n{thought}\n\n</details>\n"
            );
        }
        if !self.answer.trim().is_empty() {
            let _ = write!(out, "\n{}\n", self.answer.trim());
        }
        if let Some(why) = &self.broken {
            let _ = write!(out, "\n*Broken off: {why}*\n");
        }
        if let Some(checked) = &self.checked {
            let _ = write!(out, "\n*{}*\n", checked.in_words());
        }
    }

    /// Why a reply ended early, in words; none for one that came to its end.
    pub fn ending(&self) -> Option<&'static str> {
        match self.stats.as_ref()?.stop {
            StopReason::EndOfText => None,
            StopReason::MaxTokens => Some("Ended at the length limit."),
            StopReason::ContextFull => Some("Ended because the context is full."),
            StopReason::Stopped => Some("Stopped."),
        }
    }
}

/// The first line of a question, cut at a word.
fn title(question: &str) -> String {
    let line = question.trim().lines().next().unwrap_or_default().trim();
    if line.chars().count() <= LONGEST_TITLE {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST_TITLE).collect();
    let whole = cut
        .rsplit_once(' ')
        .map_or(cut.as_str(), |(words, _)| words);
    format!("{whole}…")
}
