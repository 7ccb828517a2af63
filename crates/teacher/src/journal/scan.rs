//! Reading a journal from its beginning.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Entry, Record, VERSION, fingerprint_number, line, response_key, shown};
use crate::{TeacherError, Unit};

/// No record is longer: what is, was not written here, and must not fill the memory.
const LONGEST: u64 = 1 << 30;

/// What the accepted replies took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Prompt tokens.
    pub prompt: u64,
    /// Thoughts and answers.
    pub completion: u64,
    pub money: f64,
}

impl Spent {
    /// Prompt and completion.
    pub fn tokens(&self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}

/// What was not as it was written. Units whose records were lost are asked again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// At the end, behind the last whole record: a process was killed while it wrote.
    pub cut_bytes: u64,
    /// Before the last whole record: a failing disk, a power failure, an editor.
    pub damaged_lines: u64,
    /// Records of replies to units that have one already. The first one counts.
    pub repeated: u64,
}

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub accepted: BTreeMap<Unit, Entry>,
    /// Without those that were accepted later.
    pub failed: BTreeMap<Unit, Entry>,
    pub responses: HashSet<u64>,
    pub spent: Spent,
    /// Behind the last whole record.
    pub end: u64,
}

impl Scan {
    /// Counts a record; `false` if its unit has a reply already.
    pub fn take(&mut self, record: &Record, offset: u64, len: u64) -> bool {
        self.end = offset + len;
        match record {
            Record::Accepted(accepted) => {
                let Some(unit) = accepted.unit() else {
                    return true;
                };
                if self.accepted.contains_key(&unit) {
                    return false;
                }
                if let Some(id) = &accepted.response_id {
                    self.responses.insert(response_key(
                        &accepted.endpoint,
                        id,
                        accepted.thought.as_deref(),
                        &accepted.answer,
                    ));
                }
                let spent = &mut self.spent;
                spent.prompt = spent.prompt.saturating_add(accepted.usage.prompt);
                spent.completion = spent.completion.saturating_add(accepted.usage.completion);
                spent.money += accepted.cost;
                self.failed.remove(&unit);
                let fingerprint = fingerprint_number(&accepted.fingerprint);
                let entry = Entry {
                    offset,
                    len,
                    fingerprint,
                };
                self.accepted.insert(unit, entry);
            }
            Record::Failed(failed) => {
                let unit = Unit::parse(&failed.unit);
                if let Some(unit) = unit.filter(|unit| !self.accepted.contains_key(unit)) {
                    let entry = Entry {
                        offset,
                        len,
                        fingerprint: fingerprint_number(&failed.fingerprint),
                    };
                    self.failed.insert(unit, entry);
                }
            }
            Record::Journal { .. } | Record::Unknown => {}
        }
        true
    }
}

pub(super) fn scan(path: &Path, file: &mut File) -> Result<(Scan, Recovered), TeacherError> {
    let failed = |error| TeacherError::io("read", path, error);
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(TeacherError::NotAJournal {
            path: path.into(),
            got: "that of a device or pipe".into(),
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut input = BufReader::with_capacity(1 << 20, file);
    let mut scan = Scan::default();
    let mut recovered = Recovered::default();
    let mut bytes = Vec::new();
    let mut offset = 0;
    // Damaged lines since the last whole record: at the end they are what a kill left.
    let mut damaged = 0;
    loop {
        bytes.clear();
        let mut line = (&mut input).take(LONGEST);
        let len = line.read_until(b'\n', &mut bytes).map_err(failed)? as u64;
        if len == 0 {
            break;
        }
        let record = match bytes.ends_with(b"\n") {
            true => line::decode(&bytes),
            false => None,
        };
        match record {
            // A file that is something else must not be cut.
            Some(Record::Journal { version: VERSION }) if offset == 0 => {
                scan.take(&Record::Journal { version: VERSION }, offset, len);
            }
            _ if offset == 0 && !torn_beginning(&bytes) => {
                return Err(TeacherError::NotAJournal {
                    path: path.into(),
                    got: shown(&bytes),
                });
            }
            Some(record) => {
                recovered.damaged_lines += std::mem::take(&mut damaged);
                if !scan.take(&record, offset, len) {
                    recovered.repeated += 1;
                }
            }
            None => damaged += 1,
        }
        offset += len;
    }
    recovered.cut_bytes = offset - scan.end;
    Ok((scan, recovered))
}

/// Whether this is the first line of a journal, or the beginning of one: a process may be killed
/// while it writes that.
fn torn_beginning(bytes: &[u8]) -> bool {
    let mut first = Vec::new();
    line::encode(&Record::Journal { version: VERSION }, &mut first);
    first.starts_with(bytes)
}
