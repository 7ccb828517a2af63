//! Hugging Face checkpoints: a folder of `config.json`, safetensors shards and tokenizer files.
//!
//! A safetensors file is a u64 length, that many bytes of JSON
//! (`{"name": {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [begin, end]}, ...}` with
//! an optional `"__metadata__"` of strings), and the data, which the tensors cover without holes.
//!
//! The header is parsed here and not by the `safetensors` crate, whose offsets are `usize`: in
//! wasm32 it could not describe a shard over 4 GiB, and it puts no bound on what a hostile header
//! makes it allocate. The tests hold both to the same files.

#[cfg(not(target_family = "wasm"))]
mod folder;
mod json;
mod safetensors;
mod writer;

#[cfg(not(target_family = "wasm"))]
pub use folder::{Folder, FolderWriter};
pub use safetensors::{
    Dtype, HfTensor, SafetensorsHeader, parse_safetensors_header, read_safetensors_header,
};
pub use writer::{HfTensorSpec, SafetensorsWriter};
