//! What can be wrong with a weight before any kernel runs.

use retort_formats::{FormatError, GgmlType};

/// Errors of weight upload. Shapes inside the decoder are the model's own and are asserted.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The bytes do not make up the matrix.
    #[error("{ty} matrix of {rows} x {cols}: expected {expected} bytes, got {got}")]
    Length {
        ty: &'static str,
        rows: usize,
        cols: usize,
        expected: usize,
        got: usize,
    },
    /// The block format does not fit.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The CPU layout refused the matrix.
    #[error(transparent)]
    Cpu(#[from] retort_cpu::CpuError),
    /// No kernel for this type on this device.
    #[error("{} weights have no kernel on {device}", ty.name())]
    Unsupported { ty: GgmlType, device: String },
}
