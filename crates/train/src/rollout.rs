//! Replies of the student while it trains.

use std::sync::Arc;

use burn::tensor::Device;
use retort_dataset::Preview;
use retort_infer::{
    Engine, Event, InferError, Listener, LoadOptions, Parts, Sampling, Session, Stats, StopReason,
    Text,
};
use retort_model::{Config, Decoder};
use retort_text::Message;

use crate::TrainError;
use crate::config::Samples;
use crate::corpus::Corpus;
use crate::record::Sample;
use crate::student::Student;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Of the user; the template makes it a prompt.
    User(String),
    /// A rendered prompt out of what is held out.
    Rendered(String),
}

impl Question {
    fn text(&self) -> &str {
        match self {
            Self::User(text) | Self::Rendered(text) => text,
        }
    }
}

/// The configured questions, or the prompts of the first held-out documents.
///
/// # Errors
/// The corpus' cache was changed.
pub fn questions(
    samples: &Samples,
    corpus: &Corpus,
    student: &Student,
) -> Result<Vec<Question>, TrainError> {
    if !samples.prompts.is_empty() {
        return Ok(samples
            .prompts
            .iter()
            .cloned()
            .map(Question::User)
            .collect());
    }
    let Some(held_out) = &corpus.held_out else {
        return Ok(Vec::new());
    };
    let mut documents: Vec<u32> = held_out
        .bins
        .iter()
        .flat_map(|bin| bin.pieces.iter().map(|piece| piece.document))
        .collect();
    documents.sort_unstable();
    let mut questions: Vec<Question> = Vec::new();
    for document in documents {
        if questions.len() == samples.count {
            break;
        }
        let preview = Preview::new(&corpus.dataset, &student.text.tokenizer, document as usize)?;
        let prompt = preview.spans.into_iter().find(|span| !span.learnt);
        let question = prompt.map(|span| Question::Rendered(span.text));
        // Many traces may answer one question.
        questions.extend(question.filter(|question| !questions.contains(question)));
    }
    Ok(questions)
}

/// Everything of the student but its decoder, for [`sample`].
pub struct Voice<'a> {
    pub name: &'a str,
    pub config: &'a Config,
    pub text: &'a Arc<Text>,
    pub device: &'a Device,
    pub samples: &'a Samples,
    pub seed: u64,
}

/// Answers each question. The decoder comes back as it was.
pub async fn sample(
    voice: &Voice<'_>,
    decoder: Decoder,
    step: u64,
    questions: &[Question],
    stop: &dyn Fn() -> bool,
) -> (Decoder, Result<Vec<Sample>, InferError>) {
    let longest = decoder.shape.rope.positions();
    let parts = Parts {
        name: voice.name.into(),
        config: voice.config.clone(),
        decoder,
        text: voice.text.clone(),
    };
    let options = LoadOptions {
        context: Some(longest),
        // The whole context of a long-document run would be gigabytes.
        kv_room: Some(512.min(longest)),
        ..LoadOptions::default()
    };
    let engine = Engine::from_parts(parts, 0, voice.device, &options);
    let mut replies = Ok(Vec::new());
    for question in questions {
        let reply = answer(voice, &engine, step, question, stop).await;
        match (reply, &mut replies) {
            (Ok(reply), Ok(replies)) => replies.push(reply),
            (Err(error), _) => {
                replies = Err(error);
                break;
            }
            (Ok(_), Err(_)) => break,
        }
        if stop() {
            break;
        }
    }
    (engine.into_parts().decoder, replies)
}

async fn answer(
    voice: &Voice<'_>,
    engine: &Engine,
    step: u64,
    question: &Question,
    stop: &dyn Fn() -> bool,
) -> Result<Sample, InferError> {
    let sampling = Sampling {
        temperature: voice.samples.temperature,
        seed: voice.seed.wrapping_add(step),
        max_tokens: Some(voice.samples.max_tokens),
        ..Sampling::default()
    };
    let mut reply = Reply {
        thought: String::new(),
        answer: String::new(),
        stop,
    };
    let mut session = Session::new(engine);
    let stats: Stats = match question {
        Question::User(text) => {
            let messages = [Message::new("user", text)];
            session
                .chat(engine, &messages, &sampling, &mut reply)
                .await?
        }
        Question::Rendered(prompt) => {
            session
                .generate(engine, prompt, &sampling, &mut reply)
                .await?
        }
    };
    Ok(Sample {
        step,
        prompt: question.text().into(),
        thought: reply.thought,
        answer: reply.answer,
        tokens: stats.thought_tokens + stats.answer_tokens,
        ended: stats.stop == StopReason::EndOfText,
    })
}

struct Reply<'a> {
    thought: String,
    answer: String,
    stop: &'a dyn Fn() -> bool,
}

impl Listener for Reply<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Thought { text, .. } => self.thought.push_str(&text),
            Event::Answer { text, .. } => self.answer.push_str(&text),
            _ => {}
        }
    }

    async fn pause(&mut self) -> bool {
        (self.stop)()
    }
}
