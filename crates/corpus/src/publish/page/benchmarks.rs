//! Benchmarks: what the corpus was compared with, and what was found, side by side.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use retort_dataset::Rows;
use retort_report::number::count;
use serde_json::Value;

use super::text::{bars, end_table, escape, name, options, sorted, table};
use crate::CorpusError;
use crate::decontaminate::Hit;
use crate::pipeline::{Finished, StepRecord};
use crate::words::{self, Words};

/// So many hits of a benchmark are shown side by side; all are in the step's notes.
const SHOWN_HITS: usize = 40;
/// Of these so many without opening anything.
const OPEN_HITS: usize = 3;

/// Hits of all decontamination steps.
#[derive(Default)]
pub struct Hits {
    pub count: u64,
    compared: bool,
    /// Benchmark to what was found of it.
    benchmarks: BTreeMap<String, Found>,
    methods: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Found {
    traces: u64,
    questions: HashSet<String>,
    shown: Vec<Hit>,
}

fn steps(finished: &Finished) -> impl Iterator<Item = &StepRecord> {
    let steps = finished.steps.iter();
    steps.filter(|step| step.name == "decontaminate")
}

impl Hits {
    pub fn read(finished: &Finished) -> Result<Self, CorpusError> {
        let mut hits = Self {
            compared: steps(finished).next().is_some(),
            ..Self::default()
        };
        for (number, path) in &finished.notes {
            if !steps(finished).any(|step| step.number == *number) {
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

    /// Whether there was a step that looked.
    pub fn is_compared(&self) -> bool {
        self.compared
    }

    fn add(&mut self, hit: Hit) {
        self.count += 1;
        let method = format!("{} in the {}", hit.method, hit.place);
        *self.methods.entry(method).or_default() += 1;
        let found = self.benchmarks.entry(hit.benchmark.clone()).or_default();
        found.traces += 1;
        // Of each question one hit is enough to see.
        if found.questions.insert(hit.item.clone()) && found.shown.len() < SHOWN_HITS {
            found.shown.push(hit);
        }
    }

    pub fn write(&self, page: &mut String, finished: &Finished) {
        if !self.compared {
            page.push_str(
                "<p><b>The corpus was not compared with any benchmark.</b> A score on a benchmark \
                 of a student that is trained on it says nothing.</p>\n",
            );
            return;
        }
        self.compared_with(page, finished);
        if self.count == 0 {
            page.push_str("<p>No question of theirs was found.</p>\n");
            return;
        }
        page.push_str("<div class=\"cards\">\n");
        let traces: Vec<(String, u64)> = self
            .benchmarks
            .iter()
            .map(|(name, found)| (name.clone(), found.traces))
            .collect();
        let traces = sorted(traces.iter().map(|(name, count)| (name, count)));
        bars(page, "Dropped, by benchmark", "Traces", &traces);
        let methods = sorted(&self.methods);
        bars(page, "Dropped, by what gave them away", "Traces", &methods);
        page.push_str("</div>\n<h3>Side by side</h3>\n");
        let _ = writeln!(
            page,
            "<p>One trace for each question that was found, up to {SHOWN_HITS} of a benchmark. \
             <mark>Marked</mark> are runs of three words that both have.</p>"
        );
        for (benchmark, found) in &self.benchmarks {
            side_by_side(page, benchmark, found);
        }
    }

    /// Which benchmarks, how many questions, how many of them were found.
    fn compared_with(&self, page: &mut String, finished: &Finished) {
        page.push_str(
            "<p>The question and the reply of each trace were compared with every question of \
             these. Traces that hold one were dropped.</p>\n",
        );
        let columns = [
            ("Benchmark", false),
            ("Questions", true),
            ("Found in the traces", true),
            ("Traces dropped", true),
            ("SHA-256 of its file", false),
        ];
        table(page, "Benchmarks compared with", &columns);
        let mut told = HashSet::new();
        for step in steps(finished) {
            let hashes = step.facts.get("hashes").and_then(Value::as_object);
            let questions = step.facts.get("questions").and_then(Value::as_object);
            for (benchmark, questions) in questions.into_iter().flatten() {
                if !told.insert(benchmark) {
                    continue;
                }
                let hash = hashes.and_then(|hashes| hashes.get(benchmark)?.as_str());
                let found = self.benchmarks.get(benchmark);
                let _ = writeln!(
                    page,
                    "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>\
                     <td class=\"number\">{}</td><td class=\"number\">{}</td>\
                     <td><code>{}</code></td></tr>",
                    name(benchmark),
                    count(questions.as_u64().unwrap_or(0)),
                    count(found.map_or(0, |found| found.questions.len() as u64)),
                    count(found.map_or(0, |found| found.traces)),
                    escape(hash.unwrap_or("not noted")),
                );
            }
        }
        end_table(page);
        for step in steps(finished) {
            let mut rules = step.options.clone();
            if let Some(rules) = rules.as_object_mut() {
                rules.remove("benchmark");
            }
            let _ = writeln!(
                page,
                "<p class=\"small\">Rules of step {}:</p>{}",
                step.number,
                options(&rules)
            );
        }
    }
}

fn side_by_side(page: &mut String, benchmark: &str, found: &Found) {
    let _ = writeln!(
        page,
        "<h3 style=\"margin-top:24px\">{}</h3>",
        name(benchmark)
    );
    let (open, closed) = found.shown.split_at(found.shown.len().min(OPEN_HITS));
    open.iter().for_each(|hit| pair(page, hit));
    if !closed.is_empty() {
        let _ = writeln!(
            page,
            "<details class=\"more\"><summary>{} more questions of {}</summary>",
            count(closed.len() as u64),
            name(benchmark)
        );
        closed.iter().for_each(|hit| pair(page, hit));
        page.push_str("</details>\n");
    }
    let left = found.questions.len() - found.shown.len();
    if left > 0 {
        let _ = writeln!(
            page,
            "<p class=\"soft small\">{} further questions are in the step’s notes.</p>",
            count(left as u64)
        );
    }
}

/// What a method found, in words.
fn evidence(hit: &Hit) -> String {
    let share = 100.0 * hit.score;
    match hit.method.as_str() {
        "same" => "the same words".to_owned(),
        "masked" => format!("{share:.0}% of the question’s runs of words, whatever the numbers"),
        "fuzzy" => format!("{share:.0}% of the characters, in order"),
        method => match method.strip_suffix("-gram") {
            Some(n) => format!("{share:.0}% of the question’s runs of {} words", escape(n)),
            None => format!("{} {:.2}", escape(method), hit.score),
        },
    }
}

fn pair(page: &mut String, hit: &Hit) {
    let masked = hit.method == "masked";
    let theirs = marked(&hit.theirs, &hit.ours, masked);
    let ours = marked(&hit.ours, &hit.theirs, masked);
    let _ = writeln!(
        page,
        "<article class=\"pair\"><div class=\"over\"><span class=\"tag\">{}</span> · in the {} of \
         <code>{}</code></div><div><h5>{} {}</h5><p class=\"text\" dir=\"auto\">{theirs}</p></div>\
         <div><h5>The trace</h5><p class=\"text\" dir=\"auto\">{ours}</p></div></article>",
        evidence(hit),
        escape(&hit.place),
        name(&hit.trace),
        name(&hit.benchmark),
        name(&hit.item),
    );
}

/// A text with the runs of words marked that stand in the other as well.
fn marked(text: &str, other: &str, masked: bool) -> String {
    const RUN: usize = 3;
    let words = Words::of(text);
    let hashes = |words: &Words| match masked {
        true => words.masked.clone(),
        false => words.exact.clone(),
    };
    let other: HashSet<u64> = words::grams(&hashes(&Words::of(other)), RUN).collect();
    let mut both = vec![false; words.len()];
    for (at, gram) in words::grams(&hashes(&words), RUN).enumerate() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_runs_are_marked_and_all_text_escaped() {
        let text = "Ann has <b>five red apples</b> & more";
        assert_eq!(
            marked(text, "Five red apples, b!", false),
            "Ann has &lt;b&gt;<mark>five red apples&lt;/b</mark>&gt; &amp; more"
        );
        assert_eq!(marked("a b c", "x y z", false), "a b c");
        assert_eq!(
            marked("has 5 red", "has 7 red", true),
            "<mark>has 5 red</mark>"
        );
        assert_eq!(marked("", "", false), "");
    }
}
