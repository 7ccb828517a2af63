//! Checkpoints: all that a run needs to go on as if it had never stopped.
//!
//! ```text
//! checkpoints/step-00000100/
//!   state.json               step, place in the data, hashes of the other files
//!   parameters.safetensors   what is trained, f32, by path in the decoder
//!   moments.safetensors      what the optimiser remembers of it
//! ```
//!
//! A folder appears under its name only when it is complete and on the disk.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use burn::module::ParamId;
use burn::tensor::{Device, Tensor, TensorData};
use retort_formats::hf::{HfTensorSpec, SafetensorsWriter, read_safetensors_header};
use retort_formats::{FileSource, FormatError, GgmlType, Source};
use retort_model::Decoder;
use retort_model::parameters::Parameter;
use retort_report::atomic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::TrainError;
use crate::optimizer::{Moments, Optimizer};
use crate::spike::SpikeWatch;
use crate::trainer::{Trainer, read};

const FORMAT: u32 = 1;
const STATE: &str = "state.json";
const PARAMETERS: &str = "parameters.safetensors";
const MOMENTS: &str = "moments.safetensors";

/// Where a run is, beside its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Optimiser steps taken.
    pub step: u64,
    /// Where the next batch begins: bins seen since the start of the run.
    pub bins: u64,
    /// Tokens read so far, prompts included.
    pub tokens: u64,
    pub watch: SpikeWatch,
}

/// `state.json`
#[derive(Serialize, Deserialize)]
struct State {
    format: u32,
    /// Hash of everything that decides what a step computes.
    run: String,
    progress: Progress,
    /// SHA-256 of each file beside this one, in hexadecimal.
    files: BTreeMap<String, String>,
}

/// The checkpoints of a run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    /// So many are kept.
    keep: usize,
    run: String,
}

impl Checkpoints {
    /// In `folder`, for the run with this hash.
    pub fn new(folder: impl Into<PathBuf>, keep: usize, run: impl Into<String>) -> Self {
        Self {
            folder: folder.into(),
            keep: keep.max(1),
            run: run.into(),
        }
    }

    /// Steps of which there is a checkpoint, ascending.
    ///
    /// # Errors
    /// The folder cannot be read. One that does not exist holds none.
    pub fn steps(&self) -> Result<Vec<u64>, TrainError> {
        let mut steps = Vec::new();
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(steps),
            entries => entries.map_err(|error| TrainError::io("read", &self.folder, error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| TrainError::io("read", &self.folder, error))?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("step-"));
            steps.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:08}"))
    }

    /// Writes one, then removes the oldest beyond those to keep. If there is one of this step
    /// already, it is left as it is: it holds the same.
    ///
    /// # Errors
    /// The disk is full or cannot be written; all earlier checkpoints are whole then.
    pub fn save(&self, trainer: &Trainer, progress: &Progress) -> Result<(), TrainError> {
        let path = self.path(progress.step);
        if path.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| TrainError::io("write", &self.folder, error))?;
        let named = snapshot(trainer);
        atomic::write_folder(&path, |folder| {
            let mut files = BTreeMap::new();
            for (file, tensors) in &named {
                files.insert((*file).to_owned(), write(&folder.join(file), tensors)?);
            }
            let state = State {
                format: FORMAT,
                run: self.run.clone(),
                progress: progress.clone(),
                files,
            };
            let json = serde_json::to_vec_pretty(&state).expect("plain data");
            let file = folder.join(STATE);
            std::fs::write(&file, json).map_err(|error| TrainError::io("write", &file, error))
        })?;
        let steps = self.steps()?;
        for step in steps.iter().rev().skip(self.keep) {
            atomic::remove_folder(&self.path(*step))?;
        }
        Ok(())
    }

    /// Reads the checkpoint of a step: hashes first, then every tensor of what is trained.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if a file is missing, cut off or changed, which names the one
    /// before; [`TrainError::OtherRun`] if it was made by another configuration or corpus.
    pub async fn load(
        &self,
        step: u64,
        trainer: Trainer,
        device: &Device,
    ) -> Result<(Trainer, Progress), TrainError> {
        let path = self.path(step);
        let refused = |reason: String| TrainError::Checkpoint {
            path: path.clone(),
            reason,
            previous: self
                .steps()
                .unwrap_or_default()
                .into_iter()
                .rfind(|other| *other < step),
        };
        let state = read_state(&path).map_err(&refused)?;
        if state.run != self.run {
            return Err(TrainError::OtherRun { path });
        }
        for (file, expected) in &state.files {
            let got =
                hash_of(&path.join(file)).map_err(|error| refused(format!("{file}: {error}")))?;
            if got != *expected {
                return Err(refused(format!(
                    "{file} has SHA-256 {got}, state.json says {expected}"
                )));
            }
        }
        let (decoder, mut optimizer, settings) = trainer.into_parts();
        let parameters = TensorFile::open(&path.join(PARAMETERS))
            .await
            .map_err(&refused)?;
        let moments = TensorFile::open(&path.join(MOMENTS))
            .await
            .map_err(&refused)?;
        let mut values = HashMap::new();
        let mut remembered = HashMap::new();
        for parameter in optimizer.trained() {
            let tensor = parameters.tensor(&parameter.path, parameter.len(), device);
            values.insert(parameter.id, tensor.await.map_err(&refused)?);
            if let Some(found) = moments.moments(parameter, device).await.map_err(&refused)? {
                remembered.insert(parameter.id, found);
            }
        }
        let decoder = replace(decoder, values);
        optimizer.restore(state.progress.step, remembered);
        Ok((Trainer::new(decoder, optimizer, settings), state.progress))
    }
}

fn replace(decoder: Decoder, mut values: HashMap<ParamId, Tensor<1>>) -> Decoder {
    let wanted: Vec<ParamId> = values.keys().copied().collect();
    decoder.map_parameters(
        |id| wanted.contains(&id),
        |id, old| values.remove(&id).unwrap_or(old),
    )
}

/// A tensor's name, shape and handle: values come to the host one tensor at a time.
type Named = (String, Vec<usize>, Tensor<1>);

fn snapshot(trainer: &Trainer) -> [(&'static str, Vec<Named>); 2] {
    let mut handles = HashMap::new();
    trainer.decoder().for_each_parameter(|id, tensor| {
        handles.insert(id, tensor);
    });
    let optimizer: &Optimizer = trainer.optimizer();
    let (mut values, mut moments) = (Vec::new(), Vec::new());
    for parameter in optimizer.trained() {
        let shape = parameter.shape.clone();
        if let Some(tensor) = handles.remove(&parameter.id) {
            values.push((parameter.path.clone(), shape.clone(), tensor));
        }
        let Some(Moments { first, second }) = optimizer.moments(parameter.id) else {
            continue;
        };
        let suffixes = [(FIRST, Some(first)), (SECOND, second.as_ref())];
        for (suffix, tensor) in suffixes {
            let Some(tensor) = tensor else { continue };
            let name = format!("{}{suffix}", parameter.path);
            moments.push((name, shape.clone(), tensor.clone()));
        }
    }
    [(PARAMETERS, values), (MOMENTS, moments)]
}

const FIRST: &str = ":first";
const SECOND: &str = ":second";

/// Writes a safetensors file and says its hash.
fn write(path: &Path, tensors: &[Named]) -> Result<String, TrainError> {
    let specs = tensors
        .iter()
        .map(|(name, shape, _)| HfTensorSpec {
            name: name.clone(),
            dims: shape.iter().map(|&dim| dim as u64).collect(),
            ty: GgmlType::F32,
        })
        .collect();
    let file = File::create(path).map_err(|error| TrainError::io("write", path, error))?;
    let out = Hashing {
        out: BufWriter::new(file),
        hash: Sha256::new(),
    };
    let failed = |error| match error {
        FormatError::Write { error } => TrainError::io("write", path, error),
        other => other.into(),
    };
    let mut writer = SafetensorsWriter::new(out, specs).map_err(failed)?;
    let by_name: HashMap<&str, &Tensor<1>> = tensors
        .iter()
        .map(|(name, _, tensor)| (name.as_str(), tensor))
        .collect();
    while let Some(name) = writer.due().map(str::to_owned) {
        let values = pollster::block_on(read(by_name[name.as_str()].clone()))?;
        writer
            .write(&name, bytemuck::cast_slice(&values))
            .map_err(failed)?;
    }
    let mut out = writer.finish().map_err(failed)?;
    out.flush()
        .map_err(|error| TrainError::io("write", path, error))?;
    Ok(hex(out.hash))
}

/// Hashes what goes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn hash_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(hash)),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn read_state(folder: &Path) -> Result<State, String> {
    /// Far over any real one.
    const MOST: u64 = 1 << 20;
    let file = File::open(folder.join(STATE)).map_err(|error| format!("{STATE}: {error}"))?;
    let mut json = Vec::new();
    file.take(MOST)
        .read_to_end(&mut json)
        .map_err(|error| format!("{STATE}: {error}"))?;
    let state: State =
        serde_json::from_slice(&json).map_err(|error| format!("{STATE}: {error}"))?;
    if state.format != FORMAT {
        return Err(format!("its format is {}, expected {FORMAT}", state.format));
    }
    // Names are joined to the folder's path.
    if ![PARAMETERS, MOMENTS]
        .iter()
        .all(|file| state.files.contains_key(*file))
        || state.files.len() != 2
    {
        return Err(format!("{STATE} does not list {PARAMETERS} and {MOMENTS}"));
    }
    Ok(state)
}

struct TensorFile {
    source: FileSource,
    places: HashMap<String, (u64, u64)>,
}

impl TensorFile {
    async fn open(path: &Path) -> Result<Self, String> {
        let open = async {
            let source = FileSource::open(path).map_err(|error| error.to_string())?;
            let header = read_safetensors_header(&source)
                .await
                .map_err(|error| error.to_string())?;
            let places = header
                .tensors
                .into_iter()
                .map(|tensor| (tensor.name, (tensor.offset, tensor.bytes)))
                .collect();
            Ok::<_, String>(Self { source, places })
        };
        open.await
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    async fn tensor(&self, name: &str, len: usize, device: &Device) -> Result<Tensor<1>, String> {
        let Some(&(offset, bytes)) = self.places.get(name) else {
            return Err(format!("it lacks `{name}`"));
        };
        if bytes != 4 * len as u64 {
            return Err(format!("`{name}` has {bytes} bytes, expected {}", 4 * len));
        }
        let mut values = vec![0f32; len];
        self.source
            .read_at(offset, bytemuck::cast_slice_mut(&mut values))
            .await
            .map_err(|error| format!("`{name}`: {error}"))?;
        Ok(Tensor::from_data(TensorData::new(values, [len]), device))
    }

    async fn moments(
        &self,
        parameter: &Parameter,
        device: &Device,
    ) -> Result<Option<Moments>, String> {
        let read = async |suffix: &str| {
            let name = format!("{}{suffix}", parameter.path);
            match self.places.contains_key(&name) {
                true => self.tensor(&name, parameter.len(), device).await.map(Some),
                false => Ok(None),
            }
        };
        let second = read(SECOND).await?;
        let first = read(FIRST).await?;
        Ok(first.map(|first| Moments { first, second }))
    }
}
