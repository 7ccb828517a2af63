//! What a student is before any of its weights is read: its shape, its rotary frequencies, and the
//! names and shapes of its tensors, out of either format and into either.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | [`Config`]: the hyper-parameters, checked |
//! | `json`, `gguf` | [`Config`] from and to `config.json` and GGUF metadata |
//! | [`rope`] | [`RopeScaling`]: the frequencies, and how longer contexts change them |
//! | [`tensors`] | every tensor of a decoder, by Hugging Face's and by llama.cpp's name |
//! | [`heads`] | the order of the rows of q and k, which llama files change |
//! | [`presets`] | the six students |
//!
//! This crate must not know a tensor library: the decoder and the exporter both build on it, and
//! the exporter builds in seconds.

pub mod config;
mod error;
mod gguf;
pub mod heads;
mod json;
pub mod presets;
pub mod rope;
pub mod tensors;

pub use config::{Architecture, Config};
pub use error::ConfigError;
pub use gguf::ROPE_FREQS;
pub use json::decimal;
pub use rope::RopeScaling;
pub use tensors::{Role, Tensor, gguf_name, hugging_face_name};
