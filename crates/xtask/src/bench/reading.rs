//! What an engine says about a run.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// Figures of one run. Peers and `retort bench` print them as the last line of their output:
/// `{"name", "load_s", "prefill": {"128": tok/s}, "decode_tok_s", "peak_rss_mb"}`; in a browser
/// the prefill's figures are `{"tok_s", "ttft_ms"}`, and trainers print `"tok_s"` alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub name: String,
    pub load_s: Option<f64>,
    /// Tokens a second by the prompt's length.
    pub prefill: BTreeMap<usize, f64>,
    pub decode: Option<f64>,
    /// Tokens a second of optimiser steps.
    pub train: Option<f64>,
    /// Peak resident memory: of the process, or of the page's renderer.
    pub memory_mb: Option<f64>,
}

impl Reading {
    /// Runs a command and reads the last line of its output that is JSON.
    pub fn of(command: &mut Command) -> Result<Self> {
        eprintln!("    $ {}", process::line(command));
        let output = command.output().with_context(|| process::line(command))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let reading = text
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok());
        let Some(reading) = reading else {
            let errors = String::from_utf8_lossy(&output.stderr);
            let tail: Vec<&str> = errors.lines().rev().take(5).collect();
            bail!("`{}` printed no figures: {tail:?}", process::line(command));
        };
        let reading = Self::parse(&reading)?;
        eprintln!("      {reading:?}");
        Ok(reading)
    }

    fn parse(value: &Value) -> Result<Self> {
        let name = value["name"].as_str().unwrap_or("unnamed").to_owned();
        if let Some(error) = value["error"].as_str() {
            bail!("{name}: {error}");
        }
        let mut prefill = BTreeMap::new();
        for (tokens, speed) in value["prefill"].as_object().into_iter().flatten() {
            let speed = speed.as_f64().or_else(|| speed["tok_s"].as_f64());
            if let (Ok(tokens), Some(speed)) = (tokens.parse(), speed) {
                prefill.insert(tokens, speed);
            }
        }
        Ok(Self {
            name,
            load_s: value["load_s"].as_f64(),
            prefill,
            decode: value["decode_tok_s"].as_f64(),
            train: value["tok_s"].as_f64(),
            memory_mb: value["peak_rss_mb"].as_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_are_read() {
        let native = json!({ "name": "a", "prefill": { "128": 10.5 }, "decode_tok_s": 3 });
        let browser = json!({ "name": "b", "prefill": { "128": { "tok_s": 2.0, "ttft_ms": 9 } } });
        let native = Reading::parse(&native).unwrap();
        assert_eq!((native.prefill[&128], native.decode), (10.5, Some(3.0)));
        assert_eq!(Reading::parse(&browser).unwrap().prefill[&128], 2.0);
        let failed = json!({ "name": "c", "error": "timeout" });
        assert_eq!(
            Reading::parse(&failed).unwrap_err().to_string(),
            "c: timeout"
        );
    }
}
