//! The one error type of this crate: what is wrong, what was expected, what was given.

use retort_formats::{FormatError, GgmlType};

/// Why a kernel refused its arguments. Nothing was written to the output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CpuError {
    #[error("{what}: expected {expected} elements, got {got}")]
    Length {
        what: &'static str,
        expected: usize,
        got: usize,
    },

    #[error("{what} overflows: {a} x {b}")]
    Overflow {
        what: &'static str,
        a: usize,
        b: usize,
    },

    #[error("{what} is {got}: it must be a multiple of {multiple}")]
    Multiple {
        what: &'static str,
        got: usize,
        multiple: usize,
    },

    #[error("{what} is {got}: it must be below {end}")]
    Range {
        what: &'static str,
        got: usize,
        end: usize,
    },

    #[error("this kernel takes {expected} weights, got {}", got.name())]
    Type {
        expected: &'static str,
        got: GgmlType,
    },

    #[error(transparent)]
    Blocks(#[from] FormatError),
}

/// `got == expected`, or a [`CpuError::Length`].
pub(crate) fn check_len(what: &'static str, expected: usize, got: usize) -> Result<(), CpuError> {
    if got == expected {
        Ok(())
    } else {
        Err(CpuError::Length {
            what,
            expected,
            got,
        })
    }
}

/// `a * b`, or a [`CpuError::Overflow`].
pub(crate) fn product(what: &'static str, a: usize, b: usize) -> Result<usize, CpuError> {
    a.checked_mul(b).ok_or(CpuError::Overflow { what, a, b })
}
