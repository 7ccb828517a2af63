//! Numbers for people: bytes, durations, speeds, dates.

/// Decimal units with three significant digits, as download pages and disks state sizes.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be rounded to a fourth digit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 99.95 {
        0
    } else {
        usize::from(value < 9.995) + 1
    };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A rounded duration: "8 s", "2 min 5 s", "3 h 10 min".
pub fn duration(milliseconds: f64) -> String {
    let seconds = (milliseconds.max(0.0) / 1000.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A short time with what precision it deserves: "85 ms", "1.2 s", "14 s".
pub fn latency(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9950.0 => format!("{:.1} s", ms / 1000.0),
        ms => duration(ms),
    }
}

/// Tokens per second.
pub fn speed(tokens_per_second: f64) -> String {
    let digits = usize::from(tokens_per_second < 99.5);
    format!("{tokens_per_second:.digits$} tok/s")
}

/// A count with a unit in the right number, digits in groups: "1 token", "12,480 tokens".
pub fn count(number: usize, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", grouped(number as u64))
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of parameters: "134 M", "1.5 B".
pub fn parameters(number: u64) -> String {
    match number as f64 {
        n if n >= 999.5e6 => format!("{:.1} B", n / 1e9),
        n => format!("{:.0} M", n / 1e6),
    }
}

/// Milliseconds since 1970 as a UTC date and minute, "2026-03-09 14:05".
///
/// Days to a civil date by Howard Hinnant's `civil_from_days`: years that begin in March put the
/// leap day last.
pub fn date(milliseconds: f64) -> String {
    let minutes = (milliseconds / 60_000.0).floor() as i64;
    let (days, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02}",
        minute / 60,
        minute % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (98_362_432, "98.4 MB"),
            (999_600, "1.00 MB"),
            (1_117_320_736, "1.12 GB"),
            (4_683_073_184, "4.68 GB"),
            (123_456_789, "123 MB"),
        ];
        for (count, expected) in rows {
            assert_eq!(bytes(count), expected);
        }
    }

    #[test]
    fn times_and_counts() {
        assert_eq!(duration(400.0), "0 s");
        assert_eq!(duration(59_600.0), "1 min");
        assert_eq!(duration(125_000.0), "2 min 5 s");
        assert_eq!(duration(11_400_000.0), "3 h 10 min");
        assert_eq!(duration(-1.0), "0 s");
        assert_eq!(latency(85.4), "85 ms");
        assert_eq!(latency(1240.0), "1.2 s");
        assert_eq!(latency(14_000.0), "14 s");
        assert_eq!(speed(23.44), "23.4 tok/s");
        assert_eq!(speed(234.4), "234 tok/s");
        assert_eq!(count(1, "token"), "1 token");
        assert_eq!(count(12_480, "token"), "12,480 tokens");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(parameters(134_515_008), "135 M");
        assert_eq!(parameters(1_543_714_304), "1.5 B");
    }

    #[test]
    fn dates() {
        assert_eq!(date(0.0), "1970-01-01 00:00");
        assert_eq!(date(951_782_400_000.0), "2000-02-29 00:00");
        assert_eq!(date(1_735_689_599_000.0), "2024-12-31 23:59");
    }
}
