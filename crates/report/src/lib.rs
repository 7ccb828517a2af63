//! What a long run tells people, and the files in which it does: [`metrics`] as lines of JSON,
//! [`tensorboard`] events, [`plot`]s as SVG, a [`progress`] display, this process's [`memory`],
//! and [`atomic`] writes.
//!
//! A run may be killed at any moment, so nothing here leaves a file that looks whole and is not.
//! This crate knows nothing of models, tensors or training; it is given numbers and words.

pub mod atomic;
pub mod error;
pub mod memory;
pub mod metrics;
pub mod number;
pub mod plot;
pub mod progress;
pub mod smooth;
pub mod tensorboard;

pub use error::ReportError;
