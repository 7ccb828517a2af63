//! The one error type of this crate.

/// Why no problem could be made.
///
/// Answers never lead to an error: a wrong or hostile one is a [`Check`](crate::Check) that says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemError {
    #[error("there is no family of problems `{name}`{}", near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownFamily {
        name: String,
        /// The family whose name is most like it, if any is.
        near: Option<&'static str>,
    },

    #[error("difficulty {got} of `{family}`: expected 1 to 10")]
    Difficulty { family: String, got: u8 },

    #[error("difficulties {low} to {high} of `{family}`: expected a range within 1 to 10")]
    Range { family: String, low: u8, high: u8 },

    #[error("the mixture holds nothing: every weight is 0")]
    NoWeight,
}

impl ProblemError {
    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownFamily { .. } => {
                "the names are those of `families()`; a domain's name takes all its families"
            }
            Self::Range { .. } => "the first number is the easiest, the second the hardest",
            Self::NoWeight => {
                "give a family a weight above 0, or no weights for all families alike"
            }
            Self::Difficulty { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_is_wrong() {
        let error = ProblemError::UnknownFamily {
            name: "countdwn".to_owned(),
            near: Some("countdown"),
        };
        assert_eq!(
            error.to_string(),
            "there is no family of problems `countdwn`; did you mean `countdown`?"
        );
        assert!(error.hint().is_some());
    }
}
