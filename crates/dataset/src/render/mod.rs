//! A conversation to token ids and a learning mask, in exactly the form of inference.
//!
//! For each reply: the prompt is what the template renders for the turns before it with a
//! generation prompt, encoded as a session encodes it (special tokens recognised, nothing added in
//! front). The completion is what the student has to emit then: the thought in its tags, the
//! answer, and the token that ends the turn, found by rendering a probe. The two are encoded apart,
//! since at inference the boundary between them is one between tokens. The completion is learnt,
//! the prompt is not.
//!
//! The template never sees the thought that is learnt, so it cannot delete it (DeepSeek-R1's does).
//! Earlier turns look as the template shows them at inference, thoughts dropped or not: where the
//! tokens so far are a prefix of the next prompt, one document learns several turns, else each
//! reply has a document of its own.
//!
//! In a thought or an answer, the name of a control token is text, so no corpus can make one.
//! Every completion is read back as the product would show it; a thought or an answer that does
//! not come out as it stands in the corpus is an error.

mod form;
mod parts;

use retort_text::{ChatTemplate, LocalTime, Message, Piece, RenderOptions, SpecialTokens};
use retort_text::{TextError, ThinkSplitter, Tokenizer};

use crate::error::shown;
use crate::{Conversation, DatasetError, HistoryTurns, Origin};
use form::{Form, TurnForm};
use parts::encode;

/// The text side of the student, the same that serves it.
#[derive(Clone, Copy)]
pub struct Student<'a> {
    pub tokenizer: &'a Tokenizer,
    pub template: &'a ChatTemplate,
    /// Ids that end a reply.
    pub stop_ids: &'a [u32],
    /// What a template that needs the date is told, always the same; others are told none, as at
    /// inference.
    pub date: Option<LocalTime>,
}

impl Student<'_> {
    /// What the template is rendered with: as a session does, but for a date that stays.
    pub(crate) fn options(&self, add_generation_prompt: bool) -> RenderOptions {
        RenderOptions {
            add_generation_prompt,
            now: self.date.filter(|_| self.template.needs_date()),
            ..RenderOptions::default()
        }
    }
}

/// One document: what the student reads, and which of it it learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub ids: Vec<u32>,
    /// As many as ids: true where the id is to be predicted from those before it.
    pub learnt: Vec<bool>,
    /// Whether a learnt reply has a thought.
    pub has_thought: bool,
    /// Whether the vocabulary cannot hold a learnt text exactly: the tokenizer composes Unicode
    /// characters (NFC), or lacks a byte.
    pub inexact: bool,
}

/// Renders conversations for one student.
pub struct Renderer<'a> {
    student: Student<'a>,
    form: TurnForm,
    history: HistoryTurns,
}

impl<'a> Renderer<'a> {
    /// Finds out by probes how the template shows a reply. Fails if it never emits a token at
    /// which the student stops, or shows thoughts in a form that a student could not produce.
    pub fn new(student: Student<'a>, history: HistoryTurns) -> Result<Self, DatasetError> {
        if student.template.needs_date() && student.date.is_none() {
            return Err(DatasetError::NoDate);
        }
        let form = TurnForm::probe(&student)?;
        Ok(Self {
            student,
            form,
            history,
        })
    }

    /// What the student emits after an answer, as text: usually one control token.
    pub fn end_text(&self) -> String {
        self.form
            .end
            .iter()
            .map(|part| part.text(self.student.tokenizer))
            .collect()
    }

    /// The documents of a conversation: at least one, each with learnt and unlearnt ids. Turns
    /// after the last reply are in none.
    pub fn documents(&self, conversation: &Conversation) -> Result<Vec<Rendered>, DatasetError> {
        let origin = &conversation.origin;
        let messages = &conversation.messages;
        let is_reply = |message: &Message| message.role == "assistant";
        let mut replies = (0..messages.len()).filter(|&at| is_reply(&messages[at]));
        let replies: Vec<usize> = match self.history {
            HistoryTurns::Learn => replies.collect(),
            HistoryTurns::Ignore => replies.next_back().into_iter().collect(),
        };
        let mut documents: Vec<Rendered> = Vec::new();
        for at in replies {
            let before = &messages[..at];
            if !before.iter().any(|message| message.role == "user") {
                return Err(DatasetError::NoPrompt {
                    origin: origin.clone(),
                });
            }
            let prompt =
                render(&self.student, before, true).map_err(|error| failed(origin, error))?;
            let ids = (self.student.tokenizer)
                .encode(&prompt, SpecialTokens::Parse)
                .map_err(|error| failed(origin, error))?;
            let document = match documents.last_mut() {
                Some(last) if ids.starts_with(&last.ids) => last,
                _ => {
                    documents.push(Rendered {
                        ids: Vec::new(),
                        learnt: Vec::new(),
                        has_thought: false,
                        inexact: false,
                    });
                    let last = documents.len() - 1;
                    &mut documents[last]
                }
            };
            document.ids = ids;
            document.learnt.resize(document.ids.len(), false);
            self.learn(document, &messages[at], &prompt, origin)?;
        }
        match documents.is_empty() {
            true => Err(DatasetError::NoReply {
                origin: origin.clone(),
            }),
            false => Ok(documents),
        }
    }

    /// Appends a reply to the prompt that `document` ends with.
    fn learn(
        &self,
        document: &mut Rendered,
        reply: &Message,
        prompt: &str,
        origin: &Origin,
    ) -> Result<(), DatasetError> {
        if document.ids.is_empty() {
            return Err(DatasetError::EverythingLearnt {
                origin: origin.clone(),
            });
        }
        if reply.extra.contains_key("tool_calls")
            || !matches!(&reply.content, Some(text) if text.is_string())
        {
            return Err(DatasetError::ToolCall {
                origin: origin.clone(),
            });
        }
        let thought = reply
            .reasoning_content
            .as_deref()
            .unwrap_or_default()
            .trim();
        let answer = reply.content_text().trim();
        let tokenizer = self.student.tokenizer;
        let parts = self.form.completion(prompt, thought, answer);
        let ids = encode(tokenizer, &parts).map_err(|error| failed(origin, error))?;
        self.check_stops(&ids, origin)?;
        let text = tokenizer.decode(&ids, false);
        document.inexact |= text
            != parts
                .iter()
                .map(|part| part.text(tokenizer))
                .collect::<String>();
        self.check_text(&text, prompt, thought, answer, origin)?;
        document.learnt.resize(document.ids.len() + ids.len(), true);
        document.ids.extend(ids);
        document.has_thought |= !thought.is_empty();
        Ok(())
    }

    /// The student stops at the last id, and at none before it.
    fn check_stops(&self, ids: &[u32], origin: &Origin) -> Result<(), DatasetError> {
        let stops = |id: &&u32| self.student.stop_ids.contains(id);
        let inside = ids
            .split_last()
            .and_then(|(_, before)| before.iter().find(stops));
        match inside {
            Some(&id) => Err(DatasetError::StopInside {
                origin: Some(origin.clone()),
                token: shown(&self.student.tokenizer.decode(&[id], false)),
            }),
            None => Ok(()),
        }
    }

    /// The learnt text, read as the product reads a reply, is what stands in the corpus.
    fn check_text(
        &self,
        text: &str,
        prompt: &str,
        thought: &str,
        answer: &str,
        origin: &Origin,
    ) -> Result<(), DatasetError> {
        let end = self.end_text();
        let text = text.strip_suffix(&end).unwrap_or(text);
        let (has_thought, has_answer) = match self.form.form {
            Form::Think { .. } => {
                let (got_thought, got_answer) = split(prompt, text);
                (
                    self.same(&got_thought, thought),
                    self.same(&got_answer, answer),
                )
            }
            // The product's splitter does not know this template's channels.
            Form::Channels { .. } => (self.holds(text, thought), self.holds(text, answer)),
        };
        if !has_thought {
            return Err(DatasetError::ThoughtLost {
                origin: origin.clone(),
                thought: shown(thought),
            });
        }
        if !has_answer {
            return Err(DatasetError::AnswerLost {
                origin: origin.clone(),
                answer: shown(answer),
            });
        }
        Ok(())
    }

    /// What the vocabulary makes of a text on its own.
    fn survives(&self, text: &str) -> Option<String> {
        let tokenizer = self.student.tokenizer;
        let ids = tokenizer.encode(text, SpecialTokens::AsText).ok()?;
        Some(tokenizer.decode(&ids, false))
    }

    fn same(&self, got: &str, text: &str) -> bool {
        let got = got.trim();
        got == text || self.survives(text).is_some_and(|text| got == text.trim())
    }

    fn holds(&self, whole: &str, text: &str) -> bool {
        whole.contains(text)
            || self
                .survives(text)
                .is_some_and(|text| whole.contains(text.trim()))
    }
}

fn render(
    student: &Student<'_>,
    messages: &[Message],
    add_generation_prompt: bool,
) -> Result<String, TextError> {
    let options = student.options(add_generation_prompt);
    student.template.render(messages, &options)
}

/// Thought and answer of a reply to `prompt`, as a session tells them apart.
fn split(prompt: &str, reply: &str) -> (String, String) {
    let mut splitter = ThinkSplitter::for_prompt(prompt);
    let mut pieces = splitter.push(reply);
    pieces.extend(splitter.finish());
    let (mut thought, mut answer) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Thought(text) => thought.push_str(&text),
            Piece::Answer(text) => answer.push_str(&text),
        }
    }
    (thought, answer)
}

fn failed(origin: &Origin, error: TextError) -> DatasetError {
    DatasetError::Text {
        origin: Some(origin.clone()),
        error,
    }
}
