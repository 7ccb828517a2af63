//! The open conversation with its rendering, and the reply being written.

use retort_infer::{Event, Stats};

use super::conversation::{Conversation, Reply, Turn};
use crate::markdown::Document;

/// The open conversation.
#[derive(Debug, Default)]
pub struct Chat {
    pub conversation: Conversation,
    /// One for each turn; a question's stays empty, it is shown as it was typed.
    pub bodies: Vec<Body>,
}

/// A turn on the screen.
#[derive(Debug, Default)]
pub struct Body {
    pub thought: Document,
    pub answer: Document,
    /// Whether the user opened or closed the thought; if neither, it is open while it is written.
    pub thought_open: Option<bool>,
    /// The answer has been rendered once.
    pub ready: bool,
}

/// The reply being written. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// The number of the request.
    pub id: u64,
    /// The user has turned to another conversation: what still comes is dropped.
    pub abandoned: bool,
    pub stopping: bool,
    pub began: f64,
    /// Prompt tokens in the cache, of how many.
    pub prefill: Option<(usize, usize)>,
    pub first_token: Option<f64>,
    pub last_token: f64,
    pub answering: bool,
    pub tokens: usize,
    /// When the unfinished reply was last kept.
    pub kept: f64,
}

impl Running {
    pub fn new(id: u64, now: f64) -> Self {
        Self {
            id,
            abandoned: false,
            stopping: false,
            began: now,
            prefill: None,
            first_token: None,
            last_token: now,
            answering: false,
            tokens: 0,
            kept: now,
        }
    }

    /// Tokens per second so far; none before two tokens are there.
    pub fn speed(&self) -> Option<f64> {
        let seconds = (self.last_token - self.first_token?) / 1000.0;
        (self.tokens > 1 && seconds > 0.0).then(|| (self.tokens - 1) as f64 / seconds)
    }
}

/// What an event of a reply came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Going,
    /// The answer's first text.
    AnswerBegan,
    Ended,
}

impl Chat {
    /// A conversation without turns; it gets an id with its first question.
    pub fn empty(system: String) -> Self {
        Self {
            conversation: Conversation {
                system,
                ..Conversation::default()
            },
            bodies: vec![],
        }
    }

    pub fn of(conversation: Conversation) -> Self {
        let bodies = conversation.turns.iter().map(|_| Body::default()).collect();
        Self {
            conversation,
            bodies,
        }
    }

    pub fn push(&mut self, turn: Turn) {
        self.conversation.turns.push(turn);
        self.bodies.push(Body::default());
    }

    pub fn truncate(&mut self, turns: usize) {
        self.conversation.turns.truncate(turns);
        self.bodies.truncate(turns);
    }

    /// The student's turn at the end, if that is what is there.
    pub fn last_reply(&mut self) -> Option<&mut Reply> {
        match self.conversation.turns.last_mut() {
            Some(Turn::Student(reply)) => Some(reply),
            _ => None,
        }
    }

    /// Takes one event into the reply at the end.
    pub fn take(&mut self, running: &mut Running, event: Event, now: f64) -> Progress {
        let Some(reply) = self.last_reply() else {
            return Progress::Ended;
        };
        match event {
            Event::Prefill { done, total, .. } => running.prefill = Some((done, total)),
            Event::Thought { text, tokens } => {
                running.token(tokens + reply.answer_tokens, now);
                reply.thought.push_str(&text);
                reply.thought_tokens = tokens;
                reply.thought_ms = now - running.first_token.unwrap_or(now);
            }
            Event::Answer { text, tokens } => {
                running.token(tokens + reply.thought_tokens, now);
                reply.answer.push_str(&text);
                reply.answer_tokens = tokens;
                if !running.answering && !reply.answer.trim().is_empty() {
                    running.answering = true;
                    return Progress::AnswerBegan;
                }
            }
            Event::Trimmed { turns } => reply.trimmed += turns,
            Event::Done(stats) => {
                reply.end(stats);
                return Progress::Ended;
            }
        }
        Progress::Going
    }

    /// Whether the thought of this turn is shown.
    pub fn thought_open(&self, turn: usize, running: Option<&Running>) -> bool {
        let Some(body) = self.bodies.get(turn) else {
            return false;
        };
        let writing =
            running.is_some_and(|r| !r.abandoned && !r.answering) && turn + 1 == self.bodies.len();
        body.thought_open.unwrap_or(writing)
    }

    /// Brings the rendering of what is shown up to date, latest turn first, as long as `time`
    /// lasts. Returns whether everything is done.
    pub fn render(&mut self, running: Option<&Running>, mut time: impl FnMut() -> bool) -> bool {
        let writing = running.is_some_and(|running| !running.abandoned);
        for index in (0..self.bodies.len()).rev() {
            let open = self.thought_open(index, running);
            let (Some(Turn::Student(reply)), Some(body)) = (
                self.conversation.turns.get(index),
                self.bodies.get_mut(index),
            ) else {
                continue;
            };
            let growing = writing && index + 1 == self.conversation.turns.len();
            let mut worked = body.answer.update(&reply.answer, growing);
            if open {
                worked |= body.thought.update(&reply.thought, growing);
            }
            body.ready = true;
            if worked && !time() {
                return index == 0;
            }
        }
        true
    }
}

impl Running {
    fn token(&mut self, tokens: usize, now: f64) {
        self.first_token.get_or_insert(now);
        (self.tokens, self.last_token) = (tokens, now);
    }
}

impl Reply {
    fn end(&mut self, stats: Stats) {
        self.thought_tokens = stats.thought_tokens;
        self.answer_tokens = stats.answer_tokens;
        self.stats = Some(stats);
    }
}
