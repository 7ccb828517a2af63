//! Makes a cache file: lines in batches, rendered on all cores, written in the corpus's order.

use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use bytemuck::Zeroable;
use rayon::prelude::*;
use tempfile::NamedTempFile;

use super::format::{self, Entry, HEADER_BYTES, Header};
use super::map::map;
use super::{FileSummary, Progress, Summary};
use crate::read::{Raw, RawLines, Read, parse};
use crate::{CorpusFile, DatasetError, HistoryTurns, Origin, Rendered, Renderer, Student};

/// Lines that are read before they are rendered together: enough for all cores, and bounded in
/// bytes, since traces are long.
const BATCH_LINES: usize = 512;
const BATCH_BYTES: usize = 32 << 20;

/// A repetition costs an entry a document.
const MAX_REPEAT: u32 = 1000;

/// An entry names its file by 16 bits.
const MAX_FILES: usize = u16::MAX as usize;

pub(super) fn build(
    files: &[CorpusFile],
    student: &Student<'_>,
    history: HistoryTurns,
    key: &[u8; 32],
    path: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), DatasetError> {
    if files.is_empty() {
        return Err(DatasetError::Empty {
            reason: "the corpus has no files".to_owned(),
        });
    }
    if files.len() > MAX_FILES {
        return Err(DatasetError::Option {
            name: "the number of files",
            got: files.len().to_string(),
            expected: "at most 65535",
        });
    }
    let renderer = Renderer::new(*student, history)?;
    let counts = files.iter().map(|file| RawLines::count(&file.path));
    let counts: Vec<u64> = counts.collect::<Result<_, _>>()?;
    let mut writer = Writer::create(path)?;
    writer.summary.end = renderer.end_text();
    let mut state = Progress {
        done: 0,
        total: counts.iter().sum(),
        tokens: 0,
    };
    progress(state);
    for (at, (file, count)) in (0u16..).zip(files.iter().zip(counts)) {
        let before = state.done;
        build_file(file, at, &renderer, &mut writer, &mut |lines, tokens| {
            state.done = before + lines.min(count);
            state.tokens = tokens;
            progress(state);
        })?;
        state.done = before + count;
        progress(state);
    }
    let vocabulary = u32::try_from(student.tokenizer.vocab_size()).unwrap_or(u32::MAX);
    writer.finish(key, vocabulary)
}

/// Documents and group of one conversation; none if a reply of it has no end.
type Line = Option<(u64, Vec<Rendered>)>;

fn build_file(
    file: &CorpusFile,
    index: u16,
    renderer: &Renderer<'_>,
    writer: &mut Writer,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), DatasetError> {
    if !(1..=MAX_REPEAT).contains(&file.repeat) {
        return Err(DatasetError::Option {
            name: "repeat",
            got: file.repeat.to_string(),
            expected: "1 to 1000; a file that is not wanted is left out",
        });
    }
    let mut summary = FileSummary {
        // JSON has no name that is not Unicode.
        path: file.path.to_string_lossy().into_owned().into(),
        repeat: file.repeat,
        ..FileSummary::default()
    };
    let mut lines = RawLines::open(&file.path)?;
    let render = |(origin, raw): (Origin, Raw)| -> Result<(Origin, Line), DatasetError> {
        match parse(raw, file, origin.clone())? {
            Read::Unfinished => Ok((origin, None)),
            Read::Conversation(conversation) => {
                let documents = renderer.documents(&conversation)?;
                Ok((origin, Some((conversation.group(), documents))))
            }
        }
    };
    let limit = file.limit.unwrap_or(u64::MAX);
    while summary.conversations < limit {
        // An error counts only once the lines before it are done and the limit is not reached.
        let (batch, failure) = read_batch(&mut lines, limit - summary.conversations);
        if batch.is_empty() {
            failure.map_or(Ok(()), Err)?;
            break;
        }
        let rendered: Vec<_> = batch.into_par_iter().map(render).collect();
        let mut last = 0;
        for line in rendered {
            if summary.conversations == limit {
                break;
            }
            let (origin, line) = line?;
            last = origin.line;
            let Some((group, documents)) = line else {
                summary.unfinished += 1;
                continue;
            };
            summary.conversations += 1;
            for document in documents {
                summary.documents += 1;
                writer.add(&document, group, index, &origin, file.repeat)?;
            }
        }
        progress(last, writer.tokens);
        if summary.conversations < limit {
            failure.map_or(Ok(()), Err)?;
        }
    }
    writer.summary.files.push(summary);
    Ok(())
}

/// The next lines, at most `limit`, and the error that ended them.
fn read_batch(lines: &mut RawLines, limit: u64) -> (Vec<(Origin, Raw)>, Option<DatasetError>) {
    let limit = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .min(BATCH_LINES);
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < limit && bytes < BATCH_BYTES {
        match lines.next_line() {
            Ok(Some((origin, raw))) => {
                // A row of a table holds about what a line of the same corpus does.
                bytes += match &raw {
                    Raw::Line(line) => line.len(),
                    Raw::Row(_) => BATCH_BYTES / BATCH_LINES,
                };
                batch.push((origin, raw));
            }
            Ok(None) => break,
            Err(error) => return (batch, Some(error)),
        }
    }
    (batch, None)
}

/// The file while it is written.
struct Writer {
    out: BufWriter<NamedTempFile>,
    /// Bytes of data written.
    data: u64,
    entries: Vec<Entry>,
    summary: Summary,
    tokens: u64,
    path: PathBuf,
}

impl Writer {
    fn create(path: &Path) -> Result<Self, DatasetError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let create = || {
            std::fs::create_dir_all(folder)?;
            let mut out = BufWriter::new(NamedTempFile::new_in(folder)?);
            // Written last, when the lengths are known.
            out.write_all(&[0; HEADER_BYTES])?;
            Ok(out)
        };
        Ok(Self {
            out: create().map_err(|error| DatasetError::Write {
                path: path.to_owned(),
                error,
            })?,
            data: 0,
            entries: Vec::new(),
            summary: Summary::default(),
            tokens: 0,
            path: path.to_owned(),
        })
    }

    fn add(
        &mut self,
        document: &Rendered,
        group: u64,
        file: u16,
        origin: &Origin,
        repeat: u32,
    ) -> Result<(), DatasetError> {
        let learnt = document.learnt.iter().filter(|&&learnt| learnt).count();
        if learnt == 0 {
            return Err(DatasetError::NothingLearnt {
                origin: origin.clone(),
            });
        }
        if learnt == document.ids.len() {
            return Err(DatasetError::EverythingLearnt {
                origin: origin.clone(),
            });
        }
        self.summary.with_thought += u64::from(document.has_thought);
        self.summary.inexact += u64::from(document.inexact);
        // Both fit: a rendered conversation has at most 16 MiB.
        let entry = Entry {
            start: self.data,
            group,
            len: document.ids.len() as u32,
            learnt: learnt as u32,
            line: u32::try_from(origin.line).unwrap_or(u32::MAX),
            file,
            flags: u16::from(document.has_thought) * format::HAS_THOUGHT
                + u16::from(document.inexact) * format::INEXACT,
        };
        self.entries
            .extend(std::iter::repeat_n(entry, repeat as usize));
        self.tokens += document.ids.len() as u64;
        let mask: Vec<u8> = document
            .learnt
            .iter()
            .map(|&learnt| learnt.into())
            .collect();
        let padding = mask.len().next_multiple_of(4) - mask.len();
        let bytes: [&[u8]; 3] = [
            bytemuck::cast_slice(&document.ids),
            &mask,
            &[0; 3][..padding],
        ];
        for bytes in bytes {
            self.data += bytes.len() as u64;
            self.out
                .write_all(bytes)
                .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn finish(self, key: &[u8; 32], vocabulary: u32) -> Result<(), DatasetError> {
        let path = self.path.clone();
        self.seal(key, vocabulary)
            .map_err(|error| DatasetError::Write { path, error })
    }

    /// Writes what follows the data and the header, then gives the file its name.
    fn seal(mut self, key: &[u8; 32], vocabulary: u32) -> io::Result<()> {
        let padding = (self.data.next_multiple_of(8) - self.data) as usize;
        self.out.write_all(&[0; 8][..padding])?;
        self.out.write_all(bytemuck::cast_slice(&self.entries))?;
        let summary = serde_json::to_vec(&self.summary)?;
        self.out.write_all(&summary)?;
        let mut header = Header {
            magic: format::MAGIC,
            version: format::VERSION,
            vocabulary,
            key: *key,
            data: self.data + padding as u64,
            entries: self.entries.len() as u64,
            summary: summary.len() as u64,
            ..Header::zeroed()
        };
        let mut file = self.out.into_inner().map_err(|error| error.into_error())?;
        // Twice: the checksum is also of the header's lengths.
        write_header(&mut file, &header)?;
        header.checksum = format::checksum(&map(file.as_file())?);
        write_header(&mut file, &header)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn failed(&self, error: io::Error) -> DatasetError {
        DatasetError::Write {
            path: self.path.clone(),
            error,
        }
    }
}

fn write_header(file: &mut NamedTempFile, header: &Header) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytemuck::bytes_of(header))
}
