//! SIMD kernels over plain slices: the CPU twins of the GPU kernels.

mod activations;
mod attention;
mod dense;
mod element;
mod error;
mod gemm;
mod isa;
mod linear;
mod matmul;
mod output;
pub mod packed;
mod par;
mod quant;
mod rows;
mod simd;

pub use activations::Activations;
pub use attention::{KvCache, Queries, attention};
pub use dense::{Dense, matmul_dense};
pub use element::Element;
pub use error::CpuError;
pub use isa::Isa;
pub use linear::linear;
pub use matmul::matmul_packed;
pub use output::Output;
pub use packed::Packed;
pub use rows::{RopeTables, rms_norm, rope_in_place, swiglu};
