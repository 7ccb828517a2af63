//! Lines of JSON in, one line of JSON out for each.

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Outcome, failure};

/// Answers each line of standard input with a line on standard output. A line that cannot be
/// answered gives `{"error": ..., "line": ...}` (counted from 1), and the others go on.
///
/// Lines end at `\n` only: texts hold other separators. Blank lines are passed over.
pub fn answer<T: DeserializeOwned>(mut each: impl FnMut(T) -> Result<Value>) -> Result<Outcome> {
    answer_from(io::stdin().lock(), io::stdout().lock(), |line| {
        each(serde_json::from_slice(line).context("not the JSON that is expected")?)
    })
}

/// Prints one line of JSON.
pub fn print(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)?;
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

fn answer_from(
    mut input: impl BufRead,
    mut output: impl Write,
    mut each: impl FnMut(&[u8]) -> Result<Value>,
) -> Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input
            .read_until(b'\n', &mut line)
            .context("standard input")?
            == 0
        {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = each(&line).unwrap_or_else(|error| {
            outcome = Outcome::SomeFailed;
            json!({"error": failure::line(&error), "line": number})
        });
        // One write and flush a line: a program that asks line by line gets its answers.
        let text = format!("{answer}\n");
        output.write_all(text.as_bytes())?;
        output.flush()?;
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_answered_and_the_rest_goes_on() {
        let input = "1\n\n{\n2\u{2028}\n3".as_bytes();
        let mut output = Vec::new();
        let outcome = answer_from(input, &mut output, |line| {
            let number: u64 = serde_json::from_slice(line).context("not a number")?;
            Ok(json!({"twice": 2 * number}))
        });
        assert_eq!(outcome.unwrap(), Outcome::SomeFailed);
        let output = String::from_utf8(output).unwrap();
        let lines = output
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .collect::<Vec<_>>();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], json!({"twice": 2}));
        assert_eq!(lines[1]["line"], 3);
        assert!(
            lines[1]["error"]
                .as_str()
                .unwrap()
                .starts_with("not a number: ")
        );
        assert_eq!(lines[2]["line"], 4);
        assert_eq!(lines[3], json!({"twice": 6}));
    }
}
