//! The date that templates print. This crate reads no clock: the caller tells the time.

use std::fmt::Write as _;

/// A date and time of day, in whatever zone the reader of the prompt lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    year: i32,
    /// 1 to 12.
    month: u8,
    /// 1 to 31.
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Days since 1970-01-01.
    days: i64,
}

const DAY_SECONDS: i64 = 86_400;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl LocalTime {
    /// The time `seconds` after 1970-01-01T00:00:00Z, in a zone `offset_minutes` east of it.
    /// None outside the years 1 to 9999, as in Python.
    pub fn from_unix(seconds: i64, offset_minutes: i32) -> Option<Self> {
        let local = seconds.checked_add(i64::from(offset_minutes) * 60)?;
        let days = local.div_euclid(DAY_SECONDS);
        let second_of_day = local.rem_euclid(DAY_SECONDS);
        let (year, month, day) = civil(days)?;
        Some(Self {
            year,
            month,
            day,
            hour: (second_of_day / 3600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
            days,
        })
    }

    /// The start of a day written `YYYY-MM-DD`. None if it is no such day.
    pub fn from_date(date: &str) -> Option<Self> {
        let mut parts = date.split('-');
        let mut part = |len| {
            let digits = parts.next().filter(|part| part.len() == len)?;
            let all = digits.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| digits.parse::<u16>().ok()).flatten()
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() || !(1..=12).contains(&month) {
            return None;
        }
        let days = days_from_civil(year.into(), month.into(), day.into());
        let time = Self::from_unix(days * DAY_SECONDS, 0)?;
        // A day that the month has not is one of the next.
        (u16::from(time.day) == day).then_some(time)
    }

    /// Python's `strftime` in the C locale, without time zones and fractions. Fails with the
    /// directive that it does not know.
    pub(super) fn strftime(&self, format: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(char) = chars.next() {
            if char != '%' {
                out.push(char);
                continue;
            }
            let mut directive = chars.next();
            let padded = directive != Some('-');
            if !padded {
                directive = chars.next();
            }
            let Some(directive) = directive else {
                return Err(format!("`{format}` ends inside a directive"));
            };
            self.directive(directive, padded, &mut out)
                .ok_or_else(|| format!("strftime_now does not know `%{directive}`"))?;
        }
        Ok(out)
    }

    fn directive(&self, directive: char, padded: bool, out: &mut String) -> Option<()> {
        let weekday = self.weekday();
        let hour12 = (self.hour + 11) % 12 + 1;
        let mut number = |value: u32, width: usize| {
            let width = if padded { width } else { 0 };
            // Writing to a string cannot fail.
            let _ = write!(out, "{value:0width$}");
        };
        match directive {
            'd' => number(self.day.into(), 2),
            'm' => number(self.month.into(), 2),
            'y' => number((self.year % 100) as u32, 2),
            'H' => number(self.hour.into(), 2),
            'I' => number(hour12.into(), 2),
            'M' => number(self.minute.into(), 2),
            'S' => number(self.second.into(), 2),
            'j' => number(self.day_of_year(), 3),
            'w' => number(weekday as u32, 1),
            'u' => number((weekday as u32 + 6) % 7 + 1, 1),
            // Python leaves years before 1000 to the C library, which does not pad them.
            'Y' => out.push_str(&self.year.to_string()),
            'e' => out.push_str(&format!("{:2}", self.day)),
            'B' => out.push_str(self.month_name()),
            'b' | 'h' => out.push_str(&self.month_name()[..3]),
            'A' => out.push_str(WEEKDAYS[weekday]),
            'a' => out.push_str(&WEEKDAYS[weekday][..3]),
            'p' => out.push_str(if self.hour < 12 { "AM" } else { "PM" }),
            '%' => out.push('%'),
            'n' => out.push('\n'),
            't' => out.push('\t'),
            _ => out.push_str(&self.strftime(composed(directive)?).ok()?),
        }
        Some(())
    }

    fn month_name(&self) -> &'static str {
        MONTHS[usize::from(self.month - 1)]
    }

    /// 0 is Sunday; 1970-01-01 was a Thursday.
    fn weekday(&self) -> usize {
        (self.days + 4).rem_euclid(7) as usize
    }

    /// 1 is January 1.
    fn day_of_year(&self) -> u32 {
        const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let leap_day = u32::from(leap && self.month > 2);
        BEFORE[usize::from(self.month - 1)] + u32::from(self.day) + leap_day
    }
}

/// What a directive stands for that is made of others.
fn composed(directive: char) -> Option<&'static str> {
    Some(match directive {
        'F' => "%Y-%m-%d",
        'T' | 'X' => "%H:%M:%S",
        'R' => "%H:%M",
        'D' | 'x' => "%m/%d/%y",
        'c' => "%a %b %e %H:%M:%S %Y",
        'r' => "%I:%M:%S %p",
        _ => return None,
    })
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`): eras of 400 years that start in March.
fn civil(days: i64) -> Option<(i32, u8, u8)> {
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let year = i32::try_from(year)
        .ok()
        .filter(|year| (1..=9999).contains(year))?;
    Some((year, month as u8, day as u8))
}

/// The inverse of [`civil`] for the days of a month (ibid., `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, format: &str, expected: &str) {
        let time = LocalTime::from_unix(seconds, 0).unwrap();
        assert_eq!(time.strftime(format).unwrap(), expected);
    }

    #[test]
    fn dates_are_those_of_python() {
        // Expected: datetime.fromtimestamp(seconds, timezone.utc).strftime(format).
        let all = "%Y-%m-%d %H:%M:%S %A %a %B %b %j %w %u %y %I %p %-d %-m %-I %e %%";
        check(
            0,
            all,
            "1970-01-01 00:00:00 Thursday Thu January Jan 001 4 4 70 12 AM 1 1 12  1 %",
        );
        check(
            1_709_210_096,
            all,
            "2024-02-29 12:34:56 Thursday Thu February Feb 060 4 4 24 12 PM 29 2 12 29 %",
        );
        check(
            1_735_603_199,
            all,
            "2024-12-30 23:59:59 Monday Mon December Dec 365 1 1 24 11 PM 30 12 11 30 %",
        );
        check(
            -86_401,
            "%c | %F %T | %D %R | %r",
            "Tue Dec 30 23:59:59 1969 | 1969-12-30 23:59:59 | 12/30/69 23:59 | 11:59:59 PM",
        );
    }

    #[test]
    fn zones_shift_the_day() {
        let time = LocalTime::from_unix(1_735_603_199, 60).unwrap();
        assert_eq!(
            time.strftime("%d %b %Y %H:%M").unwrap(),
            "31 Dec 2024 00:59"
        );
    }

    #[test]
    fn what_python_cannot_say_is_refused() {
        assert_eq!(LocalTime::from_unix(i64::MAX, 1), None);
        assert_eq!(LocalTime::from_unix(i64::MIN, -1), None);
        assert_eq!(LocalTime::from_unix(1 << 40, 0), None);
        let time = LocalTime::from_unix(0, 0).unwrap();
        for format in ["%", "%-", "%é", "%Q"] {
            assert!(time.strftime(format).is_err(), "{format}");
        }
    }

    #[test]
    fn dates_are_read_as_they_are_printed() {
        for days in (-719_162..=2_932_896).step_by(97) {
            let time = LocalTime::from_unix(days * DAY_SECONDS, 0).unwrap();
            let date = format!("{:04}-{}", time.year, time.strftime("%m-%d").unwrap());
            assert_eq!(LocalTime::from_date(&date), Some(time), "{date}");
        }
        for wrong in [
            "",
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2026-00-10",
            "2026-02-29",
            "2026-01-00",
            "2026-01-01-01",
            "2026-01-0a",
            "0000-01-01",
            "+026-01-01",
        ] {
            assert_eq!(LocalTime::from_date(wrong), None, "{wrong}");
        }
        assert!(LocalTime::from_date("2024-02-29").is_some());
    }
}
