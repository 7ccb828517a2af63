//! `retort chat`: a conversation.
//!
//! At a terminal with line editing and history; piped, each line of standard input is one turn.

mod command;
mod conversation;

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result};
use retort_infer::Engine;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::note::{aside, note};
use crate::screen::Thought;
use crate::{Outcome, failure, load, sampling, stop};
use command::Command;
use conversation::Conversation;

/// Talk with a model
///
/// Thoughts are dimmed and go to standard error, answers to standard output. Ctrl-C stops a reply.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    load: load::Args,
    /// System prompt
    #[arg(long)]
    system: Option<String>,
    /// What to do with thoughts
    #[arg(long, value_enum, default_value = "show")]
    think: Thought,
    #[command(flatten)]
    sampling: sampling::Args,
}

const EXAMPLES: &str = "\
Examples
  retort chat student.gguf
  retort chat hf:owner/repo --system 'Answer in one sentence.' --context 8192
  printf 'My name is Ada.\\nWhat is my name?\\n' | retort chat student.gguf

In a chat, /help lists the commands.";

pub fn run(args: &Args) -> Result<Outcome> {
    stop::install()?;
    let engine = args.load.load()?;
    let sampling = args.sampling.over(&engine.info().sampling)?;
    let mut conversation = Conversation::new(&engine, sampling, args.think);
    conversation.set_system(args.system.clone());
    match io::stdin().is_terminal() {
        true => terminal(&engine, &mut conversation),
        false => piped(&engine, &mut conversation),
    }
}

/// Whether the conversation goes on after a line.
#[derive(PartialEq, Eq)]
enum Next {
    Line,
    Exit,
}

fn terminal(engine: &Engine, conversation: &mut Conversation) -> Result<Outcome> {
    aside("/help lists the commands, Ctrl-C stops a reply, Ctrl-D ends the conversation");
    let mut editor = DefaultEditor::new().context("the terminal cannot be read")?;
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            // Ctrl-C drops what was typed, as in a shell.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(Outcome::Done),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        };
        if line.trim().is_empty() {
            continue;
        }
        // A line that is not kept is no reason to stop.
        let _ = editor.add_history_entry(&line);
        match answer(engine, conversation, &line) {
            Ok(Next::Line) => {}
            Ok(Next::Exit) => return Ok(Outcome::Done),
            Err(error) if failure::is_broken_pipe(&error) => return Err(error),
            Err(error) => failure::report(&error),
        }
    }
}

fn piped(engine: &Engine, conversation: &mut Conversation) -> Result<Outcome> {
    let mut outcome = Outcome::Done;
    for line in io::stdin().lock().lines() {
        let line = line.context("standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        match answer(engine, conversation, &line) {
            Ok(Next::Line) => {}
            Ok(Next::Exit) => break,
            Err(error) if failure::is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                failure::report(&error);
                outcome = Outcome::SomeFailed;
            }
        }
    }
    Ok(outcome)
}

fn answer(engine: &Engine, conversation: &mut Conversation, line: &str) -> Result<Next> {
    match Command::parse(line)? {
        Command::Say(text) => conversation.say(engine, text)?,
        Command::Regenerate => conversation.regenerate(engine)?,
        Command::Help => note(command::HELP),
        Command::System(None) => note(conversation.system().unwrap_or("(no system prompt)")),
        Command::System(Some(text)) => conversation.set_system(Some(text)),
        Command::Clear => conversation.clear(),
        Command::Save(path) => conversation.save(engine, &path)?,
        Command::Settings => note(sampling::describe(&conversation.sampling)),
        Command::Set { name, value } => {
            sampling::set(&mut conversation.sampling, &name, &value)?;
        }
        Command::Think(thought) => conversation.thought = thought,
        Command::Stats => note(conversation.stats(engine)),
        Command::Exit => return Ok(Next::Exit),
    }
    io::stdout().flush()?;
    Ok(Next::Line)
}
