//! The decoder's operations, one per file: formula, reference in plain tensor ops, CubeCL kernel,
//! CPU twin, and a test that they agree.
//!
//! This is the only crate that looks at dtypes, block formats or backends. The model calls the
//! functions here with burn tensors; each picks, by the device of its input:
//!
//! - an autodiff device: the reference, which is differentiable;
//! - a CubeCL device (WebGPU, Vulkan, Metal, DX12, CUDA): the kernel beside it;
//! - the CPU (burn's Flex backend): the twin in `retort-cpu`.
//!
//! Vocabulary of CubeCL, used in the kernels: a *cube* is a workgroup, a *unit* one of its
//! threads, `CUBE_POS` and `UNIT_POS` their indices.

mod attention;
mod embedding;
mod error;
mod flex;
mod gpu;
mod linear;
mod maybe;
mod packed;
mod rms_norm;
mod rope;
mod swiglu;
#[cfg(feature = "train")]
pub mod train;

pub use attention::{Attention, attention, attention_reference};
pub use embedding::Embedding;
pub use error::KernelError;
pub use gpu::dispatches;
pub use linear::{Fusion, Linear, Lora, Shard, Weight};
pub use packed::{Packed, PackedSpec};
pub use rms_norm::rms_norm;
pub use rope::{RopeTable, rope_append, rope_reference};
pub use swiglu::swiglu;
