//! Errors of the layers below, as the page shows them: kind, message, hint.

use retort_protocol::{Failure, FailureKind, Stage};
use retort_store::error::StoreError;

pub fn new(kind: FailureKind, message: impl Into<String>, hint: &str) -> Failure {
    Failure {
        kind,
        during: None,
        message: message.into(),
        hint: hint.into(),
    }
}

/// The same, while answering a request.
pub fn during(stage: Stage, failure: Failure) -> Failure {
    Failure {
        during: Some(stage),
        ..failure
    }
}

pub fn store(error: &StoreError) -> Failure {
    new(error.kind(), error.to_string(), &error.hint())
}

#[cfg(feature = "engine")]
pub fn device_lost(why: &str) -> Failure {
    new(
        FailureKind::DeviceLost,
        format!("The GPU was lost: {why}"),
        "The conversation is kept. Load the engine again; if this repeats, use the CPU.",
    )
}

/// A refused allocation on the device arrives as a panic too.
pub fn panic(message: &str) -> Failure {
    let lower = message.to_lowercase();
    if lower.contains("out of memory") || lower.contains("not enough memory") {
        return new(
            FailureKind::TooLarge,
            format!("The device has no room for this: {message}"),
            "Use a smaller student or a shorter context, or close other programs.",
        );
    }
    new(
        FailureKind::Internal,
        message,
        "This is a bug of Retort's. The conversation is kept; reload the engine.",
    )
}
