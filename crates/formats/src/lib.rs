//! Model files: what is in a GGUF or a Hugging Face checkpoint, and where its bytes are.
//!
//! | module | holds |
//! |---|---|
//! | [`source`] | [`Source`]: random-access bytes (memory, a file; elsewhere HTTP ranges, OPFS) |
//! | [`types`] | [`GgmlType`]: the tensor encodings Retort computes with, and their sizes |
//! | [`blocks`] | encoded blocks to `f32` and back, bit for bit as ggml does |
//! | [`gguf`] | header reader and streaming writer of GGUF files |
//! | [`hf`] | the same for safetensors files and Hugging Face folders |
//!
//! Files are untrusted: every length is checked against the bytes that are really there before
//! anything is allocated, and a broken file is a [`FormatError`] that names the field or tensor.
//!
//! This crate must not know what a model is: no architecture, no tensor library, no device, no
//! tokenizer. It reads headers and converts blocks; tensor data is fetched by the caller through
//! the same [`Source`], a piece at a time, so that no file needs to fit in memory (a 7B student is
//! larger than the address space of wasm32).

pub mod blocks;
mod cursor;
mod error;
pub mod gguf;
pub mod hf;
mod sequence;
pub mod source;
pub mod types;

pub use error::FormatError;
#[cfg(not(target_family = "wasm"))]
pub use source::FileSource;
pub use source::{MemorySource, Source, SourceError};
pub use types::{GgmlType, TensorType};
