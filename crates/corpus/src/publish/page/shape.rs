//! The traces that are left, in numbers.

use std::fmt::Write;

use retort_report::number::count;
use retort_report::plot::{Histogram, HistogramChart};
use serde_json::Value;

use super::text::{bars, end_table, name, sorted, table};
use crate::pipeline::Finished;
use crate::publish::Statistics;

/// Of a chart of lengths: two of them beside each other, one on a phone.
const WIDTH: f64 = 440.0;
/// So many domains have a line in the table of lengths.
const SHOWN_DOMAINS: usize = 16;

pub fn write(page: &mut String, finished: &Finished, statistics: &Statistics) {
    page.push_str("<div class=\"cards\">\n");
    lengths(page, "Lengths of thoughts", &statistics.thoughts);
    lengths(page, "Lengths of answers", &statistics.answers);
    bars(page, "Domains", "Traces", &sorted(&statistics.domains));
    bars(page, "Sources", "Traces", &sorted(&statistics.sources));
    pass_rates(page, finished);
    let [accepted, refused, none] = statistics.verdicts;
    let verdicts = [
        ("accepted", accepted),
        ("refused", refused),
        ("not judged", none),
    ];
    let verdicts = verdicts.map(|(word, count)| (word.to_owned(), count));
    bars(page, "Verdicts on the answers", "Traces", &verdicts);
    page.push_str("</div>\n");
    quantiles(page, statistics);
}

fn lengths(page: &mut String, title: &str, values: &[f64]) {
    let median = Statistics::quantile(values, 0.5);
    let described = format!("median {} characters", count(median as u64));
    // Lengths span decades: a linear scale shows one bar and a giant.
    let histogram = Histogram::logarithmic(values, 10);
    let none = histogram.left_out;
    let svg = HistogramChart::new(title, described, histogram)
        .names(
            "characters, each bar a quarter longer than the last",
            "traces",
        )
        .mark("median", median)
        .inset(WIDTH)
        .to_svg();
    let _ = writeln!(page, "<section class=\"card\"><h3>{title}</h3>{svg}");
    if none > 0 {
        let _ = writeln!(
            page,
            "<p class=\"soft small\">Not drawn: {} traces without any.</p>",
            count(none)
        );
    }
    page.push_str("</section>\n");
}

fn pass_rates(page: &mut String, finished: &Finished) {
    let rates = finished
        .steps
        .iter()
        .find_map(|step| step.facts.get("pass_rates")?.as_array());
    let Some(rates) = rates else { return };
    let named = |(at, problems): (usize, &Value)| {
        let name = match at {
            0 => "none accepted".to_owned(),
            at if at + 1 == rates.len() => "all accepted".to_owned(),
            // 100 % is a bin of its own.
            10 => "above 90%".to_owned(),
            at => format!("up to {}%", at * 10),
        };
        (name, problems.as_u64().unwrap_or(0))
    };
    let rates = rates.iter().enumerate().map(named);
    // With few traces a problem, most rates cannot be.
    let rates: Vec<(String, u64)> = rates.filter(|(_, problems)| *problems > 0).collect();
    bars(
        page,
        "Pass rates, by the share of a problem’s traces that the judge accepted",
        "Problems",
        &rates,
    );
}

/// Lengths of thoughts, domain by domain.
fn quantiles(page: &mut String, statistics: &Statistics) {
    let columns = [
        ("Thoughts, in characters", false),
        ("Traces", true),
        ("10%", true),
        ("Median", true),
        ("90%", true),
        ("99%", true),
        ("Longest", true),
    ];
    table(page, "Lengths of thoughts by domain", &columns);
    let mut line = |title: String, values: &[f64]| {
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{title}</th><td class=\"number\">{}</td>",
            count(values.len() as u64)
        );
        for share in [0.1, 0.5, 0.9, 0.99, 1.0] {
            let value = Statistics::quantile(values, share);
            let _ = write!(page, "<td class=\"number\">{}</td>", count(value as u64));
        }
        page.push_str("</tr>\n");
    };
    line("All".to_owned(), &statistics.thoughts);
    if statistics.domains.len() > 1 {
        for (domain, _) in sorted(&statistics.domains).iter().take(SHOWN_DOMAINS) {
            line(name(domain), &statistics.thoughts_of(domain));
        }
    }
    end_table(page);
}
