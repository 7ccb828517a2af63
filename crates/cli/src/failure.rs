//! How errors reach the user: what happened, what caused it, and what to do about it.

use std::io;

use anyhow::Error;
use retort_corpus::CorpusError;
use retort_dataset::DatasetError;
use retort_export::ExportError;
use retort_formats::FormatError;
use retort_infer::InferError;
use retort_model::ModelError;
use retort_teacher::TeacherError;
use retort_text::TextError;
use retort_train::TrainError;

use crate::note::note;

/// An error of the program itself, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    hint: String,
}

impl Failure {
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Prints `error: ...`, the chain of causes, and the first hint that any of them has.
pub fn report(error: &Error) {
    note(format!("error: {error}"));
    for cause in error.chain().skip(1) {
        note(format!("  cause: {cause}"));
    }
    if let Some(hint) = hint(error) {
        note(format!("hint: {hint}"));
    }
}

/// The whole chain on one line, for a line of JSON.
pub fn line(error: &Error) -> String {
    format!("{error:#}")
}

/// What to do about it, if any error of the chain knows.
pub fn hint(error: &Error) -> Option<&str> {
    // Asked of the whole error: one that was attached as context is no link of the chain by itself.
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(&failure.hint);
    }
    error.chain().find_map(|cause| {
        let infer = cause.downcast_ref().and_then(InferError::hint);
        let model = || cause.downcast_ref().and_then(ModelError::hint);
        let format = || cause.downcast_ref().and_then(FormatError::hint);
        let text = || cause.downcast_ref().and_then(TextError::hint);
        let train = || cause.downcast_ref().and_then(TrainError::hint);
        let dataset = || cause.downcast_ref().and_then(DatasetError::hint);
        let corpus = || cause.downcast_ref().and_then(CorpusError::hint);
        let teacher = || cause.downcast_ref().and_then(TeacherError::hint);
        let export = || cause.downcast_ref().and_then(ExportError::hint);
        infer
            .or_else(model)
            .or_else(format)
            .or_else(text)
            .or_else(train)
            .or_else(export)
            .or_else(dataset)
            .or_else(corpus)
            .or_else(teacher)
    })
}

/// Whether the error is that no one reads our standard output any more.
pub fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_hint_is_found_below_context() {
        let result: Result<(), Error> = Err(Failure::new("no", "try yes").into());
        let error = result.context("asking").unwrap_err();
        assert_eq!(hint(&error), Some("try yes"));
        assert_eq!(line(&error), "asking: no");
        let attached = anyhow::anyhow!("root").context(Failure::new("no", "try yes"));
        let attached = attached.context("asking");
        assert_eq!(hint(&attached), Some("try yes"));
        assert_eq!(line(&attached), "asking: no: root");
        let format = Error::from(FormatError::Version { got: 9 }).context("opening");
        assert!(hint(&format).is_some_and(|hint| hint.contains("convert")));
        assert_eq!(hint(&anyhow::anyhow!("plain")), None);
    }

    #[test]
    fn a_closed_reader_is_told_from_other_errors() {
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&Error::from(pipe).context("writing")));
        assert!(!is_broken_pipe(&anyhow::anyhow!("pipe")));
    }
}
