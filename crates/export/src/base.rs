//! What a student was trained from: its shape, its vocabulary and its chat template.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use pollster::block_on;
use retort_config::{Config, decimal};
use retort_formats::gguf::{Header, Metadata, read_header};
use retort_formats::{FileSource, FormatError};
use retort_report::ReportError;
use serde_json::Value;

use crate::{ExportError, TensorInfo};

/// Bytes of any one text file of a folder. The largest `tokenizer.json` known has 35 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Files of a folder that a student takes over as they are, besides those with a field of
/// [`HuggingFaceFiles`]: what older programs read of a tokenizer.
const COMPANIONS: [&str; 4] = [
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
];

/// What a student was trained from. No weights are read: of a GGUF file only the header (and the
/// rotary divisors), of a folder only its text files.
#[derive(Clone, Debug)]
pub struct Base {
    pub(crate) config: Config,
    pub(crate) origin: Origin,
}

#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Gguf(Metadata),
    HuggingFace(HuggingFaceFiles),
}

/// The text files of a Hugging Face folder, as they are.
#[derive(Clone, Debug, Default)]
pub struct HuggingFaceFiles {
    /// `config.json`.
    pub config: Value,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// `tokenizer_config.json`; a student gets a plain one where it is absent.
    pub tokenizer_config: Option<Vec<u8>>,
    /// `generation_config.json`; a student gets a plain one where it is absent.
    pub generation_config: Option<Vec<u8>>,
    /// `chat_template.jinja`, which takes precedence over the one in `tokenizer_config.json`.
    pub chat_template: Option<String>,
    /// Other files by name, which a Hugging Face export copies.
    pub others: Vec<(String, Vec<u8>)>,
}

impl Base {
    /// Opens a GGUF file, or a Hugging Face folder.
    ///
    /// # Errors
    /// Those of [`Self::open_gguf`] and [`Self::open_folder`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ExportError> {
        let path = path.as_ref();
        match path.is_dir() {
            true => Self::open_folder(path),
            false => Self::open_gguf(path),
        }
    }

    /// Opens a GGUF file, which must be whole.
    ///
    /// # Errors
    /// [`ExportError::MissingFile`], [`ExportError::Format`] for a broken file,
    /// [`ExportError::Config`] for a model that is not a Qwen2 or Llama decoder.
    pub fn open_gguf(path: impl AsRef<Path>) -> Result<Self, ExportError> {
        let (source, header) = open_gguf(path.as_ref())?;
        Self::from_header(header, &source)
    }

    pub(crate) fn from_header(header: Header, source: &FileSource) -> Result<Self, ExportError> {
        let config = block_on(Config::read_gguf(source, &header))?;
        let origin = Origin::Gguf(header.metadata);
        Ok(Self { config, origin })
    }

    /// Opens a Hugging Face folder; it need not hold weights.
    ///
    /// # Errors
    /// [`ExportError::MissingFile`] without `config.json` or `tokenizer.json`,
    /// [`ExportError::Json`] for a broken one, and as for [`Self::open_gguf`].
    pub fn open_folder(path: impl AsRef<Path>) -> Result<Self, ExportError> {
        let folder = path.as_ref();
        let read = |name: &str| read_file(&folder.join(name));
        let require = |name: &str| {
            read(name)?.ok_or_else(|| ExportError::MissingFile {
                path: folder.join(name),
            })
        };
        let config = serde_json::from_slice(&require("config.json")?);
        let template = read("chat_template.jinja")?.map(String::from_utf8);
        let mut others = Vec::new();
        for name in COMPANIONS {
            if let Some(bytes) = read(name)? {
                others.push((name.to_owned(), bytes));
            }
        }
        Self::from_files(HuggingFaceFiles {
            config: config.map_err(|error| ExportError::Json {
                file: "config.json",
                error,
            })?,
            tokenizer: require("tokenizer.json")?,
            tokenizer_config: read("tokenizer_config.json")?,
            generation_config: read("generation_config.json")?,
            chat_template: template.transpose().map_err(|_| FormatError::NotUtf8 {
                field: "chat_template.jinja".to_owned(),
            })?,
            others,
        })
    }

    /// A base given by its files, as for a student trained from scratch: at least the `config`
    /// and the `tokenizer`.
    ///
    /// # Errors
    /// [`ExportError::Config`] for a `config` that lacks fields or is not of a Qwen2 or Llama
    /// decoder, [`ExportError::Text`] for a broken tokenizer.
    pub fn from_files(files: HuggingFaceFiles) -> Result<Self, ExportError> {
        let config = Config::from_json(&files.config)?;
        retort_text::Tokenizer::from_json(&files.tokenizer)?;
        let origin = Origin::HuggingFace(files);
        Ok(Self { config, origin })
    }

    /// The same with another chat template.
    pub fn with_template(mut self, source: &str) -> Self {
        match &mut self.origin {
            Origin::Gguf(metadata) => metadata.set(
                "tokenizer.chat_template",
                retort_formats::gguf::Value::String(source.to_owned()),
            ),
            Origin::HuggingFace(files) => files.chat_template = Some(source.to_owned()),
        }
        self
    }

    /// The same for a student that was trained for other positions.
    pub fn with_positions(mut self, context: usize, rope_theta: f32) -> Self {
        let architecture = self.config.architecture.name();
        self.config.max_position_embeddings = context;
        self.config.rope_theta = rope_theta;
        match &mut self.origin {
            Origin::Gguf(metadata) => {
                for (key, value) in self.config.to_gguf() {
                    let rest = key.strip_prefix(architecture).unwrap_or_default();
                    if matches!(rest, ".context_length" | ".rope.freq_base") {
                        metadata.set(key, value);
                    }
                }
            }
            Origin::HuggingFace(files) => {
                files.config["max_position_embeddings"] = context.into();
                let theta = decimal(rope_theta);
                // transformers 5 has it among the parameters of RoPE.
                match files.config["rope_parameters"].as_object_mut() {
                    Some(parameters) => drop(parameters.insert("rope_theta".into(), theta)),
                    None => files.config["rope_theta"] = theta,
                }
            }
        }
        self
    }

    /// The tensors that the student's weights must be, from the embedding to the output.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let tensors = self.config.tensors().into_iter();
        tensors
            .map(|tensor| TensorInfo {
                name: tensor.name,
                shape: tensor.shape,
            })
            .collect()
    }

    /// The name that the base's file states.
    pub(crate) fn name(&self) -> Option<&str> {
        let name = match &self.origin {
            Origin::Gguf(metadata) => metadata.str("general.name").ok(),
            Origin::HuggingFace(files) => files.config["_name_or_path"].as_str(),
        };
        name.filter(|name| is_name(name))
    }
}

/// Whether a text is the name of a model (`Qwen2.5 1.5B`, `org/name`): transformers also writes
/// paths on someone's disk where the name should be.
fn is_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let named = |part: &&str| !part.is_empty() && !part.starts_with(['.', '~']);
    parts.len() <= 2 && parts.iter().all(named) && !text.contains('\\')
}

/// Opens a GGUF file and reads its header.
pub(crate) fn open_gguf(path: &Path) -> Result<(FileSource, Header), ExportError> {
    if !path.exists() {
        return Err(ExportError::MissingFile { path: path.into() });
    }
    let in_file = |error| FormatError::InFile {
        path: path.into(),
        error: Box::new(error),
    };
    let source = FileSource::open(path).map_err(|error| {
        in_file(FormatError::Source {
            field: "the file".into(),
            error,
        })
    })?;
    let header = block_on(read_header(&source)).map_err(in_file)?;
    Ok((source, header))
}

/// The whole file, `None` where it does not exist.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, ExportError> {
    let failed = |error| ReportError::io("read", path, error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error).into()),
    };
    let got = fs::metadata(path).map_err(failed)?.len();
    if got > MAX_BYTES {
        return Err(ExportError::TooLarge {
            path: path.into(),
            got,
            max: MAX_BYTES,
        });
    }
    let mut bytes = Vec::with_capacity(got as usize);
    // The file may grow meanwhile.
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Some(bytes))
}

/// Parses a JSON file; null where it does not exist.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    file: &'static str,
    json: Option<&[u8]>,
) -> Result<T, ExportError> {
    serde_json::from_slice(json.unwrap_or(b"null"))
        .map_err(|error| ExportError::Json { file, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_not_names() {
        for name in ["Qwen2.5 1.5B", "Qwen/Qwen2.5-1.5B"] {
            assert!(is_name(name), "{name}");
        }
        for path in [
            "",
            "/models/x",
            "./x",
            "../x",
            "~/x",
            "a/b/c",
            "a/",
            "C:\\x",
        ] {
            assert!(!is_name(path), "{path}");
        }
    }
}
