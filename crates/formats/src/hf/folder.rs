//! A checkpoint as a folder on disk.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{BufWriter, ErrorKind, Read},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{HfTensor, HfTensorSpec, SafetensorsWriter, json, read_safetensors_header};
use crate::{FormatError, source::FileSource};

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Parsed into a tree, JSON takes up to 50 times its size: real ones have 1 to 3 kB.
const CONFIG_BYTES: u64 = 256 << 10;
/// For 65,536 tensors.
const INDEX_BYTES: u64 = 16 << 20;
/// The largest `tokenizer.json` known has 35 MB.
const OTHER_BYTES: u64 = 256 << 20;

/// A Hugging Face checkpoint, its tensors not read yet.
#[derive(Clone, Debug)]
pub struct Folder {
    pub path: PathBuf,
    /// `config.json`.
    pub config: Value,
    /// Of all shards; within a shard, in the order of their data.
    pub tensors: Vec<HfTensor>,
    /// The safetensors files, which [`HfTensor::shard`] counts.
    pub shards: Vec<PathBuf>,
    /// `tokenizer.json`, as it is.
    pub tokenizer_json: Option<Vec<u8>>,
    /// `tokenizer_config.json`, as it is.
    pub tokenizer_config: Option<Vec<u8>>,
    /// `generation_config.json`, as it is.
    pub generation_config: Option<Vec<u8>>,
    /// `chat_template.jinja`. Where present it is meant instead of the one in
    /// `tokenizer_config.json`.
    pub chat_template: Option<String>,
}

impl Folder {
    /// Reads everything but the tensors' data.
    ///
    /// Weights are in `model.safetensors`, or else in the shards that
    /// `model.safetensors.index.json` names.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, FormatError> {
        let path = path.as_ref();
        let read = |name: &str, max| read_file(&path.join(name), max);
        let config = path.join("config.json");
        let config = match read_file(&config, CONFIG_BYTES)? {
            Some(text) => parse(&config, &text)?,
            None => return Err(FormatError::MissingFile { path: config }),
        };
        let (shards, tensors) = match read(INDEX, INDEX_BYTES)? {
            Some(text) if !path.join(WEIGHTS).exists() => read_shards(path, &text).await?,
            _ => read_single(path).await?,
        };
        let chat_template = match read("chat_template.jinja", OTHER_BYTES)? {
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| FormatError::NotUtf8 {
                field: "chat_template.jinja".to_owned(),
            })?),
            None => None,
        };
        Ok(Self {
            path: path.to_owned(),
            config,
            tensors,
            shards,
            tokenizer_json: read("tokenizer.json", OTHER_BYTES)?,
            tokenizer_config: read("tokenizer_config.json", OTHER_BYTES)?,
            generation_config: read("generation_config.json", OTHER_BYTES)?,
            chat_template,
        })
    }

    /// The tensor of this name. A linear search: build a map to look up many.
    ///
    /// # Errors
    /// [`FormatError::MissingTensor`].
    pub fn tensor(&self, name: &str) -> Result<&HfTensor, FormatError> {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or_else(|| FormatError::MissingTensor {
                tensor: name.to_owned(),
            })
    }

    /// Opens every shard, in the order of [`Self::shards`].
    pub fn sources(&self) -> Result<Vec<FileSource>, FormatError> {
        self.shards.iter().map(|path| open(path)).collect()
    }
}

/// The whole file, `None` where it does not exist.
fn read_file(path: &Path, max: u64) -> Result<Option<Vec<u8>>, FormatError> {
    let failed = |error| FormatError::Io {
        path: path.to_owned(),
        error,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let got = file.metadata().map_err(failed)?.len();
    if got > max {
        let field = format!("the size of `{}`", path.display());
        return Err(FormatError::Limit { field, got, max });
    }
    let mut bytes = Vec::with_capacity(got as usize);
    // The file may grow meanwhile.
    file.take(max).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, FormatError> {
    serde_json::from_slice(text).map_err(|error| FormatError::Json {
        file: format!("`{}`", path.display()),
        error,
    })
}

fn open(path: &Path) -> Result<FileSource, FormatError> {
    FileSource::open(path).map_err(|error| FormatError::InFile {
        path: path.to_owned(),
        error: Box::new(FormatError::Source {
            field: "the file".to_owned(),
            error,
        }),
    })
}

async fn read_single(folder: &Path) -> Result<(Vec<PathBuf>, Vec<HfTensor>), FormatError> {
    let path = folder.join(WEIGHTS);
    if !path.exists() {
        return Err(FormatError::MissingFile { path });
    }
    let tensors = read_shard(&path, 0).await?;
    Ok((vec![path], tensors))
}

async fn read_shard(path: &Path, shard: usize) -> Result<Vec<HfTensor>, FormatError> {
    let header = read_safetensors_header(&open(path)?).await;
    let mut tensors = header
        .map_err(|error| FormatError::InFile {
            path: path.to_owned(),
            error: Box::new(error),
        })?
        .tensors;
    tensors.iter_mut().for_each(|tensor| tensor.shard = shard);
    Ok(tensors)
}

/// `model.safetensors.index.json`: which file holds which tensor.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: json::Entries<String, { json::TENSORS }>,
}

/// Reads the shards that the index names, and keeps the tensors that it says are in them.
async fn read_shards(
    folder: &Path,
    index: &[u8],
) -> Result<(Vec<PathBuf>, Vec<HfTensor>), FormatError> {
    let index: Index = parse(&folder.join(INDEX), index)?;
    let index = index.weight_map.0;
    let mut shards: Vec<&str> = Vec::new();
    let mut places = HashMap::with_capacity(index.len());
    let mut numbers = HashMap::new();
    for (tensor, file) in &index {
        let shard = *numbers.entry(file.as_str()).or_insert_with(|| {
            shards.push(file);
            shards.len() - 1
        });
        if places.insert(tensor.as_str(), shard).is_some() {
            return Err(FormatError::Duplicate {
                field: format!("tensor `{tensor}`"),
            });
        }
    }
    if let Some(name) = shards.iter().find(|name| !is_plain(name)) {
        return Err(FormatError::FileName {
            name: (*name).to_owned(),
        });
    }
    let mut tensors = Vec::new();
    for (shard, name) in shards.iter().enumerate() {
        let mut held = read_shard(&folder.join(name), shard).await?;
        held.retain(|tensor| places.get(tensor.name.as_str()) == Some(&shard));
        tensors.append(&mut held);
    }
    if tensors.len() < places.len() {
        let held: HashSet<_> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        let missing = index.iter().find(|(name, _)| !held.contains(name.as_str()));
        let tensor = missing.map(|(name, _)| name.clone()).unwrap_or_default();
        return Err(FormatError::MissingTensor { tensor });
    }
    let shards = shards.into_iter().map(|name| folder.join(name)).collect();
    Ok((shards, tensors))
}

/// Whether `name` is a file in the folder itself: an index must not reach outside.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let first = parts.next();
    matches!(first, Some(std::path::Component::Normal(_)))
        && parts.next().is_none()
        && !name.contains(['/', '\\', ':'])
}

/// Writes a folder: shards of bounded size and their index, or one `model.safetensors`.
///
/// Other files (`config.json`, `tokenizer.json`) go beside with [`Self::write_file`].
pub struct FolderWriter {
    path: PathBuf,
    /// Shards still to be begun, the next one last.
    pending: Vec<(String, Vec<HfTensorSpec>)>,
    current: Option<SafetensorsWriter<BufWriter<File>>>,
    index: Option<Value>,
}

impl FolderWriter {
    /// transformers' own bound on a shard's size.
    pub const SHARD_BYTES: u64 = 5_000_000_000;

    /// Creates the folder where it is absent, and plans the shards: tensors in order, a new shard
    /// where the next tensor would take this one over `shard_bytes`.
    pub fn create(
        path: impl AsRef<Path>,
        tensors: Vec<HfTensorSpec>,
        shard_bytes: u64,
    ) -> Result<Self, FormatError> {
        let path = path.as_ref().to_owned();
        fs::create_dir_all(&path).map_err(|error| FormatError::Io {
            path: path.clone(),
            error,
        })?;
        let mut shards: Vec<Vec<HfTensorSpec>> = vec![Vec::new()];
        let (mut size, mut total) = (0u64, 0u64);
        for tensor in tensors {
            let bytes = tensor.bytes()?;
            if size > 0 && size.saturating_add(bytes) > shard_bytes {
                shards.push(Vec::new());
                size = 0;
            }
            size = size.saturating_add(bytes);
            total = total.saturating_add(bytes);
            // There is always a last one.
            if let Some(shard) = shards.last_mut() {
                shard.push(tensor);
            }
        }
        let count = shards.len();
        let name = |i| match count {
            1 => WEIGHTS.to_owned(),
            _ => format!("model-{:05}-of-{count:05}.safetensors", i + 1),
        };
        let mut pending: Vec<_> = shards
            .into_iter()
            .enumerate()
            .map(|(i, shard)| (name(i), shard))
            .collect();
        let index = (count > 1).then(|| index(&pending, total)).transpose()?;
        pending.reverse();
        let mut writer = Self {
            path,
            pending,
            current: None,
            index,
        };
        writer.begin_shard()?;
        Ok(writer)
    }

    /// The tensor whose bytes come next, `None` at the end.
    pub fn due(&self) -> Option<&str> {
        self.current.as_ref()?.due()
    }

    /// Writes the next bytes of tensor `name`, as [`SafetensorsWriter::write`] does.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FormatError> {
        let Some(shard) = &mut self.current else {
            return Err(FormatError::TensorOrder {
                expected: None,
                got: name.to_owned(),
            });
        };
        shard.write(name, bytes)?;
        if shard.due().is_none() {
            self.begin_shard()?;
        }
        Ok(())
    }

    /// Writes a file beside the weights.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), FormatError> {
        if !is_plain(name) {
            return Err(FormatError::FileName {
                name: name.to_owned(),
            });
        }
        let path = self.path.join(name);
        fs::write(&path, bytes).map_err(|error| FormatError::Io { path, error })
    }

    /// Checks that every tensor was written whole, and writes the index.
    pub fn finish(mut self) -> Result<(), FormatError> {
        if let Some(shard) = self.current.take() {
            shard.finish()?;
        }
        match self.index.take() {
            Some(index) => self.write_file(INDEX, format!("{index:#}\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// Ends the current shard, which is complete, and begins the next where there is one.
    fn begin_shard(&mut self) -> Result<(), FormatError> {
        if let Some(shard) = self.current.take() {
            shard.finish()?;
        }
        if let Some((name, tensors)) = self.pending.pop() {
            let path = self.path.join(name);
            let file = File::create(&path).map_err(|error| FormatError::Io { path, error })?;
            self.current = Some(SafetensorsWriter::new(BufWriter::new(file), tensors)?);
        }
        Ok(())
    }
}

/// The index of planned shards.
fn index(shards: &[(String, Vec<HfTensorSpec>)], total_size: u64) -> Result<Value, FormatError> {
    let mut weight_map = serde_json::Map::new();
    for (file, tensors) in shards {
        for HfTensorSpec { name, .. } in tensors {
            if weight_map.insert(name.clone(), json!(file)).is_some() {
                return Err(FormatError::Duplicate {
                    field: format!("tensor `{name}`"),
                });
            }
        }
    }
    Ok(json!({"metadata": {"total_size": total_size}, "weight_map": weight_map}))
}
