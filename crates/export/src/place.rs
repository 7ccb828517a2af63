//! Where an export goes.

use std::fs;
use std::path::Path;

use retort_report::{ReportError, atomic};

/// Makes the folder above `path`, and removes what a killed export left there.
pub(crate) fn prepare(path: &Path) -> Result<(), ReportError> {
    let parent = match path.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    fs::create_dir_all(parent).map_err(|error| ReportError::io("make", parent, error))?;
    atomic::clean(parent)?;
    Ok(())
}
