//! The dataset card: README.md with the front matter that the Hugging Face hub reads.

use std::collections::BTreeSet;
use std::fmt::Write;

use retort_report::number;

use super::{Shard, Statistics};
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
    let problems = statistics.problems;
    let _ = write!(
        card,
        "# {}\n\n{}\n\n{} traces of {problems} problems. Made by Retort from the recipe in \
         `manifest.json`, which names every step, its options and the hash of what it left. \
         `report.html` shows the corpus, what was dropped, and why.\n\n",
        plain(&recipe.name),
        plain(&recipe.description),
        statistics.traces,
    );
    card.push_str("| file | split | traces | size |\n|---|---|---|---|\n");
    for shard in shards {
        let size = number::bytes(shard.bytes);
        let _ = writeln!(
            card,
            "| `{}` | {} | {} | {size} |",
            shard.file, shard.split, shard.rows
        );
    }
    card.push_str(
        "\n```python\nfrom datasets import load_dataset\n\
         corpus = load_dataset(\"path/to/this/folder\")\n```\n\n",
    );
    for (title, counts) in [
        ("Domain", &statistics.domains),
        ("Teacher", &statistics.teachers),
    ] {
        let _ = write!(card, "| {title} | traces |\n|---|---|\n");
        for (name, count) in counts {
            let _ = writeln!(card, "| {} | {count} |", plain(name));
        }
        card.push('\n');
    }
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
    card.push_str("\n## Steps\n\n| step | traces in | dropped | left |\n|---|---|---|---|\n");
    for step in &finished.steps {
        let (read, dropped, left) = (step.rows_in, step.dropped_count(), step.rows_out);
        let _ = writeln!(card, "| {} | {read} | {dropped} | {left} |", step.name);
    }
    card.push_str(
        "\n## Columns\n\n`id`, `source`, `domain`, `problem`, `answer` (the known one), `messages` \
         (`role`, `content`, `reasoning_content`), `teacher` (`model`, `sampling` as JSON, \
         `tokens`), `verdict` (`accepted`, `how`, `detail`), `meta` as JSON.\n",
    );
    card
}

fn front(card: &mut String, recipe: &Recipe, statistics: &Statistics) {
    let licence = match recipe.publish.licence.as_str() {
        "" => "other".to_owned(),
        licence => licence
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
            .collect(),
    };
    let size = match statistics.traces {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "1M<n<10M",
    };
    let splits: BTreeSet<&String> = statistics.splits.keys().collect();
    let _ = write!(
        card,
        "---\nlicense: {licence}\ntask_categories:\n- text-generation\ntags:\n- reasoning\n\
         - distillation\n- retort\nsize_categories:\n- {size}\nconfigs:\n- config_name: default\n  \
         data_files:\n",
    );
    for split in splits {
        let _ = write!(
            card,
            "  - split: {split}\n    path: data/{split}-*.parquet\n"
        );
    }
    card.push_str("---\n\n");
}

/// Text of a recipe or a corpus inside of a table: it cannot end the cell or start markup.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in shown(text, 500).chars() {
        if matches!(
            c,
            '|' | '<' | '>' | '`' | '[' | ']' | '*' | '_' | '\\' | '#'
        ) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}
