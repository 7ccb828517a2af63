//! Rows of a corpus whose faults are planted: what every step of the pipeline has to drop is known.
//!
//! A row is a function of the seed and its number alone, so a copy can be made of any row.

use std::collections::BTreeMap;

use serde_json::json;

use super::text::{Random, Vocabulary, number};

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Clean,
    Unfinished,
    EmptyThought,
    Refusal,
    LongParagraph,
    CodeInMath,
    MixedLanguage,
    Repetition,
    ExactCopy,
    NearCopy,
    Question(Change),
    Reply,
}

/// How a benchmark's question was changed before it was planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    None,
    Case,
    Numbers,
    Words,
}

/// Rows of a thousand with each fault.
const FATES: [(Fate, usize); 14] = [
    (Fate::Unfinished, 20),
    (Fate::EmptyThought, 10),
    (Fate::Refusal, 5),
    (Fate::LongParagraph, 10),
    (Fate::CodeInMath, 10),
    (Fate::MixedLanguage, 10),
    (Fate::Repetition, 20),
    (Fate::ExactCopy, 30),
    (Fate::NearCopy, 30),
    (Fate::Question(Change::None), 3),
    (Fate::Question(Change::Case), 3),
    (Fate::Question(Change::Numbers), 3),
    (Fate::Question(Change::Words), 3),
    (Fate::Reply, 5),
];

impl Fate {
    /// The reason that the pipeline's record gives for such rows; none: they stay.
    pub fn reason(self) -> Option<&'static str> {
        Some(match self {
            Self::Clean => return None,
            Self::Unfinished => "unfinished",
            Self::EmptyThought => "empty_thought",
            Self::Refusal => "refusal",
            Self::LongParagraph => "long_paragraph",
            Self::CodeInMath => "code_in_math",
            Self::MixedLanguage => "mixed_language",
            Self::Repetition => "repetition",
            Self::ExactCopy => "dedup_exact: trace",
            Self::NearCopy => "dedup_near",
            Self::Question(_) => "decontaminate: question",
            Self::Reply => "decontaminate: reply",
        })
    }
}

/// The makers of a corpus.
pub struct Plant {
    seed: u64,
    words: Vocabulary,
    /// The benchmark's questions.
    pub questions: Vec<String>,
}

/// Traces of each problem.
const TRACES: u64 = 4;
/// The median of a thought's bytes, and the deviation of its logarithm: a mean of some 4.8 KB.
const THOUGHT: (f64, f64) = (3400.0, 0.8);
const BOUNDS: (f64, f64) = (500.0, 60_000.0);
/// One word of so many is another one in a near copy.
const NEAR: usize = 100;

struct Row {
    problem: String,
    thought: String,
    answer: String,
    domain: &'static str,
    result: usize,
}

impl Plant {
    pub fn new(seed: u64, questions: usize) -> Self {
        let words = Vocabulary::new();
        let question = |at| words.problem(&mut Random::new(seed ^ 0x0be4_c4b3, at as u64));
        let questions = (0..questions).map(question).collect();
        Self {
            seed,
            words,
            questions,
        }
    }

    pub fn fate(&self, number: u64) -> Fate {
        let mut place = Random::new(self.seed ^ 0xfa7e, number).below(1000);
        for (fate, share) in FATES {
            if place < share {
                let copy = matches!(fate, Fate::ExactCopy | Fate::NearCopy);
                let alone = copy && self.original(number).is_none();
                return if alone { Fate::Clean } else { fate };
            }
            place -= share;
        }
        Fate::Clean
    }

    /// The row that a copy is of: a clean one before it.
    fn original(&self, number: u64) -> Option<u64> {
        let first = Random::new(self.seed ^ 0xc0b1, number).below(number as usize) as u64;
        let clean: usize = 1000 - FATES.iter().map(|(_, share)| share).sum::<usize>();
        let is_clean =
            |row: &u64| Random::new(self.seed ^ 0xfa7e, *row).below(1000) >= 1000 - clean;
        (0..number.min(first + 1)).rev().find(is_clean)
    }

    fn clean(&self, number: u64) -> Row {
        let problem = number / TRACES;
        let mut asked = Random::new(self.seed ^ 0x9b0b, problem);
        let mut random = Random::new(self.seed ^ 0x7ace, number);
        let bytes = random.log_normal(THOUGHT.0, THOUGHT.1);
        let result = self::number(&mut asked);
        Row {
            problem: self.words.problem(&mut asked),
            thought: self
                .words
                .thought(&mut random, bytes.clamp(BOUNDS.0, BOUNDS.1) as usize),
            answer: self.words.answer(&mut random, result),
            domain: ["math", "math", "math", "code", "general"][asked.below(5)],
            result,
        }
    }

    /// The row as a line of JSON.
    pub fn line(&self, number: u64, fate: Fate) -> String {
        let mut random = Random::new(self.seed ^ 0xfa17, number);
        let copy = matches!(fate, Fate::ExactCopy | Fate::NearCopy);
        let of = self.original(number).filter(|_| copy).unwrap_or(number);
        let mut row = self.clean(of);
        let mut closed = true;
        match fate {
            Fate::Clean => {}
            Fate::Unfinished => closed = false,
            Fate::EmptyThought => row.thought.clear(),
            Fate::Refusal => row.answer = "I'm sorry, but I can't help with that.".to_owned(),
            Fate::LongParagraph => {
                let long = self.words.thought(&mut random, 6200);
                // Characters count, not bytes, and some are of two.
                row.thought.push_str(&long.replace('\n', " "));
            }
            Fate::CodeInMath => {
                row.domain = "math";
                let n = random.below(900);
                let code = format!("```python\nfor i in range({n}):\n    print(i * {n})\n```\n");
                row.thought.push_str(&code);
            }
            Fate::MixedLanguage => {
                let said = "所以我们先把两边的数加起来，然后再检查结果是否正确。";
                let letters = row.thought.len() / 2500 + 1;
                row.thought.extend(std::iter::repeat_n(said, letters));
            }
            Fate::Repetition => {
                let words = self.words.thought(&mut random, 120);
                let turn: Vec<&str> = words.split_whitespace().take(25).collect();
                row.thought.push_str(&(turn.join(" ") + ". ").repeat(12));
            }
            Fate::ExactCopy => {
                if random.below(2) == 0 {
                    row.thought = row.thought.to_lowercase().replace(' ', "  ");
                    row.problem = row.problem.to_uppercase();
                }
            }
            Fate::NearCopy => self.edit(&mut random, &mut row.thought),
            Fate::Question(change) => row.problem = self.changed(&mut random, change),
            Fate::Reply => {
                let question = &self.questions[random.below(self.questions.len())];
                row.thought.push_str("I know a question like it: ");
                row.thought.push_str(question);
                row.thought.push_str(" But that is another one.\n");
            }
        }
        let completion = match closed {
            true => format!("<think>\n{}\n</think>\n\n{}", row.thought, row.answer),
            false => format!("<think>\n{}", row.thought),
        };
        let line = json!({
            "id": format!("row-{number}"), "question": row.problem,
            "gold": row.result.to_string(), "domain": row.domain, "teacher": "made",
            "completion": completion, "finish_reason": "stop",
            "completion_tokens": completion.len() / 4,
        });
        format!("{line}\n")
    }

    fn edit(&self, random: &mut Random, thought: &mut String) {
        let mut words: Vec<&str> = thought.split(' ').collect();
        for _ in 0..(words.len() / NEAR).max(1) {
            let at = random.below(words.len());
            words[at] = self.words.other_word(random);
        }
        *thought = words.join(" ");
    }

    fn changed(&self, random: &mut Random, change: Change) -> String {
        let question = &self.questions[random.below(self.questions.len())];
        match change {
            Change::None => question.clone(),
            Change::Case => question.to_uppercase().replace(' ', " \n "),
            Change::Numbers => {
                let other = |c: char| match c.to_digit(10) {
                    Some(digit) => char::from_digit((digit + 3) % 10, 10).unwrap_or(c),
                    None => c,
                };
                question.chars().map(other).collect()
            }
            Change::Words => {
                let mut words: Vec<&str> = question.split(' ').collect();
                for at in (4..words.len()).step_by(9) {
                    words[at] = self.words.other_word(random);
                }
                words.join(" ")
            }
        }
    }

    /// How often each reason has to be given.
    pub fn expected(counts: &BTreeMap<Fate, u64>) -> BTreeMap<String, u64> {
        let mut expected = BTreeMap::new();
        for (fate, count) in counts {
            if let Some(reason) = fate.reason() {
                *expected.entry(reason.to_owned()).or_default() += count;
            }
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_depend_on_seed_and_number_alone() {
        let (a, b) = (Plant::new(1, 10), Plant::new(1, 10));
        assert_eq!(a.line(77, Fate::Clean), b.line(77, Fate::Clean));
        assert_ne!(
            a.line(77, Fate::Clean),
            Plant::new(2, 10).line(77, Fate::Clean)
        );
        assert_ne!(a.line(77, Fate::Clean), a.line(78, Fate::Clean));
    }

    #[test]
    fn copies_are_of_clean_rows_before_them() {
        let plant = Plant::new(3, 10);
        let mut copies = 0;
        for number in 0..5000 {
            if let Fate::ExactCopy | Fate::NearCopy = plant.fate(number) {
                let original = plant.original(number).unwrap();
                assert!(original < number && plant.fate(original) == Fate::Clean);
                copies += 1;
            }
        }
        assert!((200..400).contains(&copies), "{copies}");
        assert_eq!(plant.original(0), None);
    }
}
