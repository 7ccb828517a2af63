//! Generation: prefill, decode, sampling and chat sessions, as an async stream of typed events.
//!
//! One generator serves the terminal, the page, evaluation and rollouts. It knows nothing of
//! screens or files: bytes come from a [`retort_formats::Source`], the device is the caller's.

mod api;

pub use api::{Event, LoadProgress, ModelInfo, Sampling, Stats, StopReason};
