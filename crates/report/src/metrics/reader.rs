//! Records read back, typed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::ReportError;

/// Reads a file of metrics, also while it is being written.
///
/// # Errors
/// [`ReportError::Io`] if it cannot be opened.
pub fn read<T: DeserializeOwned>(path: impl Into<PathBuf>) -> Result<Records<T>, ReportError> {
    let path = path.into();
    let file = File::open(&path).map_err(|error| ReportError::io("open", &path, error))?;
    Ok(Records {
        path,
        input: Some(BufReader::new(file)),
        line: 0,
        buffer: Vec::new(),
        record: PhantomData,
    })
}

/// The records of a file in order.
///
/// A line that is no record gives [`ReportError::Record`] with its number, and the next ones follow.
/// Blank lines are passed over, and so is a last line without an end: it is being written, or its
/// writer was killed.
#[derive(Debug)]
pub struct Records<T> {
    path: PathBuf,
    /// Gone at the end, or after an error of the disk.
    input: Option<BufReader<File>>,
    line: u64,
    buffer: Vec<u8>,
    record: PhantomData<fn() -> T>,
}

impl<T> Records<T> {
    /// The number of the line that was read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl<T: DeserializeOwned> Iterator for Records<T> {
    type Item = Result<T, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.buffer.clear();
            match self.input.as_mut()?.read_until(b'\n', &mut self.buffer) {
                Ok(_) => {}
                Err(error) => {
                    self.input = None;
                    return Some(Err(ReportError::io("read", &self.path, error)));
                }
            }
            if !self.buffer.ends_with(b"\n") {
                self.input = None;
                return None;
            }
            self.line += 1;
            let record = self.buffer.trim_ascii();
            if record.is_empty() {
                continue;
            }
            return Some(
                serde_json::from_slice(record).map_err(|error| ReportError::Record {
                    path: self.path.clone(),
                    line: self.line,
                    error,
                }),
            );
        }
    }
}
