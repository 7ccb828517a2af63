//! `retort sft`: an open base model and a corpus of traces to a student.

mod display;
mod memory;
mod preflight;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{DType, Device, Distribution, Tensor};
use clap::ValueHint;
use retort_dataset::CorpusFile;
use retort_export::{Base, Provenance};
use retort_train::config::{Dtype, RunConfig};
use retort_train::corpus::Corpus;
use retort_train::publish::{Format, Publication};
use retort_train::scratch;
use retort_train::sft::{Ended, Host, Run, Start};
use retort_train::student::Student;
use retort_train::trainer::Trainer;

use crate::device::Chosen;
use crate::failure::Failure;
use crate::note::{aside, note};
use crate::source::{self, Model};
use crate::stop::{self, Replying};
use crate::{Outcome, device, load};
use display::Display;

/// Fine-tune a base model on reasoning traces
///
/// Shows first what will be learnt and how much memory that takes, then trains, and writes the
/// student as files that Retort's page, llama.cpp and transformers load. A run that was stopped,
/// by Ctrl-C or by a power failure, goes on when the same command is given again.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do: a run.toml (see docs/training.md)
    #[arg(value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// The run's folder [default: runs/NAME]
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Show what would be learnt and what memory it takes, and stop
    #[arg(long)]
    dry_run: bool,
    /// Go on from the checkpoint of this step, not from the last one
    #[arg(long, value_name = "STEP")]
    from_step: Option<u64>,
    /// Documents to show before it begins
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u16).range(..=100))]
    show: u16,
    /// Discrete GPUs that share each step
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Device")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    gpus: u16,
    /// Train even if the memory does not seem to suffice
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    device: device::Args,
}

const EXAMPLES: &str = "\
A run.toml that distils into a small model
  name = \"pocket-reasoner\"
  epochs = 2
  learning_rate = 1e-4
  [student]
  base = \"hf:HuggingFaceTB/SmolLM2-135M-Instruct\"
  [data]
  files = [{ path = \"traces.jsonl\" }]
  max_length = 2048
  [batch]
  sequences = 8

Examples
  retort sft run.toml --dry-run       what will be learnt, and the memory it takes
  retort sft run.toml                 train; the same command goes on after an interruption
  retort sft run.toml --from-step 400 go back to an earlier checkpoint
  tensorboard --logdir runs           watch it, or open runs/NAME/plots/training.svg";

pub fn run(args: &Args) -> Result<Outcome> {
    stop::install()?;
    let config = read_config(&args.config)?;
    let out = args.out.clone().unwrap_or_else(|| {
        let name = config.name.replace(['/', '\\'], "-");
        Path::new("runs").join(name)
    });
    // First of all: it starts the threads that everything else uses.
    let chosen = args.device.choose()?;
    if let Some(scratch) = &config.student.scratch {
        let folder = Path::new(&config.student.base);
        let bar = load::byte_bar("making a student from nothing".into());
        scratch::create(
            scratch,
            &config.data.files,
            config.seed,
            folder,
            &mut |progress| {
                bar.set_length(progress.total);
                bar.set_position(progress.written);
            },
        )?;
        bar.finish_and_clear();
    }
    let base = match source::fetch(&config.student.base)? {
        Model::Gguf(path) | Model::Folder(path) => path,
    };
    let student = pollster::block_on(Student::open(&base, config.student.template.as_deref()))
        .with_context(|| format!("`{}` cannot be trained", base.display()))?
        .with_positions(config.student.context, config.student.rope_theta);
    if config.compute.dtype == Dtype::Bf16
        && (chosen.is_cpu || !chosen.device.supports_dtype(DType::BF16))
    {
        let hint = "set `compute.dtype = \"f32\"`, or choose another device";
        let message = format!("{} does not compute in bf16", chosen.label);
        return Err(Failure::new(message, hint).into());
    }
    if args.gpus > 1 && chosen.is_cpu {
        let hint = "leave --gpus out, or add `--device gpu`";
        return Err(Failure::new("there is one CPU", hint).into());
    }
    let others = device::beside(args.gpus)?;
    let corpus = prepare_corpus(&config, &student)?;
    preflight::show(&corpus, &student, usize::from(args.show))?;
    let run = Run::new(config, student, corpus, &out)?;
    let fits = memory::show(&run, &base, &chosen)?;
    if args.dry_run {
        return Ok(Outcome::Done);
    }
    if !fits && !args.force {
        let hint = "change what is proposed above, or train all the same with --force";
        return Err(Failure::new("the run would not fit into memory", hint).into());
    }
    let start = match args.from_step {
        Some(step) => Start::Step(step),
        None => Start::Latest,
    };
    let (trainer, ended) = train(&run, start, &chosen, &others)?;
    match ended {
        Ended::Done => {
            publish(&run, &base, &trainer, &chosen)?;
            Ok(Outcome::Done)
        }
        Ended::Stopped(step) => {
            note(format!(
                "stopped after step {step}, which is saved: the same command goes on"
            ));
            Ok(Outcome::Stopped)
        }
    }
}

fn read_config(path: &Path) -> Result<RunConfig> {
    let describe = || format!("`{}`", path.display());
    let text = std::fs::read_to_string(path).with_context(describe)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut config = RunConfig::parse(&text, folder).with_context(describe)?;
    let mut files = Vec::new();
    for file in &config.data.files {
        for path in source::data_files(&file.path)? {
            files.push(CorpusFile {
                path,
                ..file.clone()
            });
        }
    }
    config.data.files = files;
    Ok(config)
}

fn prepare_corpus(config: &RunConfig, student: &Student) -> Result<Corpus> {
    let cache = source::cache_folder()?.join("corpora");
    std::fs::create_dir_all(&cache)
        .with_context(|| format!("`{}` cannot be made", cache.display()))?;
    let bar = load::count_bar("reading the corpus".into(), "lines");
    let corpus = Corpus::prepare(config, student, &cache, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    Ok(corpus?)
}

fn train(run: &Run, start: Start, chosen: &Chosen, others: &[Device]) -> Result<(Trainer, Ended)> {
    let peak = peak_flops(&chosen.device, run.config.compute.dtype)?;
    aside(format!(
        "{}: {:.0} GFLOP/s in matrix products",
        chosen.label,
        peak / 1e9
    ));
    let _replying = Replying::begin();
    let mut display = Display::new(run.steps(), run.folder(), &chosen.device);
    let mut host = Host {
        device: &chosen.device,
        others,
        label: &chosen.label,
        max_binding: chosen.max_binding,
        peak_flops: Some(peak),
        stop: &stop::is_asked,
        events: &mut |event| display.show(event),
    };
    let trained = pollster::block_on(run.train(start, &mut host));
    display.finish();
    Ok(trained?)
}

/// Speed of large matrix products, which utilisation is told against: a product that fills one
/// device is over before another has started.
fn peak_flops(device: &Device, dtype: Dtype) -> Result<f64> {
    const SMALLEST: usize = 1024;
    const LARGEST: usize = 8192;
    /// Beside this, starting a product and reading a corner of it are nothing.
    const LONG: f64 = 0.1;
    const PRODUCTS: u32 = 4;
    let dtype = match dtype {
        Dtype::F32 => DType::F32,
        Dtype::Bf16 => DType::BF16,
    };
    let mut best: f64 = 0.0;
    let mut n = SMALLEST;
    loop {
        let seconds = products(device, dtype, n, PRODUCTS)?;
        let flops = f64::from(PRODUCTS) * 2.0 * (n as f64).powi(3);
        best = best.max(flops / seconds);
        if seconds > LONG || n >= LARGEST {
            return Ok(best);
        }
        n *= 2;
    }
}

/// Seconds that some products of `n` by `n` matrices take together.
fn products(device: &Device, dtype: DType, n: usize, count: u32) -> Result<f64> {
    let read = |product: Tensor<2>| {
        let corner = product.narrow(0, 0, 1).narrow(1, 0, 1).into_data_async();
        pollster::block_on(corner).map_err(|error| anyhow::anyhow!("the device failed: {error:?}"))
    };
    let random = || {
        let values = Tensor::<2>::random([n, n], Distribution::Uniform(-1.0, 1.0), device);
        values.cast(dtype)
    };
    let (a, b) = (random(), random());
    // Compiles the kernel, and waits for the matrices: neither is under way when the clock starts.
    read(a.clone().matmul(b.clone()))?;
    let start = Instant::now();
    let mut product = a.clone().matmul(b.clone());
    for _ in 1..count {
        product = a.clone().matmul(b.clone());
    }
    read(product)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Writes what the configuration asks for.
fn publish(run: &Run, base_path: &Path, trainer: &Trainer, chosen: &Chosen) -> Result<()> {
    let export = &run.config.export;
    let mut formats = Vec::new();
    if let Some(dtype) = &export.hugging_face {
        formats.push(Format::hugging_face(dtype)?);
    }
    for kind in &export.gguf {
        formats.push(Format::gguf(kind)?);
    }
    if formats.is_empty() {
        return Ok(());
    }
    let shape = &run.student.config;
    let base = Base::open(base_path)?;
    let base = base.with_positions(shape.max_position_embeddings, shape.rope_theta);
    let base = match &run.config.student.template {
        Some(path) => {
            let template =
                std::fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
            base.with_template(&template)
        }
        None => base,
    };
    let provenance = provenance(run)?;
    let prompts = prompts(run)?;
    let publication = Publication {
        name: &run.config.name,
        base: &base,
        config: &run.student.config,
        decoder: trainer.decoder(),
        device: &chosen.device,
        provenance: &provenance,
        prompts: &prompts,
    };
    let folder = run.folder().join("export");
    for format in formats {
        let bar = load::byte_bar(format!("writing {}", format.file_name(&run.config.name)));
        let written = pollster::block_on(publication.write(format, &folder, &mut |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.written);
        }));
        bar.finish_and_clear();
        let written = written?;
        note(format!(
            "{}: next tokens diverge from the trainer's by {:.1e} nats, {:.1} % the same",
            written.path.display(),
            written.agreement.divergence,
            100.0 * written.agreement.same,
        ));
    }
    Ok(())
}

fn provenance(run: &Run) -> Result<Provenance> {
    let config = &run.config;
    let facts = [
        ("name", config.name.clone()),
        ("recipe", "sft".into()),
        ("run", run.hash().into()),
        ("corpus", run.corpus.dataset.hash().into()),
        ("base_model.name", config.student.base.clone()),
        ("version", format!("retort {}", env!("CARGO_PKG_VERSION"))),
        ("seed", config.seed.to_string()),
        ("steps", run.steps().to_string()),
    ];
    let mut provenance = Provenance::new();
    for (key, value) in facts {
        provenance.set(key, value)?;
    }
    Ok(provenance)
}

/// Beginnings of documents that the files are compared on.
fn prompts(run: &Run) -> Result<Vec<Vec<u32>>> {
    const COUNT: usize = 4;
    const TOKENS: usize = 64;
    let dataset = &run.corpus.dataset;
    let mut prompts = Vec::new();
    for index in (0..dataset.len())
        .filter(|index| !dataset.is_repeat(*index))
        .take(COUNT)
    {
        let ids = dataset.get(index)?.ids;
        prompts.push(ids[..ids.len().min(TOKENS)].to_vec());
    }
    Ok(prompts)
}
