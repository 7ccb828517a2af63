//! An endless stream of problems from many families.

use crate::error::ProblemError;
use crate::families::{families, find};
use crate::problem::{Family, Problem};
use crate::rng::Rng;

/// Seeds stay below this, so that they survive JSON and JavaScript, whose numbers are doubles.
const SEEDS: u64 = 1 << 53;

/// How often a family, or a domain, comes up and how hard it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// A family's name, or a domain's for each of its families; `*` for all.
    pub family: String,
    /// Relative to the other weights, for each family that is named.
    pub weight: u32,
    /// The easiest and the hardest, from 1 to 10.
    pub difficulty: (u8, u8),
}

impl Weight {
    /// All difficulties of one family or domain.
    pub fn new(family: impl Into<String>, weight: u32) -> Self {
        Self {
            family: family.into(),
            weight,
            difficulty: (1, 10),
        }
    }
}

/// See [`mixture`].
#[derive(Debug, Clone)]
pub struct Mixture {
    seed: u64,
    /// Families with the sum of the weights up to and including theirs.
    parts: Vec<(u64, &'static Family, (u8, u8))>,
    next: u64,
}

/// An endless stream of problems. No weights means all families alike; later weights of a family
/// are added to earlier ones. Problem `i` depends on the seed, the weights and `i` only.
pub fn mixture(seed: u64, weights: &[Weight]) -> Result<Mixture, ProblemError> {
    let everything = [Weight::new("*", 1)];
    let weights = if weights.is_empty() {
        &everything
    } else {
        weights
    };
    let mut parts = Vec::new();
    let mut total = 0_u64;
    for weight in weights {
        let (low, high) = weight.difficulty;
        if low < 1 || high > 10 || low > high {
            return Err(ProblemError::Range {
                family: weight.family.clone(),
                low,
                high,
            });
        }
        for family in select(&weight.family)? {
            if weight.weight > 0 {
                total += u64::from(weight.weight);
                parts.push((total, family, weight.difficulty));
            }
        }
    }
    if parts.is_empty() {
        return Err(ProblemError::NoWeight);
    }
    Ok(Mixture {
        seed,
        parts,
        next: 0,
    })
}

fn select(name: &str) -> Result<Vec<&'static Family>, ProblemError> {
    if name == "*" {
        return Ok(families().iter().collect());
    }
    let domain: Vec<_> = families()
        .iter()
        .filter(|family| family.domain.name() == name)
        .collect();
    match domain.is_empty() {
        true => find(name).map(|family| vec![family]),
        false => Ok(domain),
    }
}

impl Mixture {
    /// Problem `index` of the stream, without making those before it: for resuming.
    pub fn at(&self, index: u64) -> Problem {
        let mut rng = Rng::new(&[self.seed, index]);
        let total = self.parts.last().map_or(0, |part| part.0);
        let drawn = rng.below(total);
        let at = self.parts.partition_point(|part| part.0 <= drawn);
        let (_, family, (low, high)) = self.parts[at.min(self.parts.len() - 1)];
        let difficulty = rng.range(i64::from(low), i64::from(high)) as u8;
        family
            .generate(difficulty, rng.below(SEEDS))
            .expect("difficulties were checked when the mixture was made")
    }
}

impl Iterator for Mixture {
    type Item = Problem;

    fn next(&mut self) -> Option<Problem> {
        let problem = self.at(self.next);
        self.next = self.next.wrapping_add(1);
        Some(problem)
    }
}
