//! Filters, deduplication, decontamination, and whole recipes on small corpora.

use std::path::Path;

use retort_corpus::decontaminate::{Benchmark, Decontaminate, Index, Item};
use retort_corpus::filter::{Filter, Length};
use retort_corpus::recipe::SHIPPED;
use retort_corpus::{
    CorpusError, Flow, Folders, Progress, Recipe, Teacher, Trace, Turn, Verdict, publish, run,
};

const NAMES: [&str; 12] = [
    "Ana", "Boris", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana", "Ivo", "Jana", "Karl",
    "Lena",
];
const THINGS: [&str; 12] = [
    "apples",
    "wooden boats",
    "glass beads",
    "postcards",
    "tomato plants",
    "old coins",
    "kites",
    "candles",
    "library books",
    "bicycles",
    "lanterns",
    "marbles",
];
const PLACES: [&str; 11] = [
    "market", "harbour", "school", "museum", "garden", "station", "theatre", "farm", "castle",
    "bridge", "island",
];

fn question(n: usize) -> String {
    let (name, thing, place) = (NAMES[n % 12], THINGS[(n / 3) % 12], PLACES[(n / 7) % 11]);
    let other = NAMES[(n * 5 + 7) % 12];
    match n % 3 {
        0 => format!(
            "At the {place}, {name} sells {} {thing} in the morning while {other} packs {} crates. How much remains after {} buyers?",
            n + 3,
            n + 11,
            n % 9
        ),
        1 => format!(
            "{name} walks from the {place} carrying {} {thing}; every hour {other} takes {} away. When is the basket of number {n} empty?",
            5 * n + 1,
            n % 5 + 1
        ),
        _ => format!(
            "Suppose {other} and {name} share {} {thing} near the {place} in the ratio {} to {}. What is the larger part of heap {n}?",
            7 * n + 5,
            n % 4 + 2,
            n % 3 + 1
        ),
    }
}

fn trace(n: usize) -> Trace {
    let mut trace = Trace {
        id: format!("t{n}"),
        source: "made".into(),
        domain: ["math", "code", "general"][n % 3].into(),
        problem: question(n),
        answer: Some(n.to_string()),
        messages: vec![
            Turn::new("user", question(n)),
            Turn::reply(
                (0..40)
                    .map(|at| format!("Step {at} of {n}: {} follows from {}.\n", at * n, at + n))
                    .collect::<String>(),
                format!("It is {n}."),
            ),
        ],
        teacher: Teacher {
            model: "teacher".into(),
            ..Teacher::default()
        },
        verdict: Some(Verdict {
            accepted: !n.is_multiple_of(10),
            ..Verdict::default()
        }),
        ..Trace::default()
    };
    trace.meta.insert("pass_rate".into(), 0.2.into());
    trace
        .meta
        .insert("subject".into(), format!("s{}", n % 4).into());
    trace
}

fn write(path: &Path, traces: impl Iterator<Item = Trace>) {
    let lines: String = traces
        .map(|trace| serde_json::to_string(&trace).unwrap() + "\n")
        .collect();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, lines).unwrap();
}

/// A trace of mathematics with this thought and answer.
fn with(thought: &str, answer: &str) -> Trace {
    let mut trace = trace(0);
    trace.messages[1] = Turn::reply(thought, answer);
    trace
}

#[test]
fn each_rule_drops_what_it_is_for_and_nothing_else() {
    let filter = Filter::standard();
    let rule = |trace: &Trace| filter.check(trace).map(|reason| reason.rule);
    assert_eq!(rule(&trace(1)), None);
    let varied = trace(7).thought().to_owned();
    for (thought, answer, expected) in [
        ("So", "", Some("unfinished")),
        ("", "It is 3.", Some("empty_thought")),
        ("Hm.", "I'm sorry, but I can't help.", Some("refusal")),
        ("Hm.", "She said: sorry. It is 3.", None),
        (&"long words ".repeat(700), "3", Some("long_paragraph")),
        (
            "Let me see.\n```python\nprint(1)\n```\n",
            "3",
            Some("code_in_math"),
        ),
        (
            "def f(x):\n    y = x + 1\n    return y\n",
            "3",
            Some("code_in_math"),
        ),
        (
            "For x in the first case:\nwe get 3.\n```\n1 + 2\n```",
            "3",
            None,
        ),
        (
            "So we have 所以我们有三个苹果 and then",
            "3",
            Some("mixed_language"),
        ),
        ("Let α and β be angles, café, 3 × ℝ.", "3", None),
        (
            &format!("{varied}{}", "Wait, no, that is wrong. ".repeat(12)),
            "3",
            Some("repetition"),
        ),
        (&varied, "3", None),
    ] {
        assert_eq!(
            rule(&with(thought, answer)),
            expected,
            "{thought:.60} {answer}"
        );
    }
    // Code is at home in code, and Chinese where the question has it.
    let mut code = with("```python\nprint(1)\n```", "3");
    code.domain = "code".into();
    assert_eq!(rule(&code), None);
    let mut chinese = with("So we have 所以我们有三个苹果 and then", "3");
    chinese.problem = "Translate 苹果".into();
    assert_eq!(rule(&chinese), None);
    let mut length = Filter {
        length: Some(Length {
            max_chars: Some(9),
            ..Length::default()
        }),
        ..Filter::default()
    };
    assert_eq!(
        length.check(&with("So it is", "three")).unwrap().rule,
        "length"
    );
    assert!(length.check(&with("So", "three")).is_none());
    length.length = Some(Length {
        min_chars: Some(5),
        max_chars: Some(4),
        ..Length::default()
    });
    assert!(length.validate().is_err() && Filter::default().validate().is_err());
}

#[test]
fn planted_contamination_is_found() {
    let options = Decontaminate {
        benchmarks: vec![Benchmark {
            name: "B".into(),
            path: "b.jsonl".into(),
        }],
        ..Decontaminate::default()
    };
    let items = (0..200).map(|n| Item {
        benchmark: "B".into(),
        id: n.to_string(),
        text: question(n),
    });
    let index = Index::new(items.collect(), &options);
    let recall = |change: &dyn Fn(String) -> String| {
        let found = (0..200).filter(|n| {
            let mut trace = trace(1000);
            trace.problem = change(question(*n));
            options.check(&index, &trace).is_some()
        });
        found.count() as f64 / 200.0
    };
    assert_eq!(recall(&|text| text), 1.0);
    assert_eq!(
        recall(&|text| text.to_uppercase().replace(' ', "  \n")),
        1.0
    );
    let digits = |text: String| {
        text.chars()
            .map(|c| if c.is_ascii_digit() { '4' } else { c })
            .collect()
    };
    assert!(recall(&digits) >= 0.99);
    let paraphrase = |text: String| {
        text.replace("sells", "is selling")
            .replace("How much remains", "What is left")
            .replace("walks from", "leaves")
            .replace("every hour", "each hour")
            .replace("Suppose", "Let")
            .replace("What is", "Find")
    };
    let found = recall(&paraphrase);
    println!("recall on light paraphrases: {found}");
    assert!(found >= 0.95, "{found}");
    // In the reply, between other words.
    let quoted = (0..200).filter(|n| {
        let mut trace = trace(1000);
        trace.problem = "Write something about the weather of last week, please.".into();
        trace.messages[1] = Turn::reply(format!("Recall: {} Now go on.", question(*n)), "3");
        options
            .check(&index, &trace)
            .is_some_and(|hit| hit.place == "reply")
    });
    assert_eq!(quoted.count(), 200);
    let clean = [
        "A train leaves the city at noon and another one follows it two hours later. When do they meet?",
        "Find all real solutions of the equation x squared minus five x plus six equals zero.",
        "Prove that the sum of the angles of a triangle is one hundred and eighty degrees.",
        "Write a function that returns the longest common prefix of a list of strings.",
    ];
    for text in clean {
        let mut trace = with("Nothing of the kind.", "3");
        trace.problem = text.into();
        assert_eq!(options.check(&index, &trace), None);
    }
}

/// A folder with everything that the shipped recipes name.
fn data(folder: &Path) {
    for name in [
        "s1_traces",
        "candidates",
        "math",
        "code",
        "general",
        "stratos",
        "rationales",
    ] {
        write(
            &folder.join(format!("data/{name}.jsonl")),
            (0..120).map(trace),
        );
    }
    for name in ["math500", "aime24"] {
        let path = folder.join(format!("benchmarks/{name}.jsonl"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = "Find all real solutions of the equation x squared minus five x plus six.";
        std::fs::write(&path, format!("{{\"problem\":\"{text}\"}}\n")).unwrap();
    }
}

fn go(
    recipe: &Recipe,
    base: &Path,
    work: &str,
    listener: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<retort_corpus::Finished, CorpusError> {
    run(
        recipe,
        Folders {
            base,
            work: &base.join(work),
        },
        None,
        listener,
    )
}

#[test]
fn shipped_recipes_run_to_the_end_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    data(folder.path());
    for (name, text) in SHIPPED {
        let mut recipe = Recipe::parse(text).unwrap();
        assert_eq!(recipe.name, name);
        if name == "openthoughts" {
            // The Parquet file that another recipe published stands for the downloaded one.
            let shard = folder
                .path()
                .join("r1-800k/data/train-00000-of-00001.parquet");
            std::fs::copy(shard, folder.path().join("data/openthoughts.parquet")).unwrap();
        }
        recipe.publish.rows_per_shard = 1000;
        let finished = go(&recipe, folder.path(), &format!("work-{name}"), &mut |_| {
            Flow::Continue
        })
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        let out = folder.path().join(name);
        let published = publish(&recipe, &finished, &out).unwrap();
        let rows: u64 = published.shards.iter().map(|shard| shard.rows).sum();
        assert_eq!(rows, finished.steps.last().unwrap().rows_out, "{name}");
        for file in ["manifest.json", "README.md", "report.html"] {
            assert!(
                out.join(file).metadata().unwrap().len() > 500,
                "{name} {file}"
            );
        }
    }
}

#[test]
fn killed_runs_go_on_and_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    data(folder.path());
    let recipe = Recipe::parse(Recipe::shipped("r1-800k").unwrap()).unwrap();
    let whole = go(&recipe, folder.path(), "whole", &mut |_| Flow::Continue).unwrap();
    for stop in 0..whole.steps.len() {
        let mut stopper = |progress: &Progress| match progress.number == stop && !progress.skipped {
            true => Flow::Stop,
            false => Flow::Continue,
        };
        let error = go(&recipe, folder.path(), "killed", &mut stopper).unwrap_err();
        assert!(matches!(error, CorpusError::Stopped { number, .. } if number == stop));
    }
    let resumed = go(&recipe, folder.path(), "killed", &mut |_| Flow::Continue).unwrap();
    assert_eq!(resumed.steps, whole.steps);
    let mut skipped = 0;
    go(&recipe, folder.path(), "killed", &mut |progress| {
        skipped += usize::from(progress.skipped);
        Flow::Continue
    })
    .unwrap();
    assert_eq!(skipped, whole.steps.len());
    // A damaged work file is made again.
    std::fs::write(folder.path().join("killed/01-filter.rows"), "{}").unwrap();
    let again = go(&recipe, folder.path(), "killed", &mut |_| Flow::Continue).unwrap();
    assert_eq!(again.steps, whole.steps);
}

#[test]
fn near_duplicates_are_dropped_and_others_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = |n: usize, changed: usize| -> String {
        (0..300)
            .map(|at| {
                let word = (n * 7919 + at * 104729) % 99991;
                if at < changed {
                    format!("x{word} ")
                } else {
                    format!("w{word} ")
                }
            })
            .collect()
    };
    let make = |id: String, reply: String| {
        let mut trace = trace(1);
        trace.id = id;
        trace.messages[1] = Turn::reply(reply, "3");
        trace
    };
    let originals = (0..100).map(|n| make(format!("a{n}"), text(n, 0)));
    // 10 of 300 words in a row are changed: a similarity of some 0.9.
    let copies = (0..100).map(|n| make(format!("b{n}"), text(n, 10)));
    write(&folder.path().join("a.jsonl"), originals.chain(copies));
    let recipe = Recipe::parse("name = \"n\"\n[[source]]\nname = \"s\"\npaths = [\"a.jsonl\"]\n[[step]]\nkind = \"dedup_near\"\n").unwrap();
    let finished = go(&recipe, folder.path(), "work", &mut |_| Flow::Continue).unwrap();
    let left: Vec<Trace> = finished
        .traces
        .iter()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let left = |kind: &str| {
        left.iter()
            .filter(|trace| trace.id.starts_with(kind))
            .count()
    };
    assert_eq!(left("a"), 100);
    println!("near-duplicates left: {} of 100", left("b"));
    assert!(left("b") <= 1);
}

#[test]
fn reports_escape_what_stands_in_a_corpus() {
    let folder = tempfile::tempdir().unwrap();
    let mut evil = trace(1);
    evil.domain = "<img src=x onerror=alert(1)>".into();
    evil.problem = "<script>alert(1)</script>".into();
    let mut dropped = evil.clone();
    dropped.messages[1] = Turn::reply("<script>", "");
    write(&folder.path().join("a.jsonl"), [evil, dropped].into_iter());
    let recipe = Recipe::parse("name = \"<script>\"\n[[source]]\nname = \"<b>\"\npaths = [\"a.jsonl\"]\n[[step]]\nkind = \"filter\"\nunfinished = true\n").unwrap();
    let finished = go(&recipe, folder.path(), "work", &mut |_| Flow::Continue).unwrap();
    publish(&recipe, &finished, &folder.path().join("out")).unwrap();
    let html = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(!html.contains("<script") && !html.contains("<img"));
    assert!(html.contains("&lt;script&gt;"));
}

#[test]
fn real_traces_import_and_unfinished_ones_are_known() {
    let Some(root) = std::env::var_os("RETORT_DATA") else {
        eprintln!("skipped: RETORT_DATA is not set");
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(Path::new(&root).join("traces"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let (mut all, mut cut, mut rules) = (0, 0, std::collections::BTreeMap::new());
        let defaults = retort_corpus::import::Defaults {
            source: "s".into(),
            domain: "math".into(),
            ..Default::default()
        };
        for trace in retort_corpus::inspect::Inspect::open(&path, defaults).unwrap() {
            let trace = trace.unwrap();
            let flag = trace
                .meta
                .get("finished")
                .and_then(serde_json::Value::as_bool);
            let unfinished = retort_corpus::import::unfinished(&trace).is_some();
            assert!(flag != Some(false) || unfinished, "{}", trace.id);
            assert!(
                !trace.problem.is_empty() && !trace.thought().contains("</think>"),
                "{}",
                trace.id
            );
            all += 1;
            cut += usize::from(unfinished);
            if let Some(reason) = Filter::standard().check(&trace) {
                *rules.entry(reason.rule).or_insert(0) += 1;
            }
        }
        assert!(all > 0);
        println!(
            "{}: {all} traces, {cut} unfinished, {rules:?}",
            path.file_name().unwrap().display()
        );
    }
}
