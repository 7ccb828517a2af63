//! Converts a checkpoint: a GGUF file or a Hugging Face folder, into either.
//!
//! ```text
//! cargo run --release -p retort-export --example convert -- FROM --gguf q4_k OUT.gguf
//! cargo run --release -p retort-export --example convert -- FROM --hf bf16 OUT_FOLDER
//! ```

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use retort_export::{Base, Dtype, ExportError, FileWeights, GgufKind, Progress, Provenance};

#[derive(Parser)]
struct Args {
    /// A .gguf file, or a folder with config.json, tokenizer.json and safetensors.
    from: PathBuf,
    /// Where the tokenizer and the configuration come from, if not from there too.
    #[arg(long)]
    base: Option<PathBuf>,
    /// Write a GGUF file: f16, q8_0, q4_0 or q4_k.
    #[arg(long, num_args = 2, value_names = ["KIND", "FILE"])]
    gguf: Vec<String>,
    /// Write a Hugging Face folder: bf16, f16 or f32.
    #[arg(long, num_args = 2, value_names = ["DTYPE", "FOLDER"])]
    hf: Vec<String>,
    /// A fact about the model, as name=My student or license=mit; may be repeated.
    #[arg(long, value_name = "KEY=TEXT")]
    fact: Vec<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if args.gguf.is_empty() && args.hf.is_empty() {
        bail!("nothing to write: give --gguf KIND FILE, --hf DTYPE FOLDER or both");
    }
    let mut provenance = Provenance::new();
    for fact in &args.fact {
        let (key, text) = fact.split_once('=').context("a fact is KEY=TEXT")?;
        provenance.set(key, text).map_err(explained)?;
    }
    let base = Base::open(args.base.as_ref().unwrap_or(&args.from)).map_err(explained)?;
    let mut weights = FileWeights::open(&args.from).map_err(explained)?;
    if let [kind, file] = args.gguf.as_slice() {
        let kind = GgufKind::from_name(kind).context("expected f16, q8_0, q4_0 or q4_k")?;
        let file = file.as_ref();
        let begun = Instant::now();
        retort_export::write_gguf(&base, &mut weights, &provenance, kind, file, &mut report)
            .map_err(explained)?;
        eprintln!("\n{} in {:.1?}", file.display(), begun.elapsed());
    }
    if let [dtype, folder] = args.hf.as_slice() {
        let dtype = Dtype::from_name(dtype).context("expected bf16, f16 or f32")?;
        let to = folder.as_ref();
        let begun = Instant::now();
        retort_export::write_hugging_face(&base, &mut weights, &provenance, dtype, to, &mut report)
            .map_err(explained)?;
        eprintln!("\n{} in {:.1?}", to.display(), begun.elapsed());
    }
    Ok(())
}

fn report(progress: Progress<'_>) {
    let percent = 100 * progress.written / progress.total.max(1);
    eprint!("\r{percent:3} % {:<48}", progress.tensor);
}

/// The error with what to do about it.
fn explained(error: ExportError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => anyhow::anyhow!("{error}\n{hint}"),
        None => error.into(),
    }
}
