//! What can go wrong in a run.

/// Why training could not begin, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    #[error("no token of the batch is learnt")]
    NothingLearnt,
    #[error("the device failed: {0}")]
    Device(String),
}

impl TrainError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NothingLearnt => Some("every document of it is masked: look at the preflight"),
            _ => None,
        }
    }
}
