//! `retort score`: what the model expects at each position of a text.

use std::io::{self, Write};

use anyhow::{Result, ensure};
use retort_infer::{Engine, Position};
use retort_text::SpecialTokens;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Outcome, jsonl, load};

/// Log-probabilities of given tokens
///
/// For each position: the likeliest next token, and the natural log-probability of the token that
/// really follows.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    load: load::Args,
    /// One JSON line in and out for each text; else standard input is one text, shown as a table
    #[arg(long)]
    json: bool,
    /// The K likeliest tokens of each position too
    #[arg(long, value_name = "K", default_value_t = 0)]
    top: usize,
}

const EXAMPLES: &str = r#"Lines of --json
  in   {"ids": [1, 2, 3]}
       {"text": "a text"}     special tokens are recognised; the model's own beginning goes first
  out  {"positions": [{"greedy": 5, "logprob": -1.2, "top": [[5, -0.3], [9, -2.1]]}, ...]}
       with "ids" for a text; the logprob of the last position is null, for nothing follows it
       {"error": "...", "line": 2}

Examples
  echo '{"text": "The sky is blue."}' | retort score student.gguf --json --top 3
  retort score student.gguf < essay.txt"#;

/// A line of input: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    ids: Option<Vec<u32>>,
    text: Option<String>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let engine = args.load.load()?;
    if args.json {
        return jsonl::answer(|request| answer(&engine, request, args.top));
    }
    let ids = encode(&engine, &io::read_to_string(io::stdin())?)?;
    let positions = score(&engine, &ids, args.top)?;
    print_table(&engine, &ids, &positions)?;
    Ok(Outcome::Done)
}

fn answer(engine: &Engine, request: Request, top: usize) -> Result<Value> {
    ensure!(
        request.ids.is_some() != request.text.is_some(),
        "expected one of `ids` and `text`"
    );
    if let Some(ids) = request.ids {
        return Ok(json!({"positions": score(engine, &ids, top)?}));
    }
    let ids = encode(engine, &request.text.unwrap_or_default())?;
    Ok(json!({"ids": ids, "positions": score(engine, &ids, top)?}))
}

fn encode(engine: &Engine, text: &str) -> Result<Vec<u32>> {
    let tokenizer = engine.tokenizer();
    let mut ids = tokenizer.encode(text, SpecialTokens::Parse)?;
    tokenizer.prepend_bos(&mut ids);
    Ok(ids)
}

fn score(engine: &Engine, ids: &[u32], top: usize) -> Result<Vec<Position>> {
    Ok(pollster::block_on(retort_infer::score(engine, ids, top))?)
}

/// Each token with its log-probability after those before it, and what was expected instead.
fn print_table(engine: &Engine, ids: &[u32], positions: &[Position]) -> Result<()> {
    let piece = |id: u32| format!("{:?}", engine.tokenizer().decode(&[id], false));
    let mut out = io::stdout().lock();
    writeln!(out, "{:>9}  {:<20}  expected", "logprob", "token")?;
    let mut total = 0.0;
    for (position, &next) in positions.iter().zip(&ids[1..]) {
        let logprob = position.logprob.unwrap_or_default();
        total += f64::from(logprob);
        let expected = match position.greedy == next {
            true => String::new(),
            false => piece(position.greedy),
        };
        writeln!(out, "{logprob:>9.4}  {:<20}  {expected}", piece(next))?;
    }
    let scored = ids.len().saturating_sub(1).max(1) as f64;
    writeln!(
        out,
        "mean {:.4}, perplexity {:.3}",
        total / scored,
        (-total / scored).exp()
    )?;
    Ok(())
}
