//! What stops a run, or keeps it from starting. What goes wrong with one request is a
//! [`Fault`](crate::Fault) and stops nothing.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a run could not start or go on.
///
/// The message is complete. After any error the journal is as whole as after a kill.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeacherError {
    #[error("cannot {action} `{}`: {error}", path.display())]
    Io {
        /// A verb: "write", "open".
        action: &'static str,
        path: PathBuf,
        error: io::Error,
    },

    #[error("cannot {action} `{}`: the disk is full", path.display())]
    DiskFull { action: &'static str, path: PathBuf },

    #[error("`{}` is in use by another process", path.display())]
    Locked { path: PathBuf },

    #[error("`{}` is no journal of this version: its first line is {got}", path.display())]
    NotAJournal { path: PathBuf, got: String },

    #[error("`{}`, byte {offset}: the record does not match its checksum", path.display())]
    Damaged { path: PathBuf, offset: u64 },

    #[error("the journal has a reply to another question under the name `{unit}`")]
    Changed { unit: String },

    #[error("two requests have the id `{id}`")]
    DuplicateRequest { id: String },

    #[error("request {number} has the id `{id}`: expected 1 to 512 bytes without control codes")]
    RequestId {
        /// Counted from 1.
        number: usize,
        id: String,
    },

    #[error("the request `{id}` has no messages")]
    NoMessages { id: String },

    #[error("{field} is {got}: expected {expected}")]
    Config {
        field: &'static str,
        expected: &'static str,
        got: String,
    },

    #[error("the endpoint `{endpoint}` wants a key, and the environment has no `{variable}`")]
    NoKey { endpoint: String, variable: String },

    #[error("the key in `{variable}` cannot be a header: it has characters that no key has")]
    KeyCharacters { variable: String },
}

impl TeacherError {
    /// From an error of the file system.
    pub(crate) fn io(action: &'static str, path: &Path, error: io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { action, path },
            _ => Self::Io {
                action,
                path,
                error,
            },
        }
    }

    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::DiskFull { .. } => "free space and start again: the replies so far are kept",
            Self::Locked { .. } => "wait for the other run, stop it, or use another folder",
            Self::NotAJournal { .. } => "give an empty folder, or one that this program made",
            Self::Damaged { .. } => {
                "something else wrote to the file; open the journal to run the job again, which \
                 passes over what is damaged and asks for it anew"
            }
            Self::Changed { .. } => {
                "use another folder for changed questions, sampling or seeds, or give the changed \
                 requests new ids"
            }
            Self::DuplicateRequest { .. } => "ids name the replies: make them unique and stable",
            Self::RequestId { .. } => "give each request a short name, such as `gsm8k-17`",
            Self::NoMessages { .. } => "a conversation needs at least a message of the user",
            Self::NoKey { .. } => "set the variable, or remove `api_key_env` if none is needed",
            Self::KeyCharacters { .. } => "check for a line break or quotes copied with the key",
            Self::Io { error, .. } if error.kind() == ErrorKind::PermissionDenied => {
                "check who owns the folder and whether it is writable"
            }
            Self::Io { .. } | Self::Config { .. } => return None,
        })
    }
}
