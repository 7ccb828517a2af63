//! Files and folders that appear under their names only when complete.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::ExportError;

/// `dir/name` -> `dir/name.part`.
fn part_of(path: &Path) -> Result<PathBuf, ExportError> {
    let mut name = match path.file_name() {
        Some(name) => OsString::from(name),
        None => return Err(ExportError::Path { path: path.into() }),
    };
    name.push(".part");
    Ok(path.with_file_name(name))
}

/// A file being written beside its place; removed again unless it is committed.
pub(crate) struct PartFile {
    path: PathBuf,
    part: PathBuf,
    committed: bool,
}

impl PartFile {
    /// Creates `<path>.part`, and the folders above it where they are absent.
    pub fn create(path: &Path) -> Result<(Self, File), ExportError> {
        let part = part_of(path)?;
        if path.is_dir() {
            return Err(ExportError::Exists { path: path.into() });
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| ExportError::io(parent, error))?;
        }
        let file = File::create(&part).map_err(|error| ExportError::io(&part, error))?;
        let path = path.to_owned();
        let place = Self {
            path,
            part,
            committed: false,
        };
        Ok((place, file))
    }

    /// Puts the file in its place, once its bytes are on the disk: a crash of the machine must
    /// not leave an empty file there.
    pub fn commit(mut self, file: File) -> Result<(), ExportError> {
        let failed = |error| ExportError::writing(&self.path, ExportError::io(&self.path, error));
        file.sync_all().map_err(failed)?;
        drop(file);
        fs::rename(&self.part, &self.path).map_err(failed)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.committed {
            // There is an error already, which says more than this one would.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// A folder being filled beside its place; removed again unless it is committed.
pub(crate) struct PartFolder {
    path: PathBuf,
    part: PathBuf,
    committed: bool,
}

impl PartFolder {
    /// Creates `<path>.part`, in place of what an interrupted export left there.
    ///
    /// # Errors
    /// [`ExportError::Exists`] where `path` is there and not an empty folder: files of another
    /// model must neither be lost nor mixed with these.
    pub fn create(path: &Path) -> Result<Self, ExportError> {
        let part = part_of(path)?;
        let exists = || ExportError::Exists { path: path.into() };
        match fs::read_dir(path) {
            Ok(mut entries) => match entries.next() {
                None => {}
                Some(_) => return Err(exists()),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(exists()),
            Err(error) => return Err(ExportError::io(path, error)),
        }
        match fs::remove_dir_all(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(ExportError::io(&part, error));
            }
            _ => {}
        }
        fs::create_dir_all(&part).map_err(|error| ExportError::io(&part, error))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            committed: false,
        })
    }

    /// Where to write.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Puts the folder in its place, once its files are on the disk.
    pub fn commit(mut self) -> Result<(), ExportError> {
        let failed = |error| ExportError::writing(&self.path, ExportError::io(&self.path, error));
        for entry in fs::read_dir(&self.part).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // Windows flushes only handles that may write.
            let file = File::options().write(true).open(path).map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        match fs::remove_dir(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::rename(&self.part, &self.path).map_err(failed)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for PartFolder {
    fn drop(&mut self) {
        if !self.committed {
            // There is an error already, which says more than this one would.
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}
