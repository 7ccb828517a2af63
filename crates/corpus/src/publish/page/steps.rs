//! The way through the steps, and what fell by it.

use std::fmt::Write;

use retort_report::number::count;

use super::kept;
use super::text::{block, escape, name, percent, sorted};
use crate::pipeline::{Example, Finished, StepRecord};
use crate::{CorpusError, Trace};

/// What a step is for, in a few words.
fn purpose(step: &str) -> &'static str {
    match step {
        "import" => "rows of the sources’ files read as traces",
        "verify" => "answers compared with the known ones",
        "filter" => "rules that look at one trace",
        "select" => "some traces of each group kept",
        "difficulty" => "problems that are too easy or too hard",
        "dedup_exact" => "repeats",
        "dedup_near" => "what is nearly the same as something earlier",
        "decontaminate" => "what stands in a benchmark",
        "mix" => "parts sampled to their shares",
        "split" => "problems held out for testing",
        "two_tasks" => "an example for the answer and one for the reasoning",
        _ => "",
    }
}

/// How many traces came to each step and how many left it, as bars of one scale.
pub fn way(page: &mut String, finished: &Finished) {
    let steps = finished.steps.iter();
    let most = steps.map(|step| step.rows_in.max(step.rows_out)).max();
    let width = |rows: u64| 100.0 * rows as f64 / most.unwrap_or(0).max(1) as f64;
    page.push_str(
        "<p>What each step left of the traces that came to it. The paler end of a bar is what it \
         dropped.</p>\n<ol class=\"way\">\n",
    );
    for step in &finished.steps {
        let dropped = step.dropped_count();
        let (kept, lost) = (width(step.rows_out), width(dropped));
        let loss = match dropped {
            0 => String::new(),
            dropped => format!("−{}", count(dropped)),
        };
        let _ = write!(
            page,
            "<li><div class=\"line\"><b>{}. {}</b><span class=\"soft small\">{}</span>\
             <span>{} → {}</span><span class=\"loss\">{loss}</span></div>\
             <div class=\"track\" aria-hidden=\"true\"><i style=\"width:{kept:.1}%\"></i>\
             <i style=\"width:{:.1}%\"></i></div>",
            step.number,
            escape(&step.name),
            purpose(&step.name),
            count(step.rows_in),
            count(step.rows_out),
            lost.min(100.0 - kept),
        );
        let reasons = step.reasons().into_iter();
        let reasons =
            reasons.map(|(reason, dropped)| format!("{} {}", escape(reason), count(dropped)));
        let reasons: Vec<String> = reasons.collect();
        if !reasons.is_empty() {
            let _ = write!(page, "<p>{}</p>", reasons.join(" · "));
        }
        page.push_str("</li>\n");
    }
    page.push_str("</ol>\n");
}

/// The reasons of a step by their whole names, the most frequent first.
fn reasons(step: &StepRecord) -> Vec<(String, u64)> {
    let counts = step.dropped.iter();
    let counts: Vec<_> = counts
        .map(|(reason, dropped)| (reason.clone(), dropped.count))
        .collect();
    sorted(counts.iter().map(|(reason, count)| (reason, count)))
}

/// Reasons with examples.
pub fn dropped(page: &mut String, finished: &Finished) -> Result<(), CorpusError> {
    if finished.steps.iter().all(|step| step.dropped.is_empty()) {
        page.push_str("<p>Nothing.</p>\n");
        return Ok(());
    }
    page.push_str(
        "<p>Every reason with the first traces that it dropped; open one to read them.</p>\n",
    );
    for step in finished
        .steps
        .iter()
        .filter(|step| !step.dropped.is_empty())
    {
        let kept = kept::of(finished, step)?;
        let title = format!("Step {}, {}", step.number, escape(&step.name));
        let _ = writeln!(page, "<h3 style=\"margin-top:28px\">{title}</h3>");
        for (reason, number) in reasons(step) {
            let _ = writeln!(
                page,
                "<details class=\"reason\"><summary><span class=\"tag\">{}</span> · {} \
                 <span class=\"soft\">({} of what came to the step)</span></summary>",
                escape(&reason),
                count(number),
                percent(number, step.rows_in),
            );
            let examples = step.dropped.get(&reason).map_or(&[][..], |d| &d.examples);
            if examples
                .iter()
                .all(|example| *example == Example::default())
            {
                page.push_str("<p class=\"example soft\">There is nothing to show of these.</p>\n");
                page.push_str("</details>\n");
                continue;
            }
            let kept = if reason == "dedup_near" {
                &kept[..]
            } else {
                &[]
            };
            for (at, example) in examples.iter().enumerate() {
                one(page, example, kept.get(at).and_then(Option::as_ref));
            }
            page.push_str("</details>\n");
        }
    }
    Ok(())
}

/// Of a text that is not cut yet.
const EXCERPT_CHARS: usize = 400;

fn one(page: &mut String, example: &Example, kept: Option<&Trace>) {
    // The example's texts were cut when they were noted.
    let _ = write!(
        page,
        "<article class=\"example\"><p class=\"small\"><code>{}</code> · {}</p>\
         <h4>Problem</h4>{}<h4>Reply</h4>{}",
        name(&example.id),
        escape(&crate::error::shown(&example.detail, 400)),
        block(&example.problem, 1000),
        block(&example.reply, 1000),
    );
    if let Some(kept) = kept {
        let reply = match kept.thought() {
            "" => kept.said(),
            thought => thought,
        };
        let _ = write!(
            page,
            "<h4>Kept in its place: <code>{}</code></h4>{}<h4>Its reply</h4>{}",
            name(&kept.id),
            block(&kept.problem, EXCERPT_CHARS),
            block(reply, EXCERPT_CHARS),
        );
    }
    page.push_str("</article>\n");
}
