//! Probability, in exact fractions.

use super::counting::choose;
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
    Family::new(
        name,
        Domain::Probability,
        Rational,
        description,
        measure,
        make,
    )
}

pub(super) const FAMILIES: &[Family] = &[
    new("dice_sum", "The sum of several dice", "dice × sides", dice),
    new(
        "urn_draw",
        "Colours of balls drawn without putting back",
        "balls",
        urn,
    ),
    new(
        "biased_coin",
        "At least so many heads of a biased coin",
        "tosses",
        coin,
    ),
    new(
        "expected_value",
        "The mean gain of a wheel, spun several times",
        "sectors",
        wheel,
    ),
    new(
        "two_sources",
        "Where a faulty piece came from (Bayes)",
        "sources",
        sources,
    ),
    new(
        "first_success",
        "Who wins a game of taking turns",
        "players",
        turns,
    ),
];

fn dice(rng: &mut Rng, d: u8) -> Draft {
    let (count, most) = (dial(d, 2, 5), dial(d, 6, 12));
    let dice: Vec<i64> = (0..count).map(|_| rng.range(4, most)).collect();
    let highest: i64 = dice.iter().sum();
    let mut ways = vec![1_i64];
    for sides in &dice {
        let mut next = vec![0; ways.len() + *sides as usize];
        for (sum, n) in ways.iter().enumerate() {
            for face in 1..=*sides as usize {
                next[sum + face] += n;
            }
        }
        ways = next;
    }
    let goal = rng.range(count + 1, highest - 1);
    let total: i64 = dice.iter().product();
    let (text, good) = match rng.below(3) {
        0 => (format!("exactly {goal}"), ways[goal as usize]),
        1 => (
            format!("at least {goal}"),
            ways[goal as usize..].iter().sum(),
        ),
        _ => (
            format!("less than {goal}"),
            ways[..goal as usize].iter().sum(),
        ),
    };
    let question = format!(
        "{count} fair dice are rolled, with {} sides; the sides of each are numbered from 1. What is the probability that the sum is {text}? {FRACTION}",
        and(&dice)
    );
    Draft::new(question, Ratio::of(good, total), count * most)
}

fn urn(rng: &mut Rng, d: u8) -> Draft {
    let balls = dial(d, 6, 30);
    let colours = rng.sample(&["red", "blue", "green", "white", "black", "yellow"], 3);
    let first = rng.range(2, balls - 3);
    let second = rng.range(1, balls - first - 1);
    let third = balls - first - second;
    let draws = rng.range(2, (balls - 1).min(6));
    let low = (draws - second - third).max(0);
    let wanted = rng.range(low, draws.min(first));
    let good = choose(first, wanted) * choose(balls - first, draws - wanted);
    let some =
        |n: i64, colour: &str| counted(n, &format!("{colour} ball"), &format!("{colour} balls"));
    let question = format!(
        "A bag holds {}, {} and {}. {draws} balls are drawn at random, without putting any back. What is the probability that {} {}? {FRACTION}",
        some(first, colours[0]),
        some(second, colours[1]),
        some(third, colours[2]),
        match wanted {
            0 => "none of them is".to_owned(),
            1 => "exactly 1 of them is".to_owned(),
            n => format!("exactly {n} of them are"),
        },
        colours[0]
    );
    Draft::new(question, Ratio::of(good, choose(balls, draws)), balls)
}

fn coin(rng: &mut Rng, d: u8) -> Draft {
    let tosses = dial(d, 2, 8);
    let den = rng.range(2, 5 + i64::from(d) / 3);
    let num = rng.range(1, den - 1);
    let least = rng.range(1, tosses);
    let good: i64 = (least..=tosses)
        .map(|k| choose(tosses, k) * num.pow(k as u32) * (den - num).pow((tosses - k) as u32))
        .sum();
    let name = names(rng, 1)[0];
    let question = format!(
        "{name} tosses a coin that shows heads with probability {} each time. What is the probability that it shows heads at least {} in {tosses} tosses? {FRACTION}",
        Ratio::of(num, den),
        counted(least, "time", "times")
    );
    Draft::new(question, Ratio::of(good, den.pow(tosses as u32)), tosses)
}

fn wheel(rng: &mut Rng, d: u8) -> Draft {
    let sectors = dial(d, 2, 7);
    let shares: Vec<i64> = (0..sectors).map(|_| rng.range(1, 9)).collect();
    let gains: Vec<i64> = (0..sectors)
        .map(|_| match rng.range(-12, 19) {
            gain if gain < 0 => gain,
            gain => gain + 1,
        })
        .collect();
    let total: i64 = shares.iter().sum();
    let spins = rng.range(1, i64::from(d) + 1);
    let fee = rng.range(1, 9);
    let parts: Vec<String> = shares
        .iter()
        .zip(&gains)
        .map(|(share, gain)| {
            let does = if *gain < 0 { "takes" } else { "gives" };
            let points = counted(gain.abs(), "point", "points");
            format!("at {share} of them it {does} {points}")
        })
        .collect();
    let sum: i64 = shares
        .iter()
        .zip(&gains)
        .map(|(share, gain)| share * gain)
        .sum();
    let question = format!(
        "A spun wheel stops at one of its {total} equal sectors at random: {}. A game costs {} to enter and gives {}. What is the expected total gain in points of a game, with the fee taken off? {FRACTION}",
        and(&parts),
        counted(fee, "point", "points"),
        counted(spins, "spin", "spins")
    );
    Draft::new(
        question,
        Ratio::of(sum * spins - fee * total, total),
        sectors,
    )
}

fn sources(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 5) as usize;
    let shares: Vec<i64> = (0..count).map(|_| rng.range(1, 9) * 10).collect();
    let faults: Vec<i64> = (0..count).map(|_| rng.range(1, 15)).collect();
    let thing = *rng.pick(&["bulbs", "screws", "lenses", "tyres", "clocks", "chips"]);
    let parts: Vec<String> = ('A'..)
        .zip(shares.iter().zip(&faults))
        .map(|(name, (share, fault))| {
            format!("machine {name} makes {share} {thing} an hour, of which {fault}% are faulty")
        })
        .collect();
    let asked = rng.count(0, count - 1);
    let all: i64 = shares.iter().zip(&faults).map(|(s, f)| s * f).sum();
    let question = format!(
        "In a factory, {}. One of the {thing} made in an hour is picked at random and turns out to be faulty. What is the probability that machine {} made it? {FRACTION}",
        and(&parts),
        char::from(b'A' + asked as u8)
    );
    Draft::new(
        question,
        Ratio::of(shares[asked] * faults[asked], all),
        count as i64,
    )
}

fn turns(rng: &mut Rng, d: u8) -> Draft {
    let players = dial(d, 2, 5) as usize;
    let who = names(rng, players);
    let dens: Vec<i64> = (0..players)
        .map(|_| rng.range(2, 6 + i64::from(d) / 2))
        .collect();
    let nums: Vec<i64> = dens.iter().map(|den| rng.range(1, den - 1)).collect();
    let asked = rng.count(0, players - 1);
    // One round: all before fail and this one succeeds; then the same again if all fail.
    let miss = |upto: usize| {
        (0..upto).fold(Ratio::whole(1), |p, i| {
            p.times(Ratio::of(dens[i] - nums[i], dens[i])).unwrap_or(p)
        })
    };
    let wins = || {
        let round = miss(asked).times(Ratio::of(nums[asked], dens[asked]))?;
        round.over(Ratio::whole(1).minus(miss(players))?)
    };
    let chances: Vec<String> = who
        .iter()
        .zip(nums.iter().zip(&dens))
        .map(|(name, (num, den))| format!("{name} hits with probability {}", Ratio::of(*num, *den)))
        .collect();
    let sport = *rng.pick(&[
        "throw darts at a balloon",
        "shoot arrows at a target",
        "throw balls at a can",
    ]);
    let question = format!(
        "{} {sport} in turns, in this order and over and over, until one of them hits and wins. At each try {}. What is the probability that {} wins? {FRACTION}",
        and(&who),
        and(&chances),
        who[asked]
    );
    Draft::new(question, wins().unwrap_or(Ratio::whole(0)), players as i64)
}
