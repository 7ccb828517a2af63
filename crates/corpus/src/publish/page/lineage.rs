//! Who wrote the traces, where they come from, and what was done to them.

use std::fmt::Write;

use retort_report::number::{self, count};
use serde_json::Value;

use super::Told;
use super::text::{end_table, escape, name, options, percent, sorted, table};
use crate::error::shown;
use crate::publish::Statistics;

/// So many teachers have a line.
const SHOWN_TEACHERS: usize = 40;

pub fn teachers(page: &mut String, statistics: &Statistics) {
    let columns = [
        ("Teacher", false),
        ("Traces", true),
        ("Share", true),
        ("Sampling, as the sources say", false),
    ];
    table(page, "Teachers", &columns);
    let teachers = sorted(&statistics.teachers);
    for (teacher, traces) in teachers.iter().take(SHOWN_TEACHERS) {
        let samplings = statistics.sampling.get(teacher).map_or(&[][..], |s| s);
        let mut told: String = samplings.iter().map(options).collect();
        if told.is_empty() {
            told.push_str("<span class=\"soft\">not stated</span>");
        }
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td>{told}</td></tr>",
            name(teacher),
            count(*traces),
            percent(*traces, statistics.traces),
        );
    }
    end_table(page);
    if let Some(more) = teachers.len().checked_sub(SHOWN_TEACHERS + 1) {
        let more = count(more as u64 + 1);
        let _ = writeln!(page, "<p class=\"soft small\">And {more} others.</p>");
    }
}

pub fn write(page: &mut String, told: &Told) {
    page.push_str("<h3>Sources and licences</h3>\n");
    sources(page, told);
    page.push_str(
        "<h3>Steps</h3>\n<p>The hash is of the traces that a step left. The same recipe, files and \
         version give the same hashes.</p>\n",
    );
    steps(page, told);
    page.push_str("<h3>Files</h3>\n");
    files(page, told);
    let licence = match told.recipe.publish.licence.as_str() {
        "" => "not stated".to_owned(),
        licence => name(licence),
    };
    let _ = writeln!(
        page,
        "<footer>Licence of the whole: {licence}. Seed {}. Made by Retort {} from the recipe in \
         <code>manifest.json</code>.</footer>",
        told.recipe.seed,
        env!("CARGO_PKG_VERSION")
    );
}

fn sources(page: &mut String, told: &Told) {
    let columns = [
        ("Source", false),
        ("File", false),
        ("Size", true),
        ("Left of it", true),
        ("Licence", false),
        ("SHA-256", false),
    ];
    table(page, "Sources and licences", &columns);
    let import = told.finished.steps.first();
    let mut before = None;
    for file in &told.finished.sources {
        let licence = match file.licence.as_str() {
            "" => "<span class=\"bad\">not stated</span>".to_owned(),
            licence => name(licence),
        };
        // Of a source with several files, once.
        let left = match before.replace(&file.source) == Some(&file.source) {
            true => String::new(),
            false => {
                let left = told.statistics.sources.get(&file.source).unwrap_or(&0);
                let fact = import.and_then(|step| step.facts.get(&file.source));
                let read = fact.and_then(|fact| fact.get("traces").and_then(Value::as_u64));
                let of = read.map(|read| format!(" of {}", count(read)));
                format!("{}{}", count(*left), of.unwrap_or_default())
            }
        };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{left}</td><td>{licence}</td><td><code>{}</code></td></tr>",
            name(&file.source),
            name(&file.file),
            number::bytes(file.bytes),
            escape(&file.sha256),
        );
    }
    end_table(page);
}

fn steps(page: &mut String, told: &Told) {
    let columns = [
        ("Step", false),
        ("In", true),
        ("Dropped", true),
        ("Left", true),
        ("Options", false),
        ("SHA-256", false),
    ];
    table(page, "Steps with their options and hashes", &columns);
    for step in &told.finished.steps {
        // The import's options are the sources, which stand above.
        let options = match step.number {
            0 => "<span class=\"soft\">the sources above</span>".to_owned(),
            _ => options(&step.options),
        };
        let judge = step.facts.get("judge").and_then(Value::as_str);
        let judge = judge.map(|judge| {
            format!(
                "<p class=\"small\">Judge: {}</p>",
                escape(&shown(judge, 120))
            )
        });
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}. {}</th><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td><td>{options}{}</td>\
             <td><code>{}</code></td></tr>",
            step.number,
            escape(&step.name),
            count(step.rows_in),
            count(step.dropped_count()),
            count(step.rows_out),
            judge.unwrap_or_default(),
            escape(&step.sha256),
        );
    }
    end_table(page);
}

fn files(page: &mut String, told: &Told) {
    let columns = [
        ("File", false),
        ("Split", false),
        ("Traces", true),
        ("Size", true),
        ("SHA-256", false),
    ];
    table(page, "Files of the corpus", &columns);
    for shard in told.shards {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td><code>{}</code></td></tr>",
            escape(&shard.file),
            escape(&shard.split),
            count(shard.rows),
            number::bytes(shard.bytes),
            escape(&shard.sha256),
        );
    }
    end_table(page);
}
