//! `retort corpus`: traces to a corpus that can be trained on.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Subcommand, ValueHint};
use retort_corpus::decontaminate::Benchmark;
use retort_corpus::import::Defaults;
use retort_corpus::inspect::{Inspect, Style, View, Wanted};
use retort_corpus::recipe::Step;
use retort_corpus::{Flow, Folders, Progress, Recipe, Trace};
use retort_judge::Panel;

use crate::failure::Failure;
use crate::note::{dim, note};
use crate::stop::{self, Replying};
use crate::{Outcome, load, source};

/// Filter, verify, deduplicate, decontaminate, mix and publish traces
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a recipe: every step can be interrupted and goes on
    Build(Build),
    /// Look at traces
    Inspect(Look),
    /// Print the name of each recipe that comes with Retort, or one of them
    Recipes {
        /// Print this one
        name: Option<String>,
    },
}

#[derive(clap::Args)]
struct Build {
    /// A recipe; `retort corpus recipes` lists some to start from
    #[arg(value_hint = ValueHint::FilePath)]
    recipe: PathBuf,
    /// Folder of the corpus, which must not be there yet
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Folder of the steps' files [default: FOLDER.work]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    work: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Look {
    /// A .jsonl, .jsonl.gz or .parquet file of traces, in any known form
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    count: usize,
    /// Pass over so many first
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,
    /// Characters of each thought
    #[arg(long, value_name = "N", default_value_t = 1500)]
    thought: usize,
    /// Only traces that fit: domain=math, verdict!=accepted, problem~triangle; may be repeated
    ///
    /// Fields are id, source, domain, teacher, verdict (accepted, refused, none), finished (yes,
    /// no), problem, answer, thought, reply, and whatever else the traces say.
    #[arg(long = "where", value_name = "CONDITION")]
    wanted: Vec<Wanted>,
}

const EXAMPLES: &str = "\
Examples
  retort corpus recipes r1-800k > recipe.toml
  retort corpus build recipe.toml -o corpus       then open corpus/report.html
  retort corpus inspect taught/traces.jsonl -n 3
  retort corpus inspect taught/traces.jsonl --where verdict=refused --where problem~triangle";

pub fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Build(build) => run_recipe(build),
        Command::Inspect(look) => inspect(look),
        Command::Recipes { name } => recipes(name.as_deref()),
    }
}

fn run_recipe(args: &Build) -> Result<Outcome> {
    stop::install()?;
    let mut recipe = Recipe::load(&args.recipe)?;
    if args.out.exists() {
        let hint = "remove it, or choose another with --out";
        return Err(Failure::new(format!("`{}` is there", args.out.display()), hint).into());
    }
    let work = match &args.work {
        Some(work) => work.clone(),
        None => {
            let mut name = args.out.clone().into_os_string();
            name.push(".work");
            PathBuf::from(name)
        }
    };
    let base = args.recipe.parent().unwrap_or(Path::new(""));
    fetch_datasets(&mut recipe)?;
    let folders = Folders { base, work: &work };
    let bar = load::byte_bar(String::new());
    let mut done = None;
    let mut listen = |progress: &Progress| {
        if done != Some(progress.number) {
            done = Some(progress.number);
            bar.set_position(0);
        }
        let Progress {
            number,
            steps,
            name,
            kept,
            ..
        } = progress;
        bar.set_message(format!("{number}/{steps} {name}, {kept} kept"));
        bar.set_length(progress.total.max(1));
        bar.set_position(progress.bytes);
        match stop::is_asked() {
            true => Flow::Stop,
            false => Flow::Continue,
        }
    };
    let _replying = Replying::begin();
    let finished = retort_corpus::run(&recipe, folders, Some(&Panel), &mut listen);
    bar.finish_and_clear();
    let finished = finished?;
    for step in &finished.steps {
        note(dim(&step.to_string()));
    }
    let published = retort_corpus::publish(&recipe, &finished, &args.out)
        .with_context(|| format!("`{}`", args.out.display()))?;
    note(format!(
        "{}: {} shards; report.html shows what is in it",
        args.out.display(),
        published.shards.len()
    ));
    Ok(Outcome::Done)
}

/// Puts the files of datasets on the hub in the place of their names.
fn fetch_datasets(recipe: &mut Recipe) -> Result<()> {
    for source in &mut recipe.sources {
        let mut paths = Vec::new();
        for path in &source.paths {
            paths.extend(source::data_files(path)?);
        }
        source.paths = paths;
    }
    for step in &mut recipe.steps {
        let Step::Decontaminate(step) = step else {
            continue;
        };
        let mut benchmarks = Vec::new();
        for benchmark in &step.benchmarks {
            for path in source::data_files(&benchmark.path)? {
                let name = benchmark.name.clone();
                benchmarks.push(Benchmark { name, path });
            }
        }
        step.benchmarks = benchmarks;
    }
    Ok(())
}

fn inspect(args: &Look) -> Result<Outcome> {
    let traces = Inspect::open(&args.file, Defaults::default())?;
    let mut out = io::stdout().lock();
    let terminal = io::stdout().is_terminal();
    let style = Style {
        thought: args.thought,
        width: terminal.then_some(80),
        color: terminal && std::env::var_os("NO_COLOR").is_none(),
    };
    let fits = |trace: &Trace| args.wanted.iter().all(|wanted| wanted.fits(trace));
    let traces = traces.filter(|trace| trace.as_ref().map_or(true, fits));
    let mut shown = 0;
    for trace in traces.skip(args.skip).take(args.count) {
        let text = View::of(&trace?).render(style);
        let rule = "─".repeat(style.width.unwrap_or(3));
        writeln!(out, "{text}\n{rule}")?;
        shown += 1;
    }
    if shown == 0 {
        note("no such trace");
    }
    Ok(Outcome::Done)
}

fn recipes(name: Option<&str>) -> Result<Outcome> {
    let mut out = io::stdout().lock();
    let Some(name) = name else {
        for (name, _) in retort_corpus::recipe::SHIPPED {
            writeln!(out, "{name}")?;
        }
        return Ok(Outcome::Done);
    };
    let text = Recipe::shipped(name).with_context(|| {
        let hint = "`retort corpus recipes` lists them";
        Failure::new(format!("there is no recipe `{name}`"), hint)
    })?;
    write!(out, "{text}")?;
    Ok(Outcome::Done)
}
