//! Lines of a JSON Lines file, compressed or not.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::{DatasetError, Origin};

/// A trace of a million tokens has about four megabytes; a line of more than this is no trace but
/// a file without line ends, and would fill the memory.
const MAX_LINE_BYTES: usize = 64 << 20;

pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
}

impl Lines {
    pub fn open(path: &Path, compressed: bool) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|error| DatasetError::Read {
            path: path.to_owned(),
            error,
        })?;
        let reader: Box<dyn BufRead + Send> = match compressed {
            true => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))),
            false => Box::new(BufReader::with_capacity(1 << 16, file)),
        };
        Ok(Self {
            reader,
            path: path.to_owned(),
        })
    }

    /// The next line, without its end. Only `\n` ends a line: texts hold Unicode's other line ends.
    pub fn next_line(&mut self, origin: &Origin) -> Result<Option<Vec<u8>>, DatasetError> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(MAX_LINE_BYTES as u64 + 1);
        let read = limited.read_until(b'\n', &mut line);
        let read = read.map_err(|error| self.failed(error))?;
        if read > MAX_LINE_BYTES {
            return Err(DatasetError::LineTooLong {
                origin: origin.clone(),
                max: MAX_LINE_BYTES,
            });
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        // Windows' editors start a file with a byte order mark.
        if origin.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok((read > 0).then_some(line))
    }

    /// Line ends in what is left, and a last line without one.
    pub fn count(mut self) -> Result<u64, DatasetError> {
        let mut count = 0;
        let mut last = b'\n';
        loop {
            let bytes = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) => return Err(self.failed(error)),
            };
            let Some(&end) = bytes.last() else { break };
            last = end;
            count += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
            let len = bytes.len();
            self.reader.consume(len);
        }
        Ok(count + u64::from(last != b'\n'))
    }

    fn failed(&self, error: std::io::Error) -> DatasetError {
        DatasetError::Read {
            path: self.path.clone(),
            error,
        }
    }
}
