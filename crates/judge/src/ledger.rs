//! Verdicts that took long, on the disk: an interrupted step does not run a program twice.
//!
//! Lines of JSON, appended. Losing some at a crash of the machine only costs the time to run them
//! again, so nothing waits for the disk. In memory there is only where each is: some 100 bytes a
//! program.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use retort_corpus::Verdict;
use serde::{Deserialize, Serialize};

use crate::JudgeError;

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    verdict: Option<Verdict>,
}

pub(crate) struct Ledger {
    path: PathBuf,
    open: Option<Open>,
}

struct Open {
    file: File,
    end: u64,
    /// Offset and length of the line of each key.
    places: HashMap<String, (u64, usize)>,
}

impl Ledger {
    /// Nothing is made or read before it is asked for something.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
        }
    }

    /// None: not known. None within: it was found that nothing can be said.
    pub fn get(&mut self, key: &str) -> Result<Option<Option<Verdict>>, JudgeError> {
        self.with(|open| {
            let Some((offset, len)) = open.places.get(key) else {
                return Ok(None);
            };
            let mut bytes = vec![0; *len];
            open.file.seek(SeekFrom::Start(*offset))?;
            open.file.read_exact(&mut bytes)?;
            // One that was changed since is run again.
            let line = serde_json::from_slice(&bytes).ok();
            Ok(line.map(|line: Line| line.verdict))
        })
        .map_err(|error| self.failed("read", error))
    }

    pub fn put(&mut self, key: &str, verdict: Option<&Verdict>) -> Result<(), JudgeError> {
        let line = Line {
            key: key.to_owned(),
            verdict: verdict.cloned(),
        };
        self.with(|open| {
            let mut bytes = serde_json::to_vec(&line)?;
            bytes.push(b'\n');
            open.file.seek(SeekFrom::Start(open.end))?;
            open.file.write_all(&bytes)?;
            open.places.insert(line.key, (open.end, bytes.len()));
            open.end += bytes.len() as u64;
            Ok(())
        })
        .map_err(|error| self.failed("write", error))
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Open) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        let open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.path)?,
        };
        work(self.open.insert(open))
    }

    fn failed(&self, action: &'static str, error: std::io::Error) -> JudgeError {
        JudgeError::Io {
            action,
            path: self.path.display().to_string(),
            error,
        }
    }
}

impl Open {
    fn new(path: &Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path)?;
        let mut reader = BufReader::new(&file);
        let mut places = HashMap::new();
        let (mut end, mut bytes) = (0, Vec::new());
        loop {
            bytes.clear();
            match reader.read_until(b'\n', &mut bytes) {
                // What a killed process left half-written is written over.
                Ok(_) if !bytes.ends_with(b"\n") => break,
                Ok(len) => {
                    if let Ok(line) = serde_json::from_slice::<Line>(&bytes) {
                        places.insert(line.key, (end, len));
                    }
                    end += len as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        file.set_len(end)?;
        Ok(Self { file, end, places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_out_is_there_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/code.jsonl");
        let said = Verdict {
            accepted: true,
            how: "tests".into(),
            detail: "ü\n".into(),
        };
        let mut ledger = Ledger::new(&path);
        assert_eq!(ledger.get("a").unwrap(), None);
        ledger.put("a", Some(&said)).unwrap();
        ledger.put("b", None).unwrap();
        assert_eq!(ledger.get("a").unwrap(), Some(Some(said.clone())));
        drop(ledger);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"key\":\"c\",\"ver");
        std::fs::write(&path, text).unwrap();
        let mut ledger = Ledger::new(&path);
        assert_eq!(ledger.get("b").unwrap(), Some(None));
        assert_eq!(ledger.get("c").unwrap(), None);
        ledger.put("c", Some(&said)).unwrap();
        drop(ledger);
        let mut ledger = Ledger::new(&path);
        for key in ["a", "c"] {
            assert_eq!(ledger.get(key).unwrap(), Some(Some(said.clone())), "{key}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
