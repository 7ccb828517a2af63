//! Problems, as the known benchmarks and question collections write them.

use retort_dataset::Origin;
use serde_json::{Map, Value};

use super::code_tests;
use crate::error::shown;
use crate::{CorpusError, Tests};

/// A question with what its file says about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// The file's own name for it; empty if there is none.
    pub id: String,
    /// The question.
    pub problem: String,
    /// The final answer, if the file gives it apart or marks it.
    pub answer: Option<String>,
    /// The worked solution.
    pub solution: Option<String>,
    /// Algebra, biology, a year's contest.
    pub subject: Option<String>,
    /// Of a problem whose answer is a program.
    pub tests: Option<Tests>,
    /// All other fields that are short.
    pub meta: Map<String, Value>,
}

/// Fields that hold a question, the first that is there counts.
const QUESTION: [&str; 6] = [
    "problem",
    "question",
    "prompt",
    "text",
    "instruction",
    "query",
];
const SOLUTION: [&str; 6] = [
    "solution",
    "canonical_solution",
    "code",
    "ground_truth_solution",
    "output",
    "response",
];
const ANSWER: [&str; 8] = [
    "gold",
    "gtruth_answer",
    "final_answer",
    "answer",
    "ground_truth",
    "expected_answer",
    "target",
    "gt",
];
const ID: [&str; 5] = ["id", "unique_id", "task_id", "uuid", "idx"];
const SUBJECT: [&str; 6] = [
    "subject",
    "type",
    "subfield",
    "cot_type",
    "problem_type",
    "category",
];
/// Longer texts are no facts about a problem but further copies of it.
const META_BYTES: usize = 400;

/// Takes a problem's fields out of a row: GSM8K, MATH, AIME, AMC, OlympiadBench, NuminaMath,
/// HumanEval, MBPP and their like.
///
/// # Errors
/// [`CorpusError::Shape`] if there is no question.
pub fn problem(fields: &mut Map<String, Value>, origin: &Origin) -> Result<Problem, CorpusError> {
    let Some(question) = first(fields, &QUESTION) else {
        let names: Vec<_> = fields
            .keys()
            .take(12)
            .map(|name| format!("`{}`", shown(name, 40)))
            .collect();
        let found = match names.is_empty() {
            true => "no fields".to_owned(),
            false => format!("the fields {}", names.join(", ")),
        };
        return Err(CorpusError::Shape {
            origin: origin.clone(),
            found,
        });
    };
    let (tests, left_out) = code_tests::take(fields, &question);
    let mut solution = first(fields, &SOLUTION);
    let mut answer = first(fields, &ANSWER);
    // GSM8K: the worked solution is called answer, and ends with the answer after `####`.
    if let Some((worked, last)) = answer.as_deref().and_then(|text| text.rsplit_once("####")) {
        solution = solution.or_else(|| Some(worked.trim().to_owned()));
        answer = Some(last.trim().to_owned());
    }
    if answer.is_none() {
        answer = solution.as_deref().and_then(boxed).map(str::to_owned);
    }
    let context = first(fields, &["context", "input"]);
    let problem = match context {
        Some(context) if !context.trim().is_empty() => format!("{context}\n\n{question}"),
        _ => question,
    };
    let options = fields.get("options").and_then(Value::as_array);
    let problem = match options {
        Some(options) => with_options(problem, options),
        None => problem,
    };
    let id = first(fields, &ID).unwrap_or_default();
    let subject = first(fields, &SUBJECT);
    let mut meta = Map::new();
    if left_out > 0 {
        meta.insert("tests_left_out".into(), left_out.into());
    }
    if let Some(subject) = &subject {
        meta.insert("subject".into(), subject.clone().into());
    }
    for (name, value) in std::mem::take(fields) {
        let short = match &value {
            Value::Null => false,
            Value::String(text) => text.len() <= META_BYTES,
            Value::Array(_) | Value::Object(_) => value.to_string().len() <= META_BYTES,
            _ => true,
        };
        if short {
            meta.insert(name, value);
        }
    }
    Ok(Problem {
        id,
        problem,
        answer,
        solution,
        subject,
        tests,
        meta,
    })
}

/// Choices, lettered, unless the question holds them already.
fn with_options(problem: String, options: &[Value]) -> String {
    let texts: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
    if texts.is_empty() || texts.iter().all(|text| problem.contains(text)) {
        return problem;
    }
    let mut problem = problem;
    for (letter, text) in ('A'..='Z').zip(texts) {
        problem.push_str(&format!("\n{letter}. {text}"));
    }
    problem
}

/// The first of the fields that holds something, as text, taken out. Lists of one are that one.
pub(super) fn first(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let text = text(fields.get(*name)?)?;
        fields.remove(*name);
        Some(text)
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => {
            // 27.0 in files that passed through a table of floats.
            let whole = number
                .as_f64()
                .filter(|f| f.fract() == 0.0 && f.abs() < 1e15);
            Some(whole.map_or_else(|| number.to_string(), |whole| format!("{whole:.0}")))
        }
        Value::Array(list) if !list.is_empty() => {
            let texts: Option<Vec<_>> = list.iter().map(text).collect();
            Some(texts?.join(", "))
        }
        _ => None,
    }
}

/// What stands in the last `\boxed{..}`, whose braces may nest.
pub fn boxed(text: &str) -> Option<&str> {
    const OPEN: &str = "\\boxed{";
    let start = text.rfind(OPEN)? + OPEN.len();
    let mut depth = 1;
    for (at, byte) in text[start..].bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[start..start + at]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Problem {
        let mut fields = serde_json::from_str(text).unwrap();
        problem(&mut fields, &Origin::new("a.jsonl", 1)).unwrap()
    }

    #[test]
    fn benchmarks_are_read_as_they_are_written() {
        let gsm = read(r#"{"question":"Q","answer":"1+1=<<1+1=2>>2\n#### 2"}"#);
        assert_eq!(
            (gsm.problem.as_str(), gsm.answer.as_deref()),
            ("Q", Some("2"))
        );
        assert!(gsm.solution.unwrap().starts_with("1+1"));
        let math = read(
            r#"{"problem":"Q","level":"Level 3","type":"Algebra","solution":"so \\boxed{\\frac{1}{2}}."}"#,
        );
        assert_eq!(math.answer.as_deref(), Some("\\frac{1}{2}"));
        assert_eq!(math.subject.as_deref(), Some("Algebra"));
        assert_eq!(math.meta["level"], "Level 3");
        assert_eq!(
            read(r#"{"problem":"Q","answer":27.0,"year":1983}"#)
                .answer
                .as_deref(),
            Some("27")
        );
        let code = read(
            r#"{"task_id":"HumanEval/0","prompt":"def f():","canonical_solution":"  pass","test":"x"}"#,
        );
        assert_eq!(
            (code.id.as_str(), code.problem.as_str()),
            ("HumanEval/0", "def f():")
        );
        let mbpp =
            read(r#"{"text":"Write f.","code":"def f(): pass","task_id":1,"test_list":["a"]}"#);
        assert_eq!(
            (mbpp.id.as_str(), mbpp.solution.as_deref()),
            ("1", Some("def f(): pass"))
        );
        assert_eq!(mbpp.tests.map(|tests| tests.len()), Some(1));
        assert!(!mbpp.meta.contains_key("test_list"));
        let olympiad =
            read(r#"{"question":"Q","context":"C","final_answer":["2"],"solution":["S"]}"#);
        assert_eq!(
            (olympiad.problem.as_str(), olympiad.answer.as_deref()),
            ("C\n\nQ", Some("2"))
        );
        let choice = read(r#"{"question":"Q","options":["x","y"],"gold":"B"}"#);
        assert_eq!(choice.problem, "Q\nA. x\nB. y");
    }

    #[test]
    fn a_row_without_a_question_is_refused_by_its_names() {
        let mut fields = serde_json::from_str(r#"{"a":1}"#).unwrap();
        let error = problem(&mut fields, &Origin::new("a.jsonl", 3)).unwrap_err();
        assert!(error.to_string().contains("a.jsonl:3") && error.to_string().contains("`a`"));
    }

    #[test]
    fn boxes_may_nest_or_be_broken() {
        assert_eq!(boxed("\\boxed{1} \\boxed{a{b}c}"), Some("a{b}c"));
        assert_eq!(boxed("\\boxed{a{b}"), None);
        assert_eq!(boxed("none"), None);
    }
}
