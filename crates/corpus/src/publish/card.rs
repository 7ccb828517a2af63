//! The dataset card: README.md with the front matter that the Hugging Face hub reads.

use std::collections::BTreeMap;
use std::fmt::Write;

use retort_report::number::{self, count};
use serde_json::Value;

use super::{Place, Shard, Statistics};
use crate::Recipe;
use crate::error::shown;
use crate::pipeline::Finished;

pub(super) fn text(
    recipe: &Recipe,
    finished: &Finished,
    statistics: &Statistics,
    shards: &[Shard],
) -> String {
    let mut card = String::new();
    front(&mut card, recipe, statistics);
    let _ = write!(
        card,
        "# {}\n\n{}\n\n{} traces of {} different problems. Made by Retort from the recipe in \
         `manifest.json`, which names every step, its options and the hash of what it left. \
         `report.html` shows the corpus, what was dropped, and why.\n\n",
        plain(&recipe.name),
        plain(
            &recipe
                .description
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        ),
        count(statistics.traces),
        count(statistics.problems),
    );
    files(&mut card, shards);
    row(&mut card, recipe.publish.thought);
    counts(&mut card, "Domain", &statistics.domains);
    teachers(&mut card, statistics);
    sources(&mut card, finished);
    steps(&mut card, finished);
    benchmarks(&mut card, finished);
    card
}

fn files(card: &mut String, shards: &[Shard]) {
    card.push_str("| file | split | traces | size |\n|---|---|---:|---:|\n");
    for shard in shards {
        let (rows, size) = (count(shard.rows), number::bytes(shard.bytes));
        let _ = writeln!(
            card,
            "| `{}` | {} | {rows} | {size} |",
            shard.file, shard.split
        );
    }
    card.push_str(
        "\n```python\nfrom datasets import load_dataset\n\
         corpus = load_dataset(\"path/to/this/folder\")\n\
         corpus[\"train\"][0][\"messages\"]\n```\n\n",
    );
}

fn row(card: &mut String, thought: Place) {
    let thought = match thought {
        Place::Field => "the thought of a reply is its `reasoning_content`",
        Place::Inline => "the thought of a reply stands in its `content`, between `<think>` tags",
    };
    let _ = write!(
        card,
        "## A row\n\n| column | holds |\n|---|---|\n\
         | `id`, `source`, `domain` | its name, its source in the recipe, what it is about |\n\
         | `problem`, `answer` | the question as asked, and the known answer or null |\n\
         | `messages` | turns of `role`, `content`, `reasoning_content`; {thought} |\n\
         | `teacher` | `model`, `sampling` as JSON, `tokens` by its own count or null |\n\
         | `verdict` | `accepted`, `how`, `detail`; null where nobody judged |\n\
         | `meta` | whatever else the source says, as JSON |\n\n"
    );
}

fn counts(card: &mut String, title: &str, counts: &BTreeMap<String, u64>) {
    let _ = write!(card, "| {title} | traces |\n|---|---:|\n");
    for (name, traces) in counts {
        let _ = writeln!(card, "| {} | {} |", plain(name), count(*traces));
    }
    card.push('\n');
}

fn teachers(card: &mut String, statistics: &Statistics) {
    card.push_str("| Teacher | traces | sampling |\n|---|---:|---|\n");
    for (teacher, traces) in &statistics.teachers {
        let samplings = statistics.sampling.get(teacher);
        let samplings = samplings.into_iter().flatten().map(Value::to_string);
        let sampling = match samplings.collect::<Vec<_>>().join(" or ") {
            told if told.is_empty() => "not stated".to_owned(),
            told => plain(&told),
        };
        let _ = writeln!(
            card,
            "| {} | {} | {sampling} |",
            plain(teacher),
            count(*traces)
        );
    }
    card.push('\n');
}

fn sources(card: &mut String, finished: &Finished) {
    card.push_str(
        "## Sources and licences\n\n| source | file | licence | SHA-256 |\n|---|---|---|---|\n",
    );
    for file in &finished.sources {
        let licence = if file.licence.is_empty() {
            "not stated"
        } else {
            &file.licence
        };
        let (source, name) = (plain(&file.source), plain(&file.file));
        let _ = writeln!(
            card,
            "| {source} | {name} | {} | `{}` |",
            plain(licence),
            file.sha256
        );
    }
    card.push('\n');
}

fn steps(card: &mut String, finished: &Finished) {
    card.push_str("## Steps\n\n| step | traces in | dropped | left |\n|---|---:|---:|---:|\n");
    for step in &finished.steps {
        let (read, left) = (count(step.rows_in), count(step.rows_out));
        let dropped = count(step.dropped_count());
        let _ = writeln!(card, "| {} | {read} | {dropped} | {left} |", step.name);
    }
    card.push('\n');
}

fn benchmarks(card: &mut String, finished: &Finished) {
    card.push_str("## Benchmarks\n\n");
    let steps = finished.steps.iter();
    let mut steps = steps.filter(|step| step.name == "decontaminate").peekable();
    if steps.peek().is_none() {
        card.push_str("The corpus was not compared with any benchmark.\n");
    }
    for step in steps {
        let questions = step.facts.get("questions").and_then(Value::as_object);
        let names: Vec<String> = questions
            .into_iter()
            .flatten()
            .map(|(name, questions)| format!("{} ({questions} questions)", plain(name)))
            .collect();
        let _ = writeln!(
            card,
            "Compared with {}; {} traces that held one of their questions were dropped.",
            names.join(", "),
            count(step.dropped_count())
        );
    }
}

fn front(card: &mut String, recipe: &Recipe, statistics: &Statistics) {
    let licence: String = match recipe.publish.licence.as_str() {
        "" => "other".to_owned(),
        licence => licence
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
            .flat_map(char::to_lowercase)
            .collect(),
    };
    let size = match statistics.traces {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        _ => "100M<n<1B",
    };
    // A text of JSON is one of YAML too, whatever stands in it; `1.0` and `no` stay texts.
    let quoted = |text: &str| Value::from(shown(text, 200)).to_string();
    let _ = write!(
        card,
        "---\npretty_name: {}\nlicense: {}\ntask_categories:\n- text-generation\ntags:\n\
         - reasoning\n- distillation\n- synthetic\n- retort\nsize_categories:\n- {}\nconfigs:\n\
         - config_name: default\n  data_files:\n",
        quoted(&recipe.name),
        quoted(&licence),
        quoted(size),
    );
    // Readers expect the training data first.
    for split in ["train", "test"] {
        if statistics.splits.contains_key(split) {
            let _ = write!(
                card,
                "  - split: {split}\n    path: data/{split}-*.parquet\n"
            );
        }
    }
    card.push_str("---\n\n");
}

/// Text of a recipe or a corpus inside of a table: it cannot end the cell or start markup.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in shown(text, 500).chars() {
        match c {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '|' | '`' | '[' | ']' | '*' | '_' | '\\' | '#' | '~' | '!' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    plain
}
