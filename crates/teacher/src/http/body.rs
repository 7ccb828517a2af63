//! The JSON of requests and responses. Responses are untrusted: every field may be absent, and what
//! is there may be of any type or size.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::thought;
use crate::request::guess_tokens;
use crate::{Endpoint, Fault, Finish, Message, Reply, Request, Usage};

/// How much of what a server said goes into messages.
pub const EXCERPT: usize = 300;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    // Left out where it says nothing: some servers refuse the field as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// The body of a request.
pub fn encode(endpoint: &Endpoint, request: &Request) -> Result<Vec<u8>, Fault> {
    let usage = || serde_json::json!({ "include_usage": true });
    let body = Body {
        model: &endpoint.model,
        messages: &request.messages,
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        max_tokens: request.sampling.max_tokens,
        seed: request.sampling.seed,
        n: (request.samples != 1).then_some(request.samples),
        stream: endpoint.stream,
        stream_options: endpoint.stream.then(usage),
        extra: &endpoint.extra,
    };
    serde_json::to_vec(&body).map_err(|error| Fault::Json {
        detail: error.to_string(),
    })
}

/// A response, or a piece of a streamed one.
#[derive(Debug, Deserialize)]
pub struct Chunk {
    pub id: Option<String>,
    pub model: Option<String>,
    pub choices: Option<Vec<Choice>>,
    pub usage: Option<RawUsage>,
    pub error: Option<Reported>,
}

#[derive(Debug, Deserialize)]
pub struct Choice {
    pub index: Option<u64>,
    pub message: Option<Said>,
    pub delta: Option<Said>,
    pub finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Said {
    content: Option<String>,
    /// DeepSeek's name, which most servers took over.
    reasoning_content: Option<String>,
    /// vLLM's newer name. Some send both, with the same text.
    reasoning: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct RawUsage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's place for the same.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

/// `{"message": ...}` as OpenAI has it, or whatever else.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Reported(Value);

impl Reported {
    pub fn fault(&self) -> Fault {
        let message = self.0.get("message").unwrap_or(&self.0);
        let text = message.as_str().map(String::from);
        Fault::Reported {
            detail: excerpt(&text.unwrap_or_else(|| message.to_string())),
        }
    }
}

/// A reply while it is put together.
#[derive(Debug, Default)]
pub struct Draft {
    pub thought: Option<String>,
    pub content: Option<String>,
    pub finish: Option<String>,
}

impl Draft {
    /// Appends what was said.
    pub fn add(&mut self, said: Said) {
        append(&mut self.thought, said.reasoning_content.or(said.reasoning));
        append(&mut self.content, said.content);
    }

    fn reply(self, primed: bool) -> Result<Reply, Fault> {
        let finish = match self.finish.as_deref() {
            Some("stop" | "eos") => Finish::Stop,
            Some("length") => Finish::Length,
            Some(reason) => {
                return Err(Fault::Finish {
                    reason: excerpt(reason),
                });
            }
            None => {
                return Err(Fault::Missing {
                    field: "finish_reason",
                });
            }
        };
        if self.thought.is_none() && self.content.is_none() {
            return Err(Fault::Missing { field: "content" });
        }
        let content = self.content.unwrap_or_default();
        let (thought, answer) = match self.thought.filter(|thought| !thought.is_empty()) {
            Some(thought) => (Some(thought), content),
            None => thought::split(&content, primed),
        };
        if thought.is_none() && answer.trim().is_empty() {
            return Err(Fault::Empty);
        }
        Ok(Reply {
            thought,
            answer,
            finish,
            usage: Usage::default(),
            model: None,
            response_id: None,
        })
    }
}

fn append(to: &mut Option<String>, more: Option<String>) {
    match (to, more) {
        (Some(text), Some(more)) => text.push_str(&more),
        (to, more @ Some(_)) => *to = more,
        (_, None) => {}
    }
}

/// JSON of a response. What merely ends too early is told from what is no JSON.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| match error.is_eof() {
        true => Fault::Truncated,
        false => Fault::Json {
            detail: excerpt(&error.to_string()),
        },
    })
}

/// The replies of a whole response.
pub fn replies(bytes: &[u8], request: &Request, primed: bool) -> Result<Vec<Reply>, Fault> {
    let chunk: Chunk = decode(bytes)?;
    if let Some(error) = chunk.error {
        return Err(error.fault());
    }
    let choices = chunk.choices.ok_or(Fault::Missing { field: "choices" })?;
    let mut drafts = Vec::new();
    for (place, choice) in choices.into_iter().enumerate() {
        let mut draft = Draft::default();
        let said = choice.message.ok_or(Fault::Missing { field: "message" })?;
        draft.add(said);
        draft.finish = choice.finish_reason;
        let index = choice.index.unwrap_or(place as u64);
        if drafts.iter().any(|(other, _)| *other == index) {
            return Err(Fault::DuplicateChoice { index });
        }
        drafts.push((index, draft));
    }
    drafts.sort_by_key(|(index, _)| *index);
    let drafts = drafts.into_iter().map(|(_, draft)| draft).collect();
    assemble(drafts, chunk.id, chunk.model, chunk.usage, request, primed)
}

/// Turns drafts into the replies that were asked for. Usage is said once for all of them: the prompt
/// goes to the first, the completion is spread evenly.
pub fn assemble(
    drafts: Vec<Draft>,
    id: Option<String>,
    model: Option<String>,
    usage: Option<RawUsage>,
    request: &Request,
    primed: bool,
) -> Result<Vec<Reply>, Fault> {
    if drafts.len() != request.samples as usize {
        return Err(Fault::Choices {
            expected: request.samples,
            got: drafts.len(),
        });
    }
    let drafts = drafts.into_iter().map(|draft| draft.reply(primed));
    let mut replies = drafts.collect::<Result<Vec<_>, _>>()?;
    let usage = usage.unwrap_or_default();
    let count = replies.len() as u64;
    let cached = usage
        .prompt_tokens_details
        .and_then(|details| details.cached_tokens)
        .or(usage.prompt_cache_hit_tokens);
    for (place, reply) in replies.iter_mut().enumerate() {
        let first = place == 0;
        let said = guess_tokens(&reply.answer)
            + reply
                .thought
                .as_deref()
                .map(guess_tokens)
                .unwrap_or_default();
        let part = |all: u64| all / count + u64::from((place as u64) < all % count);
        reply.usage = Usage {
            prompt: match first {
                true => usage.prompt_tokens.unwrap_or(request.prompt_tokens()),
                false => 0,
            },
            cached: cached.filter(|_| first).unwrap_or_default(),
            completion: usage.completion_tokens.map_or(said, part),
            guessed: usage.prompt_tokens.is_none() || usage.completion_tokens.is_none(),
        };
        reply.id_and_model(id.as_deref(), model.as_deref());
    }
    Ok(replies)
}

impl Reply {
    fn id_and_model(&mut self, id: Option<&str>, model: Option<&str>) {
        let short = |text: &str| excerpt(text);
        self.response_id = id.filter(|id| !id.is_empty()).map(short);
        self.model = model.map(short);
    }
}

/// The beginning of a text, on one line.
pub fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
