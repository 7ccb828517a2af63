//! What can go wrong in a run.

use std::path::{Path, PathBuf};

use retort_formats::FormatError;
use retort_report::ReportError;

/// Why training could not begin, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Model(#[from] retort_model::ModelError),
    #[error(transparent)]
    Infer(#[from] retort_infer::InferError),
    #[error("cannot {action} `{}`: {error}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        error: std::io::Error,
    },
    #[error(transparent)]
    Dataset(#[from] retort_dataset::DatasetError),
    #[error(transparent)]
    Text(#[from] retort_text::TextError),
    #[error("the tokenizer cannot be trained: {0}")]
    Tokenizer(String),
    #[error(transparent)]
    Export(#[from] retort_export::ExportError),
    #[error(
        "`{}` would not be the student: its next tokens diverge from the trainer's by \
         {divergence:.3} nats, at most {tolerance} are allowed", path.display()
    )]
    Parity {
        path: PathBuf,
        divergence: f64,
        tolerance: f64,
    },
    #[error("the configuration cannot be read: {0}")]
    Toml(toml::de::Error),
    #[error("{field} is {got}: expected {expected}")]
    Config {
        field: &'static str,
        expected: &'static str,
        got: String,
    },
    #[error("data.max_length is {length}, the student has {positions} positions")]
    TooLong { length: usize, positions: usize },
    #[error("no learning_rate is given, and no published student has this model's shape")]
    NoLearningRate,
    #[error("stopped before step {step}: {reason}; its batch is in `{}`", path.display())]
    Stopped {
        step: u64,
        reason: String,
        path: PathBuf,
    },
    #[error("no token of the batch is learnt")]
    NothingLearnt,
    #[error("the device failed: {0}")]
    Device(String),
    #[error("the checkpoint `{}` cannot be used: {reason}{}", path.display(), offer(*previous))]
    Checkpoint {
        path: PathBuf,
        reason: String,
        /// Step of the one before, if there is one.
        previous: Option<u64>,
    },
    #[error("the checkpoint `{}` belongs to another configuration or corpus", path.display())]
    OtherRun { path: PathBuf },
}

fn offer(previous: Option<u64>) -> String {
    match previous {
        Some(step) => format!("; the one before it is of step {step}"),
        None => "; there is none before it".into(),
    }
}

impl TrainError {
    pub(crate) fn io(action: &'static str, path: &Path, error: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_path_buf(),
            error,
        }
    }

    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format(error) => error.hint(),
            Self::Report(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::Infer(error) => error.hint(),
            Self::Dataset(error) => error.hint(),
            Self::Text(error) => error.hint(),
            Self::Tokenizer(_) => Some("a smaller vocabulary, or a larger corpus"),
            Self::Export(error) => error.hint(),
            Self::Parity { .. } => {
                Some("nothing was written; a type with more bits, or this is a bug to report")
            }
            Self::TooLong { .. } => Some(
                "shorten data.max_length, or give the student more with student.context (and a \
                 higher student.rope_theta)",
            ),
            Self::NoLearningRate => Some("add `learning_rate = 1e-5` to run.toml"),
            Self::Stopped { .. } => Some(
                "the documents are listed by their loss: mend or remove the first ones; or lower \
                 the learning rate, or raise guard.spike if this is expected",
            ),
            Self::NothingLearnt => Some("every document of it is masked: look at the preflight"),
            Self::Checkpoint {
                previous: Some(_), ..
            } => Some("go on from that one with `--from-step`, or begin again in another folder"),
            Self::Checkpoint { previous: None, .. } => Some("begin again in another folder"),
            Self::OtherRun { .. } => {
                Some("resume with the run.toml that the folder holds, or choose another folder")
            }
            Self::Io { error, .. } if error.kind() == std::io::ErrorKind::StorageFull => Some(
                "free space or set a smaller every.keep, and run the same command again: the last \
                 checkpoint is whole",
            ),
            Self::Device(_) => Some("the last checkpoint is whole: run the same command again"),
            _ => None,
        }
    }
}
