//! `retort problems`: fresh problems with exact checkers.

use std::io::{self, Write};

use anyhow::Result;
use retort_problems::{Weight, families, mixture};

use crate::Outcome;
use crate::failure::Failure;

/// Make fresh problems whose answers are known
///
/// Each line has the question, its answer, and the family, difficulty and seed that make it again
/// and check any answer to it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// List the families instead
    #[arg(long, conflicts_with = "count")]
    list: bool,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    count: usize,
    /// Families or domains, all alike if there is none: NAME or NAME:LOW-HIGH, difficulties 1 to 10
    #[arg(short, long, value_name = "NAME[:LOW-HIGH]")]
    family: Vec<String>,
    /// Same seed, same problems
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

const EXAMPLES: &str = "\
Examples
  retort problems --list
  retort problems -n 10000 --seed 1 > problems.jsonl
  retort problems -n 500 -f algebra:3-6 -f countdown:1-4 > mixed.jsonl";

pub fn run(args: &Args) -> Result<Outcome> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.list {
        for family in families() {
            writeln!(
                out,
                "{:<24} {:<14} {}",
                family.name,
                family.domain.name(),
                family.description
            )?;
        }
        out.flush()?;
        return Ok(Outcome::Done);
    }
    let weights = args
        .family
        .iter()
        .map(|text| weight(text))
        .collect::<Result<Vec<Weight>>>()?;
    for problem in mixture(args.seed, &weights)?.take(args.count) {
        writeln!(out, "{}", serde_json::to_string(&problem)?)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn weight(text: &str) -> Result<Weight> {
    let (name, range) = text.split_once(':').unwrap_or((text, "1-10"));
    let bounds = range.split_once('-').unwrap_or((range, range));
    let (Ok(low), Ok(high)) = (bounds.0.parse(), bounds.1.parse()) else {
        let hint = "write NAME or NAME:LOW-HIGH, as in algebra:3-6";
        return Err(Failure::new(format!("`{text}` is no family with difficulties"), hint).into());
    };
    Ok(Weight {
        difficulty: (low, high),
        ..Weight::new(name, 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_difficulty_are_read() {
        assert_eq!(weight("a:3-6").unwrap().difficulty, (3, 6));
        assert_eq!(weight("a:4").unwrap().difficulty, (4, 4));
        assert_eq!(weight("a").unwrap().difficulty, (1, 10));
        assert!(weight("a:hard").is_err());
    }
}
