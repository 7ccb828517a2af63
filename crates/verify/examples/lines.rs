//! Verdicts on JSON lines: `cargo run --release -p retort-verify --example lines < pairs.jsonl`

use std::io::{BufRead, stdin};

use retort_verify::{Line, Options, check};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lock().lines() {
        let line: Line = serde_json::from_str(&line?)?;
        println!(
            "{}",
            serde_json::to_string(&check(&line, &Options::default()))?
        );
    }
    Ok(())
}
