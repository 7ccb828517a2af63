//! One conversation: renders it, reuses the KV cache of the turns before, streams the reply.

use burn::tensor::{DType, Int, Tensor, TensorData};
use retort_model::KvCache;
use retort_text::{Message, Piece, SpecialTokens, ThinkSplitter};
use web_time::Instant;

use crate::context::fit;
use crate::{Engine, Event, InferError, Sampler, Sampling, Stats, StopReason};

/// Tokens of a prompt that go through the decoder at once: bounds the activations' memory, and is
/// long enough to use the matrix kernels well. A stop is heard after every block of the decoder.
const PREFILL_CHUNK: usize = 256;

/// Receives a reply while it is made.
pub trait Listener {
    fn event(&mut self, event: Event);

    /// Called between tokens, and while the prompt is read between the blocks of the decoder.
    /// Lets the host do other work (a browser: read its messages), and answers whether to stop.
    fn pause(&mut self) -> impl Future<Output = bool>;
}

/// The KV cache of a conversation and the tokens that it holds.
pub struct Session {
    cache: KvCache,
    tokens: Vec<u32>,
}

impl Session {
    pub fn new(engine: &Engine) -> Self {
        Self {
            cache: engine.new_cache(),
            tokens: Vec::new(),
        }
    }

    /// Answers the last message. Turns that outgrow the context are dropped from the front,
    /// system prompt kept, and the listener is told.
    pub async fn chat<L: Listener>(
        &mut self,
        engine: &Engine,
        messages: &[Message],
        sampling: &Sampling,
        listener: &mut L,
    ) -> Result<Stats, InferError> {
        let fitted = fit(engine, messages, sampling)?;
        if fitted.dropped > 0 {
            listener.event(Event::Trimmed {
                turns: fitted.dropped,
            });
        }
        let splitter = ThinkSplitter::for_prompt(&fitted.prompt);
        self.reply(engine, &fitted.ids, splitter, sampling, listener)
            .await
    }

    /// Continues a raw prompt, without a template. Special tokens in it are recognised.
    pub async fn generate<L: Listener>(
        &mut self,
        engine: &Engine,
        prompt: &str,
        sampling: &Sampling,
        listener: &mut L,
    ) -> Result<Stats, InferError> {
        let mut ids = engine.tokenizer().encode(prompt, SpecialTokens::Parse)?;
        engine.tokenizer().prepend_bos(&mut ids);
        let splitter = ThinkSplitter::for_prompt(prompt);
        self.reply(engine, &ids, splitter, sampling, listener).await
    }

    async fn reply<L: Listener>(
        &mut self,
        engine: &Engine,
        prompt: &[u32],
        splitter: ThinkSplitter,
        sampling: &Sampling,
        listener: &mut L,
    ) -> Result<Stats, InferError> {
        let mut sampler = Sampler::new(sampling)?;
        let start = Instant::now();
        let reused = self.share_prefix(prompt)?;
        let Some(hidden) = self.prefill(engine, prompt, reused, listener).await? else {
            return Ok(stopped(prompt.len(), reused, listener));
        };
        let mut reply = Reply::new(engine, splitter, listener);
        let limit = sampling.max_tokens.unwrap_or(usize::MAX);
        let mut logits = read_logits(engine, hidden).await?;
        let mut first_token = None;
        let mut decoded = 0;
        let stop = loop {
            let id = sampler.sample(&mut logits, &self.tokens)?;
            first_token.get_or_insert_with(|| start.elapsed());
            if engine.stop_ids().contains(&id) {
                break StopReason::EndOfText;
            }
            decoded += 1;
            reply.push(id);
            if decoded >= limit {
                break StopReason::MaxTokens;
            }
            if self.cache.len() >= self.cache.capacity() {
                break StopReason::ContextFull;
            }
            if reply.listener.pause().await {
                break StopReason::Stopped;
            }
            let hidden = self.feed(engine, &[id]);
            logits = read_logits(engine, hidden).await?;
        };
        reply.finish();
        let (thought_tokens, answer_tokens) = (reply.thought_tokens, reply.answer_tokens);
        let first = first_token.unwrap_or_default().as_secs_f64();
        let decode_seconds = start.elapsed().as_secs_f64() - first;
        let stats = Stats {
            prompt_tokens: prompt.len(),
            reused_tokens: reused,
            thought_tokens,
            answer_tokens,
            time_to_first_token_ms: first * 1e3,
            prefill_tokens_per_second: rate(prompt.len() - reused, first),
            decode_tokens_per_second: rate(decoded.saturating_sub(1), decode_seconds),
            stop,
        };
        listener.event(Event::Done(stats.clone()));
        Ok(stats)
    }

    /// Keeps the tokens that the cache and `prompt` share, and answers how many. The last token
    /// of the prompt is always fed again: its logits are what the reply starts from.
    fn share_prefix(&mut self, prompt: &[u32]) -> Result<usize, InferError> {
        let last = prompt.len().checked_sub(1).ok_or(InferError::EmptyPrompt)?;
        let shared = self
            .tokens
            .iter()
            .zip(prompt)
            .take_while(|(a, b)| a == b)
            .count()
            .min(last);
        self.tokens.truncate(shared);
        self.cache.truncate(shared);
        Ok(shared)
    }

    /// Feeds the prompt after its shared prefix; the hidden state of its last token, or none if
    /// the host stopped it.
    async fn prefill<L: Listener>(
        &mut self,
        engine: &Engine,
        prompt: &[u32],
        reused: usize,
        listener: &mut L,
    ) -> Result<Option<Tensor<2>>, InferError> {
        let total = prompt.len();
        if total > self.cache.capacity() {
            let context = self.cache.capacity();
            return Err(InferError::PromptTooLong {
                tokens: total,
                context,
            });
        }
        check_ids(engine, prompt)?;
        let mut hidden: Option<Tensor<2>> = None;
        listener.event(Event::Prefill {
            done: reused,
            total,
            reused,
        });
        let layers = engine.decoder.layers.len();
        for chunk in prompt[reused..].chunks(PREFILL_CHUNK) {
            if let Some(last) = hidden.take() {
                // A GPU only queues: without this, progress and stops would be of the queue.
                last.into_data_async().await.map_err(device_failed)?;
            }
            let before = self.tokens.len();
            let pause = async |blocks: usize| {
                listener.event(Event::Prefill {
                    done: before + chunk.len() * blocks / layers,
                    total,
                    reused,
                });
                listener.pause().await
            };
            let ids = tensor(engine, chunk);
            let decoder = &engine.decoder;
            let states = decoder.forward_with_pauses(ids, &mut self.cache, pause);
            let Some(states) = states.await else {
                return Ok(None);
            };
            self.tokens.extend_from_slice(chunk);
            hidden = Some(states.narrow(0, chunk.len() - 1, 1));
        }
        Ok(hidden)
    }

    /// Runs `ids` through the decoder after what the cache holds: [ids, hidden].
    pub(crate) fn feed(&mut self, engine: &Engine, ids: &[u32]) -> Tensor<2> {
        let hidden = engine
            .decoder
            .forward(tensor(engine, ids), Some(&mut self.cache));
        self.tokens.extend_from_slice(ids);
        hidden
    }
}

/// [1, ids]
fn tensor(engine: &Engine, ids: &[u32]) -> Tensor<2, Int> {
    let data = TensorData::new(ids.to_vec(), [1, ids.len()]);
    Tensor::from_data(data, (&engine.device, DType::U32))
}

/// Refuses ids that no row of the embedding answers to.
pub(crate) fn check_ids(engine: &Engine, ids: &[u32]) -> Result<(), InferError> {
    let vocabulary = engine.config.vocab_size;
    match ids.iter().find(|&&id| id as usize >= vocabulary) {
        Some(&id) => Err(InferError::TokenId { id, vocabulary }),
        None => Ok(()),
    }
}

/// One row back from the device, padding rows of the vocabulary cut off.
async fn read_logits(engine: &Engine, hidden: Tensor<2>) -> Result<Vec<f32>, InferError> {
    let mut rows = read_rows(engine, hidden).await?;
    rows.truncate(
        engine
            .tokenizer()
            .vocab_size()
            .min(engine.config.vocab_size),
    );
    Ok(rows)
}

/// Logits of `hidden` [m, hidden] on the host: m rows of the whole vocabulary.
pub(crate) async fn read_rows(engine: &Engine, hidden: Tensor<2>) -> Result<Vec<f32>, InferError> {
    let data = engine
        .decoder
        .logits(hidden)
        .into_data_async()
        .await
        .map_err(device_failed)?;
    data.try_into_vec::<f32>().map_err(device_failed)
}

fn device_failed(error: impl std::fmt::Debug) -> InferError {
    InferError::Device(format!("{error:?}"))
}

fn rate(tokens: usize, seconds: f64) -> f64 {
    if seconds > 0.0 {
        tokens as f64 / seconds
    } else {
        0.0
    }
}

fn stopped<L: Listener>(prompt_tokens: usize, reused_tokens: usize, listener: &mut L) -> Stats {
    let stats = Stats {
        prompt_tokens,
        reused_tokens,
        thought_tokens: 0,
        answer_tokens: 0,
        time_to_first_token_ms: 0.0,
        prefill_tokens_per_second: 0.0,
        decode_tokens_per_second: 0.0,
        stop: StopReason::Stopped,
    };
    listener.event(Event::Done(stats.clone()));
    stats
}

/// Turns ids into thought and answer text.
struct Reply<'a, L> {
    detokenizer: retort_text::Detokenizer<'a>,
    splitter: ThinkSplitter,
    listener: &'a mut L,
    thought_tokens: usize,
    answer_tokens: usize,
}

impl<'a, L: Listener> Reply<'a, L> {
    fn new(engine: &'a Engine, splitter: ThinkSplitter, listener: &'a mut L) -> Self {
        let detokenizer = engine.tokenizer().detokenizer();
        Self {
            detokenizer,
            splitter,
            listener,
            thought_tokens: 0,
            answer_tokens: 0,
        }
    }

    fn push(&mut self, id: u32) {
        let text = self.detokenizer.push(id);
        let pieces = self.splitter.push(&text);
        if self.splitter.is_thinking() {
            self.thought_tokens += 1;
        } else {
            self.answer_tokens += 1;
        }
        self.emit(pieces);
    }

    fn finish(&mut self) {
        let text = self.detokenizer.finish();
        let mut pieces = self.splitter.push(&text);
        pieces.extend(self.splitter.finish());
        self.emit(pieces);
    }

    fn emit(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            self.listener.event(match piece {
                Piece::Thought(text) => Event::Thought {
                    text,
                    tokens: self.thought_tokens,
                },
                Piece::Answer(text) => Event::Answer {
                    text,
                    tokens: self.answer_tokens,
                },
            });
        }
    }
}
