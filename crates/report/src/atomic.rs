//! Files and folders that are whole or not there.
//!
//! Everything is made under a temporary name in the same folder, brought to the disk (fsync) and
//! then renamed, which file systems do at once. A process that is killed before leaves only the
//! temporary, which [`clean`] recognises by its name and removes.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::ReportError;

/// How temporaries end. They begin with a dot.
const SUFFIX: &str = ".retort-tmp";
/// Held locked in a temporary folder while it is being filled: see [`clean`].
const LOCK: &str = ".retort-lock";

/// Writes a file at once: readers find the old content or the new, never a part, even after a
/// power failure. A symbolic link is replaced, not followed.
///
/// # Errors
/// [`ReportError::DiskFull`], or [`ReportError::Io`] with the path; the old file is unharmed then.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    write_file_with(path, |file| {
        file.write_all(content)
            .map_err(|error| ReportError::io("write", path, error))
    })
}

/// The same for content that is not in memory: `fill` writes it to the (unbuffered) file.
///
/// # Errors
/// Those of `fill`, and as for [`write_file`]. The old file is unharmed then.
pub fn write_file_with<T, E: From<ReportError>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let (mut file, temporary) = temporary(path, |candidate| {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(candidate)
    })?;
    // Where a file system has no locks, `clean` must simply not run at the same time.
    let _ = file.lock();
    let result = fill(&mut file).and_then(|value| {
        file.sync_all()
            .map_err(|error| ReportError::io("write", path, error))?;
        Ok(value)
    });
    // Closed before it is renamed, which Windows wants.
    drop(file);
    let result = result.and_then(|value| {
        rename(&temporary, path)?;
        Ok(value)
    });
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Makes a folder at once: `fill` is given an empty temporary folder beside `path`, whose files are
/// then brought to the disk before it gets its name.
///
/// # Errors
/// Those of `fill`; [`ReportError::Exists`] if there is something at `path` already (a folder made
/// here is complete: keep it, or [`remove_folder`] it); and as for [`write_file`]. In all cases the
/// temporary is removed.
pub fn write_folder<T, E: From<ReportError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    // Asked early: filling may take minutes.
    absent(path)?;
    let ((), temporary) = temporary(path, |candidate| fs::create_dir(candidate))?;
    let result = fill_folder(&temporary, path, fill);
    if result.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    result
}

fn fill_folder<T, E: From<ReportError>>(
    temporary: &Path,
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let lock_path = temporary.join(LOCK);
    let lock = File::create_new(&lock_path)
        .map_err(|error| ReportError::io("write", &lock_path, error))?;
    let _ = lock.lock();
    let value = fill(temporary)?;
    sync_tree(temporary)?;
    drop(lock);
    fs::remove_file(&lock_path).map_err(|error| ReportError::io("remove", &lock_path, error))?;
    // Unix renames over an empty folder without a word.
    absent(path)?;
    sync_folder(temporary)?;
    rename(temporary, path)?;
    Ok(value)
}

/// Removes a folder so that no half of it is ever seen under its name. Nothing there is no error.
///
/// # Errors
/// [`ReportError::Io`] with the path.
pub fn remove_folder(path: &Path) -> Result<(), ReportError> {
    // An empty folder is made first: renaming onto it is allowed on Unix only, so it gives up its
    // name again; what it is for is finding a name that is free.
    let ((), doomed) = temporary(path, |candidate| fs::create_dir(candidate))?;
    fs::remove_dir(&doomed).map_err(|error| ReportError::io("remove", &doomed, error))?;
    match fs::rename(path, &doomed) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ReportError::io("remove", path, error)),
    }
    fs::remove_dir_all(&doomed).map_err(|error| ReportError::io("remove", path, error))
}

/// Removes what killed processes left half-written in `parent` (not below it), and says how many
/// files and folders that were. A folder that does not exist has none.
///
/// Temporaries are locked while they are written, and a lock ends with its process, so those of a
/// process that still runs are left alone. Where the file system has no locks (some network disks)
/// no other process may be writing to `parent`.
///
/// # Errors
/// [`ReportError::Io`] with the path.
pub fn clean(parent: &Path) -> Result<usize, ReportError> {
    let failed = |error| ReportError::io("read", parent, error);
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(failed)?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if !is_temporary(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let gone = match is_folder {
            true if is_locked(&path.join(LOCK)) => continue,
            true => fs::remove_dir_all(&path),
            false if is_locked(&path) => continue,
            false => fs::remove_file(&path),
        };
        match gone {
            Ok(()) => removed += 1,
            // Another process cleaned as well, or finished.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(ReportError::io("remove", &path, error)),
        }
    }
    Ok(removed)
}

/// Whether a name is one of this module's temporaries, which listings of a folder should pass over.
pub fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && name.ends_with(SUFFIX.as_bytes())
}

fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn absent(path: &Path) -> Result<(), ReportError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(ReportError::Exists {
            path: path.to_path_buf(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ReportError::io("read", path, error)),
    }
}

/// Makes something under the first name that is free. A counter does where a process id would not:
/// in a container every run has the same one.
fn temporary<T>(
    path: &Path,
    make: impl Fn(&Path) -> std::io::Result<T>,
) -> Result<(T, PathBuf), ReportError> {
    let Some(name) = path.file_name() else {
        return Err(ReportError::NoName {
            path: path.to_path_buf(),
        });
    };
    let mut number = 0_u64;
    loop {
        let mut candidate = OsString::from(".");
        candidate.push(name);
        candidate.push(format!(".{number}{SUFFIX}"));
        let candidate = path.with_file_name(candidate);
        match make(&candidate) {
            Ok(made) => return Ok((made, candidate)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(ReportError::io("write", path, error)),
        }
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), ReportError> {
    fs::rename(from, to).map_err(|error| ReportError::io("rename a temporary to", to, error))?;
    // The new name is an entry of the folder, which is on the disk only when the folder is.
    match to.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Brings all files below a folder to the disk, and the folders that list them.
fn sync_tree(folder: &Path) -> Result<(), ReportError> {
    let failed = |error| ReportError::io("read", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let path = entry.path();
        if kind.is_dir() {
            sync_tree(&path)?;
        } else if kind.is_file() {
            // Windows flushes only through a handle that may write; Unix through any.
            OpenOptions::new()
                .read(true)
                .write(cfg!(windows))
                .open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|error| ReportError::io("write", &path, error))?;
        }
    }
    sync_folder(folder)
}

/// Brings the list of names in a folder to the disk. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> Result<(), ReportError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| ReportError::io("write", folder, error))?;
    }
    Ok(())
}
