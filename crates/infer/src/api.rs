//! The plain types that callers exchange with the engine. They cross the worker boundary, so they
//! are serialisable and link no tensor code.

use serde::{Deserialize, Serialize};

/// How the next token is drawn from a row of logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Logits are divided by this; 0 means greedy.
    pub temperature: f32,
    /// Keep the `top_k` most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Nucleus: keep the smallest set whose probability reaches `top_p`; 1 keeps all.
    pub top_p: f32,
    /// Keep tokens at least `min_p` times as likely as the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Divides positive (multiplies negative) logits of tokens already seen; 1 is off.
    pub repetition_penalty: f32,
    /// Same seed, same device: same text.
    pub seed: u64,
    /// Reply length limit in tokens; none means up to the context's end.
    pub max_tokens: Option<usize>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_k: 0,
            top_p: 0.95,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
            max_tokens: None,
        }
    }
}

/// One step of a reply, in order of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// `done` of `total` prompt tokens are in the KV cache, `reused` of them from the last turn.
    Prefill {
        done: usize,
        total: usize,
        reused: usize,
    },
    /// Text of the reasoning, and how many tokens it has so far.
    Thought { text: String, tokens: usize },
    /// Text of the answer, and how many tokens it has so far.
    Answer { text: String, tokens: usize },
    /// Turns dropped from the front because the conversation outgrew the context.
    Trimmed { turns: usize },
    /// The reply is complete.
    Done(Stats),
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// The model ended its turn.
    EndOfText,
    /// `Sampling::max_tokens` was reached.
    MaxTokens,
    /// The KV cache is full.
    ContextFull,
    /// The caller asked to stop.
    Stopped,
}

/// Figures of one reply. Times in milliseconds, speeds in tokens per second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub prompt_tokens: usize,
    pub reused_tokens: usize,
    pub thought_tokens: usize,
    pub answer_tokens: usize,
    pub time_to_first_token_ms: f64,
    pub prefill_tokens_per_second: f64,
    pub decode_tokens_per_second: f64,
    pub stop: StopReason,
}

/// Weights on their way to the device, in bytes of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadProgress {
    pub done: u64,
    pub total: u64,
    /// The tensor just uploaded, or the stage ("tokenizer", "preparing kernels").
    pub what: String,
}

/// What was loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub name: String,
    pub architecture: String,
    pub parameters: u64,
    /// Bytes of weights on the device.
    pub weight_bytes: u64,
    /// Bytes of the preallocated KV cache.
    pub kv_cache_bytes: u64,
    /// Tokens that fit in the KV cache.
    pub context: usize,
    /// Arithmetic of the activations: "f32", "f16", or "int16" on the CPU.
    pub precision: String,
    /// Whether the chat template opens a `<think>` block.
    pub reasons: bool,
    pub sampling: Sampling,
}

/// What the model expects after one token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The likeliest next token.
    pub greedy: u32,
    /// Natural log-probability of the token that really follows; none after the last.
    pub logprob: Option<f32>,
    /// The likeliest tokens and their log-probabilities, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(u32, f32)>,
}
