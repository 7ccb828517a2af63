//! `retort generate`: one prompt, one reply.

use std::io::{self, Read};

use anyhow::{Context, Result};
use retort_infer::{Engine, ModelInfo, Sampling, Session, Stats, StopReason};
use retort_text::Message;
use serde::Serialize;

use crate::note::aside;
use crate::screen::{Screen, Thought, summary};
use crate::stop::{self, Replying};
use crate::{Outcome, load, sampling};

/// Answer one prompt
///
/// The answer goes to standard output, the thought to standard error.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    load: load::Args,
    /// The prompt; `-` reads it from standard input
    #[arg(short, long, allow_hyphen_values = true)]
    prompt: String,
    /// System prompt
    #[arg(long, conflicts_with = "raw")]
    system: Option<String>,
    /// Continue the prompt as it is, without the chat template
    #[arg(long)]
    raw: bool,
    /// Print one JSON object at the end: text, thought, answer, stats, sampling, model
    #[arg(long)]
    json: bool,
    /// What to do with the thought (in JSON it always is)
    #[arg(long, value_enum, default_value = "show")]
    think: Thought,
    #[command(flatten)]
    sampling: sampling::Args,
}

const EXAMPLES: &str = "\
Examples
  retort generate student.gguf -p 'How many primes are below 50?'
  retort generate hf:owner/repo -p - --json < question.txt | jq .answer
  retort generate student.gguf --raw -p 'Once upon a time' --max-tokens 50 --seed 7";

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// All that the model wrote, the thought between `<think>` tags.
    text: String,
    thought: &'a str,
    answer: &'a str,
    stats: &'a Stats,
    sampling: &'a Sampling,
    model: &'a ModelInfo,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let prompt = match args.prompt.as_str() {
        "-" => io::read_to_string(io::stdin().lock().take(MAX_PROMPT)).context("standard input")?,
        prompt => prompt.to_owned(),
    };
    stop::install()?;
    let engine = args.load.load()?;
    let sampling = args.sampling.over(&engine.info().sampling)?;
    let mut screen = match args.json {
        true => Screen::silent(),
        false => Screen::new(args.think),
    };
    let stats = reply(args, &engine, prompt, &sampling, &mut screen)?;
    screen.finish()?;
    if args.json {
        print_json(&screen, &stats, &sampling, engine.info())?;
    } else {
        aside(summary(&stats));
    }
    Ok(match stats.stop {
        StopReason::Stopped => Outcome::Stopped,
        _ => Outcome::Done,
    })
}

/// Bytes of a prompt on standard input; far over any context.
const MAX_PROMPT: u64 = 64 << 20;

fn reply(
    args: &Args,
    engine: &Engine,
    prompt: String,
    sampling: &Sampling,
    screen: &mut Screen,
) -> Result<Stats> {
    let mut session = Session::new(engine);
    let _replying = Replying::begin();
    if args.raw {
        let reply = session.generate(engine, &prompt, sampling, screen);
        return Ok(pollster::block_on(reply)?);
    }
    let system = args
        .system
        .iter()
        .map(|system| Message::new("system", system));
    let messages: Vec<Message> = system.chain([Message::new("user", &prompt)]).collect();
    Ok(pollster::block_on(
        session.chat(engine, &messages, sampling, screen),
    )?)
}

fn print_json(
    screen: &Screen,
    stats: &Stats,
    sampling: &Sampling,
    model: &ModelInfo,
) -> Result<()> {
    let Screen {
        thought, answer, ..
    } = screen;
    let text = match thought.is_empty() {
        true => answer.clone(),
        false => format!("<think>{thought}</think>{answer}"),
    };
    let report = Report {
        text,
        thought,
        answer,
        stats,
        sampling,
        model,
    };
    crate::jsonl::print(&report)
}
