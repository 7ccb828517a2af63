//! How well contamination and near duplicates are found on real texts; runs where `RETORT_DATA` names
//! a folder with `problems`, benchmarks and training questions as their projects publish them, and
//! `traces`.
//!
//!     RETORT_DATA=<folder> cargo test --release -p retort-corpus --test contamination -- --nocapture

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use retort_corpus::decontaminate::{Benchmark, Decontaminate, Hit, Index};
use retort_corpus::import::problem::problem;
use retort_corpus::{Finished, Flow, Folders, Recipe, Trace, Turn, run};
use retort_dataset::Rows;

fn folder() -> Option<PathBuf> {
    let Some(root) = std::env::var_os("RETORT_DATA") else {
        eprintln!("skipped: RETORT_DATA is not set");
        return None;
    };
    Some(Path::new(&root).join("problems"))
}

fn index(folder: &Path, name: &str) -> (Decontaminate, Index) {
    let options = Decontaminate {
        benchmarks: vec![Benchmark {
            name: name.into(),
            path: format!("{name}.jsonl.gz").into(),
        }],
        ..Decontaminate::default()
    };
    let index = options.index(folder).unwrap();
    (options, index)
}

fn questions(folder: &Path, name: &str) -> Vec<String> {
    let rows = Rows::open(&folder.join(format!("{name}.jsonl.gz"))).unwrap();
    let question = |row: retort_dataset::Row| {
        let origin = row.origin().clone();
        let mut fields = row.value().unwrap().as_object().unwrap().clone();
        fields.retain(|_, value| !value.is_null());
        problem(&mut fields, &origin).unwrap().problem
    };
    rows.map(|row| question(row.unwrap())).collect()
}

fn ask(options: &Decontaminate, index: &Index, question: &str) -> Option<Hit> {
    let trace = Trace {
        problem: question.to_owned(),
        ..Trace::default()
    };
    options.check(index, &trace)
}

/// Training questions that share a project, an author or a template with the benchmark's, and how
/// many of them may be called contaminated. A sample of the hits was read: nearly all are the same
/// question with other numbers or letters, which MATH is full of.
#[test]
fn few_training_questions_are_called_contaminated() {
    let Some(folder) = folder() else { return };
    for (benchmark, training, most) in [
        ("gsm8k_test", "gsm8k_train", 0.004),
        ("math500", "math_train", 0.02),
        ("math_test", "math_train", 0.1),
        ("aime24", "aime_1983_2023", 0.0),
        ("amc23", "math_train", 0.001),
        ("math500", "aime_1983_2023", 0.01),
        ("minerva_math", "math_train", 0.0),
        ("olympiadbench_math_en", "math_train", 0.002),
        ("gsm8k_test", "math_train", 0.0),
        ("math500", "gsm8k_train", 0.0),
        ("HumanEval", "mbpp", 0.01),
    ] {
        let (options, index) = index(&folder, benchmark);
        let questions = questions(&folder, training);
        let mut methods: BTreeMap<String, u32> = BTreeMap::new();
        let mut hits = 0;
        for question in &questions {
            if let Some(hit) = ask(&options, &index, question) {
                hits += 1;
                let method = hit.method.clone();
                *methods.entry(hit.method).or_default() += 1;
                if std::env::var_os("RETORT_SHOW").is_some() {
                    println!(
                        "--- {benchmark} {method} {:.2}\n  ours   {}\n  theirs {}",
                        hit.score,
                        question.replace('\n', " "),
                        hit.theirs.replace('\n', " ")
                    );
                }
            }
        }
        let share = f64::from(hits) / questions.len() as f64;
        println!(
            "{training} against {benchmark}: {hits} of {} ({:.2}%) {methods:?}",
            questions.len(),
            100.0 * share
        );
        assert!(share <= most, "{training} against {benchmark}: {share}");
    }
}

#[test]
fn planted_questions_are_found() {
    let Some(folder) = folder() else { return };
    for benchmark in ["gsm8k_test", "math500", "aime24", "amc23", "minerva_math"] {
        let (options, index) = index(&folder, benchmark);
        let questions = questions(&folder, benchmark);
        let recall = |change: fn(&str) -> String| {
            let found = questions
                .iter()
                .filter(|question| ask(&options, &index, &change(question)).is_some());
            found.count() as f64 / questions.len() as f64
        };
        let verbatim = recall(str::to_owned);
        let spaced = recall(|text| text.to_uppercase().replace(' ', "  \n"));
        let numbers = recall(|text| {
            let other = |c: char| match c.to_digit(10) {
                Some(digit) => char::from_digit((digit + 3) % 10, 10).unwrap_or(c),
                None => c,
            };
            text.chars().map(other).collect()
        });
        let paraphrased = recall(paraphrase);
        let asked = recall(|text| {
            format!("Solve the following problem. {text} Put the answer into a box.")
        });
        println!(
            "{benchmark}: verbatim {verbatim:.3}, case and spacing {spaced:.3}, other numbers {numbers:.3}, paraphrased {paraphrased:.3}, with instructions {asked:.3}"
        );
        assert_eq!((verbatim, spaced), (1.0, 1.0), "{benchmark}");
        // Short ones with other numbers are other questions: see `loose_words`.
        assert!(
            numbers > 0.6 && paraphrased > 0.9 && asked > 0.9,
            "{benchmark}"
        );
    }
}

/// Other words for common ones: about one word in eight of a question.
fn paraphrase(text: &str) -> String {
    let other = |word: &str| -> Option<&'static str> {
        Some(match word {
            "How" => "Tell me how",
            "many" => "lots of",
            "What" => "Which",
            "Find" => "Determine",
            "Compute" => "Work out",
            "Let" => "Suppose",
            "be" => "denote",
            "the" => "that",
            "The" => "That",
            "is" => "equals",
            "has" => "owns",
            "and" => "plus also",
            "If" => "When",
            "he" => "this man",
            "she" => "this woman",
            _ => return None,
        })
    };
    let mut changes = 0;
    let words = text.split(' ').map(|word| {
        changes += 1;
        // Two of three stay, so that it is a light paraphrase.
        match other(word) {
            Some(other) if changes % 3 == 0 => other,
            _ => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Near duplicates among the questions of one collection, and among real traces. What is dropped
/// was read: of questions, nearly all are the same with other names and numbers.
#[test]
fn few_different_problems_are_called_near_duplicates() {
    let Some(folder) = folder() else { return };
    let base = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["gsm8k_train", "math_train", "aime_1983_2023"] {
        let traces = questions(&folder, name).into_iter().enumerate();
        let lines: String = traces
            .map(|(at, problem)| {
                let trace = Trace {
                    id: at.to_string(),
                    messages: vec![Turn::new("user", &*problem), Turn::reply("", "1")],
                    problem,
                    ..Trace::default()
                };
                serde_json::to_string(&trace).unwrap() + "\n"
            })
            .collect();
        let path = base.path().join(format!("{name}.jsonl"));
        std::fs::write(&path, lines).unwrap();
        files.push((path, "problem", 0.02));
    }
    for file in std::fs::read_dir(folder.with_file_name("traces")).unwrap() {
        files.push((file.unwrap().path(), "trace", 0.01));
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    for (number, (path, over, most)) in files.into_iter().enumerate() {
        let recipe = format!(
            "name = \"n\"\n[[source]]\nname = \"s\"\npaths = ['{}']\n[[step]]\nkind = \"dedup_near\"\nover = \"{over}\"\n",
            path.display()
        );
        let recipe = Recipe::parse(&recipe).unwrap();
        let work = base.path().join(format!("work{number}"));
        let folders = Folders {
            base: base.path(),
            work: &work,
        };
        let finished = run(&recipe, folders, None, &mut |_| Flow::Continue).unwrap();
        let near = &finished.steps[1];
        let share = near.dropped_count() as f64 / near.rows_in as f64;
        println!(
            "{}: {} of {} {over}s are near duplicates ({:.2}%)",
            path.file_name().unwrap().display(),
            near.dropped_count(),
            near.rows_in,
            100.0 * share
        );
        if std::env::var_os("RETORT_SHOW").is_some() {
            show(&finished);
        }
        assert!(share <= most, "{share}");
    }
}

/// Each dropped trace beside the one that was kept for it.
fn show(finished: &Finished) {
    let lines = std::fs::read_to_string(finished.traces.file()).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    let traces: Vec<Trace> = lines.lines().map(parse).collect();
    for (_, path) in &finished.notes {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let note: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| {
                let trace = &traces[note[name].as_u64().unwrap() as usize - 1];
                format!("{} | {:.200}", trace.problem, trace.thought()).replace('\n', " ")
            };
            println!("  gone {}\n  kept {}", text("row"), text("kept"));
        }
    }
}
