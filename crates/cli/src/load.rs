//! A model onto a device, with its progress on standard error.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use retort_formats::hf::Folder;
use retort_infer::{Engine, LoadOptions, LoadProgress};

use crate::device::{self, Chosen};
use crate::note::note;
use crate::source::{self, Model};

/// Flags of every subcommand that runs a model.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file] (see `retort --help`)
    pub model: String,
    /// Tokens that the KV cache holds [default: 4096, or less if the model was made for less]
    #[arg(long, value_name = "N", help_heading = "Device")]
    #[arg(value_parser = clap::value_parser!(u32).range(16..))]
    pub context: Option<u32>,
    #[command(flatten)]
    pub device: device::Args,
}

impl Args {
    /// Fetches the model if need be, and loads it. Says on standard error what runs where.
    pub fn load(&self) -> Result<Engine> {
        self.load_on(device::Args::choose)
    }

    /// The same for a program that runs the model on other threads than its main one.
    pub fn load_for_threads(&self) -> Result<Engine> {
        self.load_on(device::Args::choose_for_threads)
    }

    fn load_on(&self, choose: fn(&device::Args) -> Result<Chosen>) -> Result<Engine> {
        let model = source::fetch(&self.model)?;
        let chosen = choose(&self.device)?;
        let mut options = LoadOptions {
            context: self.context.map(|context| context as usize),
            precision: chosen.precision.into(),
            ..LoadOptions::default()
        };
        if let Some(max) = chosen.max_binding {
            options.max_shard_bytes = usize::try_from(max).unwrap_or(usize::MAX);
        }
        let engine = match &model {
            Model::Gguf(path) => load_gguf(path, &chosen, &options)?,
            Model::Folder(path) => load_folder(path, &chosen, &options)?,
        };
        let info = engine.info();
        note(format!(
            "{}: {} parameters, {} of weights, {} tokens of context; {}",
            info.name,
            count(info.parameters),
            bytes(info.weight_bytes),
            info.context,
            chosen.label,
        ));
        Ok(engine)
    }
}

fn load_gguf(path: &Path, chosen: &Chosen, options: &LoadOptions) -> Result<Engine> {
    let source = source::open_file(path)?;
    let bar = byte_bar("loading".into());
    let load = Engine::load(source, &chosen.device, options, |progress| {
        show(&bar, &progress)
    });
    let engine = pollster::block_on(load);
    bar.finish_and_clear();
    engine.with_context(|| format!("`{}` cannot be loaded", path.display()))
}

fn load_folder(path: &Path, chosen: &Chosen, options: &LoadOptions) -> Result<Engine> {
    let describe = || format!("`{}` cannot be loaded", path.display());
    let folder = pollster::block_on(Folder::open(path)).with_context(describe)?;
    // `.` and `..` have no name.
    let whole = path.canonicalize().with_context(describe)?;
    let name = whole
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let bar = byte_bar("loading".into());
    let load = Engine::load_folder(&folder, &name, &chosen.device, options, |progress| {
        show(&bar, &progress)
    });
    let engine = pollster::block_on(load);
    bar.finish_and_clear();
    engine.with_context(describe)
}

fn show(bar: &ProgressBar, progress: &LoadProgress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

/// A bar for bytes on standard error, hidden where that is no terminal.
pub fn byte_bar(what: String) -> ProgressBar {
    let template = "{msg} {bar:30} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
    bar(what, template)
}

/// The same for tokens.
pub fn token_bar(what: String) -> ProgressBar {
    count_bar(what, "tokens")
}

/// The same for anything that is counted.
pub fn count_bar(what: String, unit: &str) -> ProgressBar {
    bar(
        what,
        &format!("{{msg}} {{bar:30}} {{pos}} of {{len}} {unit}"),
    )
}

fn bar(what: String, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─");
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    ProgressBar::with_draw_target(None, target)
        .with_style(style)
        .with_message(what)
}

/// `1_543_714_304` -> `1.54 billion`.
pub fn count(parameters: u64) -> String {
    match parameters as f64 {
        billions if billions >= 1e9 => format!("{:.2} billion", billions / 1e9),
        millions if millions >= 1e6 => format!("{:.1} million", millions / 1e6),
        _ => parameters.to_string(),
    }
}

/// Bytes in decimal units, as file managers and the hub show them.
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b >= 1e9 => format!("{:.2} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        _ => format!("{bytes} B"),
    }
}
