//! What a user configures. All of it can be read from a file; keys cannot, only their variables.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::TeacherError;

/// A chat server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// By which the journal calls it.
    pub name: String,
    /// With or without `/v1`, or the whole address that ends in `/chat/completions`.
    pub url: String,
    /// As the server calls it.
    pub model: String,
    /// The environment variable that holds the key. The key itself is written nowhere.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// Requests at a time.
    #[serde(default = "concurrency")]
    pub concurrency: usize,
    /// Of several endpoints that could take a request, the one that has had the least for its
    /// weight takes it. Endpoints whose workers are all busy all of the time get what they manage.
    #[serde(default = "weight")]
    pub weight: f64,
    /// Replies as server-sent events. Only then can a stall be told from a long thought.
    #[serde(default = "yes")]
    pub stream: bool,
    /// For a whole reply.
    #[serde(default = "timeout")]
    pub timeout_seconds: f64,
    /// Without a byte, when streaming; the first byte comes after the prompt is read and after any
    /// wait in the server's queue.
    #[serde(default = "stall")]
    pub stall_seconds: f64,
    /// Larger responses are refused.
    #[serde(default = "max_body")]
    pub max_body_bytes: u64,
    /// The server's template opens the thought, and the server does not split it off: replies begin
    /// within the thought, without `<think>`.
    #[serde(default)]
    pub primed: bool,
    #[serde(default)]
    pub price: Price,
    /// Further fields of the request's body, for what only this server knows.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

fn concurrency() -> usize {
    8
}
fn weight() -> f64 {
    1.0
}
fn yes() -> bool {
    true
}
fn timeout() -> f64 {
    1800.0
}
fn stall() -> f64 {
    180.0
}
fn max_body() -> u64 {
    64 << 20
}

impl Endpoint {
    /// One with the defaults.
    pub fn new(name: &str, url: &str, model: &str) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            model: model.into(),
            api_key_env: None,
            concurrency: concurrency(),
            weight: weight(),
            stream: yes(),
            timeout_seconds: timeout(),
            stall_seconds: stall(),
            max_body_bytes: max_body(),
            primed: false,
            price: Price::default(),
            extra: serde_json::Map::new(),
        }
    }
}

/// Money per million tokens, in whatever currency the budget is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    #[serde(default)]
    pub input: f64,
    /// For prompt tokens that the server had cached; as `input` if it is not given.
    #[serde(default)]
    pub cached_input: Option<f64>,
    #[serde(default)]
    pub output: f64,
}

impl Price {
    /// What tokens cost.
    pub fn of(&self, usage: &crate::Usage) -> f64 {
        let cached = usage.cached.min(usage.prompt);
        let fresh = usage.prompt - cached;
        let cached_price = self.cached_input.unwrap_or(self.input);
        let sum = fresh as f64 * self.input
            + cached as f64 * cached_price
            + usage.completion as f64 * self.output;
        sum / 1e6
    }

    pub(crate) fn check(&self) -> Result<(), TeacherError> {
        not_negative("price.input", self.input)?;
        not_negative("price.output", self.output)?;
        not_negative("price.cached_input", self.cached_input.unwrap_or_default())
    }
}

/// How a job is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// From which the seeds of all units follow.
    pub seed: u64,
    pub retry: Retry,
    pub rest: Rest,
    pub budget: Budget,
    /// Requests at a time over all endpoints; their own limits hold as well.
    pub max_in_flight: Option<usize>,
    /// Units that an earlier run gave up are asked again.
    pub retry_failed: bool,
}

/// When a unit is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// A unit that failed so often is given up. What is plainly the endpoint's fault (it is not
    /// there, it wants fewer requests) does not count.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each.
    pub first_seconds: f64,
    /// The longest wait.
    pub max_seconds: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_seconds: 1.0,
            max_seconds: 60.0,
        }
    }
}

/// When an endpoint is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rest {
    /// After so many failures in a row.
    pub after: u32,
    /// For so long; doubled with each rest until a reply arrives.
    pub first_seconds: f64,
    pub max_seconds: f64,
    /// The longest `Retry-After` that is honoured; longer ones are cut to it.
    pub max_retry_after_seconds: f64,
    /// After so many rests without a reply between them the endpoint is out of this run.
    pub give_up: u32,
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            after: 5,
            first_seconds: 5.0,
            max_seconds: 300.0,
            max_retry_after_seconds: 900.0,
            give_up: 12,
        }
    }
}

/// What may be spent on a journal, over all runs.
///
/// A unit is asked for only if the budget also holds when it and all others in flight need all of
/// their `max_tokens` (or, without one, what replies took on average so far). So it is kept, but for
/// what servers charge for replies that never arrived whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Prompt and completion.
    pub tokens: Option<u64>,
    pub money: Option<f64>,
}

impl Options {
    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<(), TeacherError> {
        let Self { retry, rest, .. } = self;
        at_least_one("retry.attempts", retry.attempts as usize)?;
        at_least_one("rest.after", rest.after as usize)?;
        at_least_one("rest.give_up", rest.give_up as usize)?;
        at_least_one("max_in_flight", self.max_in_flight.unwrap_or(1))?;
        not_negative("budget.money", self.budget.money.unwrap_or_default())?;
        for (field, value) in [
            ("retry.first_seconds", retry.first_seconds),
            ("retry.max_seconds", retry.max_seconds),
            ("rest.first_seconds", rest.first_seconds),
            ("rest.max_seconds", rest.max_seconds),
            ("rest.max_retry_after_seconds", rest.max_retry_after_seconds),
        ] {
            seconds(field, value)?;
        }
        Ok(())
    }
}

pub(crate) fn at_least_one(field: &'static str, got: usize) -> Result<(), TeacherError> {
    match got {
        0 => Err(config(field, "at least 1", "0")),
        _ => Ok(()),
    }
}

fn not_negative(field: &'static str, got: f64) -> Result<(), TeacherError> {
    match got.is_finite() && got >= 0.0 {
        true => Ok(()),
        false => Err(config(field, "a number that is not negative", got)),
    }
}

/// A time that was configured. A year is more than any, and far from overflowing a clock.
pub(crate) fn seconds(field: &'static str, got: f64) -> Result<Duration, TeacherError> {
    match (0.0..=31_536_000.0).contains(&got) {
        true => Ok(Duration::from_secs_f64(got)),
        false => Err(config(field, "seconds from 0 to a year", got)),
    }
}

pub(crate) fn config(
    field: &'static str,
    expected: &'static str,
    got: impl ToString,
) -> TeacherError {
    TeacherError::Config {
        field,
        expected,
        got: got.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Usage;

    #[test]
    fn cached_tokens_have_their_own_price() {
        let usage = Usage {
            prompt: 1_000_000,
            cached: 400_000,
            completion: 2_000_000,
            guessed: false,
        };
        let mut price = Price {
            input: 1.0,
            cached_input: None,
            output: 3.0,
        };
        assert!((price.of(&usage) - 7.0).abs() < 1e-9);
        price.cached_input = Some(0.5);
        assert!((price.of(&usage) - 6.8).abs() < 1e-9);
        // A server that says more is cached than there was.
        let odd = Usage {
            prompt: 10,
            cached: 99,
            ..usage
        };
        assert!(price.of(&odd).is_finite());
    }

    #[test]
    fn senseless_options_are_refused_with_their_field() {
        let refused = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check().unwrap_err().to_string()
        };
        assert!(Options::default().check().is_ok());
        assert!(refused(|o| o.retry.attempts = 0).contains("retry.attempts"));
        assert!(refused(|o| o.rest.max_seconds = f64::NAN).contains("rest.max_seconds"));
        assert!(refused(|o| o.budget.money = Some(-1.0)).contains("budget.money"));
        assert!(refused(|o| o.max_in_flight = Some(0)).contains("max_in_flight"));
    }

    #[test]
    fn a_key_in_a_file_is_an_unknown_field() {
        let text = r#"{"name":"a","url":"u","model":"m","api_key":"sk-secret"}"#;
        let error = serde_json::from_str::<Endpoint>(text).unwrap_err();
        assert!(error.to_string().contains("unknown field `api_key`"));
        let text = r#"{"name":"a","url":"u","model":"m"}"#;
        let endpoint: Endpoint = serde_json::from_str(text).unwrap();
        assert_eq!(endpoint, Endpoint::new("a", "u", "m"));
    }
}
