//! Event files for TensorBoard: curves and texts of a run.
//!
//! A run's folder holds one file for each time it was started. The framing is in `record`, the
//! messages are in `event`.

mod event;
mod record;

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ReportError;
use event::{Event, What};

/// Writes the events of a run.
///
/// Events are kept back up to some kilobytes: [`EventWriter::flush`] when someone may look, say
/// every few seconds. A killed process may leave half an event at the end, which TensorBoard passes
/// over.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Begins the file of a new run in `folder`, which is made if need be.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::DiskFull`], with the path.
    pub fn create(folder: &Path) -> Result<Self, ReportError> {
        let mut writer = Self::begin(folder)?;
        writer.write(0, What::Version)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Begins the file of a run that goes on with step `next`. TensorBoard then forgets the
    /// curves of the older files in the folder from `next` on; texts it may show twice.
    ///
    /// # Errors
    /// As for [`EventWriter::create`].
    pub fn resume(folder: &Path, next: u64) -> Result<Self, ReportError> {
        let mut writer = Self::begin(folder)?;
        writer.write(0, What::Version)?;
        writer.write(next, What::Start)?;
        writer.flush()?;
        Ok(writer)
    }

    fn begin(folder: &Path) -> Result<Self, ReportError> {
        fs::create_dir_all(folder).map_err(|error| ReportError::io("make", folder, error))?;
        let time = now() as u64;
        let host = host();
        let mut number = 0_u64;
        loop {
            // TensorBoard reads a folder's files in the order of their names.
            let path = folder.join(format!("events.out.tfevents.{time:010}.{host}.{number}"));
            match File::create_new(&path) {
                Ok(file) => {
                    let file = BufWriter::new(file);
                    return Ok(Self { path, file });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(ReportError::io("write", &path, error)),
            }
        }
    }

    /// Values of one step, each with the name of its curve (`loss/train`: names are grouped by what
    /// is before the slash). They are stored as f32; NaN and infinities are, and TensorBoard marks
    /// them.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::DiskFull`].
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<(), ReportError> {
        self.write(step, What::Scalars(values))
    }

    /// A text, such as a sample of what the model writes. TensorBoard shows it as Markdown.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::DiskFull`].
    pub fn text(&mut self, step: u64, tag: &str, text: &str) -> Result<(), ReportError> {
        self.write(step, What::Text { tag, text })
    }

    /// Hands everything to the operating system, for TensorBoard to see.
    ///
    /// # Errors
    /// [`ReportError::Io`] or [`ReportError::DiskFull`].
    pub fn flush(&mut self) -> Result<(), ReportError> {
        let flushed = self.file.flush();
        flushed.map_err(|error| ReportError::io("write", &self.path, error))
    }

    /// The file that is being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, step: u64, what: What) -> Result<(), ReportError> {
        let event = Event {
            wall_time: now(),
            step,
            what,
        };
        let framed = record::frame(&event.encode());
        let written = self.file.write_all(&framed);
        written.map_err(|error| ReportError::io("write", &self.path, error))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// A name for this machine that can be part of a file's name. It only tells files apart.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    let name: String = name
        .trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        .take(64)
        .collect();
    match name.is_empty() {
        true => "localhost".to_owned(),
        false => name,
    }
}
