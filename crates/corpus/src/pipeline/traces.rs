//! What a step leaves: a file of lines, or only which lines of an earlier file stay.
//!
//! Most steps drop traces and change none. Their file, `NN-name.rows`, has one bit for each line of
//! the last file that holds text, so a corpus is written out twice and not once for every step.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retort_dataset::Origin;

use crate::{CorpusError, Trace};

const BATCH_BYTES: usize = 8 << 20;
const BATCH_ROWS: usize = 8192;
/// How a file of rows begins; after it, the bits in words of 64.
const MAGIC: &[u8; 8] = b"RETROWS1";

/// The traces that a step leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    file: PathBuf,
    /// None: all lines.
    rows: Option<Arc<Bits>>,
    count: u64,
}

/// One bit a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

/// Some lines in memory.
#[derive(Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    /// Where each line stands in `text`, and its number in the file.
    lines: Vec<(Range<usize>, u64)>,
    /// Bytes read for them, with what was passed over.
    pub read: u64,
}

/// The lines of [`Traces`] in order.
pub(super) struct Reader<'t> {
    traces: &'t Traces,
    file: BufReader<File>,
    /// The next line's number in the file.
    row: u64,
    /// Lines still to come.
    left: u64,
}

impl Traces {
    /// All lines of a file.
    pub(super) fn whole(file: PathBuf, count: u64) -> Self {
        let rows = None;
        Self { file, rows, count }
    }

    /// Some lines of the same file, by their numbers in it.
    pub(super) fn only(&self, rows: Bits) -> Self {
        Self {
            file: self.file.clone(),
            count: rows.count(),
            rows: Some(Arc::new(rows)),
        }
    }

    /// Those lines that a step's file of rows names.
    pub(super) fn load(&self, path: &Path) -> Result<Self, CorpusError> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(|error| CorpusError::io("read", path, error))?;
        let rows = Bits::parse(&bytes).ok_or_else(|| {
            let error = std::io::Error::other("it is no file of rows");
            CorpusError::io("read", path, error)
        })?;
        Ok(self.only(rows))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The file that holds their text, other traces among them.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Each trace, in order.
    ///
    /// # Errors
    /// Of the call, if the file cannot be opened; of an item, if it cannot be read or is no trace.
    pub fn iter(
        &self,
    ) -> Result<impl Iterator<Item = Result<Trace, CorpusError>> + '_, CorpusError> {
        let mut reader = self.reader()?;
        let mut batch = Batch::default();
        let mut at = 0;
        Ok(std::iter::from_fn(move || {
            while at == batch.len() {
                match reader.next() {
                    Ok(Some(next)) => (batch, at) = (next, 0),
                    Ok(None) => return None,
                    Err(error) => return Some(Err(error)),
                }
            }
            at += 1;
            Some(self.parse(batch.line(at - 1), batch.row(at - 1)))
        }))
    }

    pub(super) fn reader(&self) -> Result<Reader<'_>, CorpusError> {
        let file = File::open(&self.file);
        let file = file.map_err(|error| CorpusError::io("read", &self.file, error))?;
        Ok(Reader {
            traces: self,
            file: BufReader::with_capacity(1 << 18, file),
            row: 0,
            left: self.count,
        })
    }

    /// The numbers of the lines in the file.
    pub(super) fn rows(&self) -> impl Iterator<Item = u64> + '_ {
        let all = match &self.rows {
            None => 0..self.count,
            Some(rows) => 0..64 * rows.0.len() as u64,
        };
        all.filter(|row| self.has(*row))
    }

    fn has(&self, row: u64) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.has(row))
    }

    pub(super) fn origin(&self, row: u64) -> Origin {
        Origin::new(&self.file, row + 1)
    }

    pub(super) fn parse(&self, line: &[u8], row: u64) -> Result<Trace, CorpusError> {
        serde_json::from_slice(line).map_err(|error| CorpusError::Trace {
            origin: self.origin(row),
            reason: error.to_string(),
        })
    }
}

impl Batch {
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn line(&self, at: usize) -> &[u8] {
        &self.text[self.lines[at].0.clone()]
    }

    /// A line's number in the file.
    pub fn row(&self, at: usize) -> u64 {
        self.lines[at].1
    }
}

impl Reader<'_> {
    pub fn next(&mut self) -> Result<Option<Batch>, CorpusError> {
        let failed = |error| CorpusError::io("read", &self.traces.file, error);
        let mut batch = Batch::default();
        while self.left > 0 && batch.text.len() < BATCH_BYTES && batch.lines.len() < BATCH_ROWS {
            let start = batch.text.len();
            let wanted = self.traces.has(self.row);
            let read = match wanted {
                true => self.file.read_until(b'\n', &mut batch.text),
                false => self.file.skip_until(b'\n'),
            };
            let read = read.map_err(failed)?;
            if read == 0 {
                let error = std::io::Error::other("it has fewer lines than were written");
                return Err(failed(error));
            }
            if wanted {
                let end = batch.text.len() - usize::from(batch.text.ends_with(b"\n"));
                batch.lines.push((start..end, self.row));
                self.left -= 1;
            }
            self.row += 1;
            batch.read += read as u64;
        }
        Ok((!batch.lines.is_empty()).then_some(batch))
    }
}

impl Bits {
    pub fn set(&mut self, at: u64) {
        let word = (at / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (at % 64);
    }

    pub fn has(&self, at: u64) -> bool {
        let word = self.0.get((at / 64) as usize);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let words = self.0.iter().flat_map(|word| word.to_le_bytes());
        MAGIC.iter().copied().chain(words).collect()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.strip_prefix(MAGIC)?.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        rest.is_empty().then(|| Self(words.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_lines_are_read_with_their_numbers() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: String = (0..300).map(|at| format!("{{\"at\":{at}}}\n")).collect();
        std::fs::write(file.path(), lines).unwrap();
        let all = Traces::whole(file.path().to_owned(), 300);
        let mut bits = Bits::default();
        [3, 64, 299].iter().for_each(|row| bits.set(*row));
        assert_eq!(Bits::parse(&bits.bytes()), Some(bits.clone()));
        assert_eq!(Bits::parse(&bits.bytes()[..9]), None);
        let some = all.only(bits);
        let batch = some.reader().unwrap().next().unwrap().unwrap();
        assert_eq!((some.count(), batch.len()), (3, 3));
        assert_eq!((batch.line(1), batch.row(1)), (&b"{\"at\":64}"[..], 64));
        assert_eq!(some.rows().collect::<Vec<_>>(), [3, 64, 299]);
        let batch = all.reader().unwrap().next().unwrap().unwrap();
        assert_eq!((batch.len(), batch.line(299)), (300, &b"{\"at\":299}"[..]));
        // A file that lost lines is an error, not a shorter corpus.
        let longer = Traces::whole(file.path().to_owned(), 301);
        assert!(longer.reader().unwrap().next().is_err());
    }
}
