//! Numbers as people read them.

use std::time::Duration;

/// Thousands above one: k, M, G, T.
const PREFIXES: [&str; 5] = ["", "k", "M", "G", "T"];

/// About three significant digits: `0.0123`, `1.84`, `23.4`, `12.4k`, `3.2M`, and `1.8e-5` where
/// zeros would have to be counted. `NaN` and `inf` as such.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return match value {
            f64::INFINITY => "inf".to_owned(),
            f64::NEG_INFINITY => "-inf".to_owned(),
            _ => "NaN".to_owned(),
        };
    }
    match size {
        0.0 => "0".to_owned(),
        _ if size < 0.000_995 => exponent(value, 2),
        _ if size < 0.0995 => trim(format!("{value:.4}")),
        _ if size < 0.9995 => format!("{value:.3}"),
        _ if size < 9.995 => format!("{value:.2}"),
        _ if size < 99.95 => format!("{value:.1}"),
        _ if size < 999.5 => format!("{value:.0}"),
        _ if size < 999.5e12 => {
            let mut scaled = value;
            let mut prefix = 0;
            while scaled.abs() >= 999.5 && prefix + 1 < PREFIXES.len() {
                scaled /= 1e3;
                prefix += 1;
            }
            let digits = match scaled.abs() {
                scaled if scaled < 9.995 => 2,
                scaled if scaled < 99.95 => 1,
                _ => 0,
            };
            format!("{}{}", trim(format!("{scaled:.digits$}")), PREFIXES[prefix])
        }
        _ => exponent(value, 2),
    }
}

/// A count with commas between thousands: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A value of a chart: a count whole (`81.0` would be a measurement), any other value short.
pub(crate) fn value(value: f64, counts: bool) -> String {
    match counts {
        true => count(value as u64),
        false => short(value),
    }
}

/// Whether a value may be a count that is small enough to be written in full.
pub(crate) fn is_count(value: f64) -> bool {
    value.fract() == 0.0 && (0.0..1e6).contains(&value)
}

/// Bytes in decimal units, as file managers show them: `3.21 GB`.
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b >= 999.5e9 => format!("{:.2} TB", b / 1e12),
        b if b >= 999.5e6 => format!("{:.2} GB", b / 1e9),
        b if b >= 999.5e3 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        _ => format!("{bytes} B"),
    }
}

/// The two largest units of a time: `45 s`, `3 min 20 s`, `5 h 02 min`, `2 d 04 h`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match () {
        _ if days > 0 => format!("{days} d {:02} h", hours % 24),
        _ if hours > 0 => format!("{hours} h {:02} min", minutes % 60),
        _ if minutes > 0 => format!("{minutes} min {:02} s", seconds % 60),
        _ => format!("{seconds} s"),
    }
}

/// Labels of an axis whose ticks are `step` apart: all with the same prefix and decimals.
pub(crate) fn ticks(values: &[f64], step: f64) -> Vec<String> {
    let largest = values
        .iter()
        .fold(0.0_f64, |max, value| max.max(value.abs()));
    if !(0.01..1e15).contains(&largest) {
        return values.iter().map(|value| exponent(*value, 3)).collect();
    }
    let (divisor, prefix) = match largest {
        // `200` and `1200` read better than `0.2k` and `1.2k`.
        _ if largest < 1e4 => (1.0, PREFIXES[0]),
        _ if largest < 1e6 => (1e3, PREFIXES[1]),
        _ if largest < 1e9 => (1e6, PREFIXES[2]),
        _ if largest < 1e12 => (1e9, PREFIXES[3]),
        _ => (1e12, PREFIXES[4]),
    };
    // A hair more than the step, so that a step of 0.1, which is less than a tenth, gets one digit.
    let decimals = (-(step / divisor * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize;
    values
        .iter()
        .map(|value| match *value {
            0.0 => "0".to_owned(),
            value => format!("{:.decimals$}{prefix}", value / divisor),
        })
        .collect()
}

/// `0.000018` -> `1.8e-5`.
fn exponent(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", trim(mantissa.to_owned())),
        None => text,
    }
}

/// Without zeros at the end of a fraction.
fn trim(text: String) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_digits() {
        let cases = [
            (0.0, "0"),
            (1.8e-5, "1.8e-5"),
            (-2e-5, "-2e-5"),
            (0.012_34, "0.0123"),
            (0.9996, "1.00"),
            (0.720_61, "0.721"),
            (1.837, "1.84"),
            (99.96, "100"),
            (999.6, "1k"),
            (12_449.0, "12.4k"),
            (-3_200_000.0, "-3.2M"),
            (999.6e3, "1M"),
            (1e20, "1e20"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn labels_of_an_axis_agree() {
        assert_eq!(ticks(&[0.0, 0.1, 0.2], 0.1), ["0", "0.1", "0.2"]);
        assert_eq!(ticks(&[0.0, 500.0, 1000.0], 500.0), ["0", "500", "1000"]);
        assert_eq!(
            ticks(&[5e-6, 1e-5, 1.5e-5], 5e-6),
            ["5e-6", "1e-5", "1.5e-5"]
        );
        assert_eq!(ticks(&[0.0, 5e3, 1e4], 5e3), ["0", "5k", "10k"]);
        assert_eq!(ticks(&[0.0, 5e5, 1e6], 5e5), ["0", "0.5M", "1.0M"]);
        assert_eq!(ticks(&[10.0, 20.0], 10.0), ["10", "20"]);
    }

    #[test]
    fn times_and_bytes() {
        assert_eq!(duration(Duration::from_secs(45)), "45 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(5 * 3600 + 125)), "5 h 02 min");
        assert_eq!(
            duration(Duration::from_secs(2 * 86400 + 4 * 3600)),
            "2 d 04 h"
        );
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_210_000_000), "3.21 GB");
    }
}
