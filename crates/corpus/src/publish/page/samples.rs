//! A few traces to read.

use std::collections::BTreeMap;
use std::fmt::Write;

use retort_report::number::count;

use super::text::{block, escape, name, sorted};
use crate::error::shown;
use crate::{Trace, words};

/// So many traces are shown, and so many kept of each domain until all are seen.
const SHOWN: usize = 6;
/// Of so many domains at most: a corpus may name as many as it has traces.
const DOMAINS: usize = 64;
const PROBLEM_CHARS: usize = 4_000;
const THOUGHT_CHARS: usize = 12_000;
const ANSWER_CHARS: usize = 6_000;

/// Traces drawn by the seed, as evenly over the domains as there are traces.
///
/// Memory: six traces for each of at most 64 domains.
#[derive(Default)]
pub struct Samples {
    seed: u64,
    domains: BTreeMap<String, (u64, BTreeMap<u64, Trace>)>,
}

impl Samples {
    pub fn new(seed: u64) -> Self {
        let domains = BTreeMap::new();
        Self { seed, domains }
    }

    /// Keeps the trace if its place, by name and seed, is among the first of its domain.
    pub fn see(&mut self, trace: &Trace) {
        if self.domains.len() >= DOMAINS && !self.domains.contains_key(&trace.domain) {
            return;
        }
        let (seen, drawn) = self.domains.entry(trace.domain.clone()).or_default();
        *seen += 1;
        let place = words::seeded(self.seed, trace.id.as_bytes());
        if drawn.len() < SHOWN
            || drawn
                .last_key_value()
                .is_some_and(|(last, _)| place < *last)
        {
            drawn.insert(place, trace.clone());
        }
        if drawn.len() > SHOWN {
            drawn.pop_last();
        }
    }

    /// One of each domain, the largest first, then another of each, until there are enough.
    fn drawn(&self) -> Vec<&Trace> {
        let counts: BTreeMap<String, u64> = self
            .domains
            .iter()
            .map(|(domain, (seen, _))| (domain.clone(), *seen))
            .collect();
        let largest = sorted(&counts);
        let of = |round: usize| {
            let domains = largest
                .iter()
                .filter_map(|(domain, _)| self.domains.get(domain));
            domains.filter_map(move |(_, drawn)| drawn.values().nth(round))
        };
        (0..SHOWN).flat_map(of).take(SHOWN).collect()
    }

    pub fn write(&self, page: &mut String) {
        page.push_str("<p>Drawn at random, from all domains in turn.</p>\n");
        for trace in self.drawn() {
            one(page, trace);
        }
    }
}

fn one(page: &mut String, trace: &Trace) {
    let title = match trace.domain.trim() {
        "" => "A trace".to_owned(),
        domain => name(domain),
    };
    let parts = [&trace.source, &trace.teacher.model];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| name(part))
        .collect();
    let _ = write!(
        page,
        "<article class=\"sample\"><h3>{title}</h3><p class=\"soft small\"><code>{}</code> · {}",
        name(&trace.id),
        parts.join(" · ")
    );
    if let Some(verdict) = &trace.verdict {
        let (class, word) = match verdict.accepted {
            true => ("good", "answer accepted"),
            false => ("bad", "answer refused"),
        };
        let _ = write!(
            page,
            " · <span class=\"{class}\">{word}</span> ({})",
            name(&verdict.how)
        );
    }
    let _ = write!(
        page,
        "</p><h4>Problem</h4>{}",
        block(&trace.problem, PROBLEM_CHARS)
    );
    let thought = trace.thought();
    if !thought.is_empty() {
        let _ = write!(
            page,
            "<details class=\"thought\"><summary>Thought, {} characters</summary>{}</details>",
            count(thought.chars().count() as u64),
            block(thought, THOUGHT_CHARS)
        );
    }
    let _ = write!(page, "<h4>Answer</h4>{}", block(trace.said(), ANSWER_CHARS));
    if let Some(answer) = &trace.answer {
        let answer = escape(&shown(answer, 400));
        let _ = write!(
            page,
            "<h4>Known answer</h4><p class=\"text\" dir=\"auto\">{answer}</p>"
        );
    }
    page.push_str("</article>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_over_domains_and_bounded() {
        let mut samples = Samples::new(1);
        for at in 0..5000 {
            samples.see(&Trace {
                id: at.to_string(),
                domain: match at {
                    0..3000 => "many".to_owned(),
                    3000 => "one".to_owned(),
                    at => format!("d{at}"),
                },
                ..Trace::default()
            });
        }
        assert_eq!(samples.domains.len(), DOMAINS);
        let drawn = samples.drawn();
        assert_eq!(drawn.len(), SHOWN);
        assert_eq!(drawn[0].domain, "many");
        let mut domains: Vec<_> = drawn.iter().map(|trace| &trace.domain).collect();
        domains.dedup();
        assert_eq!(domains.len(), SHOWN);
        let mut few = Samples::new(1);
        (0..9).for_each(|at| {
            few.see(&Trace {
                id: at.to_string(),
                ..Trace::default()
            });
        });
        assert_eq!(few.drawn().len(), SHOWN);
    }
}
