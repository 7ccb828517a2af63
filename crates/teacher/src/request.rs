//! What is asked and what comes back, whoever answers.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Message {
    /// A turn of the user.
    pub fn user(content: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            content: content.into(),
        }
    }
}

/// How the teacher draws its tokens. What is `None` is left to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Thought and answer together. Without it a budget can only be kept approximately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// In a job this is mixed into the seed of each unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A conversation that wants replies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Unique in a job, and the same whenever the job is run: the journal goes by it.
    pub id: String,
    pub messages: Vec<Message>,
    #[serde(default)]
    pub sampling: Sampling,
    /// How many replies.
    #[serde(default = "one")]
    pub samples: u32,
}

fn one() -> u32 {
    1
}

impl Request {
    /// What the messages and the sampling hash to: a journal made for other questions is noticed.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        // Serialising these types to memory cannot fail; were it to, the hash would still be one.
        hash.update(serde_json::to_vec(&self.messages).unwrap_or_default());
        hash.update([0]);
        hash.update(serde_json::to_vec(&self.sampling).unwrap_or_default());
        hex(&hash.finalize()[..8])
    }

    /// The request for one of the samples, under the unit's name and with the unit's seed.
    pub fn unit(&self, sample: u32, job_seed: u64) -> Self {
        let name = Unit::new(&self.id, sample).to_string();
        let mut hash = Sha256::new();
        hash.update(job_seed.to_le_bytes());
        hash.update(self.sampling.seed.unwrap_or_default().to_le_bytes());
        hash.update(&name);
        let seed = first_u64(&hash.finalize());
        Self {
            id: name,
            messages: self.messages.clone(),
            sampling: Sampling {
                // Some servers keep seeds in a signed integer of 32 bits.
                seed: Some(seed & 0x7fff_ffff),
                ..self.sampling
            },
            samples: 1,
        }
    }

    /// A guess at the tokens of the prompt, on the high side for English.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        let messages = self.messages.iter();
        messages
            .map(|message| guess_tokens(&message.content) + 8)
            .sum()
    }
}

/// Three bytes a token: more tokens than English has, about what formulas have.
pub(crate) fn guess_tokens(text: &str) -> u64 {
    text.len().div_ceil(3) as u64
}

/// One sample of one request. Ordered by request, then sample.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    pub request: String,
    pub sample: u32,
}

impl Unit {
    pub fn new(request: &str, sample: u32) -> Self {
        Self {
            request: request.into(),
            sample,
        }
    }

    /// Reads `id#k`; ids may hold `#` themselves.
    pub fn parse(name: &str) -> Option<Self> {
        let (request, sample) = name.rsplit_once('#')?;
        let sample = sample.parse().ok()?;
        (!request.is_empty()).then(|| Self::new(request, sample))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}#{}", self.request, self.sample)
    }
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The teacher had said all.
    Stop,
    /// It ran into `max_tokens` or its context: the trace is cut.
    Length,
}

/// Tokens as the server counts (and charges) them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt: u64,
    /// Of `prompt`, those that the server had cached and charges less for.
    #[serde(default)]
    pub cached: u64,
    /// Thought and answer.
    pub completion: u64,
    /// The server did not say, and this is a guess from the length of the text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
}

/// What a teacher said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What was thought, without tags; `None` if there was no thought.
    pub thought: Option<String>,
    pub answer: String,
    pub finish: Finish,
    pub usage: Usage,
    /// The name by which the server calls the model.
    pub model: Option<String>,
    /// The server's name for this response.
    pub response_id: Option<String>,
}

/// The first eight bytes as a number; hashes have more.
pub(crate) fn first_u64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            id: "sum#1".into(),
            messages: vec![Message::user("1+1?")],
            sampling: Sampling::default(),
            samples: 2,
        }
    }

    #[test]
    fn every_unit_has_its_own_seed_that_never_changes() {
        let seed = |sample, job| request().unit(sample, job).sampling.seed.unwrap();
        assert_eq!(seed(0, 7), seed(0, 7));
        assert_ne!(seed(0, 7), seed(1, 7));
        assert_ne!(seed(0, 7), seed(0, 8));
        assert!(seed(0, 7) < 1 << 31);
        let mut seeded = request();
        seeded.sampling.seed = Some(3);
        assert_ne!(Some(seed(0, 7)), seeded.unit(0, 7).sampling.seed);
    }

    #[test]
    fn names_of_units_are_read_back() {
        let unit = Unit::new("sum#1", 12);
        assert_eq!(unit.to_string(), "sum#1#12");
        assert_eq!(Unit::parse("sum#1#12"), Some(unit));
        for bad in ["sum", "#1", "sum#", "sum#-1", "sum#x"] {
            assert_eq!(Unit::parse(bad), None, "{bad}");
        }
        assert!(Unit::new("a", 2) < Unit::new("a", 10));
    }

    #[test]
    fn fingerprints_go_by_the_question_and_the_sampling() {
        let mut other = request();
        other.id = "other".into();
        other.samples = 9;
        assert_eq!(request().fingerprint(), other.fingerprint());
        other.sampling.temperature = Some(0.6);
        assert_ne!(request().fingerprint(), other.fingerprint());
        let mut other = request();
        other.messages[0].content.push(' ');
        assert_ne!(request().fingerprint(), other.fingerprint());
    }
}
