//! Calendars and clocks.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, INTEGER, capital, counted, dial, duration, names, spelled_count};

use AnswerKind::{Clock, Date, Integer, Rational, Word};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Time, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "weekday",
        Word,
        "The day of the week of a date",
        "span in days",
        weekday,
    ),
    new(
        "date_shift",
        Date,
        "A date so many days later or earlier",
        "largest shift in days",
        date_shift,
    ),
    new(
        "days_between",
        Integer,
        "The days from one date to another",
        "span in days",
        days_between,
    ),
    new(
        "clock_chain",
        Clock,
        "A time of day after several steps",
        "steps",
        clock_chain,
    ),
    new(
        "clock_angle",
        Rational,
        "The angle between the hands of a clock",
        "steps of the minute hand",
        clock_angle,
    ),
    new(
        "time_zones",
        Clock,
        "A flight across time zones",
        "legs",
        zones,
    ),
    new(
        "recurring_events",
        Integer,
        "When events of different periods meet again",
        "events",
        recurring,
    ),
];

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
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

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1 January of the year 1, a Monday.
fn number_of(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400;
    years + (1..month).map(|m| month_days(year, m)).sum::<i64>() + day - 1
}

fn date_of(number: i64) -> (i64, i64, i64) {
    let mut year = number / 366 + 1;
    while number_of(year + 1, 1, 1) <= number {
        year += 1;
    }
    let (mut month, mut left) = (1, number - number_of(year, 1, 1));
    while left >= month_days(year, month) {
        left -= month_days(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

fn spelled(number: i64) -> String {
    let (year, month, day) = date_of(number);
    format!("{day} {} {year}", MONTHS[month as usize - 1])
}

/// A day of 1900 to 2099.
fn any_day(rng: &mut Rng) -> i64 {
    rng.range(number_of(1900, 1, 1), number_of(2099, 12, 31))
}

fn weekday(rng: &mut Rng, d: u8) -> Draft {
    let span =
        [20, 60, 200, 400, 1000, 3000, 8000, 15000, 25000, 36000][usize::from(d.clamp(1, 10)) - 1];
    let known = any_day(rng);
    let asked = known + rng.signed(span / 3, span);
    let question = format!(
        "{} is a {}. Which day of the week is {}? (Both dates are of the Gregorian calendar.) Answer with the English name of the day.",
        spelled(known),
        DAYS[(known % 7) as usize],
        spelled(asked)
    );
    Draft::new(question, DAYS[(asked % 7) as usize], span)
}

fn date_shift(rng: &mut Rng, d: u8) -> Draft {
    let span = dial(d, 20, 2000);
    let start = any_day(rng);
    let by = rng.signed(span / 3, span);
    let (year, month, day) = date_of(start + by);
    let length = if by % 7 == 0 {
        counted(by.abs() / 7, "week", "weeks")
    } else {
        counted(by.abs(), "day", "days")
    };
    let question = format!(
        "Which date of the Gregorian calendar is {length} {} {}? Answer in the form YYYY-MM-DD.",
        if by < 0 { "before" } else { "after" },
        spelled(start)
    );
    Draft::new(question, format!("{year:04}-{month:02}-{day:02}"), span)
}

fn days_between(rng: &mut Rng, d: u8) -> Draft {
    let span = dial(d, 30, 6000);
    let start = any_day(rng);
    let days = rng.range(span / 3, span);
    let name = names(rng, 1)[0];
    let question = match rng.below(2) {
        0 => format!(
            "How many days after {} is {}? {INTEGER}",
            spelled(start),
            spelled(start + days)
        ),
        _ => format!(
            "{name} starts a diary on {} and makes the last entry on {}. If there is one entry a day without a gap, how many entries come after the first? {INTEGER}",
            spelled(start),
            spelled(start + days)
        ),
    };
    Draft::new(question, days, span).unit("days")
}

fn clock(minutes: i64) -> String {
    let minutes = minutes.rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

const CLOCK: &str = "Answer with the time on a 24-hour clock, in the form HH:MM.";

fn clock_chain(rng: &mut Rng, d: u8) -> Draft {
    let steps = dial(d, 1, 8);
    let name = names(rng, 1)[0];
    let start = rng.range(0, 24 * 60 - 1);
    let mut now = start;
    let mut parts = Vec::new();
    for _ in 0..steps {
        let time = rng.range(7, 40 + 25 * i64::from(d));
        let length = duration(time);
        now += time;
        let what = *rng.pick(&[
            "walks for",
            "reads for",
            "waits for",
            "works for",
            "cooks for",
            "rides a train for",
            "sleeps for",
        ]);
        parts.push(format!("{what} {length}"));
    }
    let backwards = d > 3 && rng.coin();
    let question = if backwards {
        format!(
            "{name} {}. It is then {} on a 24-hour clock. At what time did all this begin? {CLOCK}",
            parts.join(", then "),
            clock(now)
        )
    } else {
        format!(
            "Starting at {} on a 24-hour clock, {name} {}. What time is it then? {CLOCK}",
            clock(start),
            parts.join(", then ")
        )
    };
    Draft::new(question, clock(if backwards { start } else { now }), steps)
}

fn clock_angle(rng: &mut Rng, d: u8) -> Draft {
    // Whole hours, then quarters, then minutes, then fractions of them.
    let steps =
        [12, 48, 144, 720, 720, 1440, 1440, 2160, 2880, 3600][usize::from(d.clamp(1, 10)) - 1];
    let at = rng.range(0, steps - 1);
    // Seconds on the dial of twelve hours.
    let seconds = at * 43_200 / steps;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // In 1/120 of a degree: the hour hand moves 1 a second, the minute hand 12.
    let apart = (seconds - 12 * (seconds % 3600)).rem_euclid(43_200);
    let apart = apart.min(43_200 - apart);
    let clock = *rng.pick(&[
        "a clock",
        "a wall clock",
        "a watch",
        "a station clock",
        "a tower clock",
        "a kitchen clock",
    ]);
    let hour = if h == 0 { 12 } else { h };
    let time = if s == 0 {
        format!("{hour}:{m:02}")
    } else {
        format!("{hour}:{m:02}:{s:02} (hours, minutes and seconds)")
    };
    let question = format!(
        "The hands of {clock} with a dial of twelve hours move steadily, without jumps. How many degrees is the smaller angle between the hour hand and the minute hand at {time}? {FRACTION}"
    );
    Draft::new(question, Ratio::of(apart, 120).decimal(), steps).unit("°")
}

fn zones(rng: &mut Rng, d: u8) -> Draft {
    let legs = dial(d, 1, 5);
    // Invented towns: only the stated offsets count.
    let towns = rng.sample(
        &[
            "Arvale",
            "Bexmoor",
            "Corlund",
            "Dunmere",
            "Eskford",
            "Fallow Bay",
            "Gorran",
            "Hestwick",
        ],
        legs as usize + 1,
    );
    let mut offset = rng.range(-10, 12) * 60;
    let start = rng.range(0, 24 * 12 - 1) * 5;
    let mut utc = start - offset;
    let show = |offset: i64| {
        let sign = if offset < 0 { '-' } else { '+' };
        format!("UTC{sign}{}:{:02}", offset.abs() / 60, offset.abs() % 60)
    };
    let mut text = format!(
        "A plane leaves {} ({}) at {} local time",
        towns[0],
        show(offset),
        clock(start)
    );
    for (index, town) in towns[1..].iter().enumerate() {
        let before = offset;
        // Half hours exist east of Greenwich only.
        offset = rng.range(-10, 12) * 60 + 30 * i64::from(rng.below(4) == 0);
        if offset < 0 {
            offset = offset.div_euclid(60) * 60;
        }
        // The farther around the globe, the longer the flight: no plane crosses twelve zones in an hour.
        let apart = (offset - before).abs();
        let time = apart.min(24 * 60 - apart) * rng.range(60, 80) / 100 + rng.range(50, 240);
        if index > 0 {
            let stop = rng.range(25, 180);
            utc += stop;
            text.push_str(&format!(", stays there for {}, then", duration(stop)));
        }
        utc += time;
        text.push_str(&format!(
            "{} flies for {} to {town} ({})",
            if index > 0 { "" } else { " and" },
            duration(time),
            show(offset)
        ));
    }
    let question = format!("{text}. What is the local time there when it arrives? {CLOCK}");
    Draft::new(question, clock(utc + offset), legs)
}

fn recurring(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 5) as usize;
    let top = dial(d, 12, 30);
    let periods: Vec<i64> = (0..count).map(|_| rng.range(3, top)).collect();
    let lcm = periods.iter().fold(1_i128, |a, b| {
        a / crate::ratio::gcd(a, i128::from(*b)) * i128::from(*b)
    });
    let (thing, unit) = *rng.pick(&[
        ("lighthouses flash", "seconds"),
        ("bells ring", "minutes"),
        ("buses leave", "minutes"),
        ("sprinklers start", "hours"),
        ("signals blink", "seconds"),
        ("ferries sail", "hours"),
        ("markets are held", "days"),
    ]);
    let from = rng.range(1, 40);
    let texts: Vec<String> = periods
        .iter()
        .zip(["first", "second", "third", "fourth", "fifth"])
        .map(|(p, name)| format!("the {name} every {p} {unit}"))
        .collect();
    let question = format!(
        "{} {thing} at regular intervals: {}. They all do so together {} after a clock is started. How many {unit} after the clock was started do they next all do so together? {INTEGER}",
        capital(&spelled_count(count)),
        crate::words::and(&texts),
        counted(from, unit.trim_end_matches('s'), unit)
    );
    Draft::new(question, lcm + i128::from(from), count as i64).unit(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_numbers_are_inverse() {
        for number in (number_of(1899, 1, 1)..number_of(2201, 1, 1)).step_by(13) {
            let (year, month, day) = date_of(number);
            assert_eq!(number_of(year, month, day), number);
        }
        // A day everyone can look up.
        assert_eq!(DAYS[(number_of(2000, 1, 1) % 7) as usize], "Saturday");
        assert_eq!(spelled(number_of(2024, 2, 28) + 1), "29 February 2024");
    }
}
