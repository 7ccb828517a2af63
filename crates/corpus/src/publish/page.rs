//! The report: one HTML file without scripts or links to elsewhere. Every text of a corpus or a
//! recipe goes through [`escape`].

use std::fmt::Write;

use retort_report::number::short;

use super::{Statistics, sections};
use crate::error::is_invisible;
use crate::pipeline::Finished;
use crate::{CorpusError, Recipe};

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#faf9f6;--sheet:#fff;--ink:#22201c;--soft:#5f5b52;\
--edge:#e2dfd6;--mark:#f6dfc8;--accent:#a84c1c}\
@media(prefers-color-scheme:dark){:root{--paper:#171614;--sheet:#201e1b;--ink:#ebe7de;\
--soft:#b0aa9d;--edge:#35322c;--mark:#5a3820;--accent:#e8935f}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,\
'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif}\
main{max-width:1008px;margin:0 auto;padding:40px 24px 80px}\
h1{font-size:30px;line-height:1.2;letter-spacing:-.02em;margin:0 0 8px}\
h2{font-size:20px;letter-spacing:-.01em;margin:56px 0 12px}\
h3{font-size:15px;margin:20px 0 6px}\
p{max-width:70ch;margin:0 0 12px}.r-soft{color:var(--soft)}\
.r-figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:24px 0}\
.r-figure{background:var(--sheet);border:1px solid var(--edge);border-radius:6px;padding:14px 16px}\
.r-figure b{display:block;font-size:24px;line-height:1.2;font-variant-numeric:tabular-nums}\
.r-figure span{color:var(--soft);font-size:13px}\
.r-chart{margin:16px 0;overflow-x:auto}.r-chart svg{display:block;max-width:100%;height:auto}\
.r-scroll{overflow-x:auto}\
table{border-collapse:collapse;width:100%;font-size:14px;background:var(--sheet);\
border:1px solid var(--edge)}\
th,td{text-align:left;vertical-align:top;padding:8px 12px;border-bottom:1px solid var(--edge)}\
th{font-weight:600;color:var(--soft);font-size:13px;white-space:nowrap}\
td.r-number,th.r-number{text-align:right;font-variant-numeric:tabular-nums}\
code,.r-hash{font:12.5px/1.5 ui-monospace,Menlo,Consolas,'Liberation Mono',monospace;\
overflow-wrap:anywhere}\
details{background:var(--sheet);border:1px solid var(--edge);border-radius:6px;margin:8px 0}\
summary{cursor:pointer;padding:10px 14px}summary b{font-variant-numeric:tabular-nums}\
.r-example{padding:10px 14px;border-top:1px solid var(--edge);overflow-wrap:anywhere}\
.r-example p,.r-pair p{white-space:pre-wrap;margin:4px 0;max-width:none}\
.r-pair{display:grid;grid-template-columns:1fr 1fr;gap:1px;background:var(--edge);\
border:1px solid var(--edge);border-radius:6px;overflow:hidden;margin:0 0 16px}\
.r-pair>div{background:var(--sheet);padding:10px 14px;overflow-wrap:anywhere;min-width:0}\
.r-pair>.r-over{grid-column:1/-1;color:var(--soft);font-size:13px}\
.r-tag{color:var(--accent);font-weight:600}\
mark{background:var(--mark);color:inherit;border-radius:2px}\
@media(max-width:640px){.r-pair{grid-template-columns:1fr}main{padding:24px 16px}}";

/// For text and attributes. Characters that HTML cannot hold, or that hide or turn text, are
/// written out.
pub(super) fn escape(text: &str) -> String {
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

pub(super) fn html(
    recipe: &Recipe,
    finished: &Finished,
    statistics: &Statistics,
) -> Result<String, CorpusError> {
    let hits = sections::Hits::read(finished)?;
    let name = escape(&recipe.name);
    let description = escape(&recipe.description);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<title>{name}: corpus report</title>\n\
         <style>{STYLE}</style></head><body><main>\n<h1>{name}</h1>\n\
         <p class=\"r-soft\">{description}</p>\n"
    );
    figures(&mut page, finished, statistics, &hits);
    sections::way(&mut page, finished);
    sections::shape(&mut page, finished, statistics);
    sections::dropped(&mut page, finished);
    sections::contamination(&mut page, finished, &hits);
    sections::lineage(&mut page, finished);
    page.push_str("</main></body></html>\n");
    Ok(page)
}

fn figures(page: &mut String, finished: &Finished, statistics: &Statistics, hits: &sections::Hits) {
    let imported = finished.steps.first().map_or(0, |step| step.rows_out);
    let median = Statistics::quantile(&statistics.thoughts, 0.5);
    let share = 100.0 * statistics.traces as f64 / imported.max(1) as f64;
    page.push_str("<div class=\"r-figures\">\n");
    for (value, name) in [
        (count(statistics.traces), "traces"),
        (count(statistics.problems), "problems"),
        (count(imported), "traces read"),
        (format!("{}%", short(share)), "of them kept"),
        (short(median), "characters in the median thought"),
        (count(hits.count), "contaminated, dropped"),
    ] {
        let _ = writeln!(
            page,
            "<div class=\"r-figure\"><b>{value}</b><span>{name}</span></div>"
        );
    }
    page.push_str("</div>\n");
}

/// With thin spaces between thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
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
    fn thousands_are_apart() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
    }
}
