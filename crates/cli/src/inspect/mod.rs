//! `retort inspect`: what is in a model file, what it needs, and whether it will run.

mod facts;
mod print;
mod read;
mod support;

use anyhow::Result;

use crate::source::{self, Need, Opened};
use crate::{Outcome, jsonl};

/// Show what is in a model, what it needs and whether it will run
///
/// Reads headers only. Of a URL or a GGUF file on the hub nothing else is downloaded, and a file
/// that was cut after its header can be inspected too.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file] (see `retort --help`)
    model: String,
    /// One JSON object, with all metadata
    #[arg(long)]
    json: bool,
    /// Tokens of context to state the memory for [default: 4096, or less]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    context: Option<u32>,
    /// List every tensor
    #[arg(long)]
    tensors: bool,
}

const EXAMPLES: &str = "\
Examples
  retort inspect student.gguf --context 32768
  retort inspect hf:owner/repo/student.gguf --tensors
  retort inspect student.gguf --json | jq .unsupported";

pub fn run(args: &Args) -> Result<Outcome> {
    let content = match source::open(&args.model, Need::Weights)? {
        Opened::Gguf(bytes) => read::gguf(&bytes)?,
        Opened::Folder(path) => read::folder(&path)?,
    };
    let context = args.context.map(|context| context as usize);
    let facts = facts::Facts::new(&args.model, content, context, args.tensors);
    match args.json {
        true => jsonl::print(&facts)?,
        false => print::print(&facts)?,
    }
    Ok(Outcome::Done)
}
