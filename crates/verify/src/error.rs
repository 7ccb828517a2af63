//! The one error type of this crate: why a text is no answer that can be computed with.

/// Why a text could not be read as a value.
///
/// [`crate::verify`] never returns it: there a text that is no formula is compared as text, and
/// one that is over a limit is the verdict [`crate::Reason::TooComplex`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A limit on length, depth or work.
    #[error("the answer is too complex: more than {limit} {what}")]
    TooComplex {
        /// What there was too much of: "characters", "levels", "nodes", "digits".
        what: &'static str,
        /// The most that is accepted.
        limit: usize,
    },

    /// Something that cannot stand where it stands.
    #[error("`{found}` was not expected at token {at} of the answer")]
    Unexpected {
        /// Counted from 0.
        at: usize,
        /// What stands there.
        found: String,
    },

    /// The answer stops in the middle.
    #[error("the answer ends where {expected} was expected")]
    Ends {
        /// What should have followed.
        expected: &'static str,
    },
}

impl VerifyError {
    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooComplex { .. } => {
                "a final answer is short: check that the whole reply was not taken for the answer"
            }
            Self::Unexpected { .. } | Self::Ends { .. } => {
                "write the answer as LaTeX or plain mathematics, or ask for the kind `text`"
            }
        }
    }
}
