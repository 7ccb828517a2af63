//! What of the machine's file system a generated program sees, read-only.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::SandboxError;
use crate::interpreter::Interpreter;

/// Shared libraries and the loader that programs name; what there is of it is shown.
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
];

const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];

/// Folders that exist nearly everywhere, on one of which the new root is built, out of sight of all
/// others.
const MOUNT_POINTS: [&str; 6] = ["/tmp", "/mnt", "/var/tmp", "/srv", "/media", "/run"];

/// The new root, as calls to make in order.
#[derive(Debug)]
pub(super) struct View {
    /// Where it is built.
    pub mount_point: CString,
    pub items: Vec<Item>,
}

/// A file or folder of the machine, at its own path in the new root.
#[derive(Debug)]
pub(super) struct Item {
    pub source: CString,
    /// `source` without its leading slash.
    pub target: CString,
    /// Folders to make first, relative and outermost first.
    pub parents: Vec<CString>,
    pub is_folder: bool,
    pub is_device: bool,
}

impl View {
    pub fn of(interpreter: &Interpreter) -> Result<Self, SandboxError> {
        let libraries = LIBRARIES.iter().map(PathBuf::from);
        let devices = DEVICES.iter().map(PathBuf::from);
        let wanted: BTreeSet<_> = libraries
            .chain(devices)
            .chain(interpreter.shown.iter().cloned())
            .filter(|path| path.exists())
            .collect();
        // Sorted, so a folder comes before what is in it, which is then there already.
        let mut shown: Vec<PathBuf> = Vec::new();
        for path in wanted {
            if !shown.iter().any(|folder| path.starts_with(folder)) {
                shown.push(path);
            }
        }
        let mount_point = MOUNT_POINTS
            .iter()
            .map(Path::new)
            .find(|point| point.is_dir() && !shown.iter().any(|path| path.starts_with(point)))
            .ok_or_else(|| SandboxError::Containment {
                step: "looking for a folder to mount on",
                error: io::ErrorKind::NotFound.into(),
            })?;
        Ok(Self {
            mount_point: c_string(mount_point)?,
            items: shown
                .iter()
                .map(|path| Item::of(path))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Item {
    fn of(path: &Path) -> Result<Self, SandboxError> {
        let target = path.strip_prefix("/").unwrap_or(path);
        // From the path itself up to the empty one; both ends are none of the parents.
        let mut parents: Vec<_> = target
            .ancestors()
            .skip(1)
            .filter(|parent| !parent.as_os_str().is_empty())
            .map(c_string)
            .collect::<Result<_, _>>()?;
        parents.reverse();
        Ok(Self {
            source: c_string(path)?,
            target: c_string(target)?,
            parents,
            is_folder: path.is_dir(),
            is_device: path.starts_with("/dev"),
        })
    }
}

pub(super) fn c_string(path: &Path) -> Result<CString, SandboxError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|error| SandboxError::Containment {
        step: "naming a path",
        error: io::Error::other(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_outermost_first() {
        let item = Item::of(Path::new("/usr/lib/python3")).unwrap();
        assert_eq!(item.parents, [c"usr".into(), CString::from(c"usr/lib")]);
        assert_eq!(item.target.as_c_str(), c"usr/lib/python3");
    }

    #[test]
    fn nothing_is_shown_twice_and_the_mount_point_hides_nothing() {
        let interpreter = Interpreter {
            program: "/usr/lib/x".into(),
            shown: vec!["/usr/lib/x".into(), std::env::temp_dir()],
            packages: Vec::new(),
        };
        let view = View::of(&interpreter).unwrap();
        let inner = |item: &&Item| item.target.to_bytes().starts_with(b"usr/lib/");
        assert_eq!(view.items.iter().find(inner).map(|item| &item.target), None);
        let temporary = c_string(&std::env::temp_dir()).unwrap();
        assert_ne!(view.mount_point, temporary);
    }
}
