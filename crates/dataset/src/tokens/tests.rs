//! Cache files whose checksum is right and whose contents are not: somebody made them so.

use proptest::prelude::*;

use super::format::{HEADER_BYTES, Header, MAGIC, VERSION, check, checksum};
use super::*;

const SUMMARY: &[u8] = br#"{"files":[{"path":"a.jsonl","conversations":2,"unfinished":0,
    "documents":2,"repeat":1}],"with_thought":0,"inexact":0,"end":"<|end|>"}"#;

/// Two documents, of 3 and 2 ids below 10.
fn file() -> (Header, Vec<u8>, Vec<Entry>) {
    let mut data = Vec::new();
    let mut entries = Vec::new();
    for (ids, mask) in [(&[1u32, 2, 9][..], &[0u8, 1, 1][..]), (&[4, 5], &[0, 1])] {
        entries.push(Entry {
            start: data.len() as u64,
            group: 7,
            len: ids.len() as u32,
            learnt: mask.iter().map(|&byte| u32::from(byte)).sum(),
            line: 1,
            file: 0,
            flags: 1,
        });
        data.extend_from_slice(bytemuck::cast_slice(ids));
        data.extend_from_slice(mask);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    data.resize(data.len().next_multiple_of(8), 0);
    let header = Header {
        magic: MAGIC,
        checksum: [0; 32],
        version: VERSION,
        vocabulary: 10,
        key: [3; 32],
        data: data.len() as u64,
        entries: entries.len() as u64,
        summary: SUMMARY.len() as u64,
    };
    (header, data, entries)
}

fn seal((header, data, entries): (Header, Vec<u8>, Vec<Entry>)) -> Vec<u8> {
    let mut bytes = bytemuck::bytes_of(&header).to_vec();
    bytes.extend(data);
    bytes.extend_from_slice(bytemuck::cast_slice(&entries));
    bytes.extend_from_slice(SUMMARY);
    reseal(bytes)
}

fn reseal(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= HEADER_BYTES {
        let sum = checksum(&bytes);
        bytes[8..40].copy_from_slice(&sum);
    }
    bytes
}

/// As a file: a mapping starts at a page, so the casts meet the alignment they would.
fn open(bytes: &[u8]) -> Result<Dataset, DatasetError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Dataset::open(file.path())
}

#[test]
fn a_file_gives_its_documents() {
    let dataset = open(&seal(file())).unwrap();
    assert_eq!(dataset.len(), 2);
    let first = dataset.get(0).unwrap();
    assert_eq!(
        (first.ids, first.learnt),
        (&[1, 2, 9][..], &[false, true, true][..])
    );
    let second = dataset.get(1).unwrap();
    assert_eq!(
        (second.ids, second.learnt),
        (&[4, 5][..], &[false, true][..])
    );
    assert_eq!(dataset.hash(), "03".repeat(32));
    assert!(check(&seal(file()), Some(&[4; 32])).is_err());
}

#[test]
fn lies_are_refused() {
    type Lie = (&'static str, fn(&mut Header, &mut Vec<u8>, &mut Vec<Entry>));
    let lies: [Lie; 14] = [
        ("version", |header, _, _| header.version = 9),
        ("add up", |header, _, _| header.entries = u64::MAX / 2),
        ("add up", |header, _, _| header.data = u64::MAX - 7),
        ("add up", |header, _, _| header.summary += 1),
        ("vocabulary", |header, _, _| header.vocabulary = 9),
        ("neither 0 nor 1", |_, data, _| data[12] = 2),
        ("another number", |_, data, _| data[12] = 1),
        ("empty", |_, _, entries| entries[0].len = 0),
        ("outside", |_, _, entries| entries[0].len = u32::MAX),
        ("outside", |_, _, entries| entries[1].start = 1 << 40),
        ("nowhere", |_, _, entries| entries[1].start = u64::MAX - 4),
        ("aligned", |_, _, entries| entries[1].start += 1),
        ("summary", |_, _, entries| entries[1].file = 1),
        ("flags", |_, _, entries| entries[1].flags = 4),
    ];
    for (expected, lie) in lies {
        let (mut header, mut data, mut entries) = file();
        lie(&mut header, &mut data, &mut entries);
        let Err(error) = open(&seal((header, data, entries))) else {
            panic!("{expected}: accepted");
        };
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        whole: bool,
    ) {
        let mut bytes = seal(file());
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Ok(dataset) = open(&reseal(bytes)) {
            for at in 0..dataset.len() {
                let document = dataset.get(at).unwrap();
                prop_assert_eq!(document.ids.len(), document.learnt.len());
                prop_assert!(dataset.origin(at).is_ok());
            }
        }
    }
}
