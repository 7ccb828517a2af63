//! What a corpus shows others: shards that read back, a card, and a report that hostile text cannot
//! leave.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::printer::print_schema;
use retort_corpus::inspect::Inspect;
use retort_corpus::{Flow, Folders, Published, Recipe, Trace, Turn, Verdict, publish, run};
use retort_dataset::CorpusFile;
use retort_dataset::read::Conversations;

/// Builds a corpus of these traces with these steps, as `folder/out`.
fn build(folder: &Path, traces: &[Trace], rest: &str) -> Published {
    let lines = traces
        .iter()
        .map(|trace| serde_json::to_string(trace).unwrap());
    let lines: Vec<String> = lines.collect();
    std::fs::write(folder.join("in.jsonl"), lines.join("\n")).unwrap();
    let head = "name = \"made: 'corpus'\"\ndescription = \"Two\\nlines.\"\n\
                [[source]]\nname = \"s\"\npaths = [\"in.jsonl\"]\n";
    let recipe = Recipe::parse(&format!("{head}{rest}")).unwrap();
    let folders = Folders {
        base: folder,
        work: &folder.join("work"),
    };
    let finished = run(&recipe, folders, None, &mut |_| Flow::Continue).unwrap();
    publish(&recipe, &finished, &folder.join("out")).unwrap()
}

fn made(n: usize) -> Trace {
    let mut trace = Trace {
        id: format!("n{n}"),
        source: "s".into(),
        domain: "math".into(),
        problem: format!("What is {n} and {}?", n + 1),
        answer: (!n.is_multiple_of(3)).then(|| (2 * n + 1).to_string()),
        messages: vec![
            Turn::new("system", "Think."),
            Turn::new("user", format!("What is {n} and {}?", n + 1)),
            Turn::reply(format!("I add {n}.\n"), format!("It is {}.", 2 * n + 1)),
        ],
        verdict: (!n.is_multiple_of(4)).then(|| Verdict {
            accepted: n.is_multiple_of(2),
            how: "tests".into(),
            detail: "é".into(),
        }),
        ..Trace::default()
    };
    if n.is_multiple_of(5) {
        trace.messages[2].reasoning_content = None;
    }
    trace.teacher.model = "teacher".into();
    trace.teacher.tokens = (!n.is_multiple_of(2)).then_some(n as u64);
    trace.teacher.sampling.insert("top_p".into(), 0.95.into());
    trace.meta.insert("level".into(), n.into());
    trace
}

#[test]
fn shards_hold_what_was_given_in_rows_and_groups() {
    let folder = tempfile::tempdir().unwrap();
    let traces: Vec<Trace> = (0..120).map(made).collect();
    let published = build(folder.path(), &traces, "[publish]\nrows_per_shard = 50\n");
    let rows: Vec<u64> = published.shards.iter().map(|shard| shard.rows).collect();
    assert_eq!(rows, [50, 50, 20]);
    let mut read = Vec::new();
    for shard in &published.shards {
        let path = folder.path().join("out").join(&shard.file);
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let metadata = reader.metadata().file_metadata();
        assert_eq!(metadata.num_rows(), shard.rows as i64);
        let mut schema = Vec::new();
        print_schema(&mut schema, metadata.schema());
        let schema = String::from_utf8(schema).unwrap();
        for field in [
            "REQUIRED BYTE_ARRAY id (STRING)",
            "OPTIONAL BYTE_ARRAY answer (STRING)",
            "REQUIRED group messages (LIST)",
            "OPTIONAL BYTE_ARRAY reasoning_content (STRING)",
            "OPTIONAL INT64 tokens",
            "OPTIONAL group verdict",
        ] {
            assert!(schema.contains(field), "{field}: {schema}");
        }
        assert!(path.ends_with(format!("train-{:05}-of-00003.parquet", read.len() / 50)));
        let traces = Inspect::open(&path, retort_corpus::import::Defaults::default()).unwrap();
        read.extend(traces.map(Result::unwrap));
        // The trainer reads the same file.
        let file = CorpusFile::new(&path);
        let conversations: Vec<_> = Conversations::open(&file)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(conversations.len() as u64, shard.rows);
    }
    assert_eq!(read, traces);
}

#[test]
fn row_groups_are_of_bounded_text() {
    const TEXT: usize = 5 << 20;
    let folder = tempfile::tempdir().unwrap();
    let long = |n: usize| {
        let mut trace = made(n);
        // Not the same in every trace, so that a dictionary cannot make one of them.
        trace.messages[2].reasoning_content = Some(format!("{n} ").repeat(TEXT / 2)[..TEXT].into());
        trace
    };
    let traces: Vec<Trace> = (1..10).map(long).collect();
    let published = build(folder.path(), &traces, "");
    assert_eq!(published.shards.len(), 1);
    let path = folder.path().join("out").join(&published.shards[0].file);
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let groups: Vec<_> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(|g| g.num_rows())
        .collect();
    // Seven of 5 MiB are the first to reach 32.
    assert_eq!(groups, [7, 2]);
}

#[test]
fn cards_have_front_matter_that_names_the_splits() {
    let folder = tempfile::tempdir().unwrap();
    let traces: Vec<Trace> = (0..200).map(made).collect();
    let rest = "[[step]]\nkind = \"split\"\ntest = 0.1\n[publish]\nlicence = \"No: <x>\"\n";
    let published = build(folder.path(), &traces, rest);
    let card = std::fs::read_to_string(folder.path().join("out/README.md")).unwrap();
    let front = card
        .strip_prefix("---\n")
        .unwrap()
        .split_once("---\n")
        .unwrap()
        .0;
    assert!(
        front.contains("pretty_name: \"made: 'corpus'\"\n"),
        "{front}"
    );
    assert!(front.contains("license: \"nox\"\n"), "{front}");
    assert!(front.contains("size_categories:\n- \"n<1K\"\n"), "{front}");
    let order = [
        "split: train",
        "path: data/train-*",
        "split: test",
        "path: data/test-*",
    ];
    let places: Vec<_> = order.iter().map(|text| front.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "{front}");
    assert!(card.contains("\nTwo lines.\n"));
    let splits = &published.statistics.splits;
    assert_eq!(splits["train"] + splits["test"], 200);
    assert!((5..50).contains(&splits["test"]), "{splits:?}");
}

/// Names of all elements, in order; checks that they are closed in order and that no attribute's
/// quotes are left open.
fn elements(html: &str) -> Vec<String> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        assert!(tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        let name: String = tag
            .chars()
            .filter(|c| *c != '/')
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        match tag.strip_prefix('/') {
            Some(_) => assert_eq!(open.pop(), Some(name), "</{tag}>"),
            None if tag.starts_with('!') || tag.ends_with('/') || name == "meta" => {}
            None => {
                all.push(name.clone());
                open.push(name);
            }
        }
        rest = after;
    }
    assert_eq!(open, Vec::<String>::new());
    all
}

#[test]
fn hostile_text_stays_text_in_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "</p></details><script>alert(1)</script>'\"&<img src=x onerror=alert(1)> \
                \u{202e}\u{1b}[2J\u{0}\u{2066}\u{200b}--><style>";
    let word = "W".repeat(1 << 20);
    let mut traces: Vec<Trace> = (0..8).map(made).collect();
    for (n, trace) in traces.iter_mut().enumerate() {
        trace.id = format!("{n}{evil}");
        trace.domain = evil.into();
        trace.problem = format!("{n}{evil}{word}");
        trace.answer = Some(evil.into());
        trace.messages = vec![
            Turn::new("user", trace.problem.clone()),
            Turn::reply(format!("{evil}{word}"), evil),
        ];
        trace.teacher.model = evil.into();
        trace.teacher.sampling.insert(evil.into(), evil.into());
        trace.verdict = Some(Verdict {
            accepted: n > 1,
            how: evil.into(),
            detail: evil.into(),
        });
    }
    traces[6].messages[1].content = String::new();
    traces[7].problem = "A question of seven or eight words, quite short.".into();
    let bench = format!(
        "{{\"problem\": {}}}\n",
        serde_json::json!(traces[7].problem)
    );
    std::fs::write(folder.path().join("b.jsonl"), bench).unwrap();
    let rest = "[[step]]\nkind = \"filter\"\nunfinished = true\n[[step]]\nkind = \"verify\"\n\
                [[step]]\nkind = \"decontaminate\"\n\
                benchmark = [{ name = \"<b>\\\"'\\u202e\", path = \"b.jsonl\" }]\n\
                [publish]\nlicence = \"<i>\"\n";
    build(folder.path(), &traces, rest);
    let html = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    let names = elements(&html.replace(">'", ">"));
    for name in ["script", "img", "b>", "i>", "iframe", "object"] {
        assert!(!names.iter().any(|found| found == name), "{name}");
    }
    assert_eq!(names.iter().filter(|name| *name == "style").count(), 1);
    assert!(html.contains("&lt;script&gt;") && html.contains("\\u{202e}"));
    let bad = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c)
    };
    assert!(!html.chars().any(bad));
    // Words of a megabyte are cut, not carried along.
    assert!(html.len() < 1 << 20, "{}", html.len());
    // Nothing is loaded from anywhere.
    for word in ["http://", "https://", "url(", "@import"] {
        let found = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(word), "{word}");
    }
    let card = std::fs::read_to_string(folder.path().join("out/README.md")).unwrap();
    assert!(!card.contains("<script") && !card.chars().any(bad));
}
