//! Generation: prefill, decode, sampling and chat sessions, as an async stream of typed events.
//!
//! One generator serves the terminal, the page, evaluation and rollouts. It knows nothing of
//! screens or files: bytes come from a `retort_formats::Source`, the device is the caller's.
//!
//! Without the feature `engine` only the plain types of [`api`] remain, which the page shares
//! with its worker without linking the decoder.

mod api;
#[cfg(feature = "engine")]
mod context;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod error;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod folder;
#[cfg(feature = "engine")]
mod sampler;
#[cfg(feature = "engine")]
mod score;
#[cfg(feature = "engine")]
mod session;
#[cfg(feature = "engine")]
mod vocabulary;

pub use api::{Event, LoadProgress, ModelInfo, Position, Sampling, Stats, StopReason};
#[cfg(feature = "engine")]
pub use context::today;
#[cfg(feature = "engine")]
pub use engine::{Engine, LoadOptions, Parts};
#[cfg(feature = "engine")]
pub use error::InferError;
#[cfg(feature = "engine")]
pub use sampler::Sampler;
#[cfg(feature = "engine")]
pub use score::score;
#[cfg(feature = "engine")]
pub use session::{Listener, Session};
#[cfg(feature = "engine")]
pub use vocabulary::Text;
