//! Problems whose answers are known: made here, asked of the student, and its answer checked here.

use retort_problems::{Problem, families, generate};
use retort_verify::{Options, extract};
use serde::{Deserialize, Serialize};

use super::conversation::{Conversation, Turn};
use super::{App, Effect, Moment};

/// Small students get some of these right, which is when it is worth looking.
const DIFFICULTY: u8 = 2;

/// What follows the problem, so that the answer can be told from the words around it.
const INSTRUCTION: &str = "\n\nPut the final answer within \\boxed{}.";

/// Which problem a question is; from this it is made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercise {
    pub family: String,
    pub difficulty: u8,
    pub seed: u64,
}

/// What came of checking an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub right: bool,
    /// A right answer.
    pub expected: String,
    /// The answer that was found in the reply; none if it gives none.
    pub found: Option<String>,
    /// Whether other answers than `expected` are right as well.
    pub many: bool,
}

impl Exercise {
    /// Another one for another number, and its question.
    fn fresh(random: u64) -> Option<(Self, String)> {
        let families = families();
        let family = families.get(random as usize % families.len().max(1))?;
        // Storage keeps numbers as JavaScript does.
        let seed = u64::from((random >> 16) as u32);
        let problem = family.generate(DIFFICULTY, seed).ok()?;
        let exercise = Self {
            family: problem.family,
            difficulty: DIFFICULTY,
            seed,
        };
        Some((exercise, problem.question + INSTRUCTION))
    }

    /// The problem; none if it is another than `question` asks, as in another release.
    fn problem(&self, question: &str) -> Option<Problem> {
        let problem = generate(&self.family, self.difficulty, self.seed).ok()?;
        question.starts_with(&problem.question).then_some(problem)
    }

    /// Compares the final answer of a reply to `question`.
    fn check(&self, question: &str, reply: &str) -> Option<Checked> {
        let problem = self.problem(question)?;
        let found = extract(reply, &Options::default()).map(|found| found.answer.to_owned());
        let right =
            (found.as_deref()).is_some_and(|answer| retort_problems::check(&problem, answer).equal);
        let family = retort_problems::family(&problem.family).ok()?;
        Some(Checked {
            right,
            expected: problem.answer,
            found,
            many: family.has_many_answers(),
        })
    }
}

impl Checked {
    /// For people.
    pub fn in_words(&self) -> String {
        let Self {
            right,
            expected,
            found,
            many,
        } = self;
        let answer = match many {
            true => "A right answer is",
            false => "The answer is",
        };
        match (right, found) {
            (true, _) => "Right.".to_owned(),
            (false, Some(_)) => format!("Wrong. {answer} {expected}."),
            (false, None) => format!("No final answer was found. {answer} {expected}."),
        }
    }
}

impl Conversation {
    /// Checks the reply at the end, if the question before it is an exercise.
    pub(super) fn check_last(&mut self) {
        let [.., Turn::User { text, exercise }, Turn::Student(reply)] = self.turns.as_mut_slice()
        else {
            return;
        };
        if let Some(exercise) = exercise {
            reply.checked = exercise.check(text, &reply.answer);
        }
    }
}

impl App {
    /// Asks a fresh problem.
    pub(super) fn exercise(&mut self, moment: Moment) -> Vec<Effect> {
        match Exercise::fresh(moment.random) {
            Some((exercise, question)) if self.can_send() => {
                self.send_question(question, Some(exercise), moment)
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_answers_are_told_from_wrong_ones() {
        for random in (0..400).map(|n: u64| n * 0x9e37_79b9_7f4a_7c15) {
            let (exercise, question) = Exercise::fresh(random).unwrap();
            let problem = exercise.problem(&question).unwrap();
            let reply = |answer: &str| format!("So it is $\\boxed{{{answer}}}$.");
            let check = |answer: &str| exercise.check(&question, &reply(answer)).unwrap();
            let right = check(&problem.answer);
            assert!(right.right, "{}: {right:?}", exercise.family);
            let wrong = check("no such answer");
            assert!(!wrong.right, "{}: {wrong:?}", exercise.family);
            assert_eq!(wrong.expected, problem.answer);
            let none = exercise.check(&question, "").unwrap();
            assert_eq!((none.right, none.found), (false, None));
        }
    }

    #[test]
    fn a_problem_of_another_release_is_not_judged() {
        let (exercise, question) = Exercise::fresh(5).unwrap();
        assert_eq!(exercise.check(&format!("Old: {question}"), "1"), None);
        let gone = Exercise {
            family: "gone".into(),
            ..exercise
        };
        assert_eq!(gone.check(&question, "1"), None);
    }
}
