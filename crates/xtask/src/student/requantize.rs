//! The same weights in another type, for comparisons on one file.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result};
use retort_formats::gguf::{self, TensorSpec, Value, Writer};
use retort_formats::{FileSource, GgmlType, Source, blocks};

/// Writes the model `from` to `to` with all its matrices in Q4_0, the embedding too; vectors stay
/// f32. Quantised weights lose a second time: right for measuring speed, not quality.
pub fn to_q4_0(from: &Path, to: &Path) -> Result<()> {
    /// llama.cpp's `LLAMA_FTYPE_MOSTLY_Q4_0`.
    const FILE_TYPE: u32 = 2;
    rewrite(from, to, GgmlType::Q4_0, FILE_TYPE)
}

/// Writes the model `from` to `to` as f32: the very weights, which an engine then multiplies
/// without rounding the activations.
pub fn to_f32(from: &Path, to: &Path) -> Result<()> {
    /// llama.cpp's `LLAMA_FTYPE_ALL_F32`.
    const FILE_TYPE: u32 = 0;
    rewrite(from, to, GgmlType::F32, FILE_TYPE)
}

fn rewrite(from: &Path, to: &Path, matrices: GgmlType, file_type: u32) -> Result<()> {
    let source = FileSource::open(from).with_context(|| from.display().to_string())?;
    let header = pollster::block_on(gguf::read_header(&source))?;
    let mut metadata = header.metadata.clone();
    metadata.set("general.file_type", Value::U32(file_type));
    let specs = header.tensors.iter().map(|tensor| TensorSpec {
        name: tensor.name.clone(),
        dims: tensor.dims.clone(),
        ty: if tensor.dims.len() < 2 {
            GgmlType::F32
        } else {
            matrices
        },
    });
    let specs: Vec<TensorSpec> = specs.collect();
    let part = to.with_extension("gguf.part");
    let file = File::create(&part).with_context(|| part.display().to_string())?;
    let mut writer = Writer::new(BufWriter::new(file), &metadata, specs.clone())?;
    for (tensor, spec) in header.tensors.iter().zip(&specs) {
        // Piece by piece; every row is a whole number of blocks.
        let ty = tensor.ty.known()?;
        let cols = usize::try_from(tensor.dims[0])?;
        let row_bytes = ty.row_bytes(cols)?;
        let mut row = vec![0; row_bytes];
        let mut values = vec![0.0; cols];
        for index in 0..tensor.bytes / row_bytes as u64 {
            let offset = tensor.offset + index * row_bytes as u64;
            pollster::block_on(source.read_at(offset, &mut row))?;
            blocks::dequantize(ty, &row, &mut values)?;
            writer.write(&spec.name, &blocks::quantize(spec.ty, &values)?)?;
        }
    }
    writer.finish()?;
    std::fs::rename(&part, to).with_context(|| to.display().to_string())
}
