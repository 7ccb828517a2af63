//! Traces of a teacher to a corpus that can be trained on.
//!
//! | module | holds |
//! |---|---|
//! | [`trace`] | what a trace is |
//! | [`code_tests`] | tests of a problem whose answer is a program |
//! | [`import`] | rows of other projects' files as traces |
//! | [`filter`] | rules that look at one trace |
//! | [`dedup`] | repeats, exact and near |
//! | [`decontaminate`] | benchmarks' questions in a corpus |
//! | [`pipeline`] | all of it as steps that can be killed and go on |
//! | [`recipe`] | what is done, as a TOML file |
//! | [`publish`] | Parquet shards, manifest, dataset card, report |
//! | [`inspect`] | traces for a terminal |
//! | [`judge`] | the seam to whoever verifies answers |
//!
//! A corpus is larger than memory, so everything streams; what a step notes of each trace is said
//! where the step is. Corpora are strangers' files: a broken one is an error, never a panic, and
//! nothing of their text reaches a terminal or a page without being escaped.

#![deny(unsafe_code)]

pub mod code_tests;
pub mod decontaminate;
pub mod dedup;
pub mod error;
pub mod filter;
pub mod import;
pub mod inspect;
pub mod judge;
pub mod pipeline;
pub mod publish;
pub mod recipe;
pub mod trace;
mod words;

pub use code_tests::{MAX_TESTS_BYTES, Tests};
pub use error::CorpusError;
pub use judge::{Judge, Session, Tick, Upstream};
pub use pipeline::{Finished, Flow, Folders, Progress, Traces, run};
pub use publish::{Published, publish};
pub use recipe::{Recipe, Source, Step};
pub use trace::{Teacher, Trace, Turn, Verdict};
