//! `retort tokenize`: texts to ids.

use std::io::{self, Write};

use anyhow::Result;
use retort_text::{SpecialTokens, Tokenizer};
use serde::Deserialize;
use serde_json::json;

use crate::{Outcome, jsonl, text};

/// Turn texts into token ids
///
/// Reads no weights: the header of a GGUF file, or a folder with a tokenizer.json, is enough.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file] (see `retort --help`)
    model: String,
    /// One JSON line in and out for each text; else standard input is one text, listed by token
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = r#"Lines of --json
  in   "a text"
       {"text": "a text", "special": true, "add_bos": false}
  out  {"ids": [64, 1467]}   or   {"error": "...", "line": 2}

  special  names of control tokens in the text are those tokens (default true);
           other added tokens, often <think>, always are
  add_bos  the model's own beginning-of-text token goes first, if it has one (default false)

Examples
  echo '"Hello"' | retort tokenize student.gguf --json
  echo 'Hello' | retort tokenize hf:owner/repo"#;

/// A line of input.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or an object with `text`")]
enum Line {
    Text(String),
    Object(Request),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    text: String,
    #[serde(default = "yes")]
    special: bool,
    #[serde(default)]
    add_bos: bool,
}

fn yes() -> bool {
    true
}

pub fn run(args: &Args) -> Result<Outcome> {
    let tokenizer = text::tokenizer(&args.model)?;
    if args.json {
        return jsonl::answer(|line: Line| {
            let request = match line {
                Line::Text(text) => Request {
                    text,
                    special: true,
                    add_bos: false,
                },
                Line::Object(request) => request,
            };
            Ok(json!({"ids": encode(&tokenizer, &request)?}))
        });
    }
    let text = io::read_to_string(io::stdin())?;
    let ids = tokenizer.encode(&text, SpecialTokens::Parse)?;
    let mut out = io::stdout().lock();
    for id in &ids {
        // A token may be part of a character: what is not text shows as escapes.
        let piece = tokenizer.token_bytes(*id).unwrap_or_default();
        writeln!(
            out,
            "{id:>7}  {}",
            String::from_utf8_lossy(piece).escape_debug()
        )?;
    }
    writeln!(out, "{} tokens", ids.len())?;
    Ok(Outcome::Done)
}

fn encode(tokenizer: &Tokenizer, request: &Request) -> Result<Vec<u32>> {
    let special = match request.special {
        true => SpecialTokens::Parse,
        false => SpecialTokens::AsText,
    };
    let mut ids = tokenizer.encode(&request.text, special)?;
    if request.add_bos {
        tokenizer.prepend_bos(&mut ids);
    }
    Ok(ids)
}
