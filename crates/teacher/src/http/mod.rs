//! A teacher behind the chat API that OpenAI's server made common.

mod body;
mod client;
mod retry_after;
mod secret;
mod sse;
mod thought;

pub use client::HttpBackend;
