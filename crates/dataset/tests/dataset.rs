//! From files to packed documents, and what a damaged cache file does.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};

use common::*;
use proptest::prelude::*;
use retort_dataset::{
    Columns, CorpusFile, Dataset, DatasetError, HeldOut, HistoryTurns, Identity, PackOptions,
    Packing, Split, TooLong, Unfinished, preflight, preview,
};
use retort_text::Tokenizer;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// One trace a number; number 3 is long.
fn traces(count: usize) -> String {
    let line = |at: usize| {
        let thought = "So. ".repeat(if at == 3 { 200 } else { at + 1 });
        format!(
            "{{\"q\": \"{at} + {at}?\", \"t\": \"{thought}\", \"a\": \"{}\"}}\n",
            at + at
        )
    };
    (0..count).map(line).collect()
}

fn columns() -> Option<Columns> {
    Some(Columns {
        system: None,
        prompt: "q".into(),
        reasoning: Some("t".into()),
        completion: "a".into(),
    })
}

fn prepare_with(
    files: &[CorpusFile],
    tokenizer: &Tokenizer,
    template_source: &str,
    folder: &Path,
    progress: &mut dyn FnMut(retort_dataset::Progress),
) -> Result<Dataset, DatasetError> {
    let template = template(template_source);
    let stops = stop_ids(tokenizer);
    let student = student(tokenizer, &template, &stops);
    let identity = Identity {
        tokenizer: b"tiny",
        template: template_source,
    };
    Dataset::prepare(
        files,
        &student,
        &identity,
        HistoryTurns::Learn,
        folder,
        progress,
    )
}

fn prepare(files: &[CorpusFile], folder: &Path) -> Result<Dataset, DatasetError> {
    prepare_with(files, &tokenizer("smollm"), R1, folder, &mut |_| {})
}

fn file(path: PathBuf) -> CorpusFile {
    CorpusFile {
        columns: columns(),
        ..CorpusFile::new(path)
    }
}

fn documents(dataset: &Dataset) -> Vec<(Vec<u32>, Vec<bool>)> {
    let get = |at| {
        let document = dataset.get(at).unwrap();
        (document.ids.to_vec(), document.learnt.to_vec())
    };
    (0..dataset.len()).map(get).collect()
}

#[test]
fn a_corpus_is_tokenised_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.jsonl", &traces(1200));
    let cache = folder.path().join("cache");
    let tokenizer = tokenizer("smollm");
    let files = [file(path.clone())];
    let mut calls = Vec::new();
    let made = prepare_with(&files, &tokenizer, R1, &cache, &mut |at| calls.push(at)).unwrap();
    assert_eq!(made.len(), 1200);
    assert!(calls.len() > 3 && calls.is_sorted_by_key(|at| at.done));
    assert_eq!((calls[0].done, calls[0].total), (0, 1200));
    assert_eq!(calls.last().unwrap().done, 1200);
    let tokens: usize = (0..made.len()).map(|at| made.tokens_of(at).unwrap()).sum();
    assert_eq!(calls.last().unwrap().tokens, tokens as u64);
    for at in [0, 3, 511, 512, 1199] {
        let document = made.get(at).unwrap();
        let shown = tokenizer.decode(document.ids, false);
        assert!(shown.contains(&format!("U{at} + {at}?")), "{shown}");
        assert_eq!(made.origin(at).unwrap().line, at as u64 + 1);
        let learnt = document.learnt.iter().filter(|&&learnt| learnt).count();
        assert_eq!(made.learnt_of(at).unwrap(), learnt);
    }
    assert_eq!(made.summary().with_thought, 1200);
    assert_eq!(made.summary().end, "<|end|>");

    let again = prepare_with(&files, &tokenizer, R1, &cache, &mut |_| {
        panic!("it is there already")
    });
    let again = again.unwrap();
    assert_eq!(again.hash(), made.hash());
    assert_eq!(documents(&again), documents(&made));
    // The same file elsewhere, another template, another limit, other content.
    let moved = write(folder.path(), "b.jsonl", &traces(1200));
    let hash = |files: &[CorpusFile], template| {
        let dataset = prepare_with(files, &tokenizer, template, &cache, &mut |_| {}).unwrap();
        dataset.hash().to_owned()
    };
    assert_eq!(hash(&[file(moved)], R1), made.hash());
    assert_ne!(hash(&files, CHATML), made.hash());
    let mut limited = files.clone();
    limited[0].limit = Some(5);
    assert_ne!(hash(&limited, R1), made.hash());
    std::fs::write(&path, traces(1201)).unwrap();
    assert_ne!(hash(&files, R1), made.hash());
    // A damaged file is made again.
    let bytes = std::fs::read(made.path()).unwrap();
    let path = made.path().to_owned();
    drop((made, again));
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let moved = [file(folder.path().join("b.jsonl"))];
    assert_eq!(
        prepare_with(&moved, &tokenizer, R1, &cache, &mut |_| {})
            .unwrap()
            .len(),
        1200
    );
    assert_eq!(
        std::fs::read_dir(&cache).unwrap().count(),
        4,
        "no temporary file stays"
    );
}

#[test]
fn limits_and_repetitions_count_documents() {
    let folder = tempfile::tempdir().unwrap();
    let first = write(folder.path(), "a.jsonl", &traces(10));
    let second = write(folder.path(), "b.jsonl", &traces(3));
    let files = [
        CorpusFile {
            limit: Some(4),
            ..file(first)
        },
        CorpusFile {
            repeat: 3,
            ..file(second)
        },
    ];
    let dataset = prepare(&files, folder.path()).unwrap();
    assert_eq!(dataset.len(), 4 + 9);
    let repeats: Vec<bool> = (4..13).map(|at| dataset.is_repeat(at)).collect();
    assert_eq!(repeats, [false, true, true].repeat(3));
    assert_eq!(dataset.get(5).unwrap(), dataset.get(4).unwrap());
    assert!(dataset.get(13).is_err());
    let read: Vec<u64> = dataset
        .summary()
        .files
        .iter()
        .map(|file| file.conversations)
        .collect();
    assert_eq!(read, [4, 3]);
    // Both files ask the same, so a question is held out of both, and once.
    let split = Split::new(&dataset, HeldOut::Count(1)).unwrap();
    assert_eq!(split.held_out.len(), 2);
    assert_eq!(split.train.len(), 13 - 1 - 3);
    let groups = |list: &[u32]| -> Vec<u64> {
        list.iter()
            .map(|&at| dataset.group_of(at as usize).unwrap())
            .collect()
    };
    let held = groups(&split.held_out);
    assert!(
        groups(&split.train)
            .iter()
            .all(|group| !held.contains(group))
    );
    assert!(Split::new(&dataset, HeldOut::Count(4)).is_err());
    for repeat in [0, 1001] {
        let wrong = [CorpusFile {
            repeat,
            ..files[1].clone()
        }];
        assert!(matches!(
            prepare(&wrong, folder.path()),
            Err(DatasetError::Option { .. })
        ));
    }
}

#[test]
fn a_broken_line_stops_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{}{{\"q\": \"x\"\n", traces(5));
    let path = write(folder.path(), "a.jsonl", &text);
    let error = prepare(&[file(path.clone())], folder.path()).err().unwrap();
    assert!(
        matches!(&error, DatasetError::Json { origin, .. } if origin.line == 6),
        "{error}"
    );
    // Not if the limit is reached before.
    let limited = CorpusFile {
        limit: Some(5),
        ..file(path)
    };
    assert_eq!(prepare(&[limited], folder.path()).unwrap().len(), 5);
    let empty = "{\"q\": \"x\", \"t\": \"so\", \"a\": \"\"}\n".to_owned() + &traces(2);
    let path = write(folder.path(), "b.jsonl", &empty);
    let refused = prepare(&[file(path.clone())], folder.path()).err().unwrap();
    assert!(
        matches!(refused, DatasetError::Unfinished { .. }),
        "{refused}"
    );
    let dropping = CorpusFile {
        unfinished: Unfinished::Drop,
        ..file(path)
    };
    let dataset = prepare(&[dropping], folder.path()).unwrap();
    assert_eq!(
        (dataset.len(), dataset.summary().files[0].unfinished),
        (2, 1)
    );
    assert!(prepare(&[], folder.path()).is_err());
    assert!(prepare(&[file("absent.jsonl".into())], folder.path()).is_err());
}

#[test]
fn documents_are_packed_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.jsonl", &traces(20));
    let tokenizer = tokenizer("smollm");
    let dataset = prepare(&[file(path)], folder.path()).unwrap();
    let all: Vec<u32> = (0..20).collect();
    let options = PackOptions::new(128);
    let packing = Packing::new(&dataset, &all, &options).unwrap();
    assert_eq!(packing.dropped, [3]);
    assert_eq!(packing.documents(), 19);
    assert!(
        packing.bins.len() < 19 && packing.efficiency() > 0.8,
        "{}",
        packing.efficiency()
    );
    let report = preflight(&dataset, &packing, &tokenizer, 512).unwrap();
    assert_eq!(
        (report.documents, report.dropped, report.conversations),
        (19, 1, 20)
    );
    assert_eq!(report.tokens, packing.tokens() as u64);
    let learnt: usize = all
        .iter()
        .filter(|&&at| at != 3)
        .map(|&at| dataset.learnt_of(at as usize).unwrap())
        .sum();
    assert_eq!(report.learnt, learnt as u64);
    assert_eq!(report.lengths.max, dataset.tokens_of(3).unwrap() as u64);
    assert_eq!(
        report
            .lengths
            .buckets
            .iter()
            .map(|bucket| bucket.documents)
            .sum::<u64>(),
        20
    );
    assert!(
        report.to_string().contains("1 left out (5.0 %)"),
        "{report}"
    );

    let cut = PackOptions {
        too_long: TooLong::Truncate,
        packing: false,
        ..options
    };
    let packing = Packing::new(&dataset, &all, &cut).unwrap();
    assert_eq!((packing.bins.len(), &packing.truncated[..]), (20, &[3][..]));
    assert_eq!(packing.bins[3].tokens(), 128);
    let report = preflight(&dataset, &packing, &tokenizer, 512).unwrap();
    assert_eq!(report.truncated_share(), 0.05);
    // So short that no learnt token is left: nothing to keep.
    let prompt = dataset
        .get(0)
        .unwrap()
        .learnt
        .iter()
        .position(|&learnt| learnt)
        .unwrap();
    let tiny = PackOptions {
        capacity: prompt,
        ..cut
    };
    assert!(matches!(
        Packing::new(&dataset, &all, &tiny),
        Err(DatasetError::Empty { .. })
    ));
    assert!(Packing::new(&dataset, &[20], &options).is_err());
    assert!(Packing::new(&dataset, &all, &PackOptions::new(1)).is_err());

    let small = preflight(&dataset, &packing, &tokenizer, tokenizer.vocab_size() - 1);
    assert!(matches!(small, Err(DatasetError::Vocabulary { .. })));
}

#[test]
fn a_preview_tells_what_is_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.jsonl", &traces(2));
    let repeated = CorpusFile {
        repeat: 2,
        ..file(path)
    };
    let tokenizer = tokenizer("smollm");
    let dataset = prepare(&[repeated], folder.path()).unwrap();
    let previews = preview(&dataset, &tokenizer, 9).unwrap();
    assert_eq!(previews.len(), 2);
    let texts: Vec<_> = previews[1]
        .spans
        .iter()
        .map(|s| (s.learnt, s.text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            (false, "<|begin|><|start|>U1 + 1?<|start|>A<think>\n"),
            (true, "So. So.\n</think>\n\n2<|end|>")
        ]
    );
    assert!(
        previews[1]
            .text(false)
            .contains("⟦So. So.\n</think>\n\n2<|end|>⟧")
    );
}

#[test]
fn compressed_lines_are_the_same_lines() {
    let folder = tempfile::tempdir().unwrap();
    let plain = write(folder.path(), "a.jsonl", &traces(5));
    let packed = folder.path().join("a.jsonl.gz");
    let out = std::fs::File::create(&packed).unwrap();
    let mut out = flate2::write::GzEncoder::new(out, flate2::Compression::default());
    out.write_all(traces(5).as_bytes()).unwrap();
    out.finish().unwrap();
    let [plain, unpacked] = [plain, packed.clone()]
        .map(|path| documents(&prepare(&[file(path)], folder.path()).unwrap()));
    assert_eq!(plain, unpacked);
    let bytes = std::fs::read(&packed).unwrap();
    std::fs::write(&packed, &bytes[..bytes.len() - 20]).unwrap();
    assert!(matches!(
        prepare(&[file(packed)], folder.path()),
        Err(DatasetError::Read { .. })
    ));
}

fn sealed() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.jsonl", &traces(4));
    let dataset = prepare(&[file(path)], folder.path()).unwrap();
    let bytes = std::fs::read(dataset.path()).unwrap();
    let copy = folder.path().join("copy.tokens");
    (folder, copy, bytes)
}

#[test]
fn every_flipped_byte_is_noticed() {
    let (_folder, path, bytes) = sealed();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Dataset::open(&path).unwrap().len(), 4);
    let step = bytes.len() / 400 + 1;
    for at in (0..bytes.len()).step_by(step).chain(0..104) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x40;
        std::fs::write(&path, &broken).unwrap();
        assert!(Dataset::open(&path).is_err(), "byte {at}");
    }
    for len in [0, 1, 50, 103, 104, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(Dataset::open(&path).is_err(), "length {len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn damage_is_an_error_or_harmless(
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        grown in prop::collection::vec(any::<u8>(), 0..9),
        whole: bool,
    ) {
        let (_folder, path, bytes) = sealed();
        let mut broken = bytes.clone();
        if !whole {
            broken.truncate(cut.index(bytes.len()));
        }
        broken.extend(grown);
        for (at, byte) in flips {
            if !broken.is_empty() {
                let at = at.index(broken.len());
                broken[at] ^= byte;
            }
        }
        std::fs::write(&path, &broken).unwrap();
        match Dataset::open(&path) {
            Ok(dataset) => {
                prop_assert_eq!(&broken, &bytes);
                prop_assert_eq!(dataset.len(), 4);
            }
            Err(error) => prop_assert!(error.to_string().contains("copy.tokens")),
        }
    }
}

#[test]
fn documents_know_whether_they_think() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "{\"q\": \"a\", \"t\": \"so\", \"a\": \"b\"}\n{\"q\": \"a\", \"t\": null, \"a\": \"b\"}\n";
    let path = write(folder.path(), "a.jsonl", text);
    let dataset = prepare(&[file(path)], folder.path()).unwrap();
    let thinks: Vec<bool> = (0..2).map(|at| dataset.has_thought(at).unwrap()).collect();
    assert_eq!(thinks, [true, false]);
    assert!(!dataset.is_inexact(0).unwrap());
    assert_eq!(dataset.summary().with_thought, 1);
    let packing = Packing::new(&dataset, &[0, 1], &PackOptions::new(64)).unwrap();
    let report = preflight(&dataset, &packing, &tokenizer("smollm"), 512).unwrap();
    assert_eq!(
        (report.documents, report.with_thought, report.inexact),
        (2, 1, 0)
    );
}
