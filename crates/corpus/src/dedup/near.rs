//! Traces that are nearly the same.
//!
//! A signature of `bands * rows` numbers is cut into bands; texts that share a band are compared by
//! their whole signatures. Texts of similarity s share a band with probability
//! 1 - (1 - s^rows)^bands. With the defaults, 20 bands of 6:
//!
//! | similarity | 0.5 | 0.6 | 0.7 | 0.8 | 0.9 |
//! |---|---|---|---|---|---|
//! | compared | 27 % | 62 % | 92 % | 99.8 % | 100 % |
//!
//! Signatures are in a file, and bands are looked at one after the other. Memory: 16 bytes a trace,
//! for the band's hash and the cluster; disk: 480 bytes a trace while the step runs.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{MinHasher, Over, jaccard};
use crate::pipeline::{Context, Gone, Sink, choose, scan};
use crate::{CorpusError, Trace, words};

/// Keeps the first of texts that are nearly the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Near {
    /// What is compared. With `problem`, traces of the very same problem as the kept one stay.
    pub over: Over,
    /// From this similarity on, the later one is dropped.
    pub threshold: f64,
    /// Bands of a signature.
    pub bands: usize,
    /// Numbers of a band.
    pub rows: usize,
    /// Words of a shingle.
    pub shingle: usize,
}

impl Default for Near {
    fn default() -> Self {
        Self {
            over: Over::Trace,
            threshold: 0.8,
            bands: 20,
            rows: 6,
            shingle: 5,
        }
    }
}

impl Near {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        let size = self.bands.checked_mul(self.rows).unwrap_or(0);
        if !(1..=4096).contains(&size) || self.shingle == 0 {
            let got = format!(
                "{} bands of {}, {} words",
                self.bands, self.rows, self.shingle
            );
            let expected = "1 to 4096 numbers of a signature, and shingles of words";
            return Err(CorpusError::option("dedup_near", got, expected));
        }
        match self.threshold > 0.0 && self.threshold <= 1.0 {
            true => Ok(()),
            false => Err(CorpusError::option(
                "dedup_near.threshold",
                self.threshold,
                "a similarity above 0 up to 1",
            )),
        }
    }

    pub(crate) fn run(self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let path = context.scratch("signatures");
        let found = self.clusters(&path, context);
        let removed = std::fs::remove_file(&path);
        let (first, keys) = found?;
        removed.map_err(|error| CorpusError::io("remove", &path, error))?;
        let clusters = first
            .iter()
            .enumerate()
            .filter(|(at, first)| *at as u32 != **first);
        context.fact("in_clusters", clusters.count() as u64);
        choose(&context.input, sink, |number| {
            let at = number as usize;
            let kept = first.get(at).map_or(at, |first| *first as usize);
            let same = keys.get(at).is_some_and(|key| keys.get(kept) == Some(key));
            (kept != at && !same).then(|| Gone {
                reason: "dedup_near",
                detail: format!("nearly the same as row {} of the step", kept + 1),
                note: Some(serde_json::json!({"row": at + 1, "kept": kept + 1})),
            })
        })
    }

    /// The first row of each row's cluster, and the problems' keys if these are compared.
    fn clusters(
        self,
        path: &Path,
        context: &mut Context,
    ) -> Result<(Vec<u32>, Vec<u64>), CorpusError> {
        let failed = |error| CorpusError::io("write", path, error);
        let hasher = MinHasher::new(self.bands * self.rows, self.shingle);
        let file = File::create_new(path).or_else(|error| match error.kind() {
            // Left by a killed run.
            ErrorKind::AlreadyExists => File::create(path),
            _ => Err(error),
        });
        let mut writer = BufWriter::with_capacity(1 << 20, file.map_err(failed)?);
        let mut keys = Vec::new();
        let mut rows = 0_u32;
        let look = |trace: &Trace| {
            let signature = hasher.signature(&self.over.text(trace));
            let bytes: Vec<u8> = signature.iter().flat_map(|n| n.to_le_bytes()).collect();
            (bytes, trace.problem_key())
        };
        scan(
            &context.input,
            &mut context.control,
            look,
            |(bytes, key)| {
                if self.over == Over::Problem {
                    keys.push(key);
                }
                rows = rows.checked_add(1).ok_or_else(|| {
                    CorpusError::option("dedup_near", "more than 4 billion rows", "fewer")
                })?;
                writer.write_all(&bytes).map_err(failed)
            },
        )?;
        writer.flush().map_err(failed)?;
        drop(writer);
        let mut signatures = Signatures::open(path, self.bands * self.rows)?;
        let mut sets = Sets::new(rows);
        for band in 0..self.bands {
            let mut hashes = signatures.band(band * self.rows..(band + 1) * self.rows)?;
            hashes.par_sort_unstable();
            for bucket in hashes
                .chunk_by(|a, b| a.0 == b.0)
                .filter(|bucket| bucket.len() > 1)
            {
                self.join(bucket, &mut signatures, &mut sets)?;
            }
            context.control.tell()?;
        }
        Ok(((0..rows).map(|row| sets.find(row)).collect(), keys))
    }

    /// Joins the rows of a bucket that are as similar as asked. Each is compared with the first
    /// row of every cluster that the bucket has so far, so that a bucket of n costs n times the
    /// number of its clusters; a bucket of very many different texts is cut off.
    fn join(
        &self,
        bucket: &[(u64, u32)],
        signatures: &mut Signatures,
        sets: &mut Sets,
    ) -> Result<(), CorpusError> {
        const MOST: usize = 64;
        let mut heads: Vec<(u32, Vec<u32>)> = Vec::new();
        for (_, row) in bucket {
            let root = sets.find(*row);
            if heads.iter().any(|(head, _)| sets.find(*head) == root) {
                continue;
            }
            let own = signatures.read(*row)?;
            let like = heads
                .iter()
                .find(|(_, head)| jaccard(head, &own) >= self.threshold);
            match like {
                Some((head, _)) => sets.join(*head, *row),
                None if heads.len() < MOST => heads.push((*row, own)),
                None => {}
            }
        }
        Ok(())
    }
}

/// The file of signatures.
struct Signatures {
    file: File,
    path: std::path::PathBuf,
    places: usize,
}

impl Signatures {
    fn open(path: &Path, places: usize) -> Result<Self, CorpusError> {
        let file = File::open(path).map_err(|error| CorpusError::io("read", path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            places,
        })
    }

    /// A hash of these places, and the row, of each row.
    fn band(&mut self, places: std::ops::Range<usize>) -> Result<Vec<(u64, u32)>, CorpusError> {
        let failed = |error| CorpusError::io("read", &self.path, error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let mut bytes = vec![0; 4 * self.places];
        let mut hashes = Vec::new();
        loop {
            match reader.read_exact(&mut bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(hashes),
                Err(error) => return Err(failed(error)),
            }
            let band = words::hash(&bytes[4 * places.start..4 * places.end]);
            hashes.push((band, hashes.len() as u32));
        }
    }

    fn read(&mut self, row: u32) -> Result<Vec<u32>, CorpusError> {
        let mut bytes = vec![0; 4 * self.places];
        let start = SeekFrom::Start(u64::from(row) * bytes.len() as u64);
        let read = self
            .file
            .seek(start)
            .and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|error| CorpusError::io("read", &self.path, error))?;
        let number = |four: &[u8]| u32::from_le_bytes(std::array::from_fn(|at| four[at]));
        Ok(bytes.chunks_exact(4).map(number).collect())
    }
}

/// Disjoint sets of rows; the root of each is its first row.
struct Sets(Vec<u32>);

impl Sets {
    fn new(rows: u32) -> Self {
        Self((0..rows).collect())
    }

    fn find(&mut self, mut row: u32) -> u32 {
        while self.0[row as usize] != row {
            let above = self.0[self.0[row as usize] as usize];
            self.0[row as usize] = above;
            row = above;
        }
        row
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_known_by_their_first_row() {
        let mut sets = Sets::new(5);
        sets.join(4, 2);
        sets.join(3, 4);
        assert_eq!(
            (0..5).map(|row| sets.find(row)).collect::<Vec<_>>(),
            [0, 1, 2, 2, 2]
        );
        sets.join(2, 0);
        assert_eq!(sets.find(3), 0);
    }

    #[test]
    fn the_table_of_the_documentation_is_right() {
        let near = Near::default();
        let compared = |s: f64| 1.0 - (1.0 - s.powi(near.rows as i32)).powi(near.bands as i32);
        for (s, expected) in [
            (0.5, 0.27),
            (0.6, 0.62),
            (0.7, 0.92),
            (0.8, 0.998),
            (0.9, 1.0),
        ] {
            assert!(
                (compared(s) - expected).abs() < 0.005,
                "{s}: {}",
                compared(s)
            );
        }
    }
}
