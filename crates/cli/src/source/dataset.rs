//! Datasets on the Hugging Face hub: `hf:datasets/owner/name[@revision][/part]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::hub::Repository;
use crate::failure::Failure;

/// What can be read; the order is that of preference where a dataset comes in several forms.
const FORMS: [&str; 3] = [".parquet", ".jsonl.gz", ".jsonl"];
const PREFIX: &str = "hf:datasets/";
const COUNT: &str = "-of-";

/// The files that a path in a configuration means: itself, or the shards of a dataset on the hub,
/// which are brought into the hub's cache and given by absolute paths.
///
/// # Errors
/// The hub has no such dataset, or it has several parts and none is named.
pub fn data_files(path: &Path) -> Result<Vec<PathBuf>> {
    let text = path.to_string_lossy();
    let Some(name) = text.strip_prefix(PREFIX) else {
        return Ok(vec![path.to_owned()]);
    };
    let repository = Repository::dataset(name)?;
    if let Some(path) = repository.in_cache() {
        return Ok(vec![absolute(&path)?]);
    }
    let repo = repository.open()?;
    let files = repository.files(&repo)?;
    let chosen = choose(&files, repository.file()).map_err(|hint| {
        let message = format!("`{text}` is no one part of that dataset");
        Failure::new(message, hint)
    })?;
    let get = |file: &String| absolute(&repository.get(&repo, file)?);
    chosen.iter().map(get).collect()
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("`{}`", path.display()))
}

/// The files of the only part whose name is, or begins with, `wanted`; else what could be meant.
/// Splits are never taken together: a test split in a corpus is found out too late.
fn choose(files: &[String], wanted: Option<&str>) -> Result<Vec<String>, String> {
    let mut parts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in files {
        if let Some(part) = part(file) {
            parts.entry(part).or_default().push(file.clone());
        }
    }
    if parts.is_empty() {
        let forms = FORMS.join(", ");
        return Err(format!("it holds no file that can be read: {forms}"));
    }
    let wanted = wanted.unwrap_or_default().trim_end_matches('/');
    if files.iter().any(|file| file == wanted) {
        return Ok(vec![wanted.to_owned()]);
    }
    let inside = |part: &str| {
        let rest = part.strip_prefix(wanted);
        wanted.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found: Vec<_> = parts.iter().filter(|(part, _)| inside(part)).collect();
    match found.as_slice() {
        [(_, files)] => {
            let has = |form: &&&str| files.iter().any(|file| file.ends_with(**form));
            let form = FORMS.iter().find(has).copied().unwrap_or_default();
            let mut files = (*files).clone();
            files.retain(|file| file.ends_with(form));
            files.sort_unstable();
            Ok(files)
        }
        several => {
            let several: Vec<&str> = match several {
                [] => parts.keys().copied().collect(),
                several => several.iter().map(|(part, _)| **part).collect(),
            };
            Err(format!("name one of its parts: {}", several.join(", ")))
        }
    }
}

/// A file's name without its form, and without its number among the shards; none if it is no data.
fn part(file: &str) -> Option<&str> {
    let form = FORMS.iter().find(|form| file.ends_with(**form))?;
    let stem = file.strip_suffix(form)?;
    let shard = || {
        let (before, total) = stem.rsplit_once(COUNT)?;
        let (part, number) = before.rsplit_once('-')?;
        let numbers = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // Some names end in a hash.
        let total = total.split('-').next()?;
        (numbers(number) && numbers(total)).then_some(part)
    };
    Some(shard().unwrap_or(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn shards_are_one_part() {
        assert_eq!(
            part("main/train-00000-of-00002.parquet"),
            Some("main/train")
        );
        let hashed = "data/train-00000-of-00001-ab12cd.parquet";
        assert_eq!(part(hashed), Some("data/train"));
        assert_eq!(part("a-of-b.jsonl"), Some("a-of-b"));
        assert_eq!(part("README.md"), None);
        let shards = [
            "data/train-00001-of-00002.parquet",
            "data/train-00000-of-00002.parquet",
        ];
        let chosen = choose(&files(&shards), None).unwrap();
        assert_eq!(chosen, files(&[shards[1], shards[0]]));
    }

    #[test]
    fn splits_and_configurations_have_to_be_named() {
        let gsm8k = files(&[
            "README.md",
            "main/test-00000-of-00001.parquet",
            "main/train-00000-of-00001.parquet",
            "socratic/train-00000-of-00001.parquet",
        ]);
        let hint = choose(&gsm8k, None).unwrap_err();
        assert_eq!(
            hint,
            "name one of its parts: main/test, main/train, socratic/train"
        );
        let hint = choose(&gsm8k, Some("main")).unwrap_err();
        assert_eq!(hint, "name one of its parts: main/test, main/train");
        let hint = choose(&gsm8k, Some("mai")).unwrap_err();
        assert!(hint.contains("socratic/train"), "{hint}");
        assert_eq!(
            choose(&gsm8k, Some("main/train")).unwrap(),
            [gsm8k[2].clone()]
        );
        assert_eq!(
            choose(&gsm8k, Some("socratic")).unwrap(),
            [gsm8k[3].clone()]
        );
        assert_eq!(choose(&gsm8k, Some(&gsm8k[1])).unwrap(), [gsm8k[1].clone()]);
        assert!(
            choose(&files(&["a.bin"]), None)
                .unwrap_err()
                .contains(".jsonl")
        );
    }

    #[test]
    fn the_better_of_two_forms_is_taken() {
        let both = files(&["train.jsonl", "train.parquet"]);
        assert_eq!(choose(&both, None).unwrap(), ["train.parquet"]);
        assert_eq!(choose(&both, Some("train.jsonl")).unwrap(), ["train.jsonl"]);
    }
}
