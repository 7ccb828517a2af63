//! Appending records, and taking back those that a resumed run makes again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::visible::Visible;
use crate::{ReportError, atomic};

/// The open file of a run. One process writes it; any number may read it meanwhile.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    file: File,
    /// The end of the last whole record, in bytes.
    len: u64,
}

/// All that is looked at in a record.
#[derive(Deserialize)]
struct Step {
    step: Option<u64>,
}

impl Metrics {
    /// Opens the file, or begins one in a folder that exists. A line that a killed process left
    /// unfinished at the end is cut off.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::DiskFull`], with the path.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let path = path.into();
        let open = || {
            let mut file = append_to(&path)?;
            let len = whole_lines(&mut file)?;
            file.set_len(len)?;
            Ok((file, len))
        };
        let (file, len) = open().map_err(|error| ReportError::io("open", &path, error))?;
        Ok(Self { path, file, len })
    }

    /// Adds one record, which readers see at once. It survives this process, but a power failure
    /// only after [`Metrics::sync`].
    ///
    /// # Errors
    /// [`ReportError::Encode`] or [`ReportError::NotAnObject`] for a record that is no JSON object;
    /// [`ReportError::DiskFull`] or [`ReportError::Io`], after which the file holds no part of the
    /// record and more may be appended.
    pub fn append(&mut self, record: &impl Serialize) -> Result<(), ReportError> {
        let mut line =
            serde_json::to_vec(&Visible(record)).map_err(|error| ReportError::Encode { error })?;
        if !line.starts_with(b"{") {
            let got = String::from_utf8_lossy(&line).chars().take(80).collect();
            return Err(ReportError::NotAnObject { got });
        }
        line.push(b'\n');
        match self.file.write_all(&line) {
            Ok(()) => {
                self.len += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a line would swallow the next one.
                let _ = self.file.set_len(self.len);
                Err(ReportError::io("write", &self.path, error))
            }
        }
    }

    /// Removes the records of later steps than `step`, and says how many those were: what a run
    /// that goes on from a checkpoint of `step` will measure again, so that its file becomes that of
    /// a run which was never interrupted. Other lines, those without a `step` among them, stay as
    /// they are, byte by byte.
    ///
    /// The file is replaced at once: readers that have it open keep seeing the old one.
    ///
    /// # Errors
    /// [`ReportError::Record`] with the line if one is no record, and as for [`Metrics::open`]; the
    /// file is as before then.
    pub fn truncate_after(&mut self, step: u64) -> Result<u64, ReportError> {
        let path = &self.path;
        let read = |error| ReportError::io("read", path, error);
        let mut removed = 0;
        let mut len = 0;
        let mut input = BufReader::new(File::open(path).map_err(read)?);
        atomic::write_file_with(path, |file| {
            let write = |error| ReportError::io("write", path, error);
            let mut output = BufWriter::new(file);
            let mut line = Vec::new();
            for number in 1.. {
                line.clear();
                if input.read_until(b'\n', &mut line).map_err(read)? == 0 {
                    break;
                }
                let record = line.trim_ascii();
                if !record.is_empty() {
                    let parsed: Step =
                        serde_json::from_slice(record).map_err(|error| ReportError::Record {
                            path: path.clone(),
                            line: number,
                            error,
                        })?;
                    if parsed.step.is_some_and(|found| found > step) {
                        removed += 1;
                        continue;
                    }
                }
                len += line.len() as u64;
                output.write_all(&line).map_err(write)?;
            }
            output.flush().map_err(write)
        })?;
        // The name now belongs to another file than the one that is open.
        self.file = append_to(path).map_err(|error| ReportError::io("open", path, error))?;
        self.len = len;
        Ok(removed)
    }

    /// Brings all records to the disk: before a checkpoint is written that counts on them.
    ///
    /// # Errors
    /// [`ReportError::DiskFull`] or [`ReportError::Io`].
    pub fn sync(&self) -> Result<(), ReportError> {
        self.file
            .sync_all()
            .map_err(|error| ReportError::io("write", &self.path, error))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn append_to(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

/// How many bytes the lines have that are ended. Looks for the last end of line from behind.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        block.resize((end - start) as usize, 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
