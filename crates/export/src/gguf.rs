//! A student as a GGUF file.

use std::io::{BufWriter, Write};
use std::path::Path;

use retort_config::{ROPE_FREQS, Tensor, heads};
use retort_formats::GgmlType;
use retort_formats::gguf::{Array, Metadata, TensorSpec, Value as Entry, Writer};
use retort_report::{ReportError, atomic};

use crate::base::Origin;
use crate::encode::encode;
use crate::place::prepare;
use crate::policy::tensor_type;
use crate::vocabulary::{add_to_metadata, pad};
use crate::weights::{checked, read};
use crate::{Base, ExportError, Progress, Provenance, Weights};

/// What a GGUF file's matrices are stored as.
///
/// Norms and biases are F32 in all of them. A matrix whose rows are not whole blocks of its type
/// is Q8_0 instead, or F16 where they are no multiple of 32 either. "Output" is the output
/// projection, or the embedding where that is its table.
///
/// | kind | output | v and down projections | other matrices |
/// |---|---|---|---|
/// | `F16` | F16 | F16 | F16 |
/// | `Q8_0` | Q8_0 | Q8_0 | Q8_0 |
/// | `Q4_0` | Q6_K | Q4_0 | Q4_0 |
/// | `Q4_K` | Q6_K | Q6_K in the first and last eighth of the blocks and every third between, else Q4_K | Q4_K |
///
/// `Q4_K` is the mix that llama.cpp calls Q4_K_M.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)] // ggml's own names: they are what users see and type.
pub enum GgufKind {
    F16,
    Q8_0,
    Q4_0,
    Q4_K,
}

impl GgufKind {
    /// All kinds, the largest first.
    pub const ALL: [Self; 4] = [Self::F16, Self::Q8_0, Self::Q4_0, Self::Q4_K];

    /// The kind of this name, in either case; `Q4_K_M` is `Q4_K`.
    pub fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("Q4_K_M") {
            return Some(Self::Q4_K);
        }
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// `"Q4_K"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
            Self::Q4_K => "Q4_K",
        }
    }

    /// `general.file_type` (llama.cpp, `enum llama_ftype`).
    fn file_type(self) -> u32 {
        match self {
            Self::F16 => 1,
            Self::Q8_0 => 7,
            Self::Q4_0 => 2,
            Self::Q4_K => 15,
        }
    }
}

/// Writes a student as one GGUF file, which llama.cpp and what builds on it load.
///
/// The metadata are those of a GGUF base, less what they say about the base itself; of a Hugging
/// Face base they are made as llama.cpp's converter makes them. The list of tokens is padded to
/// the rows of the embedding. `progress` is called after each tensor. A file of the same name is
/// replaced.
///
/// # Errors
/// [`ExportError::MissingTensor`], [`ExportError::UnexpectedTensor`] or [`ExportError::Shape`]
/// where the weights are not those of the base's model, [`ExportError::Read`],
/// [`ExportError::Length`] or [`ExportError::NotFinite`] for a tensor that cannot be had,
/// [`ExportError::Unrepresentable`] for a value that is too large for the type,
/// [`ExportError::PreTokenizer`] and other tokenizer errors for a vocabulary that GGUF cannot
/// express, [`ExportError::Report`] where the file cannot be written, as on a full disk.
pub fn write_gguf(
    base: &Base,
    weights: &mut dyn Weights,
    provenance: &Provenance,
    kind: GgufKind,
    path: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), ExportError> {
    let tensors = checked(&base.config, weights)?;
    let metadata = metadata(base, provenance, kind)?;
    if path.is_dir() {
        // Said before the work, not after it.
        return Err(ReportError::Exists { path: path.into() }.into());
    }
    prepare(path)?;
    let job = Job {
        base,
        kind,
        tensors,
        metadata,
    };
    atomic::write_file_with(path, |file| {
        let out = BufWriter::with_capacity(1 << 20, file);
        let written = job.write(weights, out, progress);
        let out = written.map_err(|error| error.at(path))?;
        out.into_inner()
            .map(drop)
            .map_err(|error| ReportError::io("write", path, error.into_error()).into())
    })
}

/// A file to be written.
struct Job<'a> {
    base: &'a Base,
    kind: GgufKind,
    tensors: Vec<Tensor>,
    metadata: Metadata,
}

impl Job<'_> {
    fn write<W: Write>(
        &self,
        weights: &mut dyn Weights,
        out: W,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<W, ExportError> {
        let config = &self.base.config;
        let divisors = config.rope_divisors();
        let types: Vec<GgmlType> = (self.tensors.iter())
            .map(|tensor| {
                let (layers, tied) = (config.num_hidden_layers, config.tie_word_embeddings);
                tensor_type(self.kind, tensor, layers, tied)
            })
            .collect();
        let mut specs = Vec::new();
        if let Some(divisors) = &divisors {
            specs.push(TensorSpec {
                name: ROPE_FREQS.into(),
                dims: vec![divisors.len() as u64],
                ty: GgmlType::F32,
            });
        }
        let mut total = 0;
        for (tensor, &ty) in self.tensors.iter().zip(&types) {
            total += bytes(tensor, ty)?;
            specs.push(TensorSpec {
                name: tensor.gguf_name.clone(),
                dims: tensor.shape.iter().rev().map(|&dim| dim as u64).collect(),
                ty,
            });
        }
        let mut writer = Writer::new(out, &self.metadata, specs)?;
        if let Some(divisors) = &divisors {
            encode(
                ROPE_FREQS,
                GgmlType::F32,
                divisors.len(),
                divisors,
                |bytes| Ok(writer.write(ROPE_FREQS, bytes)?),
            )?;
        }
        let mut written = 0;
        for (tensor, &ty) in self.tensors.iter().zip(&types) {
            let mut values = read(weights, tensor)?;
            if heads::are_interleaved(config.architecture, &tensor.name) {
                values = heads::interleave(&values, config.head_dim, tensor.cols());
            }
            let name = &tensor.gguf_name;
            encode(&tensor.name, ty, tensor.cols(), &values, |bytes| {
                Ok(writer.write(name, bytes)?)
            })?;
            let bytes = bytes(tensor, ty)?;
            written += bytes;
            progress(Progress {
                tensor: name,
                bytes,
                written,
                total,
            });
        }
        Ok(writer.finish()?)
    }
}

/// Bytes of a tensor in the file.
fn bytes(tensor: &Tensor, ty: GgmlType) -> Result<u64, ExportError> {
    let rows: usize = tensor.shape.iter().rev().skip(1).product();
    Ok(ty.row_bytes(tensor.cols())? as u64 * rows as u64)
}

/// Prefixes of entries that hold of the base's file and not of the student.
const NOT_INHERITED: [&str; 18] = [
    "general.name",
    "general.basename",
    "general.finetune",
    "general.author",
    "general.organization",
    "general.version",
    "general.description",
    "general.quantized_by",
    "general.doi",
    "general.uuid",
    "general.url",
    "general.repo_url",
    "general.source.",
    "general.base_model.",
    "general.dataset.",
    "quantize.",
    // A file in several parts.
    "split.",
    "retort.",
];

fn metadata(base: &Base, provenance: &Provenance, kind: GgufKind) -> Result<Metadata, ExportError> {
    let config = &base.config;
    let rows = config.vocab_size;
    let mut metadata = match &base.origin {
        Origin::Gguf(metadata) => {
            let inherited = |key: &str| {
                !NOT_INHERITED.iter().any(|&not| match not.ends_with('.') {
                    true => key.starts_with(not),
                    false => key == not,
                })
            };
            let kept = metadata.iter().filter(|(key, _)| inherited(key));
            let kept = kept.map(|(key, value)| (key.to_owned(), value.clone()));
            let mut metadata: Metadata = kept.collect();
            pad(&mut metadata, rows)?;
            metadata
        }
        Origin::HuggingFace(files) => {
            let mut metadata = Metadata::new();
            let architecture = Entry::String(config.architecture.name().into());
            metadata.set("general.architecture", architecture);
            metadata.set("general.type", Entry::String("model".into()));
            for (key, value) in config.to_gguf() {
                metadata.set(key, value);
            }
            add_to_metadata(files, rows, &mut metadata)?;
            metadata
        }
    };
    provenance.completed(base.name()).add_to(&mut metadata);
    metadata.set("general.file_type", Entry::U32(kind.file_type()));
    metadata.set("general.quantization_version", Entry::U32(2));
    let tokens = metadata.get("tokenizer.ggml.tokens");
    match tokens {
        Some(Entry::Array(Array::String(tokens))) if tokens.len() == rows => Ok(metadata),
        _ => {
            let tokens = metadata.strings("tokenizer.ggml.tokens")?.len();
            Err(ExportError::Vocabulary { tokens, rows })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names() {
        for kind in GgufKind::ALL {
            let lower = kind.name().to_ascii_lowercase();
            assert_eq!(GgufKind::from_name(&lower), Some(kind));
        }
        assert_eq!(GgufKind::from_name("q4_k_m"), Some(GgufKind::Q4_K));
        assert_eq!(GgufKind::from_name("Q5_K"), None);
    }

    /// A disk with room for `left` bytes.
    struct Full {
        left: usize,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let written = bytes.len().min(self.left);
            self.left -= written;
            match written {
                0 if !bytes.is_empty() => Err(std::io::ErrorKind::StorageFull.into()),
                _ => Ok(written),
            }
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_wherever_it_fills() {
        let golden = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
            .join("../../tests/golden/llama");
        let base = Base::open(golden.join("model.gguf")).unwrap();
        let mut weights = crate::FileWeights::open(&golden).unwrap();
        let kind = GgufKind::Q8_0;
        let job = Job {
            base: &base,
            kind,
            tensors: checked(&base.config, &weights).unwrap(),
            metadata: metadata(&base, &Provenance::new(), kind).unwrap(),
        };
        for left in [0, 100, 9_000, 20_000] {
            let error = job
                .write(&mut weights, Full { left }, &mut |_| ())
                .err()
                .unwrap();
            let error = error.at(Path::new("x.gguf"));
            let full = matches!(&error, ExportError::Report(ReportError::DiskFull { .. }));
            assert!(full, "{left}: {error}");
            assert!(error.hint().unwrap().contains("space"));
        }
        assert!(
            job.write(&mut weights, Full { left: 1 << 20 }, &mut |_| ())
                .is_ok()
        );
    }
}
