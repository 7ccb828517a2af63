//! Text in, token ids out, and back: everything between a conversation and the decoder.
//!
//! | module | holds |
//! |---|---|
//! | [`tokenizer`] | byte-level BPE from GGUF metadata or a `tokenizer.json` |
//! | [`detokenizer`] | ids to text while they arrive, never breaking a character |
//! | [`template`] | chat templates (Jinja), rendered as Hugging Face transformers does |
//! | [`message`] | one turn of a conversation |
//! | [`think`] | separates reasoning from answer in a stream of text |
//!
//! Vocabularies and templates come from files that strangers made. A broken one is a [`TextError`]
//! that names the field or token; nothing here panics on input, and limits on counts, regular
//! expressions, template steps and output keep hostile files from taking the machine.
//!
//! This crate must not know tensors, devices, model architectures, file formats or clocks: it gets
//! plain data ([`GgufVocab`], bytes of a `tokenizer.json`, the template's source, the local time)
//! and does no I/O. It builds for `wasm32-unknown-unknown`; the program that links it there must
//! provide randomness to `getrandom` (its `wasm_js` feature), since hash maps seed themselves.

pub mod detokenizer;
pub mod error;
pub mod message;
pub mod template;
pub mod think;
pub mod tokenizer;

pub use detokenizer::Detokenizer;
pub use error::TextError;
pub use message::Message;
pub use template::{ChatTemplate, LocalTime, RenderOptions, SpecialNames};
pub use think::{Piece, ThinkSplitter};
pub use tokenizer::{GgufVocab, SpecialTokens, Tokenizer};
