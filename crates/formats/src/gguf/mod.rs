//! GGUF, the file format of llama.cpp: metadata, a table of tensors, then their data.
//!
//! A file is (little-endian, after ggml's `docs/gguf.md`):
//!
//! ```text
//! "GGUF"  version u32  tensors u64  entries u64
//! entries x { key string, type u32, value }
//! tensors x { name string, n u32, n x dim u64, type u32, offset u64 }
//! padding to general.alignment (32 where absent)
//! data, each tensor at its offset from here
//! ```
//!
//! A string is a u64 length and UTF-8 bytes; an array is a type u32, a count u64 and its values.

mod limits;
mod metadata;
mod reader;
mod tensors;
mod writer;

pub use metadata::{Array, Metadata, Value};
pub use reader::{Header, ReadOptions, read_header, read_header_with};
pub use tensors::TensorInfo;
pub use writer::{TensorSpec, Writer};
