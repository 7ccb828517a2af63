//! What can go wrong between a host and the disk, and what to do about it.

use crate::{
    answer::StartOver, disk::DiskError, journal::JournalError, manifest::ManifestError,
    sha256::Digest, text::bytes,
};
use retort_protocol::FailureKind;
use thiserror::Error;

/// An operation of the store that failed.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    #[error("`{url}` is not an address")]
    Address { url: String },
    #[error("`{url}` cannot be reached: {why}")]
    Unreachable { url: String, why: String },
    #[error("the host answers {status} for `{url}`")]
    Status { url: String, status: u16 },
    #[error("the host does not say how many bytes `{url}` has")]
    NoSize { url: String },
    #[error("`{url}` has {got} bytes, expected {expected}")]
    Size {
        url: String,
        expected: u64,
        got: u64,
    },
    #[error("the connection broke {tries} times in a row; {} of {} are there: {why}", bytes(*.got), bytes(*.total))]
    Interrupted {
        tries: u32,
        got: u64,
        total: u64,
        why: String,
    },
    #[error("the download had to begin again {tries} times. {why}")]
    Restarts { tries: u32, why: StartOver },
    #[error("the host sends more than the {expected} bytes it announced")]
    TooLong { expected: u64 },
    #[error("SHA-256 of {what} is {got}, expected {expected}")]
    WrongHash {
        what: String,
        expected: Digest,
        got: Digest,
    },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the student's `sha256` is `{got}`, expected 64 hexadecimal digits")]
    StatedHash { got: String },
    #[error("{} are needed, but the browser gives {} (of {})", bytes(*.need), bytes(*.free), bytes(*.quota))]
    Full { need: u64, free: u64, quota: u64 },
    #[error("the browser refuses storage on disk, and {} are too many to keep in memory (at most {})", bytes(*.need), bytes(*.limit))]
    NoDisk { need: u64, limit: u64 },
    #[error("`{id}` is in use by another tab or by the running engine")]
    Busy { id: String },
    #[error("`{id}` is not in the store, or not all of it")]
    NotStored { id: String },
    #[error("the dropped file `{name}` cannot be read: {why}")]
    Dropped { name: String, why: String },
    #[error("the download was stopped")]
    Cancelled,
    #[error("the download was refused: {message}")]
    Refused {
        kind: FailureKind,
        message: String,
        hint: String,
    },
    #[error("the browser cannot store the file: {0}")]
    Disk(#[from] DiskError),
    #[error("the store's journal: {0}")]
    Journal(#[from] JournalError),
}

impl StoreError {
    /// The kind under which the page shows it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::NoSize { .. }
            | Self::Interrupted { .. }
            | Self::Restarts { .. }
            | Self::Dropped { .. }
            | Self::Busy { .. }
            | Self::NotStored { .. }
            | Self::Cancelled => FailureKind::Download,
            Self::Size { .. }
            | Self::TooLong { .. }
            | Self::WrongHash { .. }
            | Self::Manifest(_)
            | Self::StatedHash { .. } => FailureKind::Corrupt,
            Self::Full { .. } | Self::NoDisk { .. } | Self::Disk(DiskError::Full) => {
                FailureKind::StorageFull
            }
            Self::Refused { kind, .. } => *kind,
            Self::Disk(_) | Self::Journal(_) => FailureKind::Internal,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Refused { hint, .. } => hint,
            Self::Address { .. } => "Check the address: it begins with https:// and names a file.",
            Self::Unreachable { .. } => {
                "Check the connection, or try again later. The host must also allow downloads from \
                 other sites (CORS)."
            }
            Self::Status {
                status: 401 | 403, ..
            } => {
                "The host wants a login or a licence accepted. Download it there and drop the file \
                 here."
            }
            Self::Status { .. } => "Check the address, or try again later.",
            Self::NoSize { .. } => "Download the file by other means and drop it here.",
            Self::Interrupted { .. } => "Try again: the download goes on where it stopped.",
            Self::Restarts { .. } => {
                "Try another host, or download the file by other means and drop it here."
            }
            Self::Size { .. } | Self::TooLong { .. } => {
                "The file on the host is not the one in the list. Try again later, or delete it."
            }
            Self::WrongHash { .. } => {
                "What was damaged is dropped. Try again; if it fails again the host's file is \
                 damaged."
            }
            Self::Manifest(_) | Self::StatedHash { .. } => {
                "Whoever publishes the student has to correct this."
            }
            Self::Full { .. } | Self::Disk(DiskError::Full) => {
                "Delete students that you no longer need, or free space on the disk."
            }
            Self::NoDisk { .. } => "Use a normal window instead of a private one.",
            Self::Busy { .. } => "Close the other tab, or wait until it has finished.",
            Self::NotStored { .. } => "Download it first.",
            Self::Dropped { .. } => "Drop the file again; it may have been moved or changed.",
            Self::Cancelled => "Start it again: it goes on where it stopped.",
            Self::Disk(_) | Self::Journal(_) => {
                "Reload the page. If it stays, delete the student and download it again."
            }
        };
        hint.to_string()
    }
}
