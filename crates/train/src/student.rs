//! The model that is trained, as files: a GGUF file or a Hugging Face folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use retort_formats::gguf::read_header;
use retort_formats::hf::Folder;
use retort_formats::{FileSource, FormatError, Source, SourceError};
use retort_infer::Text;
use retort_model::decoder::Shape;
use retort_model::{
    Checkpoint, Config, Decoder, GgufCheckpoint, HfCheckpoint, LoadEvent, LoadPlan, load,
};

use sha2::{Digest, Sha256};

use crate::TrainError;
use crate::checkpoint::hex;

/// Shape and text side of a model; its weights stay on disk until [`Student::decoder`].
pub struct Student {
    pub path: PathBuf,
    pub config: Config,
    pub text: Arc<Text>,
    /// SHA-256 of what is not weights: header or text files.
    pub identity: String,
}

impl Student {
    /// Opens a GGUF file, or a Hugging Face folder; `template` is a file with a chat template that
    /// stands in for the model's own.
    ///
    /// # Errors
    /// The files are missing or broken, or their architecture is not supported.
    pub async fn open(path: &Path, template: Option<&Path>) -> Result<Self, TrainError> {
        let mut hash = Sha256::new();
        let (config, text) = match path.is_dir() {
            true => {
                let folder = Folder::open(path).await?;
                let config = hugging_face(&folder)?.config().clone();
                hash.update(folder.config.to_string());
                for part in [&folder.tokenizer_json, &folder.tokenizer_config] {
                    hash.update(part.as_deref().unwrap_or_default());
                }
                for tensor in &folder.tensors {
                    hash.update(format!("{tensor:?}"));
                }
                (config, Text::from_folder(&folder)?)
            }
            false => {
                let source = open(path)?;
                let mut header = read_header(&source).await?;
                let mut bytes = vec![0; usize::try_from(header.data_start).unwrap_or(usize::MAX)];
                let read = source.read_at(0, &mut bytes).await;
                read.map_err(|error| unreadable(path, error))?;
                hash.update(&bytes);
                let config = GgufCheckpoint::new(source, &header).await?.config().clone();
                (config, Text::from_gguf(&mut header)?)
            }
        };
        let text = match template {
            Some(path) => {
                let source = std::fs::read_to_string(path);
                text.with_template(&source.map_err(|error| TrainError::io("read", path, error))?)?
            }
            None => text,
        };
        Ok(Self {
            path: path.to_path_buf(),
            config,
            text: text.into(),
            identity: hex(hash),
        })
    }

    /// The same with other positions, where they are given.
    pub fn with_positions(mut self, context: Option<usize>, rope_theta: Option<f32>) -> Self {
        let config = &mut self.config;
        config.max_position_embeddings = context.unwrap_or(config.max_position_embeddings);
        config.rope_theta = rope_theta.unwrap_or(config.rope_theta);
        self
    }

    /// Loads the weights.
    ///
    /// # Errors
    /// The files are broken, or the device has no room.
    pub async fn decoder(
        &self,
        device: &Device,
        plan: &LoadPlan,
        progress: impl FnMut(LoadEvent<'_>),
    ) -> Result<Decoder, TrainError> {
        let mut decoder = if self.path.is_dir() {
            let folder = Folder::open(&self.path).await?;
            load(&hugging_face(&folder)?, device, plan, progress).await?
        } else {
            let source = open(&self.path)?;
            let header = read_header(&source).await?;
            let checkpoint = GgufCheckpoint::new(source, &header).await?;
            load(&checkpoint, device, plan, progress).await?
        };
        // Those of the files, unless the student has its own.
        decoder.shape = Shape::new(&self.config, plan.positions, device);
        Ok(decoder)
    }
}

fn hugging_face(folder: &Folder) -> Result<HfCheckpoint<FileSource>, TrainError> {
    Ok(HfCheckpoint::new(
        &folder.config,
        folder.tensors.clone(),
        folder.sources()?,
    )?)
}

fn open(path: &Path) -> Result<FileSource, TrainError> {
    FileSource::open(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: SourceError) -> TrainError {
    let field = path.display().to_string();
    FormatError::Source { field, error }.into()
}
