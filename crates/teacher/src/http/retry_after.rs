//! The header `Retry-After`: seconds, or a date as HTTP writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long to wait, from now. `None` for what is neither form; a date in the past is zero.
pub fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        // Whoever asks for more than a day is not waited for; the caller cuts it further.
        return (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)));
    }
    let then = UNIX_EPOCH + Duration::from_secs(date(value)?);
    Some(then.duration_since(now).unwrap_or_default())
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may be sent today.
fn date(value: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut parts = value.split_once(", ")?.1.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let month = parts.next().filter(|month| month.len() == 3)?;
    let month = MONTHS.find(month).filter(|at| at % 3 == 0)? as u64 / 3;
    let year: u64 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(str::parse::<u64>);
    let mut next = || clock.next()?.ok().filter(|number| *number <= 60);
    let seconds = (next()? * 60 + next()?) * 60 + next()?;
    if parts.next() != Some("GMT") || !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: u64 = lengths.iter().take(month as usize).sum();
    let leap_day = u64::from(month > 1 && leap(year));
    Some((years + months + leap_day + day - 1) * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        let seconds = |value: &str| parse(value, now).map(|time| time.as_secs_f64());
        assert_eq!(seconds(" 2 "), Some(2.0));
        assert_eq!(seconds("0.5"), Some(0.5));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7.0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0.0));
        assert_eq!(seconds("1e300"), Some(86_400.0));
        for bad in [
            "",
            "-1",
            "NaN",
            "soon",
            "Sun, 06 anF 1994 08:49:37 GMT",
            "x, 1 Jan 2020",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        // The last day of a February that has one more.
        assert_eq!(date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(date("Fri, 01 Mar 2024 00:00:00 GMT"), Some(1_709_251_200));
    }
}
