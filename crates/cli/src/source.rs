//! A MODEL argument to bytes.
//!
//! [`fetch`] brings a whole model to disk and gives its place. [`open`] gives as much as a command
//! needs that reads no weights: of a GGUF file on the network only the ranges that are read
//! travel, so a 40 GB file can be inspected before it is downloaded.

mod dataset;
mod download;
mod http;
mod hub;

pub use dataset::data_files;
pub use download::cache_folder;

use std::path::{Path, PathBuf};

use anyhow::Result;
use retort_formats::{FileSource, Source, SourceError};

use crate::failure::Failure;
use http::HttpSource;
use hub::Repository;

/// A model on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    Gguf(PathBuf),
    /// A Hugging Face folder.
    Folder(PathBuf),
}

/// A model whose parts can be read.
pub enum Opened {
    Gguf(Bytes),
    Folder(PathBuf),
}

/// What a command reads of a Hugging Face folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Tokenizer and chat template.
    Text,
    Weights,
}

/// What the user wrote.
#[derive(Debug, PartialEq, Eq)]
enum Reference {
    Path(PathBuf),
    Url(String),
    Hub(Repository),
}

impl Reference {
    fn parse(model: &str) -> Result<Self> {
        if let Some(rest) = model.strip_prefix("hf:") {
            return Ok(Self::Hub(Repository::parse(rest)?));
        }
        if model.starts_with("http://") || model.starts_with("https://") {
            return Ok(Self::Url(model.into()));
        }
        let path = PathBuf::from(model);
        if path.exists() {
            return Ok(Self::Path(path));
        }
        let hint = match looks_like_repository(model) {
            true => format!("for the Hugging Face hub write `hf:{model}`"),
            false => "MODEL is a path, an http(s) URL, or hf:owner/repo[/file]".into(),
        };
        Err(Failure::new(format!("there is no file or folder `{model}`"), hint).into())
    }
}

/// `owner/repo`, which is no path here.
fn looks_like_repository(model: &str) -> bool {
    let mut parts = model.split('/');
    let named = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part != "." && part != "..")
    };
    named(parts.next()) && named(parts.next()) && !model.ends_with(".gguf")
}

/// Brings the whole model to disk, if it is not there.
pub fn fetch(model: &str) -> Result<Model> {
    match Reference::parse(model)? {
        Reference::Path(path) => Ok(local(path)),
        Reference::Url(url) => Ok(Model::Gguf(download::to_cache(&url)?)),
        Reference::Hub(repository) => repository.fetch(Need::Weights),
    }
}

/// Opens what is needed of the model.
pub fn open(model: &str, need: Need) -> Result<Opened> {
    let local = match Reference::parse(model)? {
        Reference::Path(path) => local(path),
        Reference::Url(url) => match download::cached(&url)? {
            Some(path) => Model::Gguf(path),
            None => return Ok(Opened::Gguf(Bytes::Http(HttpSource::open(&url, None)?))),
        },
        Reference::Hub(repository) => {
            if let Some((url, token)) = repository.remote_gguf()? {
                return Ok(Opened::Gguf(Bytes::Http(HttpSource::open(&url, token)?)));
            }
            repository.fetch(need)?
        }
    };
    match local {
        Model::Gguf(path) => Ok(Opened::Gguf(Bytes::File(open_file(&path)?))),
        Model::Folder(path) => Ok(Opened::Folder(path)),
    }
}

fn local(path: PathBuf) -> Model {
    match path.is_dir() {
        true => Model::Folder(path),
        false => Model::Gguf(path),
    }
}

/// A file, with its name in the error.
pub fn open_file(path: &Path) -> Result<FileSource> {
    FileSource::open(path).map_err(|error| {
        anyhow::Error::from(error).context(format!("`{}` cannot be opened", path.display()))
    })
}

/// A file on disk or on a web server.
pub enum Bytes {
    File(FileSource),
    Http(HttpSource),
}

impl Source for Bytes {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => file.len(),
            Self::Http(http) => http.len(),
        }
    }

    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        match self {
            Self::File(file) => file.read_at(offset, buf).await,
            Self::Http(http) => http.read_at(offset, buf).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;

    #[test]
    fn references_are_told_apart() {
        let url = "https://example.org/a.gguf";
        assert_eq!(Reference::parse(url).unwrap(), Reference::Url(url.into()));
        assert!(matches!(
            Reference::parse("hf:a/b").unwrap(),
            Reference::Hub(_)
        ));
        assert!(matches!(Reference::parse(".").unwrap(), Reference::Path(_)));
    }

    #[test]
    fn a_missing_path_that_looks_like_a_repository_says_so() {
        let hint = |model: &str| {
            let error = Reference::parse(model).unwrap_err();
            failure::hint(&error).unwrap().to_owned()
        };
        assert!(hint("Qwen/Qwen2.5-Math-1.5B").contains("hf:Qwen/Qwen2.5-Math-1.5B"));
        assert!(!hint("./missing.gguf").contains("hf:."));
    }
}
