//! The parts of the report.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use retort_dataset::Rows;
use retort_report::number::short;
use retort_report::plot::{Bars, Histogram, HistogramChart};

use super::Statistics;
use super::page::{count, escape};
use crate::CorpusError;
use crate::decontaminate::Hit;
use crate::pipeline::Finished;
use crate::words::{self, Words};

/// So many hits are shown side by side; all are in the step's notes.
const SHOWN_HITS: usize = 60;
/// So many bars of a chart.
const SHOWN_BARS: usize = 14;

fn chart(page: &mut String, svg: &str) {
    let _ = writeln!(page, "<div class=\"r-chart\">{svg}</div>");
}

/// The largest of some counts as bars, the others together.
fn bars(title: &str, unit: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let mut bars = Bars::new(title, "", unit);
    for (name, count) in sorted.iter().take(SHOWN_BARS) {
        bars = bars.bar(crate::error::shown(name, 44), **count as f64);
    }
    if sorted.len() > SHOWN_BARS {
        let rest: u64 = sorted[SHOWN_BARS..].iter().map(|(_, count)| **count).sum();
        bars = bars.bar(format!("{} others", sorted.len() - SHOWN_BARS), rest as f64);
    }
    bars.to_svg()
}

/// How many traces each step left.
pub(super) fn way(page: &mut String, finished: &Finished) {
    page.push_str("<h2>The way through the steps</h2>\n");
    let mut bars = Bars::new("Traces left after each step", "", "traces");
    for step in &finished.steps {
        bars = bars.bar(
            format!("{}. {}", step.number, step.name),
            step.rows_out as f64,
        );
    }
    chart(page, &bars.to_svg());
}

/// Domains, teachers, lengths, pass rates.
pub(super) fn shape(page: &mut String, finished: &Finished, statistics: &Statistics) {
    page.push_str("<h2>What is left</h2>\n");
    chart(page, &bars("Domains", "traces", &statistics.domains));
    chart(page, &bars("Sources", "traces", &statistics.sources));
    chart(page, &bars("Teachers", "traces", &statistics.teachers));
    for (title, values) in [
        ("Lengths of thoughts", &statistics.thoughts),
        ("Lengths of answers", &statistics.answers),
    ] {
        // One giant would squeeze all others into one bin.
        let most = Statistics::quantile(values, 0.99);
        let shown: Vec<f64> = values
            .iter()
            .copied()
            .filter(|value| *value <= most)
            .collect();
        let beyond = values.len() - shown.len();
        let subtitle = match beyond {
            0 => String::new(),
            _ => format!("{beyond} traces above {} characters not shown", short(most)),
        };
        let svg = HistogramChart::new(title, subtitle, Histogram::of(&shown, 30))
            .names("characters", "traces")
            .mark("median", Statistics::quantile(values, 0.5))
            .to_svg();
        chart(page, &svg);
    }
    pass_rates(page, finished);
    let [accepted, refused, none] = statistics.verdicts.map(count);
    let _ = writeln!(
        page,
        "<p>Verdicts of the traces that are left: {accepted} accepted, {refused} refused, \
         {none} not judged.</p>"
    );
}

fn pass_rates(page: &mut String, finished: &Finished) {
    let rates = finished
        .steps
        .iter()
        .find_map(|step| step.facts.get("pass_rates"));
    let Some(rates) = rates.and_then(serde_json::Value::as_array) else {
        return;
    };
    let mut bars = Bars::new(
        "Pass rates",
        "Problems by the share of their traces that the judge accepted",
        "problems",
    );
    for (at, problems) in rates.iter().enumerate() {
        let name = match at {
            0 => "none".to_owned(),
            at if at + 1 == rates.len() => "all".to_owned(),
            at => format!("up to {}%", at * 10),
        };
        bars = bars.bar(name, problems.as_f64().unwrap_or(0.0));
    }
    chart(page, &bars.to_svg());
}

/// Reasons and examples.
pub(super) fn dropped(page: &mut String, finished: &Finished) {
    let mut counts = BTreeMap::new();
    for step in &finished.steps {
        for (reason, dropped) in &step.dropped {
            *counts.entry(reason.clone()).or_default() += dropped.count;
        }
    }
    page.push_str("<h2>What was dropped</h2>\n");
    if counts.is_empty() {
        page.push_str("<p>Nothing.</p>\n");
        return;
    }
    chart(page, &bars("Reasons", "traces", &counts));
    for step in &finished.steps {
        for (reason, dropped) in &step.dropped {
            let (reason, number) = (escape(reason), count(dropped.count));
            let _ = writeln!(
                page,
                "<details><summary>Step {}, <span class=\"r-tag\">{reason}</span>: <b>{number}</b>\
                 </summary>",
                step.number
            );
            for example in &dropped.examples {
                let (id, detail) = (escape(&example.id), escape(&example.detail));
                let (problem, reply) = (escape(&example.problem), escape(&example.reply));
                let _ = writeln!(
                    page,
                    "<div class=\"r-example\"><code>{id}</code> <span class=\"r-soft\">{detail}\
                     </span><p>{problem}</p><p class=\"r-soft\">{reply}</p></div>"
                );
            }
            page.push_str("</details>\n");
        }
    }
}

/// Hits of all decontamination steps.
#[derive(Default)]
pub(super) struct Hits {
    pub count: u64,
    shown: Vec<Hit>,
    methods: BTreeMap<String, u64>,
    benchmarks: BTreeMap<String, u64>,
    /// Benchmark and question.
    questions: HashSet<(String, String)>,
}

impl Hits {
    pub fn read(finished: &Finished) -> Result<Self, CorpusError> {
        let mut hits = Self::default();
        for (number, path) in &finished.notes {
            let step = finished.steps.iter().find(|step| step.number == *number);
            if step.is_none_or(|step| step.name != "decontaminate") {
                continue;
            }
            for row in Rows::open(path)? {
                let row = row?;
                let origin = row.origin().clone();
                let hit = serde_json::from_value(row.value()?);
                hits.add(hit.map_err(|error| CorpusError::Trace {
                    origin,
                    reason: error.to_string(),
                })?);
            }
        }
        Ok(hits)
    }

    fn add(&mut self, hit: Hit) {
        self.count += 1;
        *self
            .methods
            .entry(format!("{}, {}", hit.method, hit.place))
            .or_default() += 1;
        *self.benchmarks.entry(hit.benchmark.clone()).or_default() += 1;
        // Of each question one hit is enough to see.
        let new = self
            .questions
            .insert((hit.benchmark.clone(), hit.item.clone()));
        if new && self.shown.len() < SHOWN_HITS {
            self.shown.push(hit);
        }
    }
}

/// What stands in benchmarks, side by side.
pub(super) fn contamination(page: &mut String, finished: &Finished, hits: &Hits) {
    page.push_str("<h2>Benchmarks</h2>\n");
    let steps = || {
        finished
            .steps
            .iter()
            .filter(|step| step.name == "decontaminate")
    };
    if steps().next().is_none() {
        page.push_str("<p>The corpus was not compared with any benchmark.</p>\n");
        return;
    }
    for questions in steps().filter_map(|step| step.facts.get("questions")?.as_object()) {
        let names: Vec<String> = questions
            .iter()
            .map(|(name, number)| format!("{} ({number} questions)", escape(name)))
            .collect();
        let _ = writeln!(page, "<p>Compared with {}.</p>", names.join(", "));
    }
    if hits.count == 0 {
        page.push_str("<p>No question of theirs was found.</p>\n");
        return;
    }
    let (number, questions) = (count(hits.count), count(hits.questions.len() as u64));
    let _ = writeln!(
        page,
        "<p>{number} traces held {questions} different questions and were dropped.</p>"
    );
    chart(
        page,
        &bars(
            "Contaminated traces by benchmark",
            "traces",
            &hits.benchmarks,
        ),
    );
    chart(
        page,
        &bars("Contaminated traces by method", "traces", &hits.methods),
    );
    let _ = writeln!(
        page,
        "<h3>Side by side</h3>\n<p class=\"r-soft\">One hit of each question, {} at most. Marked \
         are runs of three words that both have.</p>",
        SHOWN_HITS
    );
    for hit in &hits.shown {
        let (theirs, ours) = (
            marked(&hit.theirs, &hit.ours),
            marked(&hit.ours, &hit.theirs),
        );
        let _ = writeln!(
            page,
            "<div class=\"r-pair\"><div class=\"r-over\"><span class=\"r-tag\">{} {:.2}</span> · \
             {} of <code>{}</code></div><div><code>{} {}</code><p>{theirs}</p></div>\
             <div><code>the trace</code><p>{ours}</p></div></div>",
            escape(&hit.method),
            hit.score,
            escape(&hit.place),
            escape(&hit.trace),
            escape(&hit.benchmark),
            escape(&hit.item),
        );
    }
}

/// A text with the runs of words marked that stand in the other as well.
fn marked(text: &str, other: &str) -> String {
    const RUN: usize = 3;
    let words = Words::of(text);
    let other: HashSet<u64> = words::grams(&Words::of(other).exact, RUN).collect();
    let mut both = vec![false; words.len()];
    for (at, gram) in words::grams(&words.exact, RUN).enumerate() {
        if other.contains(&gram) {
            both[at..at + RUN].fill(true);
        }
    }
    let mut html = String::new();
    let mut done = 0;
    let mut at = 0;
    while at < both.len() {
        if !both[at] {
            at += 1;
            continue;
        }
        let last = at + both[at..].iter().take_while(|both| **both).count() - 1;
        let (from, to) = (words.spans[at].0 as usize, words.spans[last].1 as usize);
        let _ = write!(
            html,
            "{}<mark>{}</mark>",
            escape(&text[done..from]),
            escape(&text[from..to])
        );
        (done, at) = (to, last + 1);
    }
    html + &escape(&text[done..])
}

/// Files, licences, steps and hashes.
pub(super) fn lineage(page: &mut String, finished: &Finished) {
    page.push_str(
        "<h2>Where it comes from</h2>\n<div class=\"r-scroll\"><table><tr><th>Source</th>\
         <th>File</th><th>Licence</th><th>SHA-256</th></tr>\n",
    );
    for file in &finished.sources {
        let licence = if file.licence.is_empty() {
            "not stated"
        } else {
            &file.licence
        };
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"r-hash\">{}</td></tr>",
            escape(&file.source),
            escape(&file.file),
            escape(licence),
            file.sha256
        );
    }
    page.push_str(
        "</table></div>\n<h3>Steps</h3>\n<div class=\"r-scroll\"><table><tr><th>Step</th>\
         <th class=\"r-number\">In</th><th class=\"r-number\">Dropped</th>\
         <th class=\"r-number\">Left</th><th>Options</th><th>SHA-256 of what it left</th></tr>\n",
    );
    for step in &finished.steps {
        // The import's options are the sources, which stand above.
        let options = if step.number == 0 {
            String::new()
        } else {
            step.options.to_string()
        };
        let _ = writeln!(
            page,
            "<tr><td>{}. {}</td><td class=\"r-number\">{}</td><td class=\"r-number\">{}</td>\
             <td class=\"r-number\">{}</td><td><code>{}</code></td><td class=\"r-hash\">{}</td></tr>",
            step.number,
            escape(&step.name),
            count(step.rows_in),
            count(step.dropped_count()),
            count(step.rows_out),
            escape(&crate::error::shown(&options, 600)),
            step.sha256.get(..16).unwrap_or_default(),
        );
    }
    page.push_str("</table></div>\n");
}
