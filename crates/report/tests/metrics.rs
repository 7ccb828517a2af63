//! Metrics over the life of a run: killed, resumed, read.

use std::fs;
use std::path::PathBuf;

use retort_report::ReportError;
use retort_report::metrics::{Metrics, float, optional_float, read};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    step: u64,
    #[serde(deserialize_with = "float")]
    loss: f64,
    #[serde(default, deserialize_with = "optional_float")]
    held_out: Option<f64>,
}

fn record(step: u64) -> Record {
    Record {
        step,
        loss: 1.0 / step as f64,
        held_out: step.is_multiple_of(4).then_some(0.1 + step as f64),
    }
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    (folder, path)
}

fn write(path: &PathBuf, steps: impl Iterator<Item = u64>) {
    let mut metrics = Metrics::open(path).unwrap();
    for step in steps {
        metrics.append(&record(step)).unwrap();
    }
}

#[test]
fn what_is_appended_is_read() {
    let (_folder, path) = file();
    write(&path, 1..=5);
    write(&path, 6..=10);
    let records: Vec<Record> = read(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(records, (1..=10).map(record).collect::<Vec<_>>());
}

#[test]
fn half_a_line_is_cut_wherever_the_process_was_killed() {
    let (_folder, path) = file();
    write(&path, 1..=2);
    let whole = fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for len in 0..=whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let readable = read::<Record>(&path).unwrap().map(Result::unwrap).count();
        Metrics::open(&path).unwrap().append(&record(9)).unwrap();
        let records: Vec<Record> = read(&path).unwrap().map(Result::unwrap).collect();
        let kept = usize::from(len >= first) + usize::from(len == whole.len());
        assert_eq!((readable, records.len()), (kept, kept + 1), "{len}");
        assert_eq!(records[kept], record(9));
    }
}

#[test]
fn a_last_line_longer_than_a_block_is_cut() {
    let (_folder, path) = file();
    fs::write(&path, format!("{{\"step\":1}}\n{}", "x".repeat(200_000))).unwrap();
    Metrics::open(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"step\":1}\n");
}

#[test]
fn a_resumed_run_leaves_the_file_of_an_uninterrupted_one() {
    let (_folder, whole) = file();
    write(&whole, 1..=20);
    let (_folder, path) = file();
    write(&path, 1..=17);
    let mut metrics = Metrics::open(&path).unwrap();
    assert_eq!(metrics.truncate_after(12).unwrap(), 5);
    for step in 13..=20 {
        metrics.append(&record(step)).unwrap();
    }
    metrics.sync().unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&whole).unwrap());
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn truncating_keeps_other_lines_and_their_bytes() {
    let (_folder, path) = file();
    fs::write(
        &path,
        "{ \"run\" : 7 }\n\n{\"step\":3}\n{\"step\":2,\"eval\":1}\n",
    )
    .unwrap();
    let removed = Metrics::open(&path).unwrap().truncate_after(2).unwrap();
    assert_eq!(removed, 1);
    let left = fs::read_to_string(&path).unwrap();
    assert_eq!(left, "{ \"run\" : 7 }\n\n{\"step\":2,\"eval\":1}\n");
}

#[test]
fn truncating_a_damaged_file_names_the_line_and_changes_nothing() {
    let (_folder, path) = file();
    let content = "{\"step\":1}\nnonsense\n{\"step\":9}\n";
    fs::write(&path, content).unwrap();
    let error = Metrics::open(&path).unwrap().truncate_after(5).unwrap_err();
    assert!(
        matches!(error, ReportError::Record { line: 2, .. }),
        "{error}"
    );
    assert!(error.hint().is_some());
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn numbers_that_json_lacks_are_seen_at_any_depth() {
    #[derive(Serialize)]
    enum Kind {
        New(f32),
        Tuple(f64, u8),
        Struct { x: f64 },
        Unit,
    }
    #[derive(Serialize)]
    struct Deep {
        loss: f64,
        some: Option<f32>,
        none: Option<f32>,
        list: Vec<f64>,
        pair: (f64, bool),
        map: std::collections::BTreeMap<&'static str, f64>,
        kinds: Vec<Kind>,
    }
    let (_folder, path) = file();
    let deep = Deep {
        loss: f64::NAN,
        some: Some(f32::NEG_INFINITY),
        none: None,
        list: vec![0.5, f64::INFINITY],
        pair: (f64::NAN, true),
        map: [("x", f64::NAN)].into(),
        kinds: vec![
            Kind::New(f32::NAN),
            Kind::Tuple(f64::INFINITY, 1),
            Kind::Struct { x: f64::NAN },
            Kind::Unit,
        ],
    };
    Metrics::open(&path).unwrap().append(&deep).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\"loss\":\"NaN\",\"some\":\"-Infinity\",\"none\":null,\"list\":[0.5,\"Infinity\"],\
         \"pair\":[\"NaN\",true],\"map\":{\"x\":\"NaN\"},\"kinds\":[{\"New\":\"NaN\"},\
         {\"Tuple\":[\"Infinity\",1]},{\"Struct\":{\"x\":\"NaN\"}},\"Unit\"]}\n"
    );
}

#[test]
fn numbers_that_json_lacks_are_read_back() {
    let (_folder, path) = file();
    let mut metrics = Metrics::open(&path).unwrap();
    for (loss, held_out) in [
        (f64::INFINITY, None),
        (f64::NEG_INFINITY, Some(f64::INFINITY)),
        (2.0, Some(3.0)),
    ] {
        let record = Record {
            step: 1,
            loss,
            held_out,
        };
        metrics.append(&record).unwrap();
        let last: Record = read(&path).unwrap().last().unwrap().unwrap();
        assert_eq!(last, record);
    }
    fs::write(
        &path,
        "{\"step\":1,\"loss\":null}\n{\"step\":2,\"loss\":\"NaN\"}\n",
    )
    .unwrap();
    let records: Vec<Record> = read(&path).unwrap().map(Result::unwrap).collect();
    assert!(records.iter().all(|record| record.loss.is_nan()) && records.len() == 2);
}

#[test]
fn a_line_that_is_no_record_is_named_and_the_rest_goes_on() {
    let (_folder, path) = file();
    fs::write(
        &path,
        "{\"step\":1,\"loss\":1}\n\n{\"step\":2,\"loss\":\"much\"}\n{\"step\":3,\"loss\":3}\n",
    )
    .unwrap();
    let results: Vec<_> = read::<Record>(&path).unwrap().collect();
    assert_eq!(results.len(), 3);
    let error = results[1].as_ref().unwrap_err().to_string();
    assert!(
        error.contains("line 3") && error.contains("much"),
        "{error}"
    );
    assert_eq!(results[2].as_ref().unwrap().step, 3);
}

#[test]
fn only_objects_are_records() {
    let (_folder, path) = file();
    let mut metrics = Metrics::open(&path).unwrap();
    let error = metrics.append(&[1, 2]).unwrap_err();
    assert!(matches!(error, ReportError::NotAnObject { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_missing_folder_is_named() {
    let (folder, _) = file();
    let error = Metrics::open(folder.path().join("none/metrics.jsonl")).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}
