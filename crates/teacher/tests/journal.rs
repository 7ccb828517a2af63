//! The file of a journal, and what may happen to it.

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use common::{Act, Server, options, requests};
use retort_teacher::{Ending, HttpBackend, Journal, Seat, TeacherError, run};

fn go(server: &Server, folder: &Path, count: usize) -> retort_teacher::Summary {
    let mut journal = Journal::open(folder).unwrap();
    let seats = [Seat::http(
        HttpBackend::new(server.endpoint("one")).unwrap(),
    )];
    let stop = AtomicBool::new(false);
    let job = requests(count, 1);
    run(&mut journal, &seats, job, &options(), &stop, |_| {}).unwrap()
}

#[test]
fn a_file_cut_anywhere_loses_only_what_was_cut() {
    let server = Server::start(|_| Act::Reply);
    let folder = tempfile::tempdir().unwrap();
    go(&server, folder.path(), 4);
    let path = folder.path().join("journal.jsonl");
    let whole = fs::read(&path).unwrap();
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines(&whole), 5);
    for end in (0..whole.len()).rev().step_by(7).chain(0..60) {
        fs::write(&path, &whole[..end]).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(
            journal.len(),
            lines(&whole[..end]).saturating_sub(1),
            "{end}"
        );
        let read: Result<Vec<_>, _> = journal.replies().unwrap().collect();
        assert_eq!(read.unwrap().len(), journal.len());
        // It is whole again: nothing is cut a second time.
        drop(journal);
        let again = Journal::open(folder.path()).unwrap();
        assert_eq!(again.recovered(), Default::default());
    }
}

#[test]
fn damage_is_passed_over_told_and_asked_for_again() {
    let server = Server::start(|_| Act::Reply);
    let folder = tempfile::tempdir().unwrap();
    go(&server, folder.path(), 4);
    let path = folder.path().join("journal.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    // In the third line: a reply with others behind it.
    let third = bytes
        .split(|byte| *byte == b'\n')
        .take(2)
        .map(|line| line.len() + 1);
    let place = third.sum::<usize>() + 60;
    bytes[place] ^= 1;
    fs::write(&path, &bytes).unwrap();
    // Behind them, what a power failure leaves.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[0; 100]).unwrap();
    drop(file);
    let asked = server.log().seen.len();
    let summary = go(&server, folder.path(), 4);
    assert_eq!(summary.ending, Ending::Complete);
    let recovered = summary.recovered;
    assert_eq!((recovered.damaged_lines, recovered.cut_bytes), (1, 100));
    assert_eq!(server.log().seen.len(), asked + 1);
    assert_eq!(Journal::read(folder.path()).unwrap().len(), 4);
}

#[test]
fn a_line_written_twice_counts_once() {
    let server = Server::start(|_| Act::Reply);
    let folder = tempfile::tempdir().unwrap();
    go(&server, folder.path(), 2);
    let path = folder.path().join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    fs::write(&path, format!("{text}{last}\n")).unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!((journal.len(), journal.recovered().repeated), (2, 1));
    assert_eq!(journal.spent().tokens(), 60);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    for content in ["{\"unit\":1}\n", "notes", "\n"] {
        fs::write(&path, content).unwrap();
        let error = Journal::open(folder.path()).unwrap_err();
        assert!(matches!(error, TeacherError::NotAJournal { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn two_writers_are_refused_and_readers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = Journal::open(folder.path()).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, TeacherError::Locked { .. }));
    assert!(error.hint().is_some());
    assert_eq!(Journal::read(folder.path()).unwrap().len(), 0);
    drop(first);
    assert!(Journal::open(folder.path()).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_no_journal() {
    // Reading this one would never end.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("journal.jsonl")).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, TeacherError::NotAJournal { .. }), "{error}");
}
