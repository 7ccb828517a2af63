//! What will be learnt, for the eyes of whoever starts a run.

use anyhow::Result;
use retort_dataset::preview;
use retort_report::number::short;
use retort_train::corpus::Corpus;
use retort_train::student::Student;

use crate::note::{has_colors, note};

/// Width of the longest bar.
const BAR: usize = 40;
/// Characters of a document that are shown.
const MOST: usize = 1500;

pub fn show(corpus: &Corpus, student: &Student, documents: usize) -> Result<()> {
    let color = has_colors();
    for mut shown in preview(&corpus.dataset, &student.text.tokenizer, documents)? {
        for span in &mut shown.spans {
            span.text = middle_left_out(&span.text);
        }
        note(shown.text(color));
    }
    let report = &corpus.report;
    let held_out = corpus
        .held_out
        .as_ref()
        .map_or(0, |packing| packing.documents());
    note(format!(
        "{} conversations, {} documents ({} with a thought), {} held out",
        report.conversations, report.documents, report.with_thought, held_out
    ));
    note(format!(
        "{} tokens, {} of them learnt; a reply ends with {:?}",
        short(report.tokens as f64),
        short(report.learnt as f64),
        report.end,
    ));
    note(format!(
        "{} sequences of {} tokens, {:.1} % full",
        report.bins,
        report.capacity,
        100.0 * report.efficiency
    ));
    let lengths = &report.lengths;
    note(format!(
        "lengths: median {}, nine in ten up to {}, longest {}",
        lengths.p50, lengths.p90, lengths.max
    ));
    let most = lengths.buckets.iter().map(|bucket| bucket.documents).max();
    for bucket in &lengths.buckets {
        let width = BAR * bucket.documents as usize / most.unwrap_or(1).max(1) as usize;
        note(format!(
            "  up to {:>7}  {:<BAR$}  {}",
            bucket.up_to,
            "▆".repeat(width),
            bucket.documents
        ));
    }
    for (count, share, what) in [
        (
            report.dropped,
            report.dropped_share(),
            "are left out: longer than a sequence",
        ),
        (
            report.truncated,
            report.truncated_share(),
            "are cut: longer than a sequence",
        ),
    ] {
        if count > 0 {
            note(format!("{count} documents ({:.1} %) {what}", 100.0 * share));
        }
    }
    if report.unfinished > 0 {
        note(format!(
            "{} conversations are left out: a reply has no end",
            report.unfinished
        ));
    }
    if report.inexact > 0 {
        note(format!(
            "{} documents hold text that the vocabulary cannot express exactly",
            report.inexact
        ));
    }
    Ok(())
}

fn middle_left_out(text: &str) -> String {
    let count = text.chars().count();
    if count <= MOST {
        return text.to_owned();
    }
    let head: String = text.chars().take(MOST / 2).collect();
    let tail: String = text.chars().skip(count - MOST / 2).collect();
    format!("{head} […{} characters…] {tail}", count - MOST / 2 * 2)
}
