//! Floats that may be NaN, read from JSON.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

pub(super) const NAN: &str = "NaN";
pub(super) const INFINITY: &str = "Infinity";
pub(super) const NEG_INFINITY: &str = "-Infinity";

/// For `#[serde(deserialize_with = "retort_report::metrics::float")]`: a number, or one of the
/// strings `"NaN"`, `"Infinity"`, `"-Infinity"`. `null`, which other programs write for all three,
/// is NaN.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer
        .deserialize_any(Float)
        .map(|value| value.unwrap_or(f64::NAN))
}

/// For `#[serde(default, deserialize_with = "retort_report::metrics::optional_float")]`: the same,
/// but `null` is `None`.
///
/// # Errors
/// As for [`float`].
pub fn optional_float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    deserializer.deserialize_any(Float)
}

struct Float;

impl Visitor<'_> for Float {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "a number, \"{NAN}\", \"{INFINITY}\" or \"{NEG_INFINITY}\""
        )
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value as f64))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            NAN => Ok(Some(f64::NAN)),
            INFINITY => Ok(Some(f64::INFINITY)),
            NEG_INFINITY => Ok(Some(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }
}
