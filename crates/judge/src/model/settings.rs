//! What a recipe says of its judge.

use retort_teacher::{Endpoint, HttpBackend, Options, Sampling, Seat};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::prompt;
use crate::{JudgeError, digest};

/// The table `[step.judge]` of a verify step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whom to ask, as in a `teach.toml`. Keys stand in environment variables.
    pub endpoints: Vec<Endpoint>,
    /// What to ask, with `{problem}`, `{reply}` and `{answer}`, the known one. How to state the
    /// verdict is added to it.
    #[serde(default = "prompt::standard")]
    pub prompt: String,
    /// By default the most probable words, at most 4096 of them.
    #[serde(default = "sampling")]
    pub sampling: Sampling,
    /// Budget, retries and rests, as in a `teach.toml`.
    #[serde(default)]
    pub options: Options,
    /// Only traces of these domains; empty: of all.
    #[serde(default)]
    pub domains: Vec<String>,
}

fn sampling() -> Sampling {
    Sampling {
        temperature: Some(0.0),
        max_tokens: Some(4096),
        ..Sampling::default()
    }
}

impl Settings {
    /// From a recipe's table.
    ///
    /// # Errors
    /// [`JudgeError::Settings`].
    pub fn read(table: &Map<String, Value>) -> Result<Self, JudgeError> {
        let wrong = |reason: String| JudgeError::Settings { reason };
        let settings: Self = serde_json::from_value(Value::Object(table.clone()))
            .map_err(|error| wrong(error.to_string()))?;
        if settings.endpoints.is_empty() {
            return Err(wrong("there is no endpoint".into()));
        }
        for place in ["{problem}", "{reply}"] {
            if !settings.prompt.contains(place) {
                return Err(wrong(format!("`prompt` has no place for {place}")));
            }
        }
        Ok(settings)
    }

    /// Of whatever decides what a model says, besides the question.
    pub(super) fn fingerprint(&self) -> String {
        let models: Vec<_> = self
            .endpoints
            .iter()
            .map(|e| (&e.model, &e.extra))
            .collect();
        let decides = json!([models, self.sampling, self.options.seed]).to_string();
        digest([decides.as_bytes()])[..16].to_owned()
    }
}

/// Connects to nothing, but takes the keys from the environment.
pub(crate) fn seats(settings: &Settings) -> Result<Vec<Seat<HttpBackend>>, JudgeError> {
    let endpoints = settings.endpoints.iter().cloned();
    let seats = endpoints.map(|endpoint| Ok(Seat::http(HttpBackend::new(endpoint)?)));
    seats.collect()
}
