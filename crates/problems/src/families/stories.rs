//! Word problems: several steps, told in several ways.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::ratio::{Ratio, fixed};
use crate::rng::Rng;
use crate::words::{INTEGER, NAMES, THINGS, and, capital, counted, dial, names};

use AnswerKind::{Integer, Rational};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Stories, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "shopping",
        Rational,
        "A bill, a discount and the change",
        "kinds of goods",
        shopping,
    ),
    new(
        "giving_away",
        Integer,
        "Things that change hands",
        "steps",
        giving,
    ),
    new(
        "ages",
        Integer,
        "Ages now, then and in proportion",
        "facts",
        ages,
    ),
    new(
        "production",
        Integer,
        "Output of a workshop over days with losses",
        "steps",
        production,
    ),
    new(
        "tank",
        Rational,
        "Water that flows in and out in phases",
        "phases",
        tank,
    ),
    new(
        "generations",
        Integer,
        "How many generations apart two people are",
        "links",
        relatives,
    ),
];

fn shopping(rng: &mut Rng, d: u8) -> Draft {
    let kinds = dial(d, 1, 6) as usize;
    let name = names(rng, 1)[0];
    let things = rng.sample(&THINGS, kinds);
    let mut total = 0_i64;
    let parts: Vec<String> = things
        .iter()
        .map(|(one, many)| {
            let (count, cents) = (rng.range(1, 12), rng.range(3, 200) * 5);
            total += count * cents;
            let price = fixed(cents.into(), 2);
            match count {
                1 => format!("1 {one} for ${price}"),
                _ => format!("{count} {many} at ${price} each"),
            }
        })
        .collect();
    let mut text = format!("{name} buys {}.", and(&parts));
    let mut bill = Ratio::of(total, 100);
    if d > 3 {
        // Prices are multiples of five cents: 20% off leaves whole cents in any case.
        let whole = |percent: &i64| total * percent % 100 == 0;
        let fair: Vec<i64> = [10, 15, 20, 25, 40, 50].into_iter().filter(whole).collect();
        let percent = *rng.pick(&fair);
        bill = bill.times(Ratio::of(100 - percent, 100)).unwrap_or(bill);
        text.push_str(&format!(" A voucher takes {percent}% off the whole bill."));
    }
    if d > 6 {
        let fee = rng.range(10, 90) * 10;
        bill = bill.plus(Ratio::of(fee, 100)).unwrap_or(bill);
        text.push_str(&format!(
            " Delivery, to which the voucher does not apply, costs ${}.",
            fixed(fee.into(), 2)
        ));
    }
    let whole = i64::try_from(bill.num() / bill.den()).unwrap_or(0);
    let paid = (whole / 10 + rng.range(1, 5)) * 10;
    let change = Ratio::whole(paid).minus(bill).unwrap_or(bill);
    let (asked, answer) = match rng.coin() {
        true => (
            format!("{name} pays with ${paid}. How much change, in dollars, is due?"),
            change,
        ),
        false => ("How much is to be paid, in dollars?".to_owned(), bill),
    };
    let question =
        format!("{text} {asked} Answer with the exact decimal, without the dollar sign.");
    Draft::new(question, answer.decimal(), kinds as i64).unit("dollars")
}

fn giving(rng: &mut Rng, d: u8) -> Draft {
    let steps = dial(d, 2, 12);
    let people = 2 + usize::from(d) / 3;
    let who = names(rng, people);
    let thing = rng.pick(&THINGS).1;
    let mut has: Vec<i64> = who.iter().map(|_| rng.range(20, 90)).collect();
    let start: Vec<String> = who
        .iter()
        .zip(&has)
        .map(|(name, n)| format!("{name} has {n}"))
        .collect();
    let mut text = vec![format!("{} collect {thing}. {}.", and(&who), and(&start))];
    for _ in 0..steps {
        let a = rng.count(0, people - 1);
        let b = (a + rng.count(1, people - 1)) % people;
        let (x, y) = (who[a], who[b]);
        match rng.below(6) {
            0 if has[a] > 1 && has[a] % 2 == 0 => {
                let half = has[a] / 2;
                (has[a], has[b]) = (half, has[b] + half);
                text.push(format!("Half of {x}'s {thing} go to {y}."));
            }
            1 if has[a] % 3 == 0 && has[a] > 0 => {
                has[a] -= has[a] / 3;
                text.push(format!("A third of {x}'s {thing} get lost."));
            }
            2 => {
                let more = rng.range(2, 15);
                has[a] += more;
                text.push(format!("{x} finds {more} more."));
            }
            3 if has[a] >= has[b] && has[b] > 0 => {
                let n = has[b];
                (has[a], has[b]) = (has[a] - n, 2 * n);
                text.push(format!("{x} gives {y} as many as {y} already has."));
            }
            4 => {
                has.swap(a, b);
                text.push(format!("{x} and {y} swap all their {thing}."));
            }
            _ if has[a] == 0 => {
                has[a] = 5;
                text.push(format!("{x}, who has none left, finds 5."));
            }
            _ => {
                let n = rng.range(1, 9).min(has[a]);
                (has[a], has[b]) = (has[a] - n, has[b] + n);
                text.push(format!("{y} gets {n} from {x}."));
            }
        }
    }
    let asked = rng.count(0, people - 1);
    let question = format!(
        "{} How many {thing} does {} have now? {INTEGER}",
        text.join(" "),
        who[asked]
    );
    Draft::new(question, has[asked], steps).unit(thing)
}

fn ages(rng: &mut Rng, d: u8) -> Draft {
    let facts = dial(d, 2, 7);
    let who = names(rng, facts as usize);
    let mut age = vec![rng.range(4, 15)];
    let mut lines = Vec::new();
    for at in 1..who.len() {
        let (x, y, known) = (who[at], who[at - 1], age[at - 1]);
        match rng.below(4) {
            0 => {
                let k = rng.range(2, 3);
                if known * k < 90 {
                    age.push(known * k);
                    let times = if k == 2 { "twice" } else { "three times" };
                    lines.push(format!("{x} is {times} as old as {y}"));
                    continue;
                }
            }
            1 => {
                // In some years x will be twice as old as y then.
                let years = rng.range(1, 9);
                if 2 * (known + years) - years < 90 {
                    age.push(2 * (known + years) - years);
                    lines.push(format!(
                        "in {} {x} will be twice as old as {y} will be then",
                        counted(years, "year", "years")
                    ));
                    continue;
                }
            }
            2 if known > 8 => {
                let less = rng.range(1, 5);
                age.push(known - less);
                let less = counted(less, "year", "years");
                lines.push(format!("{x} is {less} younger than {y}"));
                continue;
            }
            _ => {}
        }
        let more = rng.range(1, 12);
        age.push(known + more);
        let more = counted(more, "year", "years");
        lines.push(format!("{x} is {more} older than {y}"));
    }
    let sum: i64 = age.iter().sum();
    let asked = rng.count(0, who.len() - 1);
    rng.shuffle(&mut lines);
    let question = format!(
        "{}. The ages of {} add up to {sum} years. How many years old is {}? {INTEGER}",
        lines
            .iter()
            .map(|line| capital(line))
            .collect::<Vec<_>>()
            .join(". "),
        and(&who),
        who[asked]
    );
    Draft::new(question, age[asked], facts).unit("years")
}

fn production(rng: &mut Rng, d: u8) -> Draft {
    let steps = dial(d, 2, 9);
    let name = *rng.pick(&NAMES);
    let (one, thing) = *rng.pick(&THINGS);
    let (mut rate, hours) = (rng.range(4, 30), rng.range(4, 9));
    let mut stock = rng.range(0, 50);
    let mut text = vec![format!(
        "{name}'s workshop has {} in stock and makes {rate} {thing} an hour. A day of work has {hours} hours.",
        match stock {
            0 => format!("no {thing}"),
            n => counted(n, one, thing),
        }
    )];
    for step in 0..steps {
        // Work comes first, so that there is something to sell, and last, so that all rates count.
        let event = match step {
            0 => 4,
            step if step == steps - 1 => 4,
            _ => rng.below(5),
        };
        match event {
            0 => {
                let more = rng.range(1, 9);
                rate += more;
                text.push(format!(
                    "Then a new machine raises the output by {more} {thing} an hour.",
                    thing = if more == 1 { one } else { thing }
                ));
            }
            1 => {
                let sold = rng.range(stock / 4, stock / 2 + 1).min(stock);
                stock -= sold;
                text.push(format!("Then {sold} {thing} are sold."));
            }
            2 => {
                stock -= stock / 10;
                text.push(format!(
                    "Then one in every ten of the {thing} in stock gets lost; a remainder of less than ten stays."
                ));
            }
            _ => {
                let days = rng.range(1, 6);
                stock += rate * hours * days;
                text.push(match days {
                    1 => "Then the workshop works for a day.".to_owned(),
                    _ => format!("Then the workshop works for {days} days."),
                });
            }
        }
    }
    let question = format!(
        "{} How many {thing} are in stock at the end? {INTEGER}",
        text.join(" ")
    );
    Draft::new(question, stock, steps).unit(thing)
}

fn tank(rng: &mut Rng, d: u8) -> Draft {
    let phases = dial(d, 1, 7);
    let start = rng.range(300, 900);
    let mut level = Ratio::whole(start);
    let mut parts = Vec::new();
    for _ in 0..phases {
        let (rate, minutes) = (
            // 2 to 30: never the one litre that would ask for another verb.
            Ratio::of(4 * rng.range(2, 29) + *rng.pick(&[0, 0, 1, 2, 4]), 4),
            rng.range(5, 45),
        );
        let flow = rate.times(Ratio::whole(minutes)).unwrap_or(level);
        let after = level.minus(flow).unwrap_or(level);
        let rate = format!("{} litres", rate.decimal());
        if rng.coin() && !after.is_negative() {
            level = after;
            parts.push(format!("{rate} a minute run out for {minutes} minutes"));
        } else {
            level = level.plus(flow).unwrap_or(level);
            parts.push(format!("{rate} a minute run in for {minutes} minutes"));
        }
    }
    let thing = *rng.pick(&["tank", "pond", "cistern", "pool"]);
    let question = format!(
        "A {thing} holds {start} litres of water and has room for much more. {}{}. How many litres does it hold then? Answer with an exact number: an integer, a decimal or a fraction a/b.",
        if parts.len() == 1 {
            ""
        } else {
            "One after the other, "
        },
        and(&parts)
    );
    Draft::new(question, level.decimal(), phases).unit("litres")
}

fn relatives(rng: &mut Rng, d: u8) -> Draft {
    let links = dial(d, 2, 9) as usize;
    let who = names(rng, links + 1);
    // Generations above the first person; every link is a parent or a child of the one before.
    let mut text = Vec::new();
    let mut level = 0_i64;
    for pair in who.windows(2) {
        let up = rng.coin();
        level += if up { 1 } else { -1 };
        text.push(match (up, rng.coin()) {
            (true, true) => format!("{} is a parent of {}.", pair[1], pair[0]),
            (true, false) => format!("{} is a child of {}.", pair[0], pair[1]),
            (false, true) => format!("{} is a parent of {}.", pair[0], pair[1]),
            (false, false) => format!("{} is a child of {}.", pair[1], pair[0]),
        });
    }
    rng.shuffle(&mut text);
    let last = who[links];
    let question = format!(
        "{} In this family everyone belongs to one generation: parents are one generation above their children, and both parents of a child are of the same generation. By how many generations is {last} above {}? Answer with an integer: 0 for the same generation, and a negative number if {last} is below {}.",
        text.join(" "),
        who[0],
        who[0]
    );
    Draft::new(question, level, links as i64)
}
