//! Traces for a terminal: a struct of what there is to see, and its text.

use std::path::Path;

use retort_dataset::Rows;

use crate::error::is_invisible;
use crate::import::{self, Defaults};
use crate::{CorpusError, Trace};

/// A corpus that is looked at, one trace at a time.
pub struct Inspect {
    rows: Rows,
    defaults: Defaults,
    waiting: std::vec::IntoIter<Trace>,
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
            Some(text) => line(&format!("{name}: {text}")),
            None => line(&format!("{name}: {value}")),
        };
        Self {
            head: parts.map(|part| line(part)).collect::<Vec<_>>().join(" · "),
            problem: text(&trace.problem),
            answer: trace.answer.as_deref().map(text),
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
                    line(
                        format!("{word} by {}: {}", verdict.how, verdict.detail)
                            .trim_end_matches([':', ' ']),
                    )
                }
            },
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

    /// As text, thoughts cut to so many characters: their beginning and their end.
    pub fn render(&self, thought_chars: usize) -> String {
        let mut parts = vec![self.head.clone()];
        let mut part = |name: &str, text: &str| {
            if !text.is_empty() {
                parts.push(format!("── {name}\n{}", text.trim_end()));
            }
        };
        part("problem", &self.problem);
        part("thought", &shorten(&self.thought, thought_chars));
        part("answer", &self.said);
        part("known answer", self.answer.as_deref().unwrap_or_default());
        part("verdict", &self.verdict);
        part("unfinished", self.unfinished.unwrap_or_default());
        part("facts", &self.facts.join("\n"));
        parts.join("\n") + "\n"
    }
}

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

fn line(part: &str) -> String {
    text(part).replace('\n', "\\n").replace('\t', "\\t")
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
        let shown = view.render(1000);
        assert!(
            !shown
                .chars()
                .any(|c| (c.is_control() && c != '\n') || is_invisible(c)),
            "{shown:?}"
        );
        assert!(!view.head.contains('\n'));
    }

    #[test]
    fn long_thoughts_show_their_ends() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefgh", 4), "ab\n… 4 characters …\ngh");
    }
}
