//! A corpus in numbers.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::Trace;

/// What the report shows of the traces that are left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// How many.
    pub traces: u64,
    /// Different problems.
    pub problems: u64,
    /// Traces by split.
    pub splits: BTreeMap<String, u64>,
    /// Traces by domain.
    pub domains: BTreeMap<String, u64>,
    /// Traces by source.
    pub sources: BTreeMap<String, u64>,
    /// Traces by teacher.
    pub teachers: BTreeMap<String, u64>,
    /// Each teacher's sampling, as far as the traces say.
    pub sampling: BTreeMap<String, Vec<Value>>,
    /// Characters of each thought.
    pub thoughts: Vec<f64>,
    /// Characters of each answer.
    pub answers: Vec<f64>,
    /// Tokens of the replies whose teacher counted them, and how many these are.
    pub tokens: u64,
    /// See `tokens`.
    pub counted: u64,
    /// Traces with an accepting verdict, a refusing one, and none.
    pub verdicts: [u64; 3],
    /// Of each thought the place of its domain in `named`.
    domain_of: Vec<u32>,
    named: BTreeMap<String, u32>,
    seen: HashSet<u64>,
}

/// What is noted of one trace.
pub(super) struct Row {
    split: String,
    domain: String,
    source: String,
    teacher: String,
    sampling: Value,
    thought: usize,
    answer: usize,
    tokens: Option<u64>,
    verdict: usize,
    problem: u64,
}

pub(super) fn split_of(trace: &Trace) -> &'static str {
    match trace.meta.get("split").and_then(Value::as_str) {
        Some("test") => "test",
        _ => "train",
    }
}

fn named(name: &str) -> String {
    match name.trim() {
        "" => "not named".to_owned(),
        name => name.to_owned(),
    }
}

impl Row {
    pub fn of(trace: &Trace) -> Self {
        Self {
            split: split_of(trace).to_owned(),
            domain: named(&trace.domain),
            source: named(&trace.source),
            teacher: named(&trace.teacher.model),
            sampling: trace.teacher.sampling.clone().into(),
            thought: trace.thought().chars().count(),
            answer: trace.said().chars().count(),
            tokens: trace.teacher.tokens,
            verdict: match &trace.verdict {
                Some(verdict) if verdict.accepted => 0,
                Some(_) => 1,
                None => 2,
            },
            problem: trace.problem_key(),
        }
    }
}

/// So many kinds of sampling are listed for a teacher.
const SAMPLINGS: usize = 8;

impl Statistics {
    pub(super) fn add(&mut self, row: Row) {
        self.traces += 1;
        self.seen.insert(row.problem);
        let samplings = self.sampling.entry(row.teacher.clone()).or_default();
        let named = row.sampling.as_object().is_some_and(|map| !map.is_empty());
        if named && samplings.len() < SAMPLINGS && !samplings.contains(&row.sampling) {
            samplings.push(row.sampling);
        }
        let next = self.named.len() as u32;
        let domain = *self.named.entry(row.domain.clone()).or_insert(next);
        self.domain_of.push(domain);
        if let Some(tokens) = row.tokens {
            self.tokens = self.tokens.saturating_add(tokens);
            self.counted += 1;
        }
        for (counts, name) in [
            (&mut self.splits, row.split),
            (&mut self.domains, row.domain),
            (&mut self.sources, row.source),
            (&mut self.teachers, row.teacher),
        ] {
            *counts.entry(name).or_default() += 1;
        }
        self.thoughts.push(row.thought as f64);
        self.answers.push(row.answer as f64);
        self.verdicts[row.verdict] += 1;
    }

    pub(super) fn finish(&mut self) {
        self.problems = self.seen.len() as u64;
        self.seen = HashSet::new();
    }

    /// Characters of the thoughts of a domain.
    pub fn thoughts_of(&self, domain: &str) -> Vec<f64> {
        let Some(place) = self.named.get(domain) else {
            return Vec::new();
        };
        let thoughts = self.domain_of.iter().zip(&self.thoughts);
        let of = thoughts.filter(|(domain, _)| *domain == place);
        of.map(|(_, thought)| *thought).collect()
    }

    /// A value below which this share of the values is; 0 of none.
    pub fn quantile(values: &[f64], share: f64) -> f64 {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let at = (share * values.len().saturating_sub(1) as f64).round() as usize;
        values.get(at).copied().unwrap_or(0.0)
    }
}
