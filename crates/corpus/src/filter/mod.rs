//! Rules that drop a trace for what stands in it, one trace at a time.
//!
//! DeepSeek's report drops replies of mixed language, with over-long paragraphs, and with code in
//! thoughts about mathematics; the other rules are for what else teachers produce: replies that
//! were cut off, loops, empty thoughts, refusals.

mod code;
mod language;
mod length;
mod repetition;

use serde::{Deserialize, Serialize};

use crate::{CorpusError, Trace, import};
pub use code::CodeInMath;
pub use language::MixedLanguage;
pub use length::{EmptyThought, Length, LongParagraph};
pub use repetition::Repetition;

/// Which rules a step of the pipeline applies, and how strictly. In a recipe a rule is on if it is
/// named: `repetition = {}` takes its defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Replies without an end.
    #[serde(default)]
    pub unfinished: bool,
    /// Replies that decline.
    #[serde(default)]
    pub refusal: bool,
    /// Thoughts that change their language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed_language: Option<MixedLanguage>,
    /// Thoughts with a paragraph of too many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_paragraph: Option<LongParagraph>,
    /// Programs in thoughts about mathematics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_in_math: Option<CodeInMath>,
    /// Replies that go round in circles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition: Option<Repetition>,
    /// Replies without a thought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_thought: Option<EmptyThought>,
    /// Replies that are too short or too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<Length>,
}

/// Why a rule drops a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule, as it is called in recipes and manifests.
    pub rule: &'static str,
    /// What it found.
    pub detail: String,
}

impl Reason {
    fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            rule,
            detail: detail.into(),
        }
    }
}

impl Filter {
    /// The rules of DeepSeek's report, and those against replies nobody wants.
    pub fn standard() -> Self {
        Self {
            unfinished: true,
            refusal: true,
            mixed_language: Some(MixedLanguage::default()),
            long_paragraph: Some(LongParagraph::default()),
            code_in_math: Some(CodeInMath::default()),
            repetition: Some(Repetition::default()),
            empty_thought: Some(EmptyThought::default()),
            length: None,
        }
    }

    /// The first rule that drops the trace, cheapest first; none: it is kept.
    pub fn check(&self, trace: &Trace) -> Option<Reason> {
        if self.unfinished
            && let Some(reason) = import::unfinished(trace)
        {
            return Some(Reason::new("unfinished", reason));
        }
        let found = self
            .empty_thought
            .as_ref()
            .and_then(|rule| rule.check(trace));
        let found = found.or_else(|| self.length.as_ref()?.check(trace));
        let found = found.or_else(|| self.refusal.then(|| refusal(trace))?);
        let found = found.or_else(|| self.long_paragraph.as_ref()?.check(trace));
        let found = found.or_else(|| self.code_in_math.as_ref()?.check(trace));
        let found = found.or_else(|| self.mixed_language.as_ref()?.check(trace));
        found.or_else(|| self.repetition.as_ref()?.check(trace))
    }

    /// Refuses values that would drop everything or nothing by mistake.
    ///
    /// # Errors
    /// [`CorpusError::Option`] with the option's name.
    pub fn validate(&self) -> Result<(), CorpusError> {
        if *self == Self::default() {
            return Err(CorpusError::option(
                "filter",
                "without rules",
                "at least one rule",
            ));
        }
        let share = |name: &str, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(CorpusError::option(name, value, "a share from 0 to 1")),
        };
        if let Some(rule) = &self.mixed_language {
            share("mixed_language.max_share", rule.max_share)?;
        }
        if let Some(rule) = &self.repetition {
            share("repetition.max_share", rule.max_share)?;
            if rule.words == 0 || rule.loops < 2 {
                let got = format!("words {}, loops {}", rule.words, rule.loops);
                return Err(CorpusError::option(
                    "repetition",
                    got,
                    "words above 0, loops above 1",
                ));
            }
        }
        if let Some(rule) = &self.long_paragraph
            && rule.max_chars == 0
        {
            return Err(CorpusError::option(
                "long_paragraph.max_chars",
                0,
                "above 0",
            ));
        }
        self.length.as_ref().map_or(Ok(()), Length::validate)
    }
}

/// How refusals begin, in lower case and with plain apostrophes.
const REFUSALS: [&str; 17] = [
    "i'm sorry, but i can't",
    "i'm sorry, but i cannot",
    "i'm sorry, i can't",
    "i am sorry, but i can",
    "sorry, but i can't",
    "sorry, i can't",
    "i can't assist with",
    "i cannot assist with",
    "i can't help with",
    "i cannot help with",
    "i'm unable to assist",
    "i am unable to assist",
    "i must decline",
    "as an ai language model, i can",
    "我无法",
    "抱歉，我",
    "对不起，我",
];
/// A refusal comes at once; later in an answer the same words are about something else.
const REFUSAL_CHARS: usize = 80;

fn refusal(trace: &Trace) -> Option<Reason> {
    let start: String = trace
        .said()
        .trim_start()
        .chars()
        .take(REFUSAL_CHARS)
        .flat_map(char::to_lowercase)
        .map(|c| if c == '’' { '\'' } else { c })
        .collect();
    let found = REFUSALS.iter().find(|words| start.contains(**words))?;
    Some(Reason::new(
        "refusal",
        format!("the answer begins with “{found}”"),
    ))
}
