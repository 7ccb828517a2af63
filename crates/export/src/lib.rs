//! A trained student as files that others load: GGUF for llama.cpp and its kin (and Retort), a
//! Hugging Face folder for transformers, vLLM and further training.
//!
//! | module | holds |
//! |---|---|
//! | [`base`] | [`Base`]: what the student was trained from, and so its shape and vocabulary |
//! | [`weights`] | [`Weights`]: the student's tensors, one at a time |
//! | [`files`] | [`FileWeights`]: the tensors of a GGUF file or a folder, for conversions |
//! | [`provenance`] | [`Provenance`]: where the student comes from, as metadata |
//! | [`gguf`] | [`write_gguf`], and which tensor gets which type |
//! | [`hugging_face`] | [`write_hugging_face`] |
//!
//! ```no_run
//! use retort_export::{Base, Dtype, FileWeights, GgufKind, Provenance};
//!
//! let base = Base::open("SmolLM2-135M-Instruct")?;
//! let mut weights = FileWeights::open("SmolLM2-135M-Instruct")?;
//! let provenance = Provenance::new().with("name", "My student")?;
//! let quiet = &mut |_: retort_export::Progress<'_>| ();
//! let to = std::path::Path::new("student.gguf");
//! retort_export::write_gguf(&base, &mut weights, &provenance, GgufKind::Q4_K, to, quiet)?;
//! let to = std::path::Path::new("student");
//! retort_export::write_hugging_face(&base, &mut weights, &provenance, Dtype::Bf16, to, quiet)?;
//! # Ok::<(), retort_export::ExportError>(())
//! ```
//!
//! Files appear under their names only when they are complete (`retort_report::atomic`).
//!
//! No more than one tensor is in memory, as f32, with a few megabytes of its encoded rows.
//!
//! This crate must not know a tensor library or a device: it gets plain slices, so that it builds
//! in seconds and whatever trained the student can use it.

pub mod base;
mod encode;
mod error;
pub mod files;
pub mod gguf;
pub mod hugging_face;
mod place;
mod policy;
pub mod provenance;
mod vocabulary;
pub mod weights;

pub use base::{Base, HuggingFaceFiles};
pub use error::ExportError;
pub use files::FileWeights;
pub use gguf::{GgufKind, write_gguf};
pub use hugging_face::{Dtype, write_hugging_face};
pub use provenance::Provenance;
pub use weights::{Progress, TensorInfo, Weights};
