//! Repositories on the Hugging Face hub, and the models in them, through the hub's own cache and
//! token.

use std::path::PathBuf;

use anyhow::{Context, Result};
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use super::{Model, Need};
use crate::failure::Failure;

/// Files of a Hugging Face folder that are no weights. Those that a repository lacks are passed
/// over.
const TEXT_FILES: [&str; 3] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
];
const CONFIG_FILES: [&str; 2] = ["config.json", "generation_config.json"];
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// `owner/repo[@revision][/file]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Repository {
    kind: Kind,
    id: String,
    revision: String,
    file: Option<String>,
}

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    Dataset,
}

/// What a repository offers that can be run.
#[derive(Debug, PartialEq, Eq)]
enum Offer {
    Gguf(String),
    /// A checkpoint in safetensors files.
    Folder,
}

impl Repository {
    pub fn parse(text: &str) -> Result<Self> {
        Self::of_kind(Kind::Model, text)
    }

    /// The same for a dataset.
    pub fn dataset(text: &str) -> Result<Self> {
        Self::of_kind(Kind::Dataset, text)
    }

    fn of_kind(kind: Kind, text: &str) -> Result<Self> {
        let mut parts = text.splitn(3, '/');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (owner, name, file) = (part(), part(), part());
        let (Some(owner), Some(name)) = (owner, name) else {
            let hint = match kind {
                Kind::Dataset => "write hf:datasets/owner/name or hf:datasets/owner/name/part",
                Kind::Model => "write hf:owner/repo or hf:owner/repo/file.gguf",
            };
            return Err(Failure::new(format!("`hf:{text}` names no repository"), hint).into());
        };
        let (name, revision) = name.split_once('@').unwrap_or((name, "main"));
        Ok(Self {
            kind,
            id: format!("{owner}/{name}"),
            revision: revision.into(),
            file: file.map(str::to_owned),
        })
    }

    fn repo(&self) -> Repo {
        let kind = match self.kind {
            Kind::Model => RepoType::Model,
            Kind::Dataset => RepoType::Dataset,
        };
        Repo::with_revision(self.id.clone(), kind, self.revision.clone())
    }

    fn api(&self) -> Result<Api> {
        let cache = Cache::from_env();
        let token = std::env::var("HF_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        let mut builder = ApiBuilder::from_env()
            .with_token(token.or_else(|| cache.token()))
            .with_user_agent("retort", env!("CARGO_PKG_VERSION"))
            .with_retries(4);
        // The crate's bar writes to standard error even where that is no terminal.
        builder = builder.with_progress(std::io::IsTerminal::is_terminal(&std::io::stderr()));
        builder
            .build()
            .map_err(|error| self.explain(error, "the hub's client"))
    }

    /// Brings what is needed into the hub's cache.
    pub fn fetch(&self, need: Need) -> Result<Model> {
        // A named file that is there needs no network.
        if let Some(path) = self.in_cache() {
            return Ok(Model::Gguf(path));
        }
        let repo = self.open()?;
        match self.offer(&repo)? {
            Offer::Gguf(file) => Ok(Model::Gguf(self.get(&repo, &file)?)),
            Offer::Folder => self.fetch_folder(&repo, need),
        }
    }

    /// The address of a GGUF file that is not in the cache, and the token to read it with.
    pub fn remote_gguf(&self) -> Result<Option<(String, Option<String>)>> {
        if self.in_cache().is_some() {
            return Ok(None);
        }
        let repo = self.open()?;
        let Offer::Gguf(file) = self.offer(&repo)? else {
            return Ok(None);
        };
        if Cache::from_env().repo(self.repo()).get(&file).is_some() {
            return Ok(None);
        }
        let token = std::env::var("HF_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        Ok(Some((
            repo.url(&file),
            token.or_else(|| Cache::from_env().token()),
        )))
    }

    pub fn open(&self) -> Result<ApiRepo> {
        Ok(self.api()?.repo(self.repo()))
    }

    /// What stands after the repository's name.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The file that is named, if it is here already.
    pub fn in_cache(&self) -> Option<PathBuf> {
        let file = self.file.as_deref()?;
        Cache::from_env().repo(self.repo()).get(file)
    }

    fn offer(&self, repo: &ApiRepo) -> Result<Offer> {
        if let Some(file) = &self.file {
            return self.named(file);
        }
        self.choose(&self.files(repo)?)
    }

    /// The names of all files.
    pub fn files(&self, repo: &ApiRepo) -> Result<Vec<String>> {
        let info = repo
            .info()
            .map_err(|error| self.explain(error, "the list of files"))?;
        let names = info.siblings.into_iter().map(|file| file.rfilename);
        Ok(names.collect())
    }

    fn named(&self, file: &str) -> Result<Offer> {
        if file.ends_with(".gguf") {
            return Ok(Offer::Gguf(file.into()));
        }
        let hint = format!(
            "name a .gguf file, or write hf:{} for the whole safetensors checkpoint",
            self.id
        );
        Err(Failure::new(format!("`{file}` is no model that can be run alone"), hint).into())
    }

    /// The only model among the files, or an error that lists them.
    fn choose(&self, files: &[String]) -> Result<Offer> {
        let ggufs: Vec<_> = files
            .iter()
            .filter(|file| file.ends_with(".gguf"))
            .collect();
        let folder = files.iter().any(|file| file == SINGLE || file == INDEX);
        match (ggufs.as_slice(), folder) {
            ([file], false) => return Ok(Offer::Gguf((*file).clone())),
            ([], true) => return Ok(Offer::Folder),
            _ => {}
        }
        let what = match ggufs.len() {
            0 => "holds neither a .gguf file nor model.safetensors".to_owned(),
            count => format!("holds {count} GGUF files"),
        };
        let hint = match ggufs.is_empty() {
            true => "PyTorch's .bin files are not read: look for a repository with safetensors or \
                     GGUF files of this model"
                .to_owned(),
            false => {
                let choices = ggufs
                    .iter()
                    .map(|file| format!("\n  hf:{}/{file}", self.id));
                format!("name one of them:{}", choices.collect::<String>())
            }
        };
        Err(Failure::new(format!("{} {what}", self.id), hint).into())
    }

    fn fetch_folder(&self, repo: &ApiRepo, need: Need) -> Result<Model> {
        let files = self.files(repo)?;
        let has = |name: &str| files.iter().any(|file| file == name);
        let mut wanted: Vec<String> = Vec::new();
        let config = CONFIG_FILES.iter().filter(|_| need == Need::Weights);
        wanted.extend(
            config
                .chain(&TEXT_FILES)
                .filter(|name| has(name))
                .map(|&name| name.into()),
        );
        let mut folder = None;
        for file in &wanted {
            folder = self.get(repo, file)?.parent().map(PathBuf::from);
        }
        if need == Need::Weights {
            for file in self.weight_files(repo, has(SINGLE))? {
                folder = self.get(repo, &file)?.parent().map(PathBuf::from);
            }
        }
        let folder = folder.with_context(|| format!("{} holds no tokenizer", self.id))?;
        Ok(Model::Folder(folder))
    }

    /// The safetensors files of the checkpoint, its index included.
    fn weight_files(&self, repo: &ApiRepo, single: bool) -> Result<Vec<String>> {
        if single {
            return Ok(vec![SINGLE.into()]);
        }
        let path = self.get(repo, INDEX)?;
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let index: serde_json::Value =
            serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        let map = index["weight_map"]
            .as_object()
            .with_context(|| format!("{}: no weight_map", path.display()))?;
        let mut files: Vec<String> = map
            .values()
            .filter_map(|file| Some(file.as_str()?.to_owned()))
            .collect();
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }

    /// Brings a file into the cache.
    pub fn get(&self, repo: &ApiRepo, file: &str) -> Result<PathBuf> {
        repo.get(file).map_err(|error| self.explain(error, file))
    }

    fn explain(&self, error: ApiError, what: &str) -> anyhow::Error {
        let status = match &error {
            ApiError::RequestError(error) => match error.as_ref() {
                ureq::Error::StatusCode(status) => Some(*status),
                _ => None,
            },
            _ => None,
        };
        let hint = match status {
            Some(401 | 403) => {
                "it wants a login (or does not exist): set HF_TOKEN or run `hf auth login`, \
                 and accept its licence on its page"
            }
            Some(404) => "check owner, repository and file: the hub has no such thing",
            _ => "check the connection; a file that is in the cache needs none if it is named",
        };
        let message = format!("hf:{}: {what} cannot be read", self.id);
        anyhow::Error::from(error).context(Failure::new(message, hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;

    fn files(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn repositories_are_read_with_revision_and_file() {
        let repository = Repository::parse("a/b@v1/sub/c.gguf").unwrap();
        assert_eq!(repository.id, "a/b");
        assert_eq!(repository.revision, "v1");
        assert_eq!(repository.file.as_deref(), Some("sub/c.gguf"));
        let plain = Repository::parse("a/b").unwrap();
        assert_eq!((plain.revision.as_str(), plain.file), ("main", None));
        for bad in ["", "a", "a/", "/b"] {
            assert!(Repository::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_only_model_is_taken_and_several_are_listed() {
        let repository = Repository::parse("a/b").unwrap();
        let one = files(&["README.md", "x.gguf"]);
        assert_eq!(
            repository.choose(&one).unwrap(),
            Offer::Gguf("x.gguf".into())
        );
        let folder = files(&["config.json", INDEX]);
        assert_eq!(repository.choose(&folder).unwrap(), Offer::Folder);
        let error = repository
            .choose(&files(&["x.gguf", "y.gguf"]))
            .unwrap_err();
        let hint = failure::hint(&error).unwrap();
        assert!(
            hint.contains("hf:a/b/x.gguf") && hint.contains("hf:a/b/y.gguf"),
            "{hint}"
        );
        assert!(repository.choose(&files(&["pytorch_model.bin"])).is_err());
    }
}
