//! What the user has chosen. A choice not made follows the model.

use retort_infer::Sampling;
use retort_protocol::DevicePreference;
use serde::{Deserialize, Serialize};

/// Kept from visit to visit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    pub device: DevicePreference,
    /// System prompt that new conversations begin with.
    pub system: String,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub top_k: Option<usize>,
    pub min_p: Option<f32>,
    pub repetition_penalty: Option<f32>,
    pub max_tokens: Option<usize>,
    /// None draws a new one for each reply.
    pub seed: Option<u64>,
    /// Tokens of context to make room for when a student is loaded.
    pub context: Option<usize>,
    /// The student to load at the next visit.
    pub student: Option<String>,
    /// Set while a student is being loaded. Found set at a visit's start, the last load took the
    /// page down, and is not tried again unasked.
    pub loading: Option<String>,
    /// The conversation to open at the next visit.
    pub conversation: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub fn next(self) -> Self {
        match self {
            Theme::Auto => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Auto,
        }
    }

    /// The value of `data-theme` on the document.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// The settings that are one number each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Temperature,
    TopP,
    TopK,
    MinP,
    RepetitionPenalty,
    MaxTokens,
    Seed,
    Context,
}

/// Numbers are exact in JavaScript up to here; seeds cross the worker's boundary as numbers.
const LARGEST_SEED: u64 = (1 << 53) - 1;

impl Setting {
    pub const SAMPLING: [Setting; 7] = [
        Setting::Temperature,
        Setting::TopP,
        Setting::TopK,
        Setting::MinP,
        Setting::RepetitionPenalty,
        Setting::MaxTokens,
        Setting::Seed,
    ];

    /// Name in test ids.
    pub fn id(self) -> &'static str {
        match self {
            Setting::Temperature => "temperature",
            Setting::TopP => "top-p",
            Setting::TopK => "top-k",
            Setting::MinP => "min-p",
            Setting::RepetitionPenalty => "repetition-penalty",
            Setting::MaxTokens => "max-tokens",
            Setting::Seed => "seed",
            Setting::Context => "context",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Setting::Temperature => "Temperature",
            Setting::TopP => "Top-p",
            Setting::TopK => "Top-k",
            Setting::MinP => "Min-p",
            Setting::RepetitionPenalty => "Repetition penalty",
            Setting::MaxTokens => "Longest reply",
            Setting::Seed => "Seed",
            Setting::Context => "Context",
        }
    }

    pub fn explanation(self) -> &'static str {
        match self {
            Setting::Temperature => "0: always the likeliest",
            Setting::TopP => "share of probability",
            Setting::TopK => "0: no limit",
            Setting::MinP => "against the likeliest",
            Setting::RepetitionPenalty => "1: off",
            Setting::MaxTokens => "in tokens",
            Setting::Seed => "makes replies repeatable",
            Setting::Context => "in tokens, at the next load",
        }
    }

    /// What stands in the field while the user has chosen nothing.
    pub fn default_value(self, model: Option<&Sampling>) -> String {
        let number = |read: fn(&Sampling) -> String| model.map_or_else(String::new, read);
        match self {
            Setting::Temperature => number(|s| s.temperature.to_string()),
            Setting::TopP => number(|s| s.top_p.to_string()),
            Setting::TopK => number(|s| s.top_k.to_string()),
            Setting::MinP => number(|s| s.min_p.to_string()),
            Setting::RepetitionPenalty => number(|s| s.repetition_penalty.to_string()),
            Setting::MaxTokens => model
                .and_then(|s| s.max_tokens)
                .map_or_else(|| "context".to_owned(), |n| n.to_string()),
            Setting::Seed => "random".to_owned(),
            Setting::Context => "automatic".to_owned(),
        }
    }
}

impl Settings {
    /// The chosen value as text, empty where none is chosen.
    pub fn read(&self, setting: Setting) -> String {
        fn shown<T: ToString>(value: Option<T>) -> String {
            value.map(|v| v.to_string()).unwrap_or_default()
        }
        match setting {
            Setting::Temperature => shown(self.temperature),
            Setting::TopP => shown(self.top_p),
            Setting::TopK => shown(self.top_k),
            Setting::MinP => shown(self.min_p),
            Setting::RepetitionPenalty => shown(self.repetition_penalty),
            Setting::MaxTokens => shown(self.max_tokens),
            Setting::Seed => shown(self.seed),
            Setting::Context => shown(self.context),
        }
    }

    /// Takes what was typed; empty chooses nothing.
    ///
    /// # Errors
    /// What the value has to be; the setting stays as it was.
    pub fn write(&mut self, setting: Setting, typed: &str) -> Result<(), &'static str> {
        let typed = typed.trim();
        match setting {
            Setting::Temperature => self.temperature = number(typed, 0.0, 5.0, "0 to 5")?,
            Setting::TopP => self.top_p = number(typed, 0.01, 1.0, "0.01 to 1")?,
            Setting::TopK => self.top_k = whole(typed, 0, 1_000_000)?,
            Setting::MinP => self.min_p = number(typed, 0.0, 1.0, "0 to 1")?,
            Setting::RepetitionPenalty => {
                self.repetition_penalty = number(typed, 0.5, 2.0, "0.5 to 2")?;
            }
            Setting::MaxTokens => self.max_tokens = whole(typed, 1, 1_000_000)?,
            Setting::Seed => self.seed = whole(typed, 0, LARGEST_SEED)?,
            Setting::Context => self.context = whole(typed, 64, 1_000_000)?,
        }
        Ok(())
    }

    /// Back to the model's defaults.
    pub fn reset_sampling(&mut self) {
        for setting in Setting::SAMPLING {
            // Choosing nothing is always allowed.
            let _ = self.write(setting, "");
        }
    }

    /// The model's defaults with the user's choices, and a seed: the chosen one or `random`.
    pub fn sampling(&self, model: &Sampling, random: u64) -> Sampling {
        Sampling {
            temperature: self.temperature.unwrap_or(model.temperature),
            top_k: self.top_k.unwrap_or(model.top_k),
            top_p: self.top_p.unwrap_or(model.top_p),
            min_p: self.min_p.unwrap_or(model.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(model.repetition_penalty),
            max_tokens: self.max_tokens.or(model.max_tokens),
            seed: self.seed.unwrap_or(random % (1 << 32)),
        }
    }
}

fn number(
    typed: &str,
    least: f32,
    most: f32,
    range: &'static str,
) -> Result<Option<f32>, &'static str> {
    if typed.is_empty() {
        return Ok(None);
    }
    let value: f32 = typed.replace(',', ".").parse().map_err(|_| range)?;
    if (least..=most).contains(&value) {
        Ok(Some(value))
    } else {
        Err(range)
    }
}

fn whole<T: TryFrom<u64>>(typed: &str, least: u64, most: u64) -> Result<Option<T>, &'static str> {
    const WHAT: &str = "a whole number in range";
    if typed.is_empty() {
        return Ok(None);
    }
    let value: u64 = typed.parse().map_err(|_| WHAT)?;
    if !(least..=most).contains(&value) {
        return Err(WHAT);
    }
    T::try_from(value).map(Some).map_err(|_| WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_not_made_follows_the_model() {
        let model = Sampling {
            temperature: 0.6,
            top_k: 40,
            ..Sampling::default()
        };
        let mut settings = Settings::default();
        assert_eq!(
            settings.sampling(&model, 7),
            Sampling {
                seed: 7,
                ..model.clone()
            }
        );
        settings.write(Setting::Temperature, " 0,25 ").unwrap();
        settings.write(Setting::Seed, "12").unwrap();
        let chosen = settings.sampling(&model, 7);
        assert_eq!(
            (chosen.temperature, chosen.seed, chosen.top_k),
            (0.25, 12, 40)
        );
        settings.reset_sampling();
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn nonsense_is_refused_and_changes_nothing() {
        let rows = [
            (Setting::Temperature, "-1"),
            (Setting::Temperature, "NaN"),
            (Setting::TopP, "0"),
            (Setting::TopP, "1.5"),
            (Setting::TopK, "2.5"),
            (Setting::Seed, "9007199254740992"),
            (Setting::MaxTokens, "0"),
            (Setting::Context, "many"),
        ];
        for (setting, typed) in rows {
            let mut settings = Settings::default();
            assert!(
                settings.write(setting, typed).is_err(),
                "{setting:?} took {typed}"
            );
            assert_eq!(settings, Settings::default());
        }
    }

    #[test]
    fn what_was_kept_is_read_again_and_old_files_still_are() {
        let mut settings = Settings {
            theme: Theme::Dark,
            ..Settings::default()
        };
        settings.write(Setting::Seed, "9007199254740991").unwrap();
        let kept = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&kept).unwrap(), settings);
        assert_eq!(
            serde_json::from_str::<Settings>("{}").unwrap(),
            Settings::default()
        );
    }
}
