//! Sampling settings: flags, and `/set` in a chat.

use anyhow::{Context, Result};
use retort_infer::{Sampler, Sampling};

use crate::failure::Failure;

/// Sampling flags. What is not given is the model's own default.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Sampling (defaults are the model's own)")]
pub struct Args {
    /// Divides the logits; 0 always takes the likeliest token
    #[arg(long, value_name = "X")]
    pub temperature: Option<f32>,
    /// Keep the N likeliest tokens; 0 keeps all
    #[arg(long, value_name = "N")]
    pub top_k: Option<usize>,
    /// Keep the likeliest tokens up to this total probability; 1 keeps all
    #[arg(long, value_name = "P")]
    pub top_p: Option<f32>,
    /// Keep tokens at least P times as likely as the likeliest; 0 keeps all
    #[arg(long, value_name = "P")]
    pub min_p: Option<f32>,
    /// Makes tokens that were seen less likely; 1 is off
    #[arg(long, value_name = "X")]
    pub repetition_penalty: Option<f32>,
    /// Same seed, same device: same text [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Longest reply in tokens, thought included [default: up to the context's end]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_tokens: Option<u64>,
}

impl Args {
    /// The model's defaults with the given flags in their place, checked.
    pub fn over(&self, defaults: &Sampling) -> Result<Sampling> {
        let mut sampling = defaults.clone();
        let Self {
            temperature,
            top_k,
            top_p,
            min_p,
            repetition_penalty,
            seed,
            max_tokens,
        } = *self;
        sampling.temperature = temperature.unwrap_or(sampling.temperature);
        sampling.top_k = top_k.unwrap_or(sampling.top_k);
        sampling.top_p = top_p.unwrap_or(sampling.top_p);
        sampling.min_p = min_p.unwrap_or(sampling.min_p);
        sampling.repetition_penalty = repetition_penalty.unwrap_or(sampling.repetition_penalty);
        sampling.seed = seed.unwrap_or(sampling.seed);
        sampling.max_tokens = max_tokens.map(|max| max as usize).or(sampling.max_tokens);
        Sampler::new(&sampling)?;
        Ok(sampling)
    }
}

/// Changes one setting by its name, as `/set` does. An error leaves all as they were.
pub fn set(sampling: &mut Sampling, name: &str, value: &str) -> Result<()> {
    let mut changed = sampling.clone();
    match name.replace('-', "_").as_str() {
        "temperature" => changed.temperature = number(name, value)?,
        "top_k" => changed.top_k = number(name, value)?,
        "top_p" => changed.top_p = number(name, value)?,
        "min_p" => changed.min_p = number(name, value)?,
        "repetition_penalty" => changed.repetition_penalty = number(name, value)?,
        "seed" => changed.seed = number(name, value)?,
        "max_tokens" if value == "none" => changed.max_tokens = None,
        "max_tokens" => changed.max_tokens = Some(number::<usize>(name, value)?.max(1)),
        _ => {
            let hint = "temperature, top_k, top_p, min_p, repetition_penalty, seed, max_tokens";
            return Err(Failure::new(format!("there is no setting `{name}`"), hint).into());
        }
    }
    Sampler::new(&changed)?;
    *sampling = changed;
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    value
        .parse()
        .with_context(|| format!("{name}: `{value}` is not the number it takes"))
}

/// All settings on one line.
pub fn describe(sampling: &Sampling) -> String {
    let Sampling {
        temperature,
        top_k,
        top_p,
        min_p,
        repetition_penalty,
        seed,
        max_tokens,
    } = sampling;
    let max_tokens = max_tokens.map_or("none".to_owned(), |max| max.to_string());
    format!(
        "temperature {temperature}  top_k {top_k}  top_p {top_p}  min_p {min_p}  \
         repetition_penalty {repetition_penalty}  seed {seed}  max_tokens {max_tokens}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_over_the_models_defaults() {
        let defaults = Sampling {
            temperature: 0.6,
            top_p: 0.95,
            ..Sampling::default()
        };
        let args = Args {
            temperature: Some(0.0),
            max_tokens: Some(5),
            ..Args::default()
        };
        let sampling = args.over(&defaults).unwrap();
        assert_eq!((sampling.temperature, sampling.top_p), (0.0, 0.95));
        assert_eq!(sampling.max_tokens, Some(5));
        let wrong = Args {
            top_p: Some(1.5),
            ..Args::default()
        };
        assert!(wrong.over(&defaults).is_err());
    }

    #[test]
    fn a_setting_changes_only_if_it_is_right() {
        let mut sampling = Sampling::default();
        set(&mut sampling, "top-k", "40").unwrap();
        assert_eq!(sampling.top_k, 40);
        for (name, value) in [
            ("top_p", "2"),
            ("seed", "x"),
            ("heat", "1"),
            ("temperature", "NaN"),
        ] {
            let before = sampling.clone();
            assert!(set(&mut sampling, name, value).is_err(), "{name} {value}");
            assert_eq!(sampling, before);
        }
        set(&mut sampling, "max_tokens", "9").unwrap();
        set(&mut sampling, "max_tokens", "none").unwrap();
        assert_eq!(sampling.max_tokens, None);
    }
}
