//! A recipe: where traces come from, what is done to them, and what becomes of them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::CorpusError;
use crate::decontaminate::Decontaminate;
use crate::dedup::{Exact, Near};
use crate::filter::Filter;
use crate::import::{Defaults, Thought};
use crate::pipeline::{Difficulty, Mix, Select, SplitStep, TwoTasks, Verify};
use crate::publish::Publish;

/// The recipes that come with Retort: name and text.
pub const SHIPPED: [(&str, &str); 6] = [
    ("r1-800k", include_str!("../recipes/r1-800k.toml")),
    ("openthoughts", include_str!("../recipes/openthoughts.toml")),
    (
        "bespoke-stratos",
        include_str!("../recipes/bespoke-stratos.toml"),
    ),
    ("s1k", include_str!("../recipes/s1k.toml")),
    ("limo", include_str!("../recipes/limo.toml")),
    ("step-by-step", include_str!("../recipes/step-by-step.toml")),
];

/// A TOML file. Paths in it are relative to its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The corpus' name.
    pub name: String,
    /// One paragraph for the dataset card.
    #[serde(default)]
    pub description: String,
    /// Decides every random choice.
    #[serde(default)]
    pub seed: u64,
    /// Files of traces.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// What is done, in this order.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
    /// What becomes of the rest.
    #[serde(default)]
    pub publish: Publish,
}

/// Files of one origin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What its traces are called by.
    pub name: String,
    /// `.jsonl`, `.jsonl.gz` or `.parquet`.
    pub paths: Vec<PathBuf>,
    /// For rows that name none.
    #[serde(default)]
    pub domain: String,
    /// Whether `domain` holds for rows that name another as well.
    #[serde(default)]
    pub force_domain: bool,
    /// For rows that name none.
    #[serde(default)]
    pub teacher: String,
    /// For the manifest and the card.
    #[serde(default)]
    pub licence: String,
    /// How replies mark their thought.
    #[serde(default)]
    pub thought: Thought,
    /// Whether a problem's worked solution counts as a reply.
    #[serde(default)]
    pub solutions: bool,
    /// At most so many rows of each file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// One step of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Asks the judge.
    Verify(Verify),
    /// Drops traces for what stands in them.
    Filter(Filter),
    /// Keeps some of each problem, subject or source.
    Select(Select),
    /// Drops problems that are too easy or too hard.
    Difficulty(Difficulty),
    /// Drops repeats.
    DedupExact(Exact),
    /// Drops what is nearly the same as something earlier.
    DedupNear(Near),
    /// Drops what stands in a benchmark.
    Decontaminate(Decontaminate),
    /// Samples to target counts.
    Mix(Mix),
    /// Holds problems out for testing.
    Split(SplitStep),
    /// Makes an example with and one without the thought of each trace.
    TwoTasks(TwoTasks),
}

impl Step {
    /// The kind, as the recipe calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Verify(_) => "verify",
            Self::Filter(_) => "filter",
            Self::Select(_) => "select",
            Self::Difficulty(_) => "difficulty",
            Self::DedupExact(_) => "dedup_exact",
            Self::DedupNear(_) => "dedup_near",
            Self::Decontaminate(_) => "decontaminate",
            Self::Mix(_) => "mix",
            Self::Split(_) => "split",
            Self::TwoTasks(_) => "two_tasks",
        }
    }

    fn validate(&self) -> Result<(), CorpusError> {
        match self {
            Self::Filter(step) => step.validate(),
            Self::Select(step) => step.validate(),
            Self::Difficulty(step) => step.validate(),
            Self::DedupNear(step) => step.validate(),
            Self::Decontaminate(step) => step.validate(),
            Self::Mix(step) => step.validate(),
            Self::Split(step) => step.validate(),
            Self::Verify(step) => step.validate(),
            Self::DedupExact(_) | Self::TwoTasks(_) => Ok(()),
        }
    }
}

impl Source {
    pub(crate) fn defaults(&self) -> Defaults {
        Defaults {
            source: self.name.clone(),
            domain: self.domain.clone(),
            force_domain: self.force_domain,
            teacher: self.teacher.clone(),
            thought: self.thought,
            solutions: self.solutions,
        }
    }
}

impl Recipe {
    /// Reads a recipe and checks it.
    ///
    /// # Errors
    /// [`CorpusError::Recipe`] with line and column, [`CorpusError::Option`] with the option.
    pub fn parse(text: &str) -> Result<Self, CorpusError> {
        let recipe: Self = toml::from_str(text).map_err(|error| CorpusError::Recipe {
            path: None,
            reason: error.to_string().trim_end().to_owned(),
        })?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`Recipe::parse`], and [`CorpusError::Io`].
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| CorpusError::io("read", path, error))?;
        Self::parse(&text).map_err(|error| match error {
            CorpusError::Recipe { reason, .. } => CorpusError::Recipe {
                path: Some(path.to_owned()),
                reason,
            },
            error => error,
        })
    }

    /// One of the recipes that come with Retort.
    pub fn shipped(name: &str) -> Option<&'static str> {
        let found = SHIPPED.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// [`CorpusError::Option`].
    pub fn validate(&self) -> Result<(), CorpusError> {
        if self.name.trim().is_empty() {
            return Err(CorpusError::option("name", "empty", "the corpus' name"));
        }
        if self.sources.is_empty() {
            return Err(CorpusError::option("source", "absent", "at least one"));
        }
        for source in &self.sources {
            if source.name.is_empty() || source.paths.is_empty() {
                let got = format!("`{}` with {} paths", source.name, source.paths.len());
                return Err(CorpusError::option(
                    "source",
                    got,
                    "a name and at least one path",
                ));
            }
        }
        let names: std::collections::BTreeSet<_> = self.sources.iter().map(|s| &s.name).collect();
        if names.len() < self.sources.len() {
            return Err(CorpusError::option(
                "source.name",
                "used twice",
                "a name for each source",
            ));
        }
        self.publish.validate()?;
        self.steps.iter().try_for_each(Step::validate)
    }
}
