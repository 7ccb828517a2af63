//! What goes wrong with one request.

use std::time::Duration;

/// Whose fault a failure is, and so what becomes of the unit and the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Asking again would give the same: the unit is given up.
    Request,
    /// Nobody knows: the unit is asked again, a limited number of times, and an endpoint that fails
    /// again and again is rested.
    Either,
    /// The endpoint cannot now: it is rested, and the unit waits without losing an attempt.
    Endpoint,
    /// The endpoint will not, whatever it is asked: it is out of this run.
    EndpointForGood,
}

/// Why a request got no reply that can be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("the server answered {status}: {body}")]
    Status {
        status: u16,
        /// The beginning of what it said.
        body: String,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },

    #[error("no connection: {detail}")]
    Connect { detail: String },

    #[error("the connection broke: {detail}")]
    Broken { detail: String },

    #[error("no whole reply within the time limit")]
    Timeout,

    #[error("the server stalled: not a byte for as long as was allowed")]
    Stalled,

    #[error("the response is larger than {max} bytes")]
    TooLarge { max: u64 },

    #[error("the response ends in the middle of its JSON")]
    Truncated,

    #[error("the response is not the JSON of a chat completion: {detail}")]
    Json { detail: String },

    #[error("the stream ended before the reply did")]
    StreamCut,

    #[error("the server reported an error in place of a reply: {detail}")]
    Reported { detail: String },

    #[error("the response has {got} choices: expected {expected}")]
    Choices { expected: u32, got: usize },

    #[error("the response has two choices of index {index}")]
    DuplicateChoice { index: u64 },

    #[error("the response `{id}` is one that another request got already")]
    DuplicateResponse { id: String },

    #[error("the response has no `{field}`")]
    Missing { field: &'static str },

    #[error("the reply ended because of `{reason}`")]
    Finish { reason: String },

    #[error("the reply is empty")]
    Empty,

    /// For teachers in this process.
    #[error("the teacher failed: {detail}")]
    Local { detail: String, blame: Blame },
}

impl Fault {
    /// A word for the journal and for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Connect { .. } => "connect",
            Self::Broken { .. } => "broken",
            Self::Timeout => "timeout",
            Self::Stalled => "stalled",
            Self::TooLarge { .. } => "too_large",
            Self::Truncated => "truncated",
            Self::Json { .. } => "json",
            Self::StreamCut => "stream_cut",
            Self::Reported { .. } => "reported",
            Self::Choices { .. } => "choices",
            Self::DuplicateChoice { .. } => "duplicate_choice",
            Self::DuplicateResponse { .. } => "duplicate_response",
            Self::Missing { .. } => "missing",
            Self::Finish { .. } => "finish",
            Self::Empty => "empty",
            Self::Local { .. } => "local",
        }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Status { status, .. } => match status {
                429 => Blame::Endpoint,
                408 | 409 | 425 | 500..=599 => Blame::Either,
                // A wrong key, an empty account, a wrong address or model, a redirect: the next
                // thousand requests would hear the same.
                300..=399 | 401..=405 | 407 | 410 => Blame::EndpointForGood,
                _ => Blame::Request,
            },
            Self::Connect { .. } => Blame::Endpoint,
            // With the same seed the same would come.
            Self::TooLarge { .. } | Self::Empty => Blame::Request,
            Self::Finish { reason } => match reason.as_str() {
                // The servers' own troubles: DeepSeek's and vLLM's words for them.
                "insufficient_system_resource" | "abort" | "error" => Blame::Either,
                _ => Blame::Request,
            },
            Self::Local { blame, .. } => *blame,
            Self::Broken { .. }
            | Self::Timeout
            | Self::Stalled
            | Self::Truncated
            | Self::Json { .. }
            | Self::StreamCut
            | Self::Reported { .. }
            | Self::Choices { .. }
            | Self::DuplicateChoice { .. }
            | Self::DuplicateResponse { .. }
            | Self::Missing { .. } => Blame::Either,
        }
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Status { status, .. } => match status {
                401 | 403 => "check the key in the endpoint's `api_key_env`",
                402 => "the account is empty",
                404 => "check the endpoint's `url` and `model`",
                429 => "lower the endpoint's `concurrency`",
                400 | 422 => "the server refuses a field or the length of the request",
                300..=399 => "give the address that the server redirects to",
                _ => return None,
            },
            Self::Connect { .. } => "check that the server runs and the endpoint's `url`",
            Self::Timeout => "raise `timeout_seconds`, or lower `max_tokens` or `concurrency`",
            Self::Stalled => "raise `stall_seconds` if the server queues requests for that long",
            Self::TooLarge { .. } => "raise `max_body_bytes`, or set `max_tokens`",
            _ => return None,
        })
    }
}
