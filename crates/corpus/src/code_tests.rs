//! Tests of a problem whose answer is a program.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bytes of tests that one trace may carry. Every trace of a problem has its own copy, and a step
/// holds some traces at once.
pub const MAX_TESTS_BYTES: usize = 1 << 20;

/// How to find out whether a program in Python is right. Who runs it is the judge's business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tests {
    /// As in HumanEval.
    Check {
        /// The function that the answer defines.
        entry_point: String,
        /// Defines `check(candidate)`.
        test: String,
        /// What the question gives before the function: imports and helpers.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        before: String,
    },
    /// As in MBPP: statements that raise nothing.
    Asserts {
        /// The statements.
        asserts: Vec<String>,
        /// Runs once, after the answer and before the statements.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        setup: String,
    },
    /// As in programming contests: the answer is a program.
    Programs {
        /// What it reads and prints.
        cases: Vec<Case>,
    },
    /// As on LeetCode: the answer defines a function, or a class `Solution` with a method.
    Calls {
        /// Its name.
        function: String,
        /// What it is given and returns.
        cases: Vec<Call>,
    },
}

/// A run of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// On standard input.
    pub input: String,
    /// On standard output.
    pub output: String,
}

/// A call of a function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// In order.
    pub arguments: Vec<Value>,
    /// What comes back.
    pub result: Value,
}

impl Tests {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Check { .. } => 1,
            Self::Asserts { asserts, .. } => asserts.len(),
            Self::Programs { cases } => cases.len(),
            Self::Calls { cases, .. } => cases.len(),
        }
    }

    /// Whether there is none: then nothing can be found out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About the bytes of all texts.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Check {
                entry_point,
                test,
                before,
            } => entry_point.len() + test.len() + before.len(),
            Self::Asserts { asserts, setup } => {
                setup.len() + asserts.iter().map(String::len).sum::<usize>()
            }
            Self::Programs { cases } => cases.iter().map(Case::bytes).sum(),
            Self::Calls { cases, .. } => cases.iter().map(Call::bytes).sum(),
        }
    }

    /// As a prompt may show them: MBPP's questions do not name the function that they ask for.
    pub fn shown(&self) -> String {
        match self {
            Self::Check { test, .. } => test.trim().to_owned(),
            Self::Asserts { asserts, .. } => asserts.join("\n"),
            Self::Programs { cases } => {
                let case =
                    |case: &Case| format!("Input:\n{}\nOutput:\n{}", case.input, case.output);
                cases.iter().map(case).collect::<Vec<_>>().join("\n")
            }
            Self::Calls { function, cases } => {
                let case = |call: &Call| {
                    let arguments: Vec<_> = call.arguments.iter().map(Value::to_string).collect();
                    format!("{function}({}) gives {}", arguments.join(", "), call.result)
                };
                cases.iter().map(case).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Those that fit into so many bytes, in order, and how many do not. A test that is too long is
    /// left out whole.
    pub fn within(self, bytes: usize) -> (Option<Self>, usize) {
        let all = self.len();
        let kept = match self {
            check @ Self::Check { .. } => (check.bytes() <= bytes).then_some(check),
            Self::Asserts { asserts, setup } => bytes.checked_sub(setup.len()).map(|bytes| {
                let asserts = fitting(asserts, bytes, String::len);
                Self::Asserts { asserts, setup }
            }),
            Self::Programs { cases } => Some(Self::Programs {
                cases: fitting(cases, bytes, Case::bytes),
            }),
            Self::Calls { function, cases } => Some(Self::Calls {
                function,
                cases: fitting(cases, bytes, Call::bytes),
            }),
        };
        let kept = kept.filter(|kept| !kept.is_empty());
        let left = all - kept.as_ref().map_or(0, Self::len);
        (kept, left)
    }
}

impl Case {
    fn bytes(&self) -> usize {
        self.input.len() + self.output.len()
    }
}

impl Call {
    fn bytes(&self) -> usize {
        let values = self.arguments.iter().chain([&self.result]);
        values.map(|value| value.to_string().len()).sum()
    }
}

fn fitting<T>(items: Vec<T>, bytes: usize, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut room = bytes;
    let fits = |item: &T| match room.checked_sub(size(item)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    items.into_iter().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_are_too_long_are_left_out_and_counted() {
        let case = |n: usize| Case {
            input: "x".repeat(n),
            output: String::new(),
        };
        let cases = vec![case(4), case(90), case(5), case(2)];
        let (kept, left) = Tests::Programs { cases }.within(10);
        assert_eq!(
            kept,
            Some(Tests::Programs {
                cases: vec![case(4), case(5)]
            })
        );
        assert_eq!(left, 2);
        let asserts = vec!["assert f()".to_owned()];
        let setup = "x = 1".to_owned();
        let tests = Tests::Asserts { asserts, setup };
        assert_eq!(tests.clone().within(15), (Some(tests.clone()), 0));
        assert_eq!(tests.clone().within(14), (None, 1));
        assert_eq!(tests.within(4), (None, 1));
    }

    #[test]
    fn tests_survive_as_json() {
        let call = Call {
            arguments: vec![serde_json::json!([1, 2]), "a".into()],
            result: Value::Null,
        };
        let tests = Tests::Calls {
            function: "f".into(),
            cases: vec![call],
        };
        let text = serde_json::to_string(&tests).unwrap();
        assert_eq!(serde_json::from_str::<Tests>(&text).unwrap(), tests);
        assert_eq!(tests.shown(), "f([1,2], \"a\") gives null");
    }
}
