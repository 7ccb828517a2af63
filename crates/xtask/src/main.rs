//! `cargo xtask`: see the crate's documentation.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use xtask::checks::{self, Step};
use xtask::setup::{self, Tool};
use xtask::student::{Ending, Mix, RandomStudent, ScriptedStudent, Shape};
use xtask::workspace::Workspace;
use xtask::{bench, demo, fetch, page};

/// Everything around the product: tools, models, the page, tests, benchmarks.
#[derive(Parser)]
#[command(name = "cargo xtask", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the page, serves it with a small model and opens it.
    Demo(demo::Options),
    /// Formatting, lints, architecture, tests, the page and the browser: all that must hold.
    Test {
        /// Only these steps.
        #[arg(long, value_delimiter = ',')]
        only: Vec<Step>,
    },
    /// Installs the tools at their pinned versions.
    Setup {
        /// Only these.
        #[arg(long, value_delimiter = ',')]
        only: Vec<Tool>,
    },
    /// Builds the page into `dist`.
    Page,
    /// Brings a model into the cache; the last line on stdout is its path.
    Fetch { model: Fetchable },
    /// Makes a model of random or scripted weights; the last line on stdout is its path.
    Make {
        model: Makeable,
        /// Types of the weights; a scripted model has its own.
        #[arg(long = "type", default_value = "q4_0")]
        mix: Mix,
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Where to; the cache if not given.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Speed and memory beside other engines, as ratios.
    Bench(bench::Options),
}

#[derive(Clone, Copy, ValueEnum)]
enum Fetchable {
    /// SmolLM2-135M-Instruct Q4_1, 98 MB, Apache-2.0.
    #[value(name = "smollm2")]
    SmolLm2,
}

#[derive(Clone, Copy, ValueEnum)]
enum Makeable {
    /// The shape of DeepSeek-R1-Distill-Qwen-1.5B.
    #[value(name = "qwen-1.5b")]
    Qwen1_5B,
    /// The shape of DeepSeek-R1-Distill-Qwen-7B.
    #[value(name = "qwen-7b")]
    Qwen7B,
    /// One megabyte that recites a known answer.
    Scripted,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let workspace = Workspace::find()?;
    match arguments.task {
        Task::Demo(options) => demo::run(&workspace, &options),
        Task::Test { only } => checks::run(&workspace, &only),
        Task::Setup { only } => setup::ensure(&workspace, or_all(&only, &Tool::ALL)),
        Task::Page => page::build(&workspace).map(|dist| println!("{}", dist.display())),
        Task::Fetch {
            model: Fetchable::SmolLm2,
        } => fetch::smollm2(&workspace).map(|path| println!("{}", path.display())),
        Task::Make {
            model,
            mix,
            seed,
            out,
        } => make(&workspace, model, mix, seed, out),
        Task::Bench(options) => bench::run(&workspace, &options),
    }
}

fn or_all<'a, T>(some: &'a [T], all: &'a [T]) -> &'a [T] {
    if some.is_empty() { all } else { some }
}

fn make(
    workspace: &Workspace,
    model: Makeable,
    mix: Mix,
    seed: u64,
    out: Option<PathBuf>,
) -> Result<()> {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    };
    let (model_name, mix_name) = (
        name(model.to_possible_value()),
        name(mix.to_possible_value()),
    );
    let path = out.unwrap_or_else(|| {
        workspace
            .models()
            .join(format!("made/{model_name}-{mix_name}-{seed}.gguf"))
    });
    let shape = match model {
        Makeable::Qwen1_5B => Shape::QWEN_1_5B,
        Makeable::Qwen7B => Shape::QWEN_7B,
        Makeable::Scripted => {
            let student = ScriptedStudent {
                thought: "Nobody trained me, so there is little to think about.".to_owned(),
                answer: "I recite: **bold**, $x^2$ and `code`.".to_owned(),
                ending: Ending::Stop,
                padding: 0,
                seed,
            };
            student.write(&path)?;
            println!("{}", path.display());
            return Ok(());
        }
    };
    RandomStudent { shape, mix, seed }.write(&format!("random {model_name}"), &path)?;
    println!("{}", path.display());
    Ok(())
}
