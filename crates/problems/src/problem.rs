//! What a problem, a family and a verdict are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rng::Rng;

/// The field of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Domain {
    Arithmetic,
    Algebra,
    NumberTheory,
    Combinatorics,
    Probability,
    Geometry,
    Time,
    Rates,
    Logic,
    Puzzles,
    Sequences,
    Strings,
    Lists,
    Programs,
    Games,
    Stories,
}

impl Domain {
    /// As it is written in files and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arithmetic => "arithmetic",
            Self::Algebra => "algebra",
            Self::NumberTheory => "number_theory",
            Self::Combinatorics => "combinatorics",
            Self::Probability => "probability",
            Self::Geometry => "geometry",
            Self::Time => "time",
            Self::Rates => "rates",
            Self::Logic => "logic",
            Self::Puzzles => "puzzles",
            Self::Sequences => "sequences",
            Self::Strings => "strings",
            Self::Lists => "lists",
            Self::Programs => "programs",
            Self::Games => "games",
            Self::Stories => "stories",
        }
    }
}

/// How an answer is written, and so how it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnswerKind {
    /// A whole number; `1,234`, `+12` and `12.0` are read too.
    Integer,
    /// A fraction, a decimal or a mixed number of exactly the value.
    Rational,
    /// A fraction that must be in lowest terms.
    LowestTerms,
    /// Numbers in order, separated by commas or spaces.
    NumberList,
    /// Different numbers in any order.
    NumberSet,
    /// An expanded polynomial in x, terms in any order.
    Polynomial,
    /// A product of prime powers, `2^3 * 5`, factors in any order.
    Factors,
    /// Digits of a number in some base, letters of either case.
    Digits,
    /// A word; its case does not matter.
    Word,
    /// Text that is compared letter for letter.
    Text,
    /// Words in order, separated by commas; their case does not matter.
    WordList,
    /// A time of day, `14:05` or `2:05 pm`.
    Clock,
    /// A date, `2031-04-09`.
    Date,
    /// `Name: role` for each name, in any order.
    Assignment,
    /// An arithmetic expression, of which any that obeys the rules is right.
    Expression,
    /// A sequence of moves, of which any that reaches the goal is right.
    Moves,
}

/// A family of problems.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Unique, in snake case.
    pub name: &'static str,
    pub domain: Domain,
    /// One line for people.
    pub description: &'static str,
    pub answer_kind: AnswerKind,
    /// What [`Problem::size`] counts in this family.
    pub measure: &'static str,
    pub(crate) make: fn(&mut Rng, u8) -> Draft,
    pub(crate) checker: Option<fn(&Problem, &str) -> Check>,
}

impl Family {
    pub(crate) const fn new(
        name: &'static str,
        domain: Domain,
        answer_kind: AnswerKind,
        description: &'static str,
        measure: &'static str,
        make: fn(&mut Rng, u8) -> Draft,
    ) -> Self {
        Self {
            name,
            domain,
            description,
            answer_kind,
            measure,
            make,
            checker: None,
        }
    }

    /// For families with many right answers: what decides instead of a comparison with the gold.
    pub(crate) const fn checked_by(mut self, checker: fn(&Problem, &str) -> Check) -> Self {
        self.checker = Some(checker);
        self
    }

    /// Whether answers other than [`Problem::answer`] may be right.
    pub fn has_many_answers(&self) -> bool {
        self.checker.is_some()
    }
}

/// A problem with its answer. All of it follows from family, difficulty and seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A name of [`families`](crate::families).
    pub family: String,
    /// 1 to 10.
    pub difficulty: u8,
    pub seed: u64,
    /// For the solver, with how to write the answer.
    pub question: String,
    /// The gold answer as text; one of many if [`Family::has_many_answers`].
    pub answer: String,
    pub kind: AnswerKind,
    /// How hard it is, by the family's measure.
    pub size: u64,
    /// What the checker needs besides the gold: numbers to use, a starting position, a unit.
    #[serde(default)]
    pub meta: Map<String, Value>,
}

/// The verdict on an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// 1 for a right answer, 0 for a wrong one.
    pub score: f32,
    /// Whether the answer is right.
    pub equal: bool,
    /// Why it is not, for people; empty if it is right.
    pub reason: String,
}

impl Check {
    pub(crate) fn right() -> Self {
        Self {
            score: 1.0,
            equal: true,
            reason: String::new(),
        }
    }

    pub(crate) fn wrong(reason: impl Into<String>) -> Self {
        Self {
            score: 0.0,
            equal: false,
            reason: reason.into(),
        }
    }

    pub(crate) fn of(right: bool, reason: impl Into<String>) -> Self {
        if right {
            Self::right()
        } else {
            Self::wrong(reason)
        }
    }
}

/// What a family's function makes: a problem that does not know its own name yet.
#[derive(Debug)]
pub(crate) struct Draft {
    pub question: String,
    pub answer: String,
    pub size: u64,
    pub meta: Map<String, Value>,
}

impl Draft {
    pub fn new(question: impl Into<String>, answer: impl ToString, size: i64) -> Self {
        Self {
            question: question.into(),
            answer: answer.to_string(),
            size: size.max(0) as u64,
            meta: Map::new(),
        }
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(key.to_owned(), value.into());
        self
    }

    /// A unit that may follow the number, though the question asks for the number alone.
    pub fn unit(self, unit: &str) -> Self {
        self.with("unit", unit)
    }
}
