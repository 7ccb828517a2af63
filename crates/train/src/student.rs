//! The model that is trained, as files: a GGUF file or a Hugging Face folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use retort_formats::gguf::read_header;
use retort_formats::hf::Folder;
use retort_formats::{FileSource, FormatError};
use retort_infer::Text;
use retort_model::{
    Checkpoint, Config, Decoder, GgufCheckpoint, HfCheckpoint, LoadEvent, LoadPlan, load,
};

use crate::TrainError;

/// Shape and text side of a model; its weights stay on disk until [`Student::decoder`].
pub struct Student {
    pub path: PathBuf,
    pub config: Config,
    pub text: Text,
}

impl Student {
    /// Opens a GGUF file, or a Hugging Face folder.
    ///
    /// # Errors
    /// The files are missing or broken, or their architecture is not supported.
    pub async fn open(path: &Path) -> Result<Self, TrainError> {
        let (config, text) = match path.is_dir() {
            true => {
                let folder = Folder::open(path).await?;
                let config = hugging_face(&folder)?.config().clone();
                (config, Text::from_folder(&folder)?)
            }
            false => {
                let source = open(path)?;
                let mut header = read_header(&source).await?;
                let config = GgufCheckpoint::new(source, &header).await?.config().clone();
                (config, Text::from_gguf(&mut header)?)
            }
        };
        Ok(Self {
            path: path.to_path_buf(),
            config,
            text,
        })
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
        if self.path.is_dir() {
            let folder = Folder::open(&self.path).await?;
            return Ok(load(&hugging_face(&folder)?, device, plan, progress).await?);
        }
        let source = open(&self.path)?;
        let header = read_header(&source).await?;
        let checkpoint = GgufCheckpoint::new(source, &header).await?;
        Ok(load(&checkpoint, device, plan, progress).await?)
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
    FileSource::open(path).map_err(|error| {
        let path = path.display().to_string();
        TrainError::from(FormatError::Source { field: path, error })
    })
}
