//! The report: one HTML file without scripts or links to elsewhere. Every text of a corpus or a
//! recipe goes through [`text::escape`].

mod benchmarks;
mod kept;
mod lineage;
mod samples;
mod shape;
mod steps;
mod text;

use std::fmt::Write;

use retort_report::number::{count, short};
use retort_report::plot;

use super::{Shard, Statistics};
use crate::pipeline::Finished;
use crate::{CorpusError, Recipe};
pub(super) use samples::Samples;
use text::{escape, percent};

const STYLE: &str = include_str!("style.css");

/// Everything that the report tells of.
pub(super) struct Told<'a> {
    pub recipe: &'a Recipe,
    pub finished: &'a Finished,
    pub statistics: &'a Statistics,
    pub samples: &'a Samples,
    pub shards: &'a [Shard],
}

const SECTIONS: [(&str, &str); 7] = [
    ("steps", "Steps"),
    ("left", "What is left"),
    ("samples", "Samples"),
    ("dropped", "What was dropped"),
    ("benchmarks", "Benchmarks"),
    ("teachers", "Teachers"),
    ("lineage", "Lineage"),
];

pub(super) fn html(told: &Told) -> Result<String, CorpusError> {
    let hits = benchmarks::Hits::read(told.finished)?;
    let name = escape(&crate::error::shown(&told.recipe.name, 200));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{name}: corpus report</title>\n<style>{}\n{STYLE}</style></head>\n\
         <body><a class=\"skip\" href=\"#steps\">Skip to the report</a><main>\n\
         <header><p class=\"kicker\">Corpus report</p><h1>{name}</h1>\n",
        plot::STYLE
    );
    if !told.recipe.description.trim().is_empty() {
        let description = escape(&told.recipe.description);
        let _ = writeln!(
            page,
            "<p class=\"lead soft\" dir=\"auto\">{description}</p>"
        );
    }
    page.push_str("<nav aria-label=\"Sections\"><ul>");
    for (id, title) in SECTIONS {
        let _ = write!(page, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    page.push_str("</ul></nav></header>\n");
    figures(&mut page, told, &hits);
    section(&mut page, 0);
    steps::way(&mut page, told.finished);
    section(&mut page, 1);
    shape::write(&mut page, told.finished, told.statistics);
    section(&mut page, 2);
    told.samples.write(&mut page);
    section(&mut page, 3);
    steps::dropped(&mut page, told.finished)?;
    section(&mut page, 4);
    hits.write(&mut page, told.finished);
    section(&mut page, 5);
    lineage::teachers(&mut page, told.statistics);
    section(&mut page, 6);
    lineage::write(&mut page, told);
    page.push_str("</main></body></html>\n");
    Ok(page)
}

fn section(page: &mut String, at: usize) {
    let (id, title) = SECTIONS[at];
    let _ = writeln!(page, "<h2 id=\"{id}\">{title}</h2>");
}

fn figures(page: &mut String, told: &Told, hits: &benchmarks::Hits) {
    let statistics = told.statistics;
    let imported = told.finished.steps.first().map_or(0, |step| step.rows_out);
    let median = Statistics::quantile(&statistics.thoughts, 0.5);
    let traces = match statistics.splits.get("test") {
        Some(test) if *test < statistics.traces => {
            format!("traces, {} of them held out as test", count(*test))
        }
        _ => "traces".to_owned(),
    };
    let mut figures = vec![
        (count(statistics.traces), traces),
        (count(statistics.problems), "different problems".to_owned()),
    ];
    // Repeated or doubled traces are no share of what was read.
    if statistics.traces <= imported {
        let kept = format!("of {} traces read are kept", count(imported));
        figures.push((percent(statistics.traces, imported), kept));
    }
    figures.push((
        count(median as u64),
        "characters in the median thought".to_owned(),
    ));
    if statistics.counted > 0 {
        let of = match statistics.counted == statistics.traces {
            true => String::new(),
            false => format!(" of {} replies", count(statistics.counted)),
        };
        let tokens = match statistics.tokens {
            few @ 0..100_000 => count(few),
            many => short(many as f64),
        };
        figures.push((tokens, format!("tokens{of}, as the teachers count")));
    }
    figures.push(match hits.is_compared() {
        true => (
            count(hits.count),
            "traces dropped for a benchmark’s question".to_owned(),
        ),
        false => ("None".to_owned(), "benchmarks compared with".to_owned()),
    });
    page.push_str("<dl class=\"figures\">\n");
    for (value, name) in figures {
        let _ = writeln!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    page.push_str("</dl>\n");
}
