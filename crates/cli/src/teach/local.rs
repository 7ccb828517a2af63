//! A teacher in this process: a Retort model.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use retort_infer::{Engine, Event, InferError, Listener, Sampling, Session, StopReason};
use retort_teacher::{Backend, Blame, Fault, Finish, Reply, Request, Role, Usage};
use retort_text::Message;
use serde::Deserialize;

use crate::device::{self, Choice};
use crate::{load, stop};

/// `[local]` of a teach.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// By which the journal calls it.
    #[serde(default = "local")]
    pub name: String,
    /// A path, an http(s) URL, or hf:owner/repo[/file].
    model: String,
    #[serde(default)]
    device: Choice,
    #[serde(default)]
    threads: Option<u16>,
    /// Tokens of prompt and reply together.
    #[serde(default)]
    context: Option<u32>,
}

fn local() -> String {
    "local".into()
}

/// A loaded model, which answers one request at a time.
pub struct Local {
    engine: Engine,
    /// Kept between requests: samples of one problem share their prompt.
    session: Mutex<Session>,
}

impl Local {
    /// Loads the model; a path is relative to `base`.
    pub fn load(config: &Config, base: &Path) -> Result<Self> {
        let beside = base.join(&config.model);
        let model = match beside.exists() {
            true => beside.to_string_lossy().into_owned(),
            false => config.model.clone(),
        };
        let device = device::Args {
            device: config.device,
            threads: config.threads,
        };
        let load = load::Args {
            model,
            context: config.context,
            device,
        };
        let engine = load.load_for_threads().context("the local teacher")?;
        Ok(Self {
            session: Mutex::new(Session::new(&engine)),
            engine,
        })
    }

    fn reply(&self, request: &Request) -> Result<Reply, Fault> {
        let messages: Vec<Message> = request.messages.iter().map(message).collect();
        let sampling = sampling(request, &self.engine.info().sampling);
        // A session whose reply panicked is sound: it reuses no more than the tokens it has fed.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = Said::default();
        let chat = session.chat(&self.engine, &messages, &sampling, &mut said);
        let stats = pollster::block_on(chat).map_err(fault)?;
        let finish = match stats.stop {
            StopReason::EndOfText => Finish::Stop,
            StopReason::MaxTokens | StopReason::ContextFull => Finish::Length,
            StopReason::Stopped => {
                let (detail, blame) = ("it was stopped".into(), Blame::Endpoint);
                return Err(Fault::Local { detail, blame });
            }
        };
        if said.answer.is_empty() && said.thought.is_empty() {
            return Err(Fault::Empty);
        }
        Ok(Reply {
            thought: (!said.thought.is_empty()).then_some(said.thought),
            answer: said.answer,
            finish,
            usage: Usage {
                prompt: stats.prompt_tokens as u64,
                cached: stats.reused_tokens as u64,
                completion: (stats.thought_tokens + stats.answer_tokens) as u64,
                guessed: false,
            },
            model: Some(self.engine.info().name.clone()),
            response_id: None,
        })
    }
}

impl Backend for Local {
    fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
        (0..request.samples).map(|_| self.reply(request)).collect()
    }
}

fn message(message: &retort_teacher::Message) -> Message {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Message::new(role, &message.content)
}

/// The model's own settings where the request has none.
fn sampling(request: &Request, own: &Sampling) -> Sampling {
    let asked = request.sampling;
    Sampling {
        temperature: asked.temperature.map_or(own.temperature, |t| t as f32),
        top_p: asked.top_p.map_or(own.top_p, |p| p as f32),
        max_tokens: asked.max_tokens.map(|max| max as usize).or(own.max_tokens),
        seed: asked.seed.unwrap_or(own.seed),
        ..own.clone()
    }
}

fn fault(error: InferError) -> Fault {
    let blame = match error {
        InferError::PromptTooLong { .. } | InferError::EmptyPrompt => Blame::Request,
        _ => Blame::EndpointForGood,
    };
    let detail = error.to_string();
    Fault::Local { detail, blame }
}

/// A reply while it is written.
#[derive(Default)]
struct Said {
    thought: String,
    answer: String,
}

impl Listener for Said {
    fn event(&mut self, event: Event) {
        match event {
            Event::Thought { text, .. } => self.thought.push_str(&text),
            Event::Answer { text, .. } => self.answer.push_str(&text),
            Event::Prefill { .. } | Event::Trimmed { .. } | Event::Done(_) => {}
        }
    }

    async fn pause(&mut self) -> bool {
        stop::is_asked()
    }
}
