//! `retort`: distilled reasoning models in a terminal, and their parts for scripts.
//!
//! One file (or folder) per subcommand; this one holds the flags they share and the exit codes.
//! It chooses the device, the threads and where model files come from; everything else is done by
//! the libraries, which know none of these.
//!
//! Standard output carries results only: the text of a reply, JSON, raw numbers. Thoughts, progress
//! and diagnostics go to standard error, so that `retort ... > file` holds what was asked for.
//!
//! | module | holds |
//! |---|---|
//! | [`chat`], [`generate`] | conversations and single replies; both write through [`screen`] |
//! | [`problems`], [`teach`], [`verify`], [`corpus`] | from fresh problems to a corpus of traces |
//! | [`sft`] | a base model and traces to a student |
//! | [`inspect`], [`convert`] | what is in a model file, and the file in another format |
//! | [`tokenize`], [`render`], [`score`], [`dequantize`] | for scripts; JSON lines by [`jsonl`] |
//! | [`bench`] | speed, in the protocols of llama.cpp and of PyTorch's trainers |
//! | [`source`] | a MODEL argument to bytes: file, folder, URL, Hugging Face hub |
//! | [`device`], [`load`], [`text`] | the device, the engine on it, tokenizer and template alone |
//! | [`sampling`], [`stop`] | sampling flags, Ctrl-C |
//! | [`failure`], [`note`] | how errors and remarks are printed |

mod bench;
mod chat;
mod convert;
mod corpus;
mod dequantize;
mod device;
mod failure;
mod generate;
mod inspect;
mod jsonl;
mod load;
mod note;
mod problems;
mod render;
mod sampling;
mod score;
mod screen;
mod sft;
mod source;
mod stop;
mod teach;
mod text;
mod tokenize;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The program's whole command line.
#[derive(Parser)]
#[command(name = "retort", version, about, max_term_width = 100, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
MODEL is one of
  path/to/student.gguf        a GGUF file
  path/to/folder              a Hugging Face folder: config.json, *.safetensors, tokenizer.json
  https://host/student.gguf   downloaded once, resumed where it broke off
  hf:owner/repo               from the Hugging Face hub, if the repository holds one model
  hf:owner/repo/file.gguf     one file of it; hf:owner/repo@revision/file.gguf at a revision

Exit codes
  0    done
  1    failed, or some lines of JSONL failed (each of them says why)
  2    wrong usage
  130  stopped by Ctrl-C

Environment
  RETORT_CACHE   folder of downloaded files (default: the user's cache folder)
  HF_HOME, HF_ENDPOINT, HF_TOKEN   as the hub's own tools read them
  NO_COLOR       no colours";

#[derive(Subcommand)]
enum Command {
    Chat(chat::Args),
    Generate(generate::Args),
    Inspect(inspect::Args),
    Convert(convert::Args),
    Tokenize(tokenize::Args),
    Render(render::Args),
    Score(score::Args),
    Problems(problems::Args),
    Teach(teach::Args),
    Verify(verify::Args),
    Corpus(corpus::Args),
    Sft(sft::Args),
    Dequantize(dequantize::Args),
    #[command(hide = true)]
    Bench(bench::Args),
    #[command(hide = true)]
    BenchTrain(bench::train::Args),
}

/// How a subcommand ended when nothing went wrong with the program as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Some inputs failed; each was reported where it happened.
    SomeFailed,
    /// Ctrl-C.
    Stopped,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Chat(args) => chat::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Tokenize(args) => tokenize::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Problems(args) => problems::run(&args),
        Command::Teach(args) => teach::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Corpus(args) => corpus::run(&args),
        Command::Sft(args) => sft::run(&args),
        Command::Dequantize(args) => dequantize::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchTrain(args) => bench::train::run(&args),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::FAILURE,
        Ok(Outcome::Stopped) => ExitCode::from(130),
        // The reader of our output (`head`) has seen enough.
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            failure::report(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
