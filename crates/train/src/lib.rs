//! Supervised fine-tuning of a decoder.
//!
//! | module | holds |
//! |---|---|
//! | [`schedule`] | the learning rate of a step |
//! | [`optimizer`] | AdamW and Muon over a decoder's parameters |
//! | [`trainer`] | one step: gradients of a batch in parts, clipping, the update |

mod error;
mod muon;
pub mod optimizer;
pub mod schedule;
pub mod trainer;

pub use error::TrainError;
