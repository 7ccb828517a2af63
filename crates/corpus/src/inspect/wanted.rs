//! Which traces one wants to see.

use std::str::FromStr;

use crate::{CorpusError, Trace, import};

/// A condition on a field: `domain=math`, `verdict!=accepted`, `problem~triangle`.
///
/// | field | is |
/// |---|---|
/// | `id`, `source`, `domain`, `teacher` | as the trace says |
/// | `verdict` | `accepted`, `refused` or `none` |
/// | `finished` | `yes` or `no` |
/// | `problem`, `answer`, `thought`, `reply` | the texts |
/// | any other | that field of `meta`; empty if the trace has none |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    field: String,
    test: Test,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Is,
    IsNot,
    /// Whatever the case.
    Contains,
}

impl FromStr for Wanted {
    type Err = CorpusError;

    fn from_str(text: &str) -> Result<Self, CorpusError> {
        let wrong = || {
            let expected = "FIELD=VALUE, FIELD!=VALUE or FIELD~TEXT";
            CorpusError::option("the condition", format!("`{text}`"), expected)
        };
        let at = text.find(['=', '~']).ok_or_else(wrong)?;
        let (field, value) = (&text[..at], &text[at + 1..]);
        let (field, test) = match (field.strip_suffix('!'), text.as_bytes()[at]) {
            (Some(field), b'=') => (field, Test::IsNot),
            (_, b'=') => (field, Test::Is),
            _ => (field, Test::Contains),
        };
        let field = field.trim().to_owned();
        if field.is_empty() {
            return Err(wrong());
        }
        let value = match test {
            Test::Contains => value.to_lowercase(),
            _ => value.trim().to_owned(),
        };
        Ok(Self { field, test, value })
    }
}

impl Wanted {
    /// Whether a trace is one of them.
    pub fn fits(&self, trace: &Trace) -> bool {
        let text = match self.field.as_str() {
            "id" => trace.id.clone(),
            "problem" => trace.problem.clone(),
            "answer" => trace.answer.clone().unwrap_or_default(),
            "thought" => trace.thought().to_owned(),
            "reply" => trace.said().to_owned(),
            "verdict" => match trace.verdict.as_ref().map(|verdict| verdict.accepted) {
                Some(true) => "accepted".to_owned(),
                Some(false) => "refused".to_owned(),
                None => "none".to_owned(),
            },
            "finished" => match import::unfinished(trace) {
                None => "yes".to_owned(),
                Some(_) => "no".to_owned(),
            },
            field => trace.field(field).unwrap_or_default(),
        };
        match self.test {
            Test::Is => text.trim() == self.value,
            Test::IsNot => text.trim() != self.value,
            Test::Contains => text.to_lowercase().contains(&self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Turn, Verdict};

    #[test]
    fn conditions_are_read_and_tested() {
        let mut trace = Trace {
            id: "a=1".into(),
            domain: "math".into(),
            problem: "A Triangle".into(),
            messages: vec![Turn::reply("so", "yes")],
            verdict: Some(Verdict::default()),
            ..Trace::default()
        };
        trace.meta.insert("level".into(), 3.into());
        let fits = |text: &str| text.parse::<Wanted>().unwrap().fits(&trace);
        for yes in [
            "domain=math",
            "id=a=1",
            "verdict=refused",
            "verdict!=accepted",
            "problem~triangle",
            "level=3",
            "absent=",
            "absent!=x",
            "finished=yes",
            "thought~S",
        ] {
            assert!(fits(yes), "{yes}");
        }
        for no in [
            "domain!=math",
            "domain=mat",
            "reply~no",
            "level=4",
            "finished=no",
        ] {
            assert!(!fits(no), "{no}");
        }
        for wrong in ["math", "=x", "!=x", "~x", ""] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
        }
    }
}
