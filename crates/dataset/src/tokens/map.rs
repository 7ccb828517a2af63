//! The one unsafe act of this crate: mapping a file into memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// The bytes of a file.
#[expect(unsafe_code, reason = "mapping a file is unsafe; see SAFETY")]
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes must not change while they are mapped. A cache file is written under
    // another name, then renamed into place, and never written again; whoever else may write to
    // the user's cache folder may also replace this program.
    unsafe { Mmap::map(file) }
}
