//! Conversations to packed token ids with a learning mask: what supervised fine-tuning reads.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | what a configuration file says about a corpus |
//! | [`read`] | JSONL and Parquet files to [`Conversation`]s, one line at a time |
//! | [`render`] | a conversation to ids and mask, in exactly the form the student meets at inference |
//! | [`tokens`] | all documents of a corpus in one memory-mapped cache file |
//! | [`split`] | the held-out documents |
//! | [`pack`] | documents into bins of a fixed number of tokens, and the order of the bins |
//! | [`preflight`] | figures and refusals before a run, and a preview of what is learnt |
//!
//! The way of a corpus:
//!
//! ```text
//! CorpusFile ─► Conversation ─► Rendered ─► Dataset ─► Split ─► Packing ─► bins of an epoch
//!               read            render      tokens     split    pack
//! ```
//!
//! Training data is wrong silently: a template deletes the thought, a mask is all zeros, a token
//! that ends the reply never appears. So this crate is strict. A line that it does not understand
//! stops it with a [`DatasetError`] that names file and line, every rendered turn is read back as
//! the product would show it and compared with the corpus, and what is left out is asked for and
//! counted.
//!
//! Nothing here knows tensors or devices. Corpora and cache files are strangers' files: a broken
//! one is an error, never a panic.

#![deny(unsafe_code)]

pub mod conversation;
pub mod error;
pub mod options;
pub mod pack;
pub mod preflight;
pub mod read;
pub mod render;
pub mod split;
pub mod tokens;

pub use conversation::{Conversation, Origin};
pub use error::DatasetError;
pub use options::{
    Columns, CorpusFile, HeldOut, HistoryTurns, PackOptions, ThoughtTags, TooLong, Unfinished,
};
pub use pack::{Bin, Packing, Piece};
pub use preflight::{Preview, Report, Span, preflight, preview};
pub use read::{Conversations, Row, Rows};
pub use render::{Rendered, Renderer, Student};
pub use split::Split;
pub use tokens::{Dataset, Document, Identity, Progress, Summary};
