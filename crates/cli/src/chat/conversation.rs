//! The messages of a chat, and what is asked of the engine with them.

use std::path::Path;

use anyhow::{Context, Result};
use retort_infer::{Engine, Sampling, Session, Stats};
use retort_text::Message;
use serde_json::json;

use crate::failure::Failure;
use crate::note::aside;
use crate::screen::{Screen, Thought, summary};
use crate::stop::Replying;

/// A conversation and its KV cache.
pub struct Conversation {
    session: Session,
    messages: Vec<Message>,
    pub sampling: Sampling,
    pub thought: Thought,
    last: Option<Stats>,
}

impl Conversation {
    pub fn new(engine: &Engine, sampling: Sampling, thought: Thought) -> Self {
        Self {
            session: Session::new(engine),
            messages: Vec::new(),
            sampling,
            thought,
            last: None,
        }
    }

    pub fn system(&self) -> Option<&str> {
        let first = self
            .messages
            .first()
            .filter(|message| message.role == "system")?;
        Some(first.content_text())
    }

    /// Sets or drops the system prompt. The turns stay; the next one is read with it.
    pub fn set_system(&mut self, text: Option<String>) {
        if self.system().is_some() {
            self.messages.remove(0);
        }
        if let Some(text) = text {
            self.messages.insert(0, Message::new("system", &text));
        }
    }

    /// Forgets the turns.
    pub fn clear(&mut self) {
        self.messages.retain(|message| message.role == "system");
        self.last = None;
    }

    /// One turn. Where it fails the question is taken back.
    pub fn say(&mut self, engine: &Engine, text: String) -> Result<()> {
        self.messages.push(Message::new("user", &text));
        let replied = self.reply(engine);
        if replied.is_err() {
            self.messages.pop();
        }
        replied
    }

    /// Another answer to the last question. The next seed, since the same gives the same text.
    pub fn regenerate(&mut self, engine: &Engine) -> Result<()> {
        let Some(answer) = self.messages.pop_if(|message| message.role == "assistant") else {
            return Err(Failure::new("there is no answer yet", "ask something first").into());
        };
        self.sampling.seed = self.sampling.seed.wrapping_add(1);
        let replied = self.reply(engine);
        if replied.is_err() {
            self.messages.push(answer);
        }
        replied
    }

    fn reply(&mut self, engine: &Engine) -> Result<()> {
        let mut screen = Screen::new(self.thought);
        let stats = {
            let _replying = Replying::begin();
            let reply = self
                .session
                .chat(engine, &self.messages, &self.sampling, &mut screen);
            pollster::block_on(reply)?
        };
        screen.finish()?;
        aside(summary(&stats));
        let mut message = Message::new("assistant", screen.answer.trim());
        let thought = screen.thought.trim();
        message.reasoning_content = (!thought.is_empty()).then(|| thought.to_owned());
        self.messages.push(message);
        self.last = Some(stats);
        Ok(())
    }

    /// Writes the conversation to a file.
    pub fn save(&self, engine: &Engine, path: &Path) -> Result<()> {
        let text = match path.extension().is_some_and(|extension| extension == "md") {
            true => self.markdown(),
            false => {
                let saved = json!({
                    "model": engine.info().name,
                    "sampling": self.sampling,
                    "messages": self.messages,
                });
                format!("{saved:#}\n")
            }
        };
        std::fs::write(path, text).with_context(|| format!("`{}`", path.display()))
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        for message in &self.messages {
            text.push_str(&format!("## {}\n\n", message.role));
            if let Some(thought) = &message.reasoning_content {
                text.push_str(&format!(
                    "<details><summary>Thought</summary>\n\n{thought}\n\n</details>\n\n"
                ));
            }
            text.push_str(&format!("{}\n\n", message.content_text()));
        }
        text
    }

    /// Figures of the last reply and of the context.
    pub fn stats(&self, engine: &Engine) -> String {
        let info = engine.info();
        let Some(stats) = &self.last else {
            return format!("no reply yet; the context holds {} tokens", info.context);
        };
        let replied = stats.thought_tokens + stats.answer_tokens;
        format!(
            "prompt {} tokens, {} of them reused; reply {} of thought, {} of answer\n\
             prefill {:.1} tok/s, decode {:.1} tok/s, first token after {:.0} ms\n\
             context {} of {} tokens used",
            stats.prompt_tokens,
            stats.reused_tokens,
            stats.thought_tokens,
            stats.answer_tokens,
            stats.prefill_tokens_per_second,
            stats.decode_tokens_per_second,
            stats.time_to_first_token_ms,
            stats.prompt_tokens + replied,
            info.context,
        )
    }
}
