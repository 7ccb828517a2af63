//! Families of fresh problems with exact checkers.
//!
//! A problem is a function of its family, a difficulty from 1 to 10 and a seed, and is the same on
//! every platform and in every release that keeps [`VERSION`]: only integers and this crate's own
//! [`Rng`] decide. [`check`] compares answers exactly, but for harmless ways of writing them, and
//! takes any right answer where there are many.
//!
//! ```
//! let problem = retort_problems::generate("countdown", 3, 7)?;
//! assert!(retort_problems::check(&problem, &problem.answer).equal);
//! # Ok::<(), retort_problems::ProblemError>(())
//! ```

mod check;
mod error;
mod expr;
mod families;
mod mixture;
mod problem;
mod ratio;
mod rng;
mod words;

pub use check::{LONGEST_ANSWER, check};
pub use error::ProblemError;
pub use families::{families, family};
pub use mixture::{Mixture, Weight, mixture};
pub use problem::{AnswerKind, Check, Domain, Family, Problem};
pub use ratio::Ratio;
pub use rng::Rng;

/// Changes whenever any problem of a given family, difficulty and seed does.
pub const VERSION: u32 = 2;

/// The problem of a family at a difficulty from 1 to 10.
pub fn generate(family: &str, difficulty: u8, seed: u64) -> Result<Problem, ProblemError> {
    families::family(family)?.generate(difficulty, seed)
}

impl Family {
    /// The problem at a difficulty from 1 to 10.
    pub fn generate(&self, difficulty: u8, seed: u64) -> Result<Problem, ProblemError> {
        if !(1..=10).contains(&difficulty) {
            return Err(ProblemError::Difficulty {
                family: self.name.to_owned(),
                got: difficulty,
            });
        }
        let name = rng::hash(self.name.as_bytes());
        let mut rng = Rng::new(&[name, u64::from(difficulty), seed]);
        let draft = (self.make)(&mut rng, difficulty);
        Ok(Problem {
            family: self.name.to_owned(),
            difficulty,
            seed,
            question: draft.question,
            answer: draft.answer,
            kind: self.answer_kind,
            size: draft.size,
            meta: draft.meta,
        })
    }
}
