//! The records of a journal.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Finish, Unit, Usage};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The first line.
    Journal {
        version: u32,
    },
    Accepted(Accepted),
    Failed(Failed),
    /// Of a later version of the same format: passed over.
    #[serde(other)]
    Unknown,
}

/// A reply with all there is to know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// `id#k`.
    pub unit: String,
    /// Of the request: [`crate::Request::fingerprint`].
    pub fingerprint: String,
    /// Which seat it came from.
    pub endpoint: String,
    /// By which the server calls the model, if it said so.
    pub model: Option<String>,
    /// The server's name for the response.
    pub response_id: Option<String>,
    /// That was asked for; not every server goes by it.
    pub seed: Option<u64>,
    pub thought: Option<String>,
    pub answer: String,
    pub finish: Finish,
    pub usage: Usage,
    /// In the currency of the price.
    pub cost: f64,
    /// From the request to the whole reply.
    pub latency_seconds: f64,
    /// Counting the failed ones of this run.
    pub attempts: u32,
    /// Seconds since 1970.
    pub time: f64,
}

impl Accepted {
    /// The unit, if its name is one.
    pub fn unit(&self) -> Option<Unit> {
        Unit::parse(&self.unit)
    }
}

/// A unit that was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    pub unit: String,
    pub fingerprint: String,
    /// Which seat failed last.
    pub endpoint: String,
    /// [`crate::Fault::kind`].
    pub reason: String,
    pub detail: String,
    pub attempts: u32,
    pub time: f64,
}

/// One line, whatever the server said: its control characters are written out, and so are those
/// that turn or hide text.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail: String = self.detail.chars().take(DETAIL_CHARS).collect();
        write!(
            f,
            "{} by {}, {} attempts: {} ({})",
            self.unit.escape_debug(),
            self.endpoint.escape_debug(),
            self.attempts,
            detail.trim().escape_debug(),
            self.reason,
        )
    }
}

/// So much of what a server said is enough to know it again.
const DETAIL_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_harmless_line() {
        let failed = Failed {
            unit: "gsm8k/7#0".into(),
            fingerprint: String::new(),
            endpoint: "local".into(),
            reason: "status".into(),
            detail: format!("500:\u{1b}[2J\u{202e}\nno {}", "x".repeat(1000)),
            attempts: 6,
            time: 0.0,
        };
        let line = failed.to_string();
        assert!(
            line.starts_with("gsm8k/7#0 by local, 6 attempts: 500:\\u{1b}[2J"),
            "{line}"
        );
        assert!(line.ends_with("(status)") && line.len() < 500);
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'));
    }
}
