//! `retort dequantize`: a tensor as plain numbers.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use retort_formats::gguf::TensorInfo;
use retort_formats::hf::Folder;
use retort_formats::{FormatError, GgmlType, Source, blocks};

use crate::failure::Failure;
use crate::source::{self, Need, Opened};
use crate::{Outcome, text};

/// Write a tensor as little-endian f32 to standard output
///
/// Values in the file's order, row by row. Names are those of the file; `retort inspect --tensors`
/// lists them.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file] (see `retort --help`)
    model: String,
    /// The tensor's name in the file
    tensor: String,
}

const EXAMPLES: &str = "\
Examples
  retort dequantize student.gguf blk.0.attn_q.weight > attn_q.f32
  python -c \"import numpy; print(numpy.fromfile('attn_q.f32', '<f4'))\"";

/// Bytes of the file that are in memory at once.
const PIECE: u64 = 1 << 20;

/// Where a tensor's blocks are.
struct Blocks {
    ty: GgmlType,
    offset: u64,
    bytes: u64,
}

pub fn run(args: &Args) -> Result<Outcome> {
    match source::open(&args.model, Need::Weights)? {
        Opened::Gguf(bytes) => {
            let header = text::header(&bytes)?;
            let tensor = header.tensor(&args.tensor).map_err(list_hint)?;
            write(&bytes, &gguf_blocks(tensor)?)?;
        }
        Opened::Folder(path) => {
            let folder = pollster::block_on(Folder::open(&path))?;
            let tensor = folder.tensor(&args.tensor).map_err(list_hint)?;
            let Some(source) = folder.sources()?.into_iter().nth(tensor.shard) else {
                bail!(
                    "shard {} of tensor `{}` is missing",
                    tensor.shard,
                    tensor.name
                );
            };
            let (ty, offset, bytes) = (tensor.ty()?, tensor.offset, tensor.bytes);
            write(&source, &Blocks { ty, offset, bytes })?;
        }
    }
    Ok(Outcome::Done)
}

fn list_hint(error: FormatError) -> anyhow::Error {
    match error {
        FormatError::MissingTensor { .. } => {
            let hint = "`retort inspect MODEL --tensors` lists the tensors of the file";
            Failure::new(error.to_string(), hint).into()
        }
        other => other.into(),
    }
}

fn gguf_blocks(tensor: &TensorInfo) -> Result<Blocks> {
    let ty = tensor
        .ty
        .known()
        .with_context(|| format!("tensor `{}`", tensor.name))?;
    Ok(Blocks {
        ty,
        offset: tensor.offset,
        bytes: tensor.bytes,
    })
}

/// Reads, decodes and writes whole blocks, a piece at a time.
fn write(source: &impl Source, tensor: &Blocks) -> Result<()> {
    let (block_bytes, block_len) = (tensor.ty.block_bytes() as u64, tensor.ty.block_len());
    let piece = PIECE / block_bytes * block_bytes;
    let mut out = io::stdout().lock();
    let mut at = 0;
    while at < tensor.bytes {
        let len = piece.min(tensor.bytes - at);
        let mut bytes = vec![0; len as usize];
        let read = source.read_at(tensor.offset + at, &mut bytes);
        pollster::block_on(read).context("the tensor's data is not in the file")?;
        let mut values = vec![0.0; (len / block_bytes) as usize * block_len];
        blocks::dequantize(tensor.ty, &bytes, &mut values)?;
        let raw: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        out.write_all(&raw)?;
        at += len;
    }
    out.flush()?;
    Ok(())
}
