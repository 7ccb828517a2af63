//! Downloads that are killed, cut and damaged at random moments, on a disk that loses what was
//! not flushed. Whatever happens, the file ends right and little is fetched twice.

use proptest::prelude::*;
use retort_protocol::Student;
use retort_store::{
    BLOCK, CHUNK,
    disk::{Disk, DiskError},
    error::StoreError,
    intake::{Found, Intake},
    journal::{Header, Journal},
    manifest::Manifest,
    sha256::Digest,
};
use std::{cell::RefCell, rc::Rc};

/// A file whose writes since the last flush can be lost or torn.
#[derive(Clone, Default)]
struct CrashDisk(Rc<RefCell<Files>>);

#[derive(Default)]
struct Files {
    now: Vec<u8>,
    flushed: Vec<u8>,
    /// Writes left before the disk reports that it is full.
    room: Option<u64>,
}

impl CrashDisk {
    /// The machine goes down: each 4 KiB sector is the flushed or the written one.
    fn power_loss(&self, mut lost: impl FnMut() -> bool) {
        let mut files = self.0.borrow_mut();
        let longest = if lost() {
            files.flushed.len()
        } else {
            files.now.len()
        };
        let mut after = vec![0; longest];
        for (index, sector) in after.chunks_mut(4096).enumerate() {
            let from = if lost() { &files.flushed } else { &files.now };
            let start = index * 4096;
            if let Some(old) = from.get(start..) {
                let length = old.len().min(sector.len());
                sector[..length].copy_from_slice(&old[..length]);
            }
        }
        files.now = after.clone();
        files.flushed = after;
    }

    fn tear(&self, bytes: usize) {
        let mut files = self.0.borrow_mut();
        let length = files.now.len().saturating_sub(bytes);
        files.now.truncate(length);
        // What was never written whole does not come back with a later loss of power.
        files.flushed.truncate(length);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.borrow().now.clone()
    }
}

impl Disk for CrashDisk {
    fn size(&self) -> Result<u64, DiskError> {
        Ok(self.0.borrow().now.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        let files = self.0.borrow();
        let (start, wanted) = (offset as usize, buffer.len());
        let short = DiskError::Short {
            offset,
            wanted,
            got: files.now.len() as u64,
        };
        buffer.copy_from_slice(files.now.get(start..start + wanted).ok_or(short)?);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut files = self.0.borrow_mut();
        if let Some(room) = &mut files.room {
            *room = room
                .checked_sub(bytes.len() as u64)
                .ok_or(DiskError::Full)?;
        }
        let end = offset as usize + bytes.len();
        if files.now.len() < end {
            files.now.resize(end, 0);
        }
        files.now[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> Result<(), DiskError> {
        self.0.borrow_mut().now.truncate(size as usize);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        let mut files = self.0.borrow_mut();
        files.flushed = files.now.clone();
        Ok(())
    }
}

fn student() -> Student {
    Student {
        name: "A student".into(),
        url: "https://example.org/student.gguf".into(),
        bytes: None,
        sha256: None,
        manifest: None,
        licence: None,
        note: None,
    }
}

fn header(bytes: usize) -> Header {
    Header {
        student: student(),
        bytes: bytes as u64,
        etag: Some("\"1\"".into()),
    }
}

fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn manifest(bytes: &[u8]) -> Manifest {
    Manifest {
        bytes: bytes.len() as u64,
        sha256: Digest::of(bytes),
        chunk_bytes: CHUNK,
        chunks: bytes.chunks(CHUNK as usize).map(Digest::of).collect(),
    }
}

/// Opens what is on disk, or begins.
fn open(data: &CrashDisk, log: &CrashDisk, total: usize) -> Option<Intake<CrashDisk>> {
    match Intake::open(data.clone(), log.clone()).expect("the disk works") {
        Found::Nothing { data, log } => {
            Some(Intake::begin(data, log, header(total)).expect("the disk works"))
        }
        Found::Partial(intake) => Some(*intake),
        Found::Complete(found) => {
            assert_eq!(found, header(total));
            None
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Crash {
    /// The tab is killed: writes of the page cache stay.
    Tab,
    /// The tab is killed while the journal's last record is written.
    Torn(usize),
    /// The machine goes down.
    Power(u64),
}

fn crashes() -> impl Strategy<Value = Vec<(usize, Crash)>> {
    let crash = prop_oneof![
        Just(Crash::Tab),
        (1usize..60).prop_map(Crash::Torn),
        any::<u64>().prop_map(Crash::Power),
    ];
    prop::collection::vec((1usize..9 << 20, crash), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn killed_downloads_end_right(
        total in (1usize..11 << 20),
        piece in 1usize..3 << 20,
        crashes in crashes(),
        with_manifest: bool,
    ) {
        let bytes = content(total);
        let (data, log) = (CrashDisk::default(), CrashDisk::default());
        let mut crashes = crashes.into_iter();
        while let Some(mut intake) = open(&data, &log, total) {
            prop_assert!(intake.position() == intake.committed());
            intake.expect(with_manifest.then(|| manifest(&bytes)), Some(Digest::of(&bytes)));
            let crash = crashes.next();
            let stop = crash.map_or(usize::MAX, |(after, _)| after);
            let start = intake.position() as usize;
            let end = start.saturating_add(stop).min(total);
            for piece in bytes[start..end].chunks(piece) {
                intake.push(piece).expect("right bytes are taken");
            }
            let reached = intake.position() as usize;
            prop_assert_eq!(intake.complete(), reached == total);
            drop(intake);
            let Some((_, crash)) = crash else { continue };
            let allowed = match crash {
                Crash::Tab => BLOCK,
                Crash::Torn(cut) => {
                    log.tear(cut);
                    if cut > 48 { 3 * BLOCK } else { 2 * BLOCK }
                }
                Crash::Power(seed) => {
                    let mut dice = seed | 1;
                    let mut roll = || {
                        dice ^= dice << 13;
                        dice ^= dice >> 7;
                        dice ^= dice << 17;
                        dice & 1 == 0
                    };
                    data.power_loss(&mut roll);
                    log.power_loss(&mut roll);
                    CHUNK as usize
                }
            };
            // A cut in the header loses everything; that is one write, flushed before any data.
            if let Some(intake) = open(&data, &log, total) && !log.bytes().is_empty() {
                let resumed = intake.position() as usize;
                let torn_header = matches!(crash, Crash::Torn(_)) && reached < 3 * BLOCK;
                prop_assert!(
                    torn_header || reached - resumed <= allowed,
                    "{crash:?} at {reached} goes on at {resumed}",
                );
            }
        }
        prop_assert!(data.bytes() == bytes);
    }

    #[test]
    fn damaged_journals_never_panic_and_never_lie(
        cut in 0usize..1200,
        flips in prop::collection::vec((0usize..1200, any::<u8>()), 0..4),
    ) {
        let (mut journal, mut bytes) = Journal::begin(header(11 * BLOCK)).unwrap();
        for block in 1..=10u64 {
            let length = block * BLOCK as u64;
            let record = retort_store::journal::Record { length, words: [block as u32; 8] };
            let (at, record) = journal.append(record);
            prop_assert_eq!(at, bytes.len() as u64);
            bytes.extend_from_slice(&record);
        }
        let original = bytes.clone();
        for (at, to) in flips {
            let at = at % bytes.len();
            bytes[at] = to;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Ok(parsed) = Journal::parse(&bytes) {
            prop_assert_eq!(&parsed.header, &journal.header);
            prop_assert_eq!(&parsed.records[..], &journal.records[..parsed.records.len()]);
            let intact = original.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
            prop_assert!(parsed.size() as usize <= intact);
        }
    }
}

/// Three chunks and a half.
const TOTAL: usize = (3 << 22) + (1 << 21) + 77;

fn fill(intake: &mut Intake<CrashDisk>, bytes: &[u8]) -> Result<(), StoreError> {
    let start = intake.position() as usize;
    bytes[start..]
        .chunks(300_000)
        .try_for_each(|piece| intake.push(piece))
}

#[test]
fn a_wrong_chunk_is_named_and_dropped_and_the_rest_kept() {
    let bytes = content(TOTAL);
    let mut wrong = bytes.clone();
    wrong[2 * CHUNK as usize + 5] ^= 1;
    let (data, log) = (CrashDisk::default(), CrashDisk::default());
    let mut intake = open(&data, &log, TOTAL).unwrap();
    intake.expect(Some(manifest(&bytes)), None);
    let error = fill(&mut intake, &wrong).unwrap_err();
    assert!(error.to_string().contains("chunk 3 of 4"), "{error}");

    let mut intake = open(&data, &log, TOTAL).unwrap();
    assert_eq!(intake.position(), 2 * CHUNK);
    intake.expect(Some(manifest(&bytes)), None);
    fill(&mut intake, &bytes).unwrap();
    assert!(intake.complete());
    assert!(data.bytes() == bytes);
}

#[test]
fn a_wrong_file_without_a_manifest_is_dropped_whole() {
    let bytes = content(TOTAL);
    let (data, log) = (CrashDisk::default(), CrashDisk::default());
    let mut intake = open(&data, &log, TOTAL).unwrap();
    intake.expect(None, Some(Digest::of(b"another")));
    let error = fill(&mut intake, &bytes).unwrap_err();
    assert!(matches!(error, StoreError::WrongHash { .. }), "{error}");
    assert_eq!(open(&data, &log, TOTAL).unwrap().position(), 0);
}

#[test]
fn bytes_that_rot_behind_the_last_chunk_are_fetched_again() {
    let bytes = content(TOTAL);
    let (data, log) = (CrashDisk::default(), CrashDisk::default());
    let mut intake = open(&data, &log, TOTAL).unwrap();
    intake.push(&bytes[..3 * CHUNK as usize - 10]).unwrap();
    assert_eq!(intake.committed(), 3 * CHUNK - BLOCK as u64);
    drop(intake);
    data.0.borrow_mut().now[2 * CHUNK as usize + 1] ^= 1;
    let mut intake = open(&data, &log, TOTAL).unwrap();
    assert_eq!(intake.position(), 2 * CHUNK);
    intake.expect(None, Some(Digest::of(&bytes)));
    fill(&mut intake, &bytes).unwrap();
    assert!(data.bytes() == bytes);
}

#[test]
fn a_full_disk_is_typed_and_keeps_what_was_committed() {
    let bytes = content(TOTAL);
    let (data, log) = (CrashDisk::default(), CrashDisk::default());
    let mut intake = open(&data, &log, TOTAL).unwrap();
    data.0.borrow_mut().room = Some(CHUNK + 3 * BLOCK as u64 + 1);
    let error = fill(&mut intake, &bytes).unwrap_err();
    assert!(
        matches!(error, StoreError::Disk(DiskError::Full)),
        "{error}"
    );
    data.0.borrow_mut().room = None;
    let mut intake = open(&data, &log, TOTAL).unwrap();
    assert_eq!(intake.position(), CHUNK + 3 * BLOCK as u64);
    intake.expect(None, Some(Digest::of(&bytes)));
    fill(&mut intake, &bytes).unwrap();
    assert!(data.bytes() == bytes);
}

#[test]
fn more_bytes_than_announced_are_refused() {
    let (data, log) = (CrashDisk::default(), CrashDisk::default());
    let mut intake = open(&data, &log, 10).unwrap();
    assert!(matches!(
        intake.push(&[0; 11]),
        Err(StoreError::TooLong { expected: 10 })
    ));
}

#[test]
fn a_complete_journal_beside_a_cut_file_is_not_complete() {
    let bytes = content(TOTAL);
    let (data, log) = (CrashDisk::default(), CrashDisk::default());
    fill(&mut open(&data, &log, TOTAL).unwrap(), &bytes).unwrap();
    assert!(open(&data, &log, TOTAL).is_none());
    data.tear(1);
    assert_eq!(open(&data, &log, TOTAL).unwrap().position(), 3 * CHUNK);
    data.tear(CHUNK as usize);
    assert_eq!(open(&data, &log, TOTAL).unwrap().position(), 2 * CHUNK);
}
