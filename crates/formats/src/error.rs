//! The one error type of this crate: what is wrong, what was expected, what was found, where.

use std::path::PathBuf;

use crate::{GgmlType, source::SourceError};

/// Why a file, a tensor or a block could not be read or written.
///
/// The message is complete: it says what is wrong and where, with the cause where there is one
/// (which [`std::error::Error::source`] therefore does not repeat). [`FormatError::hint`] says
/// what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    #[error("cannot read {field}: {error}")]
    Source { field: String, error: SourceError },

    #[error("not a GGUF file: expected it to start with `GGUF`, got {}", got.escape_ascii())]
    Magic { got: [u8; 4] },

    #[error("GGUF version {got} is not supported: expected 2 or 3")]
    Version { got: u32 },

    #[error("this GGUF file is big-endian (version field {got:#010x}): expected little-endian")]
    BigEndian { got: u32 },

    #[error("the file ends inside {field}: {needed} bytes at offset {offset}, {available} left")]
    Truncated {
        field: String,
        offset: u64,
        needed: u64,
        available: u64,
    },

    #[error("{field} is {got}: at most {max} is allowed")]
    Limit { field: String, got: u64, max: u64 },

    #[error("{field} is not valid UTF-8")]
    NotUtf8 { field: String },

    #[error("{field} has the unknown value type {got}: expected 0 to 12")]
    ValueType { field: String, got: u32 },

    #[error("{field} is an array of arrays, which llama.cpp does not allow either")]
    NestedArray { field: String },

    #[error("{field} holds the boolean byte {got}: expected 0 or 1")]
    Bool { field: String, got: u8 },

    #[error("{field} appears twice")]
    Duplicate { field: String },

    #[error("metadata key `{key}` is missing")]
    MissingKey { key: String },

    #[error("metadata key `{key}`: expected {expected}, got {got}")]
    WrongType {
        key: String,
        expected: &'static str,
        got: String,
    },

    #[error("general.alignment is {got}: expected a power of two")]
    Alignment { got: u64 },

    #[error("tensor `{tensor}` has dimensions {dims:?}: {reason}")]
    Dims {
        tensor: String,
        dims: Vec<u64>,
        reason: &'static str,
    },

    #[error("tensor `{tensor}` starts at {offset}: expected a multiple of {alignment}")]
    Misaligned {
        tensor: String,
        offset: u64,
        alignment: u64,
    },

    #[error("tensor `{tensor}` ends at byte {end}, but the file has {file_len} bytes")]
    OutOfFile {
        tensor: String,
        end: u64,
        file_len: u64,
    },

    #[error("tensors `{first}` and `{second}` overlap")]
    Overlap { first: String, second: String },

    #[error("ggml type {id} ({name}) is not supported")]
    UnsupportedType { id: u32, name: &'static str },

    #[error("tensor `{tensor}` is missing")]
    MissingTensor { tensor: String },

    #[error("a row of {ty} holds a multiple of {block_len} values, got {cols}")]
    RowLength {
        ty: GgmlType,
        block_len: usize,
        cols: usize,
    },

    #[error("{what} in {ty}: expected {expected}, got {got}")]
    BufferLength {
        ty: GgmlType,
        what: &'static str,
        expected: u64,
        got: u64,
    },

    #[error("value {index} is {value}: it cannot be stored as {ty}")]
    Unrepresentable {
        ty: GgmlType,
        index: usize,
        value: f32,
    },

    #[error("{file} cannot be used: {error}")]
    Json {
        file: String,
        error: serde_json::Error,
    },

    #[error("tensor `{tensor}` has data_offsets [{begin}, {end}]: {reason}")]
    DataOffsets {
        tensor: String,
        begin: u64,
        end: u64,
        reason: &'static str,
    },

    #[error("the tensors end at byte {end}, but the file has {file_len} bytes")]
    TrailingBytes { end: u64, file_len: u64 },

    #[error("tensor `{tensor}` has the element type {dtype}: expected F32, F16 or BF16")]
    UnsupportedDtype { tensor: String, dtype: String },

    #[error("the index names the file `{name}`: expected the name of a file beside it")]
    FileName { name: String },

    #[error("`{}` is missing", path.display())]
    MissingFile { path: PathBuf },

    #[error("`{}`: {error}", path.display())]
    InFile {
        path: PathBuf,
        error: Box<FormatError>,
    },

    #[error("`{}`: {error}", path.display())]
    Io {
        path: PathBuf,
        error: std::io::Error,
    },

    #[error("cannot write: {error}")]
    Write { error: std::io::Error },

    #[error(
        "tensor `{got}` written out of order: {}",
        expected.as_ref().map_or("expected no more".to_owned(), |due| format!("expected `{due}`"))
    )]
    TensorOrder {
        expected: Option<String>,
        got: String,
    },

    #[error("tensor `{tensor}`: expected {expected} bytes to be written, got {got}")]
    TensorBytes {
        tensor: String,
        expected: u64,
        got: u64,
    },

    #[error("out of memory for {field}: {bytes} bytes")]
    OutOfMemory { field: String, bytes: u64 },
}

impl FormatError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::InFile { error, .. } => return error.hint(),
            Self::Magic { .. } => {
                "expected a .gguf file; an HTML page or a Git LFS pointer saved in its place \
                 starts differently, download it again"
            }
            Self::Version { .. } => "convert the model again with a current llama.cpp",
            Self::BigEndian { .. } => "use the little-endian file of the same model",
            Self::Truncated { .. } | Self::OutOfFile { .. } => {
                "the file is incomplete: resume or repeat the download"
            }
            Self::MissingFile { .. } => {
                "expected a folder as `hf download` makes it, with config.json and \
                 model.safetensors (or its shards and their index); PyTorch's .bin files are not \
                 read"
            }
            Self::UnsupportedDtype { .. } => "convert the checkpoint to bfloat16",
            Self::UnsupportedType { .. } => {
                "use a file in F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q5_K or Q6_K \
                 (for example Q4_K_M)"
            }
            Self::MissingKey { .. } | Self::WrongType { .. } | Self::MissingTensor { .. } => {
                "the file was made by another converter, or for another kind of model: convert it \
                 again with llama.cpp's convert_hf_to_gguf.py"
            }
            Self::RowLength { .. } => "keep this tensor in F16 or Q8_0",
            Self::Limit { .. }
            | Self::NotUtf8 { .. }
            | Self::ValueType { .. }
            | Self::NestedArray { .. }
            | Self::Bool { .. }
            | Self::Duplicate { .. }
            | Self::Alignment { .. }
            | Self::Dims { .. }
            | Self::Misaligned { .. }
            | Self::Overlap { .. }
            | Self::Json { .. }
            | Self::DataOffsets { .. }
            | Self::TrailingBytes { .. }
            | Self::FileName { .. } => {
                "the file is damaged: compare its SHA-256 with the one its host states"
            }
            _ => return None,
        })
    }
}
