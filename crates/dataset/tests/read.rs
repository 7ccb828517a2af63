//! All shapes of lines, from JSON Lines and Parquet.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use retort_dataset::{
    Columns, Conversation, Conversations, CorpusFile, DatasetError, ThoughtTags, Unfinished,
};

fn all(file: &CorpusFile) -> Result<Vec<Conversation>, DatasetError> {
    Conversations::open(file)?.collect()
}

/// The conversations of lines written to a file.
fn read(
    text: &str,
    change: impl FnOnce(&mut CorpusFile),
) -> Result<Vec<Conversation>, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, text).unwrap();
    let mut file = CorpusFile::new(path);
    change(&mut file);
    all(&file)
}

/// Role, thought, content of each turn.
fn turns(conversation: &Conversation) -> Vec<(&str, &str, &str)> {
    let turn = |message: &'_ retort_text::Message| -> (String, String, String) {
        let thought = message.reasoning_content.clone().unwrap_or_default();
        (
            message.role.clone(),
            thought,
            message.content_text().to_owned(),
        )
    };
    // Leaked: a test's texts.
    let turns = conversation.messages.iter().map(turn);
    turns
        .map(|(role, thought, text)| -> (&str, &str, &str) {
            (role.leak(), thought.leak(), text.leak())
        })
        .collect()
}

#[test]
fn every_shape_gives_the_same_turns() {
    for line in [
        r#"{"messages": [{"role": "user", "content": "Q"},
            {"role": "assistant", "content": "A", "reasoning_content": "T"}]}"#,
        r#"{"messages": [{"role": "user", "content": "Q"},
            {"role": "assistant", "content": "A", "reasoning": "T"}]}"#,
        r#"{"messages": [{"role": "user", "content": "Q"},
            {"role": "assistant", "content": "<think>\nT\n</think>\n\nA"}]}"#,
        r#"{"messages": [{"role": "user", "content": "Q"},
            {"role": "assistant", "content": [{"type": "text", "text": "<think>T</think>A"}]}]}"#,
        r#"{"problem": "x", "messages": [{"role": "user", "content": "Q"},
            {"role": "assistant", "content": "<think>T</think>A"}]}"#,
        r#"{"conversations": [{"from": "human", "value": "Q"},
            {"from": "gpt", "value": "<think>T</think>A"}]}"#,
        r#"{"conversations": [{"role": "user", "content": "Q"},
            {"role": "assistant", "content": "<think>T</think>A"}], "system": ""}"#,
        r#"{"prompt": "Q", "completion": "<think>T</think>A"}"#,
        r#"{"prompt": [{"role": "user", "content": "Q"}],
            "completion": [{"role": "assistant", "content": "A", "thinking": "T"}]}"#,
    ] {
        let read = read(&line.replace('\n', " "), |_| {}).unwrap();
        assert_eq!(
            turns(&read[0]),
            [("user", "", "Q"), ("assistant", "T", "A")],
            "{line}"
        );
    }
    let system = r#"{"system": "S", "conversations": [{"from": "human", "value": "Q"},
        {"from": "gpt", "value": "A"}], "id": 7}"#;
    let read = read(&system.replace('\n', " "), |_| {}).unwrap();
    assert_eq!(turns(&read[0])[0], ("system", "", "S"));
    assert_eq!(read[0].id.as_deref(), Some("7"));
}

#[test]
fn columns_are_named() {
    let text = r#"{"question": "Q", "why": "T", "answer": "A", "rules": "S", "gold": null}"#;
    let columns = |reasoning: &str| {
        Some(Columns {
            system: Some("rules".into()),
            prompt: "question".into(),
            reasoning: Some(reasoning.into()),
            completion: "answer".into(),
        })
    };
    let found = read(text, |file| file.columns = columns("why")).unwrap();
    let expected = [
        ("system", "", "S"),
        ("user", "", "Q"),
        ("assistant", "T", "A"),
    ];
    assert_eq!(turns(&found[0]), expected);
    let null = read(text, |file| file.columns = columns("gold")).unwrap();
    assert_eq!(turns(&null[0])[2], ("assistant", "", "A"));
    // A misspelt field must not train on answers alone.
    let error = read(text, |file| file.columns = columns("thought")).unwrap_err();
    assert!(
        matches!(&error, DatasetError::Field { field, .. } if field == "thought"),
        "{error}"
    );
}

#[test]
fn only_line_feeds_end_lines() {
    let line = "{\"prompt\": \"a\u{2028}b\u{85}c\", \"completion\": \"d\"}";
    let text = format!("\u{feff}{line}\r\n\n  \n{line}");
    let found = read(&text, |_| {}).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(turns(&found[1])[0].2, "a\u{2028}b\u{85}c");
    let lines: Vec<u64> = found.iter().map(|read| read.origin.line).collect();
    assert_eq!(lines, [1, 4]);
}

#[test]
fn errors_say_what_was_found() {
    let check = |line: &str, expected: &str| {
        let good = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
        let error = read(&format!("{good}{line}\n{good}"), |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("a.jsonl:2") && text.contains(expected),
            "{text}"
        );
    };
    check("{", "not valid JSON");
    check("[1]", "`the line` is a list of 1");
    check(
        r#"{"question": 1, "answer": 2}"#,
        "the fields `question`, `answer`",
    );
    check(r#"{"prompt": "x"}"#, "the fields `prompt`");
    check("{}", "no fields");
    check(
        r#"{"messages": "x"}"#,
        "`messages` is `\\\"x\\\"`: expected a list of turns",
    );
    check(r#"{"messages": [1]}"#, "`messages[0]`");
    check(
        r#"{"messages": [{"content": "x"}]}"#,
        "`messages[0].role` is absent",
    );
    check(
        r#"{"messages": [{"role": "narrator", "content": "x"}]}"#,
        "narrator",
    );
    check(
        r#"{"messages": [{"role": "user"}]}"#,
        "`messages[0].content` is absent",
    );
    check(
        r#"{"messages": [{"role": "user", "content": "x"}]}"#,
        "no reply",
    );
    check(r#"{"prompt": "x", "completion": 3}"#, "`completion` is `3`");
    check(
        r#"{"prompt": "x", "completion": ""}"#,
        "the answer is empty",
    );
    check(
        r#"{"prompt": "x", "completion": "<think>a"}"#,
        "no `</think>`",
    );
    check(
        r#"{"prompt": "x", "completion": "a</think>b"}"#,
        "without a `<think>`",
    );
    let unknown = CorpusFile::new("corpus.csv");
    assert!(matches!(all(&unknown), Err(DatasetError::Extension { .. })));
}

#[test]
fn a_file_ends_at_its_first_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "{\n{\"prompt\": \"a\", \"completion\": \"b\"}\n").unwrap();
    let file = CorpusFile::new(path);
    let results: Vec<_> = Conversations::open(&file).unwrap().collect();
    assert_eq!(results.len(), 1);
}

#[test]
fn unfinished_replies_are_counted() {
    let text = "{\"prompt\": \"a\", \"completion\": \"so\"}\n\
        {\"prompt\": \"a\", \"completion\": \"so</think>b\"}\n\
        {\"prompt\": \"a\", \"completion\": \"so</think>c\"}\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, text).unwrap();
    let file = CorpusFile {
        thought: ThoughtTags::Open,
        unfinished: Unfinished::Drop,
        limit: Some(1),
        ..CorpusFile::new(path)
    };
    let mut conversations = Conversations::open(&file).unwrap();
    let first = conversations.next().unwrap().unwrap();
    assert_eq!(turns(&first)[1], ("assistant", "so", "b"));
    assert!(conversations.next().is_none());
    assert_eq!(conversations.unfinished(), 1);
}

type Strings<'a> = (&'a [&'a str], &'a [i16], Option<&'a [i16]>);

/// A Parquet file of text columns: values, definition and repetition levels of each.
fn table(path: &Path, schema: &str, columns: &[Strings<'_>]) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(parquet::basic::Compression::SNAPPY)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (values, definitions, repetitions) in columns {
        let values: Vec<ByteArray> = values.iter().map(|&text| text.into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(definitions), *repetitions)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

fn parquet_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let schema = "message rows { optional group messages (LIST) { repeated group list {
        optional group element {
            optional binary role (UTF8); optional binary content (UTF8);
            optional binary reasoning_content (UTF8); } } } }";
    // Two rows; only the first reply has a thought.
    table(
        &path,
        schema,
        &[
            (
                &["user", "assistant", "user", "assistant"],
                &[4; 4],
                Some(&[0, 1, 0, 1]),
            ),
            (&["Q1", "A1", "Q2", "A2"], &[4; 4], Some(&[0, 1, 0, 1])),
            (&["T1"], &[3, 4, 3, 3], Some(&[0, 1, 0, 1])),
        ],
    );
    (folder, path)
}

#[test]
fn parquet_rows_are_conversations() {
    let (_folder, path) = parquet_file();
    let read = all(&CorpusFile::new(path)).unwrap();
    assert_eq!(
        turns(&read[0]),
        [("user", "", "Q1"), ("assistant", "T1", "A1")]
    );
    assert_eq!(
        turns(&read[1]),
        [("user", "", "Q2"), ("assistant", "", "A2")]
    );
    assert_eq!(read[1].origin.line, 2);
    // What is unset is not there, for templates that look.
    assert!(read[0].messages[0].extra.is_empty());
}

#[test]
fn parquet_text_without_its_annotation_is_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let schema = "message rows { optional binary prompt; optional binary completion; }";
    table(
        &path,
        schema,
        &[(&["Q é"], &[1], None), (&["A"], &[1], None)],
    );
    let read = all(&CorpusFile::new(path)).unwrap();
    assert_eq!(
        turns(&read[0]),
        [("user", "", "Q é"), ("assistant", "", "A")]
    );
}

#[test]
fn damaged_parquet_is_an_error_or_the_same() {
    let (folder, path) = parquet_file();
    let bytes = std::fs::read(&path).unwrap();
    let whole = all(&CorpusFile::new(&path)).unwrap().len();
    let broken = folder.path().join("b.parquet");
    // The library's panics are caught; their messages would only fill the test's output.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut errors = 0;
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x11;
        std::fs::write(&broken, &flipped).unwrap();
        match all(&CorpusFile::new(&broken)) {
            Ok(read) => assert!(read.len() <= whole),
            Err(_) => errors += 1,
        }
        std::fs::write(&broken, &bytes[..at]).unwrap();
        assert!(all(&CorpusFile::new(&broken)).is_err(), "cut at {at}");
    }
    std::panic::set_hook(hook);
    assert!(errors > 0);
}
