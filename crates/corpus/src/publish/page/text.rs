//! Strangers' text on the page, and the marks that hold it.

use std::fmt::Write;

use retort_report::number;
use serde_json::Value;

use crate::error::{is_invisible, shown};

/// For text and attributes. Characters that HTML cannot hold, or that hide or turn text, are
/// written out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || is_invisible(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name inside a line: short, and of its own direction.
pub fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(&shown(text, 80)))
}

/// A text as a block, cut to so many characters.
pub fn block(text: &str, most: usize) -> String {
    let cut = text.char_indices().nth(most).map(|(at, _)| at);
    let mut html = format!(
        "<p class=\"text\" dir=\"auto\">{}</p>",
        escape(&text[..cut.unwrap_or(text.len())])
    );
    if let Some(cut) = cut {
        let more = number::count(text[cut..].chars().count() as u64);
        let _ = write!(html, "<p class=\"soft small\">… {more} more characters</p>");
    }
    html
}

/// A share in per cent.
pub fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    match share {
        _ if part == 0 => "0%".to_owned(),
        _ if part == whole => "100%".to_owned(),
        _ if share < 0.1 => "< 0.1%".to_owned(),
        // Not all is never 100 %.
        _ => format!("{:.1}%", share.min(99.9)),
    }
}

/// The options of a step, or a teacher's sampling, as name and value, without the step's kind.
/// Of paths only the files' names: the rest is about somebody's disk.
pub fn options(value: &Value) -> String {
    let Value::Object(fields) = value else {
        return String::new();
    };
    let mut html = String::from("<dl class=\"options\">");
    for (field, value) in fields.iter().filter(|(field, _)| *field != "kind") {
        let (field, value) = (shown(field, 60), shown(&words(field, value, 0), 600));
        let _ = write!(
            html,
            "<dt>{}</dt><dd>{}</dd>",
            escape(&field),
            escape(&value)
        );
    }
    html + "</dl>"
}

/// Deeper than this nothing of ours goes.
const DEPTH: usize = 4;

fn words(field: &str, value: &Value, depth: usize) -> String {
    match value {
        _ if depth > DEPTH => "…".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(text) if field == "path" => {
            text.rsplit(['/', '\\']).next().unwrap_or(text).to_owned()
        }
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let words: Vec<String> = list
                .iter()
                .map(|value| words(field, value, depth + 1))
                .collect();
            words.join(if list.iter().any(Value::is_object) {
                "; "
            } else {
                ", "
            })
        }
        Value::Object(fields) => {
            // An empty list is one that nobody gave.
            let given = fields
                .iter()
                .filter(|(_, value)| value.as_array().is_none_or(|list| !list.is_empty()));
            let words: Vec<String> = given
                .map(|(field, value)| format!("{field} {}", words(field, value, depth + 1)))
                .collect();
            words.join(", ")
        }
        Value::Number(number) => number.to_string(),
    }
}

/// So many bars of a chart; the others are one bar.
const SHOWN_BARS: usize = 12;

/// A table whose first column has bars: a chart for eyes, a table for all other ways of reading.
pub fn bars(page: &mut String, title: &str, unit: &str, counts: &[(String, u64)]) {
    let whole: u64 = counts.iter().map(|(_, count)| count).sum();
    let (shown_counts, rest) = counts.split_at(counts.len().min(SHOWN_BARS));
    let others: u64 = rest.iter().map(|(_, count)| count).sum();
    let others = (!rest.is_empty()).then(|| (format!("{} others", rest.len()), others));
    let rows = || shown_counts.iter().chain(&others);
    let most = rows().map(|(_, count)| *count).max().unwrap_or(0);
    let _ = writeln!(
        page,
        "<section class=\"card\"><h3>{title}</h3><table class=\"bars\"><thead><tr>\
         <th scope=\"col\">Name</th><th scope=\"col\">{unit}</th><th scope=\"col\">Share</th></tr>\
         </thead><tbody>"
    );
    for (label, count) in rows() {
        let width = 100.0 * *count as f64 / most.max(1) as f64;
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}<span class=\"track\" aria-hidden=\"true\">\
             <i style=\"width:{width:.1}%\"></i></span></th><td>{}</td><td>{}</td></tr>",
            name(label),
            number::count(*count),
            percent(*count, whole)
        );
    }
    page.push_str("</tbody></table></section>\n");
}

/// The largest first.
pub fn sorted<'a>(counts: impl IntoIterator<Item = (&'a String, &'a u64)>) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts
        .into_iter()
        .map(|(name, count)| (name.clone(), *count))
        .collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// The start of a table that scrolls sideways where it is too wide, also by keyboard.
pub fn table(page: &mut String, label: &str, columns: &[(&str, bool)]) {
    let _ = write!(
        page,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\"><table><thead><tr>"
    );
    for (column, number) in columns {
        let class = if *number { " class=\"number\"" } else { "" };
        let _ = write!(page, "<th scope=\"col\"{class}>{column}</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
}

pub fn end_table(page: &mut String) {
    page.push_str("</tbody></table></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let evil = "<script>'\"&\u{1b}\u{202e}\u{0}</script>";
        let safe = escape(evil);
        assert_eq!(
            safe,
            "&lt;script&gt;&#39;&quot;&amp;\\u{1b}\\u{202e}\\u{0}&lt;/script&gt;"
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let html = block("éé<é", 3);
        assert!(html.contains(">éé&lt;</p>") && html.contains("… 1 more"));
        assert!(!block("é", 1).contains("more"));
    }

    #[test]
    fn options_are_words_without_folders() {
        let value = serde_json::json!({"kind": "x", "off": true,
            "benchmark": [{"name": "A<b", "path": "/home/me/a.jsonl"}]});
        let html = options(&value);
        assert!(html.contains("<dd>yes</dd>") && html.contains("name A&lt;b, path a.jsonl"));
        assert!(!html.contains("home") && !html.contains("kind"));
    }

    #[test]
    fn shares_are_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(0, 5), "0%");
        assert_eq!(percent(5, 5), "100%");
        assert_eq!(percent(1, 100_000), "< 0.1%");
        assert_eq!(percent(99_999, 100_000), "99.9%");
        assert_eq!(percent(0, 0), "0%");
    }
}
