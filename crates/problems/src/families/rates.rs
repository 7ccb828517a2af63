//! Units, speeds, work and mixtures.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::words::{FRACTION, and, counted, dial, names};

use AnswerKind::Rational;

const fn new(
    name: &'static str,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Rates, Rational, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "invented_units",
        "A conversion through a chain of invented units",
        "conversions",
        units,
    ),
    new(
        "speed_units",
        "A speed or a flow in other units",
        "largest figure",
        speed,
    ),
    new(
        "meeting",
        "When two travellers meet or one overtakes",
        "largest distance",
        meeting,
    ),
    new(
        "work_together",
        "How long workers need together",
        "workers",
        work,
    ),
    new("mixture", "The strength of a mixture", "parts", blend),
    new(
        "average_speed",
        "The mean speed of a trip in legs",
        "legs",
        trip,
    ),
    new(
        "recipe_scaling",
        "Amounts in proportion, several factors",
        "factors",
        proportion,
    ),
];

fn units(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 8) as usize;
    let names = rng.sample(
        &[
            "zorks", "plims", "drabs", "quills", "fenns", "morts", "gaffs", "tilks", "brins",
            "sorns",
        ],
        count + 1,
    );
    let mut facts = Vec::new();
    let mut factor = Ratio::whole(1);
    for pair in names.windows(2) {
        let a = rng.range(2, 8);
        // Units of one size would be one unit.
        let b = match rng.range(2, 8) {
            b if b < a => b,
            b => b + 1,
        };
        factor = factor.times(Ratio::of(b, a)).unwrap_or(factor);
        facts.push(match rng.coin() {
            true => format!("{a} {} equal {b} {}", pair[0], pair[1]),
            false => format!("{b} {} equal {a} {}", pair[1], pair[0]),
        });
    }
    if d > 2 {
        rng.shuffle(&mut facts);
    }
    let amount = rng.range(2, 60);
    let value = factor.times(Ratio::whole(amount)).unwrap_or(factor);
    let (from, to) = (names[0], names[count]);
    let what = *rng.pick(&["lengths", "weights", "volumes", "prices"]);
    let question = format!(
        "In an old tale {what} are given in units of its own: {}. How many {to} equal {amount} {from}? {FRACTION}",
        and(&facts)
    );
    Draft::new(question, value, count as i64).unit(to)
}

fn speed(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 40, 4000);
    let value = rng.range(top / 4, top);
    // From, to, and what one of the first is in the second.
    let (from, to, num, den) = *rng.pick(&[
        ("kilometres per hour", "metres per second", 5, 18),
        ("metres per second", "kilometres per hour", 18, 5),
        ("metres per minute", "kilometres per hour", 3, 50),
        ("litres per minute", "millilitres per second", 50, 3),
        ("litres per second", "cubic metres per hour", 18, 5),
        ("grams per litre", "milligrams per millilitre", 1, 1),
        ("kilograms per hour", "grams per second", 5, 18),
        ("metres per hour", "centimetres per minute", 5, 3),
        ("kilometres per day", "metres per minute", 25, 36),
    ]);
    let exact = Ratio::of(value, *rng.pick(&[1, 1, 10]));
    let figure = exact.decimal();
    let result = exact.times(Ratio::of(num, den)).unwrap_or(exact);
    let question = format!("Convert {figure} {from} to {to}. {FRACTION}");
    Draft::new(question, result, top).unit(to)
}

fn meeting(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 60, 900);
    let distance = rng.range(top / 3, top);
    let who = names(rng, 2);
    let (a, b) = (rng.range(10, 60), rng.range(10, 60));
    let head = if d < 4 { 0 } else { rng.range(1, 12) * 10 };
    let (fast, slow) = if a == b {
        (a + 5, b)
    } else {
        (a.max(b), a.min(b))
    };
    let (fast, slow) = (fast + 20, slow + 10);
    let question;
    let value = if rng.coin() {
        // The first goes alone for the head start; the rest closes at the sum of speeds.
        let alone = Ratio::of(a * head, 60);
        if alone
            .minus(Ratio::whole(distance))
            .is_none_or(|left| !left.is_negative())
        {
            question = format!(
                "{} drives {distance} km at {a} km/h without a stop. How many minutes does that take? {FRACTION}",
                who[0]
            );
            Ratio::of(distance * 60, a)
        } else {
            let start = if head == 0 {
                String::new()
            } else {
                format!(" {head} minutes later")
            };
            question = format!(
                "{} starts from one of two towns that are {distance} km apart and travels at {a} km/h towards the other. From there {} starts{start} at {b} km/h towards the first town{}. How many minutes after {} set off do they meet? {FRACTION}",
                who[0],
                who[1],
                if head == 0 { ", at the same time" } else { "" },
                who[1]
            );
            Ratio::of(distance * 60 - a * head, a + b)
        }
    } else {
        // A lead of a few hours at most.
        let lead = distance / 8 + 1;
        let start = match head {
            0 => "at the same moment".to_owned(),
            head => format!("{head} minutes later"),
        };
        question = format!(
            "On a straight road, {} sets off from a place {lead} km ahead of {} and drives away at a steady {slow} km/h. {} sets off {start} and follows at a steady {fast} km/h. How many minutes after {} set off are the two level? {FRACTION}",
            who[0], who[1], who[1], who[1]
        );
        Ratio::of(lead * 60 + slow * head, fast - slow)
    };
    Draft::new(question, value, top).unit("minutes")
}

fn work(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 5) as usize;
    let who = names(rng, count);
    let hours: Vec<i64> = who
        .iter()
        .map(|_| rng.range(2, 8 + 2 * i64::from(d)))
        .collect();
    let (job, spoiler) = *rng.pick(&[
        ("paint a fence", "rain washes paint off"),
        ("fill a pool", "a leak lets water out"),
        ("dig a ditch", "sand slides back in"),
        ("sort the archive", "a careless reader mixes papers up"),
        ("clear a yard of leaves", "the wind blows leaves back in"),
    ]);
    let mut rate = hours.iter().fold(Ratio::whole(0), |sum, h| {
        sum.plus(Ratio::of(1, *h)).unwrap_or(sum)
    });
    let each: Vec<String> = who
        .iter()
        .zip(&hours)
        .map(|(name, h)| format!("{name} would need {h} hours"))
        .collect();
    let mut text = format!("To {job} alone, {}.", and(&each));
    let mut left = Ratio::whole(1);
    if d > 4 {
        // The first works alone for a while, less than it takes.
        let alone = rng.range(1, hours[0] - 1);
        left = Ratio::of(hours[0] - alone, hours[0]);
        text.push_str(&format!(
            " {} works alone for {}, then the others join in.",
            who[0],
            counted(alone, "hour", "hours")
        ));
    } else {
        text.push_str(match count {
            2 => " Both of them work at the same time.",
            _ => " All of them work at the same time.",
        });
    }
    if d > 7 {
        let spoil = rng.range(40, 90);
        rate = rate.minus(Ratio::of(1, spoil)).unwrap_or(rate);
        text.push_str(&format!(
            " While all of them work, {} at a rate that would undo the whole job in {spoil} hours.",
            spoiler
        ));
    }
    let asked = if d > 4 {
        "How many hours after the others join in is the job done?"
    } else {
        "After how many hours is the job done?"
    };
    let question = format!("{text} {asked} {FRACTION}");
    Draft::new(question, left.over(rate).unwrap_or(left), count as i64).unit("hours")
}

fn blend(rng: &mut Rng, d: u8) -> Draft {
    let parts = dial(d, 2, 6);
    let what = *rng.pick(&["juice", "milk", "vinegar", "syrup", "paint"]);
    let mut volume = Ratio::whole(0);
    let mut pure = Ratio::whole(0);
    let mut text = Vec::new();
    for index in 0..parts {
        let (litres, strength) = (rng.range(1, 30), rng.range(1, 19) * 5);
        // Sometimes part of what is there already is poured away first.
        if index > 1 && rng.below(3) == 0 {
            let keep = Ratio::of(rng.range(1, 4), 5);
            volume = volume.times(keep).unwrap_or(volume);
            pure = pure.times(keep).unwrap_or(pure);
            let away = Ratio::whole(1).minus(keep).unwrap_or(keep);
            text.push(format!("{away} of the mixture is poured away"));
        }
        volume = volume.plus(Ratio::whole(litres)).unwrap_or(volume);
        pure = pure.plus(Ratio::of(litres * strength, 100)).unwrap_or(pure);
        text.push(format!(
            "{} of a liquid that is {strength}% {what} {} poured in",
            counted(litres, "litre", "litres"),
            if litres == 1 { "is" } else { "are" }
        ));
    }
    let share = pure
        .over(volume)
        .and_then(|r| r.times(Ratio::whole(100)))
        .unwrap_or(pure);
    let question = format!(
        "A tank is empty at first. Then, in this order and with stirring after each step: {}. All percentages are by volume, and volumes add up. What percentage of the mixture is {what} at the end? {FRACTION}",
        text.join("; ")
    );
    Draft::new(question, share, parts).unit("%")
}

fn trip(rng: &mut Rng, d: u8) -> Draft {
    let legs = dial(d, 2, 6);
    let (mut distance, mut time) = (Ratio::whole(0), Ratio::whole(0));
    let mut text = Vec::new();
    for _ in 0..legs {
        // Speeds as such things go, in steps of 5 km/h.
        let (way, low, high) = *rng.pick(&[
            ("cycles", 2, 6),
            ("drives", 6, 24),
            ("sails", 2, 8),
            ("travels by train", 8, 40),
        ]);
        let speed = rng.range(low, high) * 5;
        if rng.coin() {
            let km = rng.range(5, 4 * speed);
            distance = distance.plus(Ratio::whole(km)).unwrap_or(distance);
            time = time.plus(Ratio::of(km, speed)).unwrap_or(time);
            text.push(format!("{way} {km} km at {speed} km/h"));
        } else {
            let minutes = rng.range(1, 18) * 10;
            distance = distance
                .plus(Ratio::of(speed * minutes, 60))
                .unwrap_or(distance);
            time = time.plus(Ratio::of(minutes, 60)).unwrap_or(time);
            text.push(format!("{way} for {minutes} minutes at {speed} km/h"));
        }
    }
    let name = names(rng, 1)[0];
    let question = format!(
        "{name} {}. What is the average speed of the whole trip in km/h? {FRACTION}",
        text.join(", then ")
    );
    Draft::new(question, distance.over(time).unwrap_or(time), legs).unit("km/h")
}

fn proportion(rng: &mut Rng, d: u8) -> Draft {
    let factors = dial(d, 2, 4) as usize;
    let (who, verb, what) = *rng.pick(&[
        ("potters", "glaze", "square metres of tiles"),
        ("bakers", "use up", "kilograms of flour"),
        ("printers", "use up", "metres of paper"),
        ("looms", "weave", "metres of cloth"),
        ("pumps", "raise", "cubic metres of water"),
    ]);
    let mut pick = |top: i64| (rng.range(2, top), rng.range(2, top));
    let top = 8 + 2 * i64::from(d);
    let (count, days, hours, tenths) = (pick(top), pick(top), pick(12), pick(12));
    let output = pick(20 * i64::from(d)).0 * 10;
    let level = (tenths.0 * 10, tenths.1 * 10);
    let mut value = Ratio::of(output * count.1, count.0);
    let mut say = [format!("{} {who}", count.0), format!("{} {who}", count.1)];
    let extras = [
        (days, "days"),
        (hours, "hours a day"),
        (level, "percent of full speed"),
    ];
    for ((before, after), unit) in &extras[..factors - 1] {
        value = value.times(Ratio::of(*after, *before)).unwrap_or(value);
        let word = if unit.starts_with("percent") {
            "at"
        } else if unit.ends_with("a day") {
            "working"
        } else {
            "in"
        };
        say[0].push_str(&format!(" {word} {before} {unit}"));
        say[1].push_str(&format!(" {word} {after} {unit}"));
    }
    let question = format!(
        "{} {verb} {output} {what}. All work alike. How many {what} do {} {verb}? {FRACTION}",
        say[0], say[1]
    );
    Draft::new(question, value, factors as i64).unit(what)
}
