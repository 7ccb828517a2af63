//! Tests of code problems, as benchmarks and collections write them.
//!
//! | fields | project |
//! |---|---|
//! | `tests` with a `kind` | Retort |
//! | `entry_point`, `test` | HumanEval |
//! | `test_list`, `test_setup_code` or `test_imports` | MBPP |
//! | lists, or objects of lists, of inputs and outputs | APPS, TACO, CodeContests, OpenThoughts, open-r1, LiveCodeBench |
//!
//! Problems with a checker of their own, or that talk with a judge, have no tests here: for them
//! the outputs of the file are not the only right ones.

use serde_json::{Map, Value};

use crate::code_tests::{Call, Case, MAX_TESTS_BYTES, Tests};

type Fields = Map<String, Value>;

/// Fields that hold inputs and outputs. Of these that are there, all are taken.
const CASES: [&str; 10] = [
    "verification_info",
    "input_output",
    "test_cases",
    "tests",
    "official_tests",
    "public_test_cases",
    "private_test_cases",
    "public_tests",
    "private_tests",
    "generated_tests",
];
/// Fields that say that outputs are not compared.
const OWN_CHECKERS: [&str; 3] = ["generated_checker", "checker", "interaction_format"];
/// JSON within JSON, at most so deep.
const MAX_DEPTH: usize = 4;

/// Takes a problem's tests out of its row; also how many were too long.
pub(super) fn take(fields: &mut Fields, question: &str) -> (Option<Tests>, usize) {
    match find(fields, question) {
        Some(tests) => tests.within(MAX_TESTS_BYTES),
        None => (None, 0),
    }
}

fn find(fields: &mut Fields, question: &str) -> Option<Tests> {
    let own = fields.get("tests").filter(|own| own.get("kind").is_some());
    if let Some(tests) = own.and_then(|own| serde_json::from_value(own.clone()).ok()) {
        fields.remove("tests");
        return Some(tests);
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if let (Some(entry_point), Some(test)) = (text("entry_point"), text("test"))
        && test.contains("def check(")
    {
        let tests = Tests::Check {
            before: before(question, entry_point),
            entry_point: entry_point.to_owned(),
            test: test.to_owned(),
        };
        remove(fields, &["entry_point", "test"]);
        return Some(tests);
    }
    if let Some(asserts) = fields.get("test_list").and_then(texts) {
        let setups = ["test_setup_code", "test_imports"].into_iter();
        let setups = setups.filter_map(|name| match fields.get(name)? {
            Value::String(code) => Some(code.clone()),
            lines => Some(texts(lines)?.join("\n")),
        });
        let setup: Vec<_> = setups.filter(|code| !code.trim().is_empty()).collect();
        let setup = setup.join("\n");
        remove(fields, &["test_list", "test_setup_code", "test_imports"]);
        return Some(Tests::Asserts { asserts, setup });
    }
    if OWN_CHECKERS
        .iter()
        .any(|name| fields.get(*name).is_some_and(says_something))
    {
        remove(fields, &CASES);
        return None;
    }
    let mut found = Found {
        function: function(fields),
        ..Found::default()
    };
    for name in CASES {
        let Some(value) = fields.get(name) else {
            continue;
        };
        if found.read(value, 0).is_some() {
            fields.remove(name);
        }
    }
    found.tests()
}

fn remove(fields: &mut Fields, names: &[&str]) {
    for name in names {
        fields.remove(*name);
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    }
}

/// A list of texts that is not empty.
fn texts(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.iter().map(text).collect()
}

/// The function that is called, where the row says it beside the tests.
fn function(fields: &Fields) -> Option<String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if let Some(name) = text("fn_name") {
        return Some(name.to_owned());
    }
    // LiveCodeBench.
    let metadata: Value = serde_json::from_str(text("metadata")?).ok()?;
    metadata.get("func_name")?.as_str().map(str::to_owned)
}

/// What stands before the function in a question that is code: imports, and helpers that the tests
/// may use. Empty where the question is more than code.
fn before(question: &str, entry_point: &str) -> String {
    let definition = format!("def {entry_point}(");
    let at = match question.starts_with(&definition) {
        true => Some(0),
        false => question.rfind(&format!("\n{definition}")).map(|at| at + 1),
    };
    let before = at.map_or("", |at| &question[..at]);
    const STARTS: [&str; 8] = [
        "import ", "from ", "def ", "class ", "@", "#", "\"\"\"", "'''",
    ];
    let is_code = |line: &str| {
        let assigns = || {
            let name = line.split_once('=').map_or("", |(name, _)| name.trim());
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        line.trim().is_empty()
            || line.starts_with([' ', '\t', ')', ']', '}'])
            || STARTS.iter().any(|start| line.starts_with(start))
            || assigns()
    };
    match before.lines().all(is_code) && !before.trim().is_empty() {
        true => before.to_owned(),
        false => String::new(),
    }
}

#[derive(Default)]
struct Found {
    function: Option<String>,
    programs: Vec<Case>,
    calls: Vec<Call>,
    asserts: Vec<String>,
}

impl Found {
    /// Of the kinds that there are, one: a problem asks for a program or for a function.
    fn tests(self) -> Option<Tests> {
        if !self.asserts.is_empty() {
            let (asserts, setup) = (self.asserts, String::new());
            return Some(Tests::Asserts { asserts, setup });
        }
        if let (Some(function), false) = (self.function, self.calls.is_empty()) {
            let cases = self.calls;
            return Some(Tests::Calls { function, cases });
        }
        let cases = self.programs;
        (!cases.is_empty()).then_some(Tests::Programs { cases })
    }

    /// None: not tests, and the field may be something else.
    fn read(&mut self, value: &Value, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match value {
            Value::String(text) => {
                let text = text.trim();
                let json = text.starts_with(['{', '[']);
                let value: Value = serde_json::from_str(text).ok().filter(|_| json)?;
                self.read(&value, depth + 1)
            }
            Value::Array(list) if !list.is_empty() => {
                let assert = |value: &Value| value.as_str().is_some_and(|t| t.contains("assert"));
                if list.iter().all(assert) {
                    self.asserts.extend(texts(value)?);
                    return Some(());
                }
                list.iter().try_for_each(|case| self.case(case))
            }
            Value::Object(object) => {
                if let Some(cases) = object.get("test_cases") {
                    return self.read(cases, depth + 1);
                }
                if let Some(name) = object.get("fn_name").and_then(Value::as_str) {
                    self.function = Some(name.to_owned());
                }
                let list = |names: [&str; 2]| names.iter().find_map(|name| object.get(*name));
                let inputs = list(["inputs", "input"])?.as_array()?;
                let outputs = list(["outputs", "output"])?.as_array()?;
                if inputs.len() != outputs.len() {
                    return None;
                }
                let mut pairs = inputs.iter().zip(outputs);
                pairs.try_for_each(|(input, output)| self.pair(input, output))
            }
            _ => None,
        }
    }

    fn case(&mut self, case: &Value) -> Option<()> {
        if let Some(name) = case.get("fn_name").and_then(Value::as_str) {
            self.function = Some(name.to_owned());
        }
        let (input, output) = (case.get("input")?, case.get("output")?);
        let kind = ["testtype", "type"]
            .iter()
            .find_map(|name| case.get(*name)?.as_str());
        match kind {
            Some("functional" | "function_call") => self.call(input, output),
            _ => self.pair(input, output),
        }
    }

    fn pair(&mut self, input: &Value, output: &Value) -> Option<()> {
        if self.function.is_some() {
            return self.call(input, output);
        }
        self.programs.push(Case {
            input: lines(input)?,
            output: lines(output)?,
        });
        Some(())
    }

    fn call(&mut self, input: &Value, output: &Value) -> Option<()> {
        let json = |text: &str| serde_json::from_str::<Value>(text).ok();
        let arguments = match input {
            Value::Array(arguments) => arguments.clone(),
            // LiveCodeBench: one on each line.
            Value::String(text) => {
                let lines = text.split('\n').filter(|line| !line.trim().is_empty());
                lines.map(json).collect::<Option<_>>()?
            }
            _ => return None,
        };
        let result = match (input, output) {
            (Value::String(_), Value::String(text)) => json(text)?,
            // APPS: in a list of one.
            (_, Value::Array(list)) if list.len() == 1 => list[0].clone(),
            _ => output.clone(),
        };
        // A number that was rounded when it was read would refuse right answers.
        let exact = arguments.iter().chain([&result]).all(is_exact);
        if exact {
            self.calls.push(Call { arguments, result });
        }
        Some(())
    }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            !number.is_f64() || number.as_f64().is_some_and(|number| number.abs() < 1e15)
        }
        Value::Array(list) => list.iter().all(is_exact),
        Value::Object(map) => map.values().all(is_exact),
        _ => true,
    }
}

/// Text, or a list of lines.
fn lines(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) => Some(texts(value)?.join("\n")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(row: &str) -> Option<Tests> {
        let mut fields = serde_json::from_str(row).unwrap();
        let tests = take(&mut fields, "").0;
        assert_eq!(tests.is_none(), !fields.is_empty(), "{fields:?}");
        tests
    }

    fn programs(cases: &[(&str, &str)]) -> Option<Tests> {
        let case = |(input, output): &(&str, &str)| Case {
            input: (*input).into(),
            output: (*output).into(),
        };
        Some(Tests::Programs {
            cases: cases.iter().map(case).collect(),
        })
    }

    #[test]
    fn programs_tests_are_read_as_they_are_written() {
        let two = programs(&[("1\n", "2\n"), ("3\n", "4\n")]);
        for row in [
            r#"{"input_output":"{\"inputs\":[\"1\\n\",\"3\\n\"],\"outputs\":[\"2\\n\",\"4\\n\"]}"}"#,
            r#"{"test_cases":{"inputs":["1\n","3\n"],"outputs":["2\n","4\n"],"fn_name":null}}"#,
            r#"{"official_tests":[{"input":"1\n","output":"2\n"},{"input":"3\n","output":"4\n"}]}"#,
            r#"{"public_tests":{"input":["1\n"],"output":["2\n"]},"private_tests":{"input":["3\n"],"output":["4\n"]}}"#,
            r#"{"verification_info":"{\"language\":\"python\",\"test_cases\":[{\"input\":\"1\\n\",\"output\":\"2\\n\",\"type\":\"stdin_stdout\",\"fn_name\":null},{\"input\":\"3\\n\",\"output\":\"4\\n\",\"type\":\"stdin_stdout\"}]}"}"#,
            r#"{"public_test_cases":"[{\"input\":\"1\\n\",\"output\":\"2\\n\",\"testtype\":\"stdin\"}]","private_test_cases":"[{\"input\":\"3\\n\",\"output\":\"4\\n\",\"testtype\":\"stdin\"}]"}"#,
            r#"{"tests":{"kind":"programs","cases":[{"input":"1\n","output":"2\n"},{"input":"3\n","output":"4\n"}]}}"#,
        ] {
            assert_eq!(read(row), two, "{row}");
        }
        let lines = read(r#"{"input_output":{"inputs":[["1","2"]],"outputs":[3]}}"#);
        assert_eq!(lines, programs(&[("1\n2", "3")]));
    }

    #[test]
    fn calls_are_read_as_they_are_written() {
        let calls = Some(Tests::Calls {
            function: "f".into(),
            cases: vec![Call {
                arguments: vec![serde_json::json!([1, 2]), 3.into()],
                result: true.into(),
            }],
        });
        for row in [
            r#"{"input_output":"{\"fn_name\":\"f\",\"inputs\":[[[1,2],3]],\"outputs\":[[true]]}"}"#,
            r#"{"input_output":"{\"fn_name\":\"f\",\"inputs\":[[[1,2],3]],\"outputs\":[true]}"}"#,
            r#"{"tests":"[{\"input\":\"[1, 2]\\n3\",\"output\":\"true\",\"testtype\":\"functional\",\"fn_name\":\"f\"}]"}"#,
        ] {
            assert_eq!(read(row), calls, "{row}");
        }
        let metadata = r#"{"metadata":"{\"func_name\":\"f\"}","tests":[{"input":"[1,2]\n3","output":"true","testtype":"functional"}]}"#;
        let mut fields = serde_json::from_str(metadata).unwrap();
        assert_eq!(take(&mut fields, "").0, calls);
        // 10^20 + 1 would be read as a float.
        let huge = r#"{"fn_name":"f","tests":[{"input":[100000000000000000001],"output":1}]}"#;
        let mut fields = serde_json::from_str(huge).unwrap();
        assert_eq!(take(&mut fields, "").0, None);
    }

    #[test]
    fn functions_tests_are_read_as_they_are_written() {
        let question = "from typing import List\n\n\ndef help(x):\n    return x\n\n\ndef f(x):\n    \"\"\" F. \"\"\"\n";
        let row = r#"{"entry_point":"f","test":"def check(candidate):\n    pass"}"#;
        let mut fields = serde_json::from_str(row).unwrap();
        let Some(Tests::Check { before, .. }) = take(&mut fields, question).0 else {
            panic!("{fields:?}");
        };
        assert_eq!(
            before,
            "from typing import List\n\n\ndef help(x):\n    return x\n\n\n"
        );
        for prose in ["Complete this:\ndef f(x):", "def f(x):", "Write f."] {
            assert_eq!(super::before(prose, "f"), "", "{prose}");
        }
        assert_eq!(
            read(
                r#"{"test_list":["assert f()"],"test_setup_code":"","test_imports":["import math"]}"#
            ),
            Some(Tests::Asserts {
                asserts: vec!["assert f()".into()],
                setup: "import math".into(),
            })
        );
        let listed = read(r#"{"tests":["assert f(1)","assert f(2)"]}"#).unwrap();
        assert_eq!(listed.len(), 2);
    }

    #[test]
    fn what_cannot_be_compared_is_no_test() {
        for row in [
            r#"{"official_tests":[{"input":"1","output":"2"}],"generated_checker":"def check"}"#,
            r#"{"tests":"[1, 2"}"#,
            r#"{"tests":[{"input":"1"}]}"#,
            r#"{"test_cases":{"inputs":["1"],"outputs":[]}}"#,
            r#"{"entry_point":"f","test":"def test_f(): pass"}"#,
            r#"{"private_test_cases":"eJxVjkEKgzAQRbvuKT6zVgnahVfpVsQ"}"#,
        ] {
            assert_eq!(read(row), None, "{row}");
        }
        let long = "x".repeat(MAX_TESTS_BYTES);
        let row = serde_json::json!({"tests": [{"input": long, "output": "1"}, {"input": "1", "output": "1"}]});
        let Value::Object(mut fields) = row else {
            return;
        };
        let (tests, left) = take(&mut fields, "");
        assert_eq!((tests, left), (programs(&[("1", "1")]), 1));
    }
}
