//! Supervised fine-tuning of a decoder.
//!
//! | module | holds |
//! |---|---|
//! | [`student`] | the model that is trained, as files |
//! | [`schedule`] | the learning rate of a step |
//! | [`optimizer`] | AdamW and Muon over a decoder's parameters |
//! | [`trainer`] | one step: gradients of a batch in parts, clipping, the update |
//! | [`checkpoint`] | all that a run needs to go on exactly |
//! | [`spike`] | tells a loss that left its course |
//! | [`planner`] | memory and arithmetic of a step, told before it |

pub mod checkpoint;
mod error;
mod muon;
pub mod optimizer;
pub mod planner;
pub mod schedule;
pub mod spike;
pub mod student;
pub mod trainer;

pub use error::TrainError;
