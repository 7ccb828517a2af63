//! The one error type of this crate: what could not be done, where, and why.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why something could not be written or read.
///
/// The message is complete, with the cause where there is one (which [`std::error::Error::source`]
/// therefore does not repeat). [`ReportError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    #[error("cannot {action} `{}`: {error}", path.display())]
    Io {
        /// A verb: "write", "rename".
        action: &'static str,
        path: PathBuf,
        error: io::Error,
    },

    #[error("cannot {action} `{}`: the disk is full", path.display())]
    DiskFull { action: &'static str, path: PathBuf },

    #[error("`{}` is there already", path.display())]
    Exists { path: PathBuf },

    #[error("`{}` cannot be written to: it ends in no name", path.display())]
    NoName { path: PathBuf },

    #[error("`{}`, line {line}: {error}", path.display())]
    Record {
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        error: serde_json::Error,
    },

    #[error("a record cannot be written as JSON: {error}")]
    Encode { error: serde_json::Error },

    #[error("a record of metrics is `{got}`: expected a JSON object")]
    NotAnObject { got: String },
}

impl ReportError {
    /// From an error of the file system. Disks and quotas that are full get their own variant,
    /// because that is what long runs die of.
    pub fn io(action: &'static str, path: &Path, error: io::Error) -> Self {
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
            Self::DiskFull { .. } => {
                "free space, or keep fewer checkpoints; what was written before is whole"
            }
            Self::Exists { .. } => "remove it, or choose another name",
            Self::NoName { .. } => "expected the path of a file or folder, as in `runs/first`",
            Self::Record { .. } => {
                "the file was changed by something else, or the record is of another kind; a line \
                 may be deleted, the others stay valid"
            }
            Self::Io { error, .. } => match error.kind() {
                ErrorKind::PermissionDenied => {
                    "check who owns the folder and whether it is writable"
                }
                ErrorKind::ReadOnlyFilesystem => "choose a folder on a disk that can be written to",
                _ => return None,
            },
            Self::Encode { .. } | Self::NotAnObject { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disks_have_their_own_error_and_the_path() {
        let full = io::Error::from(ErrorKind::StorageFull);
        let error = ReportError::io("write", Path::new("runs/a/model.bin"), full);
        let text = error.to_string();
        assert_eq!(text, "cannot write `runs/a/model.bin`: the disk is full");
        assert!(error.hint().is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_says_full_in_this_way() {
        use std::io::Write;
        // Every write to this device fails as on a full disk.
        let path = Path::new("/dev/full");
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let error = ReportError::io("write", path, file.write_all(b"x").unwrap_err());
        assert!(matches!(error, ReportError::DiskFull { .. }), "{error}");
    }
}
