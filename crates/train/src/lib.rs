//! Supervised fine-tuning of a decoder.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | `run.toml` |
//! | [`student`] | the model that is trained, as files |
//! | [`scratch`] | a model of random weights and its tokenizer, where there is no base |
//! | [`corpus`] | what it learns from, packed and in order |
//! | [`sft`] | the run: its loop, its folder, its end |
//! | [`trainer`] | one step: gradients of a batch in parts, clipping, the update |
//! | [`optimizer`] | AdamW and Muon over a decoder's parameters |
//! | [`schedule`] | the learning rate of a step |
//! | [`checkpoint`] | all that a run needs to go on exactly |
//! | [`spike`] | tells a loss that left its course |
//! | [`record`] | metrics, samples, plots |
//! | [`rollout`] | replies of the student while it trains |
//! | [`publish`] | the student as files that others load, compared before they get their names |
//! | [`planner`] | memory and arithmetic of a step, told before it |
//!
//! Start with [`sft::Run::train`]. Devices are chosen by whoever calls; nothing here prints.

pub mod checkpoint;
pub mod config;
pub mod corpus;
mod error;
mod muon;
pub mod optimizer;
pub mod planner;
pub mod publish;
pub mod record;
pub mod rollout;
pub mod schedule;
pub mod scratch;
pub mod sft;
pub mod spike;
pub mod student;
pub mod trainer;

pub use error::TrainError;
