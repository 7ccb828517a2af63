//! `retort convert`: a model file in the other format, or in another type.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueHint;
use clap::builder::PossibleValuesParser;
use retort_export::{
    Base, Dtype, FileWeights, GgufKind, Progress, Provenance, write_gguf, write_hugging_face,
};

use crate::note::note;
use crate::source::{self, Model};
use crate::{Outcome, load};

/// Write a model as a GGUF file or a Hugging Face folder
///
/// Every tensor is decoded to f32 and encoded again, one at a time. Quantising what is quantised
/// already loses twice: convert from the best file there is.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file] (see `retort --help`)
    model: String,
    /// The file or folder to write
    #[arg(value_hint = ValueHint::AnyPath)]
    out: PathBuf,
    /// Type of a GGUF file
    #[arg(
        long,
        value_name = "TYPE",
        required_unless_present = "hf",
        conflicts_with = "hf"
    )]
    #[arg(value_parser = PossibleValuesParser::new(["F16", "Q8_0", "Q4_0", "Q4_K"]))]
    gguf: Option<String>,
    /// Type of a Hugging Face folder
    #[arg(long, value_name = "TYPE")]
    #[arg(value_parser = PossibleValuesParser::new(["BF16", "F16", "F32"]))]
    hf: Option<String>,
}

const EXAMPLES: &str = "\
Examples
  retort convert my-student/ student.gguf --gguf Q4_K
  retort convert student.gguf my-student/ --hf BF16";

pub fn run(args: &Args) -> Result<Outcome> {
    let path = match source::fetch(&args.model)? {
        Model::Gguf(path) | Model::Folder(path) => path,
    };
    let base = Base::open(&path)?;
    let mut weights = FileWeights::open(&path)?;
    let provenance = Provenance::new();
    let bar = load::byte_bar("writing".into());
    let mut progress = |progress: Progress<'_>| {
        bar.set_length(progress.total);
        bar.set_position(progress.written);
    };
    let kind = args.gguf.as_deref().and_then(GgufKind::from_name);
    let dtype = args.hf.as_deref().and_then(Dtype::from_name);
    if let Some(kind) = kind {
        write_gguf(
            &base,
            &mut weights,
            &provenance,
            kind,
            &args.out,
            &mut progress,
        )?;
    }
    if let Some(dtype) = dtype {
        write_hugging_face(
            &base,
            &mut weights,
            &provenance,
            dtype,
            &args.out,
            &mut progress,
        )?;
    }
    bar.finish_and_clear();
    note(args.out.display().to_string());
    Ok(Outcome::Done)
}
