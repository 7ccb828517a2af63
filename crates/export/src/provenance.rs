//! Where a student comes from, as metadata of its files.

use retort_formats::gguf::{Metadata, Value as Entry};
use serde_json::{Map, Value, json};

use crate::ExportError;

/// Facts about a student as keys and texts: its name, its base model, the recipe, the hash of the
/// corpus, the version of the code, the seed of the run, the licence.
///
/// In a Hugging Face folder all of them are in `retort.json`. In a GGUF file those that its
/// specification knows have its keys, and any other fact `x` is `retort.x`:
///
/// | key | GGUF |
/// |---|---|
/// | `name`, `author`, `organization`, `version`, `description`, `license`, `url`, `repo_url` | `general.` and the key |
/// | `base_model.name`, `.author`, `.organization`, `.version`, `.url`, `.repo_url` | `general.base_model.0.…` |
/// | `dataset.name`, and the like | `general.dataset.0.…` |
///
/// Where no `base_model.name` is given, the name that the base's own file states is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    entries: Vec<(String, String)>,
}

/// Keys of the specification that describe the model itself.
const GENERAL: [&str; 8] = [
    "name",
    "author",
    "organization",
    "version",
    "description",
    "license",
    "url",
    "repo_url",
];

/// Keys of the specification that describe one model of many that this one comes from.
const RELATED: [&str; 6] = [
    "name",
    "author",
    "organization",
    "version",
    "url",
    "repo_url",
];

impl Provenance {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact, or replaces the one of this key.
    ///
    /// # Errors
    /// [`ExportError::ProvenanceKey`] for a key of other characters than a-z, 0-9, `_`, `-` and
    /// `.`: others would not be found again in metadata.
    pub fn set(&mut self, key: &str, text: impl Into<String>) -> Result<(), ExportError> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
        if key.is_empty() || key.len() > 256 || !key.chars().all(allowed) {
            return Err(ExportError::ProvenanceKey { key: key.into() });
        }
        match self.entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = text.into(),
            None => self.entries.push((key.to_owned(), text.into())),
        }
        Ok(())
    }

    /// [`Self::set`], to write many in a row.
    pub fn with(mut self, key: &str, text: impl Into<String>) -> Result<Self, ExportError> {
        self.set(key, text)?;
        Ok(self)
    }

    /// The text of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.entries.iter().find(|(known, _)| known == key);
        found.map(|(_, text)| text.as_str())
    }

    /// All facts, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
    }

    /// With the name of the base as its own file states it, unless one was given.
    pub(crate) fn completed(&self, base_name: Option<&str>) -> Self {
        let mut all = self.clone();
        if let Some(name) = base_name.filter(|_| self.get("base_model.name").is_none()) {
            let entry = ("base_model.name".to_owned(), name.to_owned());
            all.entries.push(entry);
        }
        all
    }

    /// Adds the facts to a GGUF file's metadata.
    pub(crate) fn add_to(&self, metadata: &mut Metadata) {
        for (key, text) in self.iter() {
            let (group, rest) = key.split_once('.').unwrap_or((key, ""));
            let known = match group {
                "base_model" | "dataset" if RELATED.contains(&rest) => {
                    // The only one; the specification allows several.
                    metadata.set(format!("general.{group}.count"), Entry::U32(1));
                    format!("general.{group}.0.{rest}")
                }
                _ if GENERAL.contains(&key) => format!("general.{key}"),
                _ => format!("retort.{key}"),
            };
            metadata.set(known, Entry::String(text.to_owned()));
        }
    }

    /// The content of `retort.json`.
    pub(crate) fn to_json(&self) -> Value {
        let facts: Map<String, Value> = self
            .iter()
            .map(|(key, text)| (key.to_owned(), json!(text)))
            .collect();
        json!({"format": 1, "provenance": facts})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_have_the_keys_of_the_specification() {
        let mut provenance = Provenance::new()
            .with("name", "S")
            .and_then(|p| p.with("seed", "7"))
            .and_then(|p| p.with("license", "mit"))
            .unwrap();
        provenance.set("seed", "8").unwrap();
        let mut metadata = Metadata::new();
        provenance.completed(Some("B")).add_to(&mut metadata);
        for (key, text) in [
            ("general.name", "S"),
            ("retort.seed", "8"),
            ("general.license", "mit"),
            ("general.base_model.0.name", "B"),
        ] {
            assert_eq!(metadata.str(key).unwrap(), text);
        }
        assert_eq!(metadata.u32("general.base_model.count").unwrap(), 1);
        assert_eq!(metadata.len(), 5);
    }

    #[test]
    fn a_given_base_is_kept() {
        let provenance = Provenance::new().with("base_model.name", "A").unwrap();
        assert_eq!(provenance.completed(Some("B")), provenance);
    }

    #[test]
    fn odd_keys_are_refused() {
        for key in ["", "Name", "a b", "é"] {
            let error = Provenance::new().with(key, "x").unwrap_err();
            assert!(
                matches!(error, ExportError::ProvenanceKey { .. }),
                "{error}"
            );
        }
    }
}
