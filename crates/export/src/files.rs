//! The tensors of a GGUF file or a Hugging Face folder as [`Weights`]: for conversions from one
//! format to the other.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use pollster::block_on;
use retort_config::{ROPE_FREQS, heads, hugging_face_name};
use retort_formats::hf::Folder;
use retort_formats::{FileSource, FormatError, GgmlType, Source, blocks};

use crate::base::{Base, open_gguf};
use crate::{ExportError, TensorInfo, Weights};

/// A checkpoint on disk, read a tensor at a time and decoded to f32.
#[derive(Debug)]
pub struct FileWeights {
    sources: Vec<FileSource>,
    tensors: Vec<Stored>,
    by_name: HashMap<String, usize>,
}

/// Where a tensor is.
#[derive(Debug)]
struct Stored {
    info: TensorInfo,
    source: usize,
    offset: u64,
    bytes: u64,
    ty: GgmlType,
    /// Rows of a head, where the file holds them in llama's order.
    interleaved: Option<usize>,
}

impl FileWeights {
    /// Opens a GGUF file, or a Hugging Face folder.
    ///
    /// A tensor that follows from the others is left out: rotary frequencies, and the output of a
    /// folder whose `config.json` says that it is the embedding.
    ///
    /// # Errors
    /// [`ExportError::MissingFile`], [`ExportError::Format`] for a broken file or a tensor type
    /// that is not supported, [`ExportError::UnexpectedTensor`] for a tensor of a GGUF file that
    /// has no Hugging Face name.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ExportError> {
        let path = path.as_ref();
        match path.is_dir() {
            true => Self::open_folder(path),
            false => Self::open_file(path),
        }
    }

    fn open_folder(path: &Path) -> Result<Self, ExportError> {
        let folder = block_on(Folder::open(path))?;
        let tied = folder.config["tie_word_embeddings"] == true;
        let mut tensors = Vec::new();
        for tensor in &folder.tensors {
            let derived = tensor.name.ends_with("rotary_emb.inv_freq")
                || (tied && tensor.name == "lm_head.weight");
            if derived {
                continue;
            }
            tensors.push(Stored {
                info: info(tensor.name.clone(), tensor.dims.iter())?,
                source: tensor.shard,
                offset: tensor.offset,
                bytes: tensor.bytes,
                ty: tensor.ty()?,
                interleaved: None,
            });
        }
        Ok(Self::new(folder.sources()?, tensors))
    }

    fn open_file(path: &Path) -> Result<Self, ExportError> {
        let (source, header) = open_gguf(path)?;
        let table = header.tensors.clone();
        let config = Base::from_header(header, &source)?.config;
        let mut tensors = Vec::new();
        for tensor in table {
            if tensor.name == ROPE_FREQS {
                continue;
            }
            let name =
                hugging_face_name(&tensor.name).ok_or_else(|| ExportError::UnexpectedTensor {
                    tensor: tensor.name.clone(),
                })?;
            let interleaved = heads::are_interleaved(config.architecture, &name);
            let stored = Stored {
                info: info(name, tensor.dims.iter().rev())?,
                source: 0,
                offset: tensor.offset,
                bytes: tensor.bytes,
                ty: tensor.ty.known()?,
                interleaved: interleaved.then_some(config.head_dim),
            };
            let shape = &stored.info.shape;
            if interleaved && (shape.len() != 2 || !shape[0].is_multiple_of(config.head_dim)) {
                return Err(ExportError::Shape {
                    tensor: tensor.name,
                    expected: vec![config.q_width(), config.hidden_size],
                    got: shape.clone(),
                });
            }
            tensors.push(stored);
        }
        Ok(Self::new(vec![source], tensors))
    }

    fn new(sources: Vec<FileSource>, tensors: Vec<Stored>) -> Self {
        let names = tensors.iter().map(|stored| stored.info.name.clone());
        let by_name = names.zip(0..).collect();
        Self {
            sources,
            tensors,
            by_name,
        }
    }
}

/// A name and a row-major shape that fits the address space.
fn info<'a>(name: String, dims: impl Iterator<Item = &'a u64>) -> Result<TensorInfo, ExportError> {
    let shape: Result<Vec<usize>, _> = dims.map(|&dim| usize::try_from(dim)).collect();
    let too_large = |shape: &Vec<usize>| {
        let product = shape
            .iter()
            .try_fold(4, |bytes: usize, &dim| bytes.checked_mul(dim));
        product.is_none_or(|bytes| bytes > isize::MAX as usize)
    };
    match shape {
        Ok(shape) if !too_large(&shape) => Ok(TensorInfo { name, shape }),
        _ => Err(FormatError::OutOfMemory {
            field: format!("tensor `{name}`"),
            bytes: u64::MAX,
        }
        .into()),
    }
}

impl Weights for FileWeights {
    fn tensors(&self) -> Vec<TensorInfo> {
        let infos = self.tensors.iter();
        infos.map(|stored| stored.info.clone()).collect()
    }

    fn read(&mut self, name: &str) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let stored = (self.by_name.get(name))
            .and_then(|&index| self.tensors.get(index))
            .ok_or_else(|| format!("the file has no tensor `{name}`"))?;
        let source = (self.sources.get(stored.source))
            .ok_or_else(|| format!("tensor `{name}` is in no file"))?;
        // The readers have checked that the data lies inside the file, and `info` the count.
        let mut bytes = vec![0; usize::try_from(stored.bytes)?];
        block_on(source.read_at(stored.offset, &mut bytes))?;
        let mut values = vec![0.0; stored.info.shape.iter().product()];
        blocks::dequantize(stored.ty, &bytes, &mut values)?;
        drop(bytes);
        Ok(match (stored.interleaved, stored.info.shape.last()) {
            (Some(head_dim), Some(&cols)) => heads::deinterleave(&values, head_dim, cols),
            _ => values,
        })
    }
}
