//! Traces for a terminal: a struct of what there is to see, and its text.

mod wanted;
mod wrap;

use std::path::Path;

use retort_dataset::Rows;

pub use wanted::Wanted;

use crate::error::{is_invisible, shown};
use crate::import::{self, Defaults};
use crate::{CorpusError, Trace};

/// A corpus that is looked at, one trace at a time.
pub struct Inspect {
    rows: Rows,
    defaults: Defaults,
    waiting: std::vec::IntoIter<Trace>,
}

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Characters of its thought: its beginning and its end are shown.
    pub thought: usize,
    /// Columns, beyond which lines are broken; none: they stay as they are.
    pub width: Option<usize>,
    /// Whether names and verdicts have colours.
    pub color: bool,
}

/// One trace, safe to print: control characters, and those that change the direction of text or
/// hide it, are written as `\u{..}`; line ends and tabs are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Name, source, domain, teacher, on one line.
    pub head: String,
    /// The problem.
    pub problem: String,
    /// The known answer.
    pub answer: Option<String>,
    /// The thought.
    pub thought: String,
    /// What the teacher answered.
    pub said: String,
    /// The verdict, in words.
    pub verdict: String,
    /// What it is; none: not judged.
    pub accepted: Option<bool>,
    /// Why the trace has no end, if so.
    pub unfinished: Option<&'static str>,
    /// Other facts, `name: value`.
    pub facts: Vec<String>,
}

impl Inspect {
    /// Opens a file of traces of any form that [`crate::import`] knows.
    ///
    /// # Errors
    /// As reading the file gives.
    pub fn open(path: &Path, defaults: Defaults) -> Result<Self, CorpusError> {
        Ok(Self {
            rows: Rows::open(path)?,
            defaults,
            waiting: Vec::new().into_iter(),
        })
    }
}

impl Iterator for Inspect {
    type Item = Result<Trace, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(trace) = self.waiting.next() {
                return Some(Ok(trace));
            }
            let traces = self
                .rows
                .next()?
                .map_err(CorpusError::from)
                .and_then(|row| {
                    let origin = row.origin().clone();
                    import::traces(row.value()?, &self.defaults, &origin)
                });
            match traces {
                Ok(traces) => self.waiting = traces.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl View {
    /// What there is to see of a trace.
    pub fn of(trace: &Trace) -> Self {
        let parts = [
            &trace.id,
            &trace.source,
            &trace.domain,
            &trace.teacher.model,
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let fact = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
            Some(text) => shown(&format!("{name}: {text}"), FACT_CHARS),
            None => shown(&format!("{name}: {value}"), FACT_CHARS),
        };
        Self {
            head: parts
                .map(|part| shown(part, NAME_CHARS))
                .collect::<Vec<_>>()
                .join(" · "),
            problem: text(&trace.problem),
            answer: trace
                .answer
                .as_deref()
                .map(|answer| shorten(&text(answer), FACT_CHARS)),
            thought: text(trace.thought()),
            said: text(trace.said()),
            verdict: match &trace.verdict {
                None => "not judged".to_owned(),
                Some(verdict) => {
                    let word = if verdict.accepted {
                        "accepted"
                    } else {
                        "refused"
                    };
                    shown(
                        format!("{word} by {}: {}", verdict.how, verdict.detail)
                            .trim_end_matches([':', ' ']),
                        FACT_CHARS,
                    )
                }
            },
            accepted: trace.verdict.as_ref().map(|verdict| verdict.accepted),
            unfinished: import::unfinished(trace),
            facts: {
                let tests = trace
                    .tests
                    .iter()
                    .map(|tests| format!("tests: {}", tests.len()));
                tests.chain(trace.meta.iter().map(fact)).collect()
            },
        }
    }

    /// As text that ends with a line end.
    pub fn render(&self, style: Style) -> String {
        let painted = |code: &str, text: &str| style.color && code != PLAIN && !text.is_empty();
        let paint = |code: &str, text: &str| match painted(code, text) {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        };
        let broken = |text: &str| match style.width {
            Some(width) => wrap::wrap(text, width),
            None => text.to_owned(),
        };
        let mut parts = vec![paint(BOLD, &broken(&self.head))];
        let mut part = |name: &str, code: &str, text: &str| {
            if text.trim().is_empty() {
                return;
            }
            // Each line by itself, so that a pager or a cut keeps the colours right.
            let lines = broken(text.trim_end());
            let lines: Vec<String> = lines.lines().map(|line| paint(code, line)).collect();
            let name = paint(DIM, &format!("── {name}"));
            parts.push(format!("{name}\n{}", lines.join("\n")));
        };
        let verdict = match self.accepted {
            Some(true) => GREEN,
            Some(false) => RED,
            None => PLAIN,
        };
        part("problem", PLAIN, &shorten(&self.problem, TEXT_CHARS));
        part("thought", DIM, &shorten(&self.thought, style.thought));
        part("answer", PLAIN, &shorten(&self.said, TEXT_CHARS));
        part(
            "known answer",
            PLAIN,
            self.answer.as_deref().unwrap_or_default(),
        );
        part("verdict", verdict, &self.verdict);
        part("unfinished", RED, self.unfinished.unwrap_or_default());
        part("facts", PLAIN, &self.facts.join("\n"));
        parts.join("\n") + "\n"
    }
}

/// A name longer than this is none.
const NAME_CHARS: usize = 100;
const FACT_CHARS: usize = 400;
/// Of a problem or an answer: more than anyone reads in a terminal.
const TEXT_CHARS: usize = 20_000;

const PLAIN: &str = "";
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";

fn shorten(text: &str, most: usize) -> String {
    let all = text.chars().count();
    if all <= most {
        return text.to_owned();
    }
    let half = most / 2;
    let head: String = text.chars().take(most - half).collect();
    let tail: String = text.chars().skip(all - half).collect();
    format!("{head}\n… {} characters …\n{tail}", all - most)
}

fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || is_invisible(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Turn;

    #[test]
    fn nothing_of_a_corpus_reaches_the_terminal_unescaped() {
        let evil = "a\u{1b}]0;x\u{7}\r\u{202e}\u{9b}1m\nb";
        let mut trace = Trace {
            id: evil.into(),
            source: evil.into(),
            domain: evil.into(),
            problem: evil.into(),
            answer: Some(evil.into()),
            messages: vec![Turn::reply(evil, evil)],
            ..Trace::default()
        };
        trace.teacher.model = evil.into();
        trace.meta.insert(evil.into(), evil.into());
        trace.verdict = Some(crate::Verdict {
            accepted: true,
            how: evil.into(),
            detail: evil.into(),
        });
        let view = View::of(&trace);
        let plain = Style {
            thought: 1000,
            width: None,
            color: false,
        };
        let narrow = Style {
            width: Some(20),
            ..plain
        };
        for style in [plain, narrow] {
            let written = view.render(style);
            let bad = |c: char| (c.is_control() && c != '\n') || is_invisible(c);
            assert!(!written.chars().any(bad), "{written:?}");
        }
        // With colours, every escape is one of ours.
        let written = view.render(Style {
            color: true,
            ..narrow
        });
        let mut rest = written.as_str();
        while let Some((_, after)) = rest.split_once('\u{1b}') {
            let (code, after) = after.split_once('m').unwrap();
            assert!(["[0", "[1", "[2", "[31", "[32"].contains(&code), "{code:?}");
            rest = after;
        }
        assert!(!view.head.contains('\n'));
    }

    #[test]
    fn long_thoughts_show_their_ends() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefgh", 4), "ab\n… 4 characters …\ngh");
    }
}
