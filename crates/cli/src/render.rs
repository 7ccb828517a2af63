//! `retort render`: messages to the prompt that the model reads.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use retort_text::{ChatTemplate, Message, RenderOptions};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Outcome, jsonl, text};

/// Render messages with the chat template
///
/// Reads no weights: the header of a GGUF file, or a folder with a tokenizer_config.json, will do.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file] (see `retort --help`)
    model: String,
    /// One JSON line in and out for each conversation; else standard input is one, printed as text
    #[arg(long)]
    json: bool,
    /// A template to use instead of the model's own
    #[arg(long, value_name = "FILE.jinja")]
    template: Option<PathBuf>,
}

const EXAMPLES: &str = r#"Lines of --json
  in   [{"role": "user", "content": "Hi"}]
       {"messages": [...], "add_generation_prompt": true, "enable_thinking": false, ...}
  out  {"text": "<|im_start|>user\n..."}   or   {"error": "...", "line": 2}

  add_generation_prompt  the beginning of a reply goes last (default false)
  other fields           are given to the template

Examples
  echo '[{"role": "user", "content": "Hi"}]' | retort render student.gguf
  retort render student.gguf --json < conversations.jsonl"#;

/// A line of input.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a list of messages, or an object with `messages`"
)]
enum Line {
    Messages(Vec<Message>),
    Object(Request),
}

#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
    #[serde(default)]
    add_generation_prompt: bool,
    /// Whatever else the template asks for.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let template = text::template(&args.model, args.template.as_deref())?;
    if args.json {
        return jsonl::answer(|line| Ok(json!({"text": render(&template, line)?})));
    }
    let text = io::read_to_string(io::stdin())?;
    let line = serde_json::from_str(&text).context("standard input")?;
    io::stdout().write_all(render(&template, line)?.as_bytes())?;
    Ok(Outcome::Done)
}

fn render(template: &ChatTemplate, line: Line) -> Result<String> {
    let mut options = RenderOptions {
        now: template.needs_date().then(retort_infer::today).flatten(),
        ..RenderOptions::default()
    };
    let messages = match line {
        Line::Messages(messages) => messages,
        Line::Object(request) => {
            options.add_generation_prompt = request.add_generation_prompt;
            options.kwargs = request.extra;
            request.messages
        }
    };
    Ok(template.render(&messages, &options)?)
}
