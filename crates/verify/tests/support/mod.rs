//! The figures of the acceptance data, for the test and the example.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use retort_verify::{Kind, Options, Rule, Verdict, extract, verify};
use serde_json::Value;

/// Agreement of our verdicts with somebody else's.
#[derive(Default)]
pub struct Figures {
    pub name: String,
    pub pairs: usize,
    pub agree: usize,
    /// We say equal, they do not.
    pub accepts: Vec<String>,
    /// They say equal, we do not.
    pub rejects: Vec<String>,
    pub seconds: f64,
}

impl Figures {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    fn add(&mut self, expected: bool, verdict: &Verdict, gold: &str, pred: &str) {
        self.pairs += 1;
        if verdict.equal == expected {
            self.agree += 1;
            return;
        }
        let tail: String = pred
            .chars()
            .rev()
            .take(90)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let note = format!("gold {gold:?} reply {tail:?}: {verdict:?}");
        if expected {
            self.rejects.push(note);
        } else {
            self.accepts.push(note);
        }
    }

    pub fn rate(&self) -> f64 {
        self.agree as f64 / self.pairs.max(1) as f64
    }

    pub fn false_accepts(&self) -> f64 {
        self.accepts.len() as f64 / self.pairs.max(1) as f64
    }

    pub fn line(&self) -> String {
        format!(
            "{:<28} {:>5} pairs, {:>6.2} % agree, {} false accepts ({:.2} %), {} false rejects, {:.0} pairs/s",
            self.name,
            self.pairs,
            self.rate() * 100.0,
            self.accepts.len(),
            self.false_accepts() * 100.0,
            self.rejects.len(),
            self.pairs as f64 / self.seconds.max(1e-9),
        )
    }
}

fn rows(path: &Path) -> Vec<Value> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    if path.extension().is_some_and(|end| end == "gz") {
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        { file }.read_to_string(&mut text).unwrap();
    }
    text.split('\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What the options of a row of answer pairs mean to us.
fn pair_options(row: &Value) -> Options {
    let mut options = Options::default();
    let given = &row["options"];
    if row["kind"] == "extract_choice" {
        options.kind = Kind::Choice;
    }
    // Some projects mean decimals by a whole number and a tolerance by a small one.
    if let Some(precision) = given["precision"].as_f64() {
        if precision < 1.0 {
            options.tolerance.absolute = Some(precision);
        } else {
            options.tolerance.decimals = Some(precision as u32);
        }
    }
    // These projects compare numbers with a tolerance of their own.
    if given["percent_lenient"].as_bool() == Some(true) {
        options.tolerance.relative = Some(1e-4);
    }
    if given["fn"].is_string() {
        options.tolerance.relative = Some(1e-3);
    }
    options
}

pub fn answer_pairs(data: &Path) -> Figures {
    let mut figures = Figures::new("answer_pairs");
    let rows = rows(&data.join("equivalence/answer_pairs.jsonl"));
    let start = Instant::now();
    for row in rows.iter().filter(|row| row["conflicting"] != true) {
        let (gold, pred) = (text(&row["gold"]), text(&row["pred"]));
        let verdict = verify(&gold, &pred, &pair_options(row));
        figures.add(row["equal"] == true, &verdict, &gold, &pred);
    }
    figures.seconds = start.elapsed().as_secs_f64();
    figures
}

pub fn normalize_extract(data: &Path) -> Figures {
    let mut figures = Figures::new("normalize_extract");
    let rows = rows(&data.join("equivalence/normalize_extract.jsonl"));
    let start = Instant::now();
    for row in &rows {
        let test = text(&row["test"]);
        let input = match &row["raw_string"] {
            Value::Null => text(&row["input_str"]),
            raw => text(raw),
        };
        let expected = text(&row["expected"]);
        let kind = if test.contains("choice") {
            Kind::Choice
        } else {
            Kind::Auto
        };
        let options = Options::of(kind);
        let mut verdict = verify(&expected, &input, &options);
        if expected.is_empty() || expected == input {
            // No answer is marked: at most the whole text is taken for one.
            let found = extract(&input, &options);
            verdict.equal = found.is_none_or(|found| found.rule == Rule::Whole);
        }
        figures.add(true, &verdict, &expected, &input);
    }
    figures.seconds = start.elapsed().as_secs_f64();
    figures
}

pub fn qwen_math(data: &Path) -> Figures {
    let mut figures = Figures::new("qwen25math_cot_100x8");
    let rows = rows(&data.join("graded/qwen25math_cot_100x8.jsonl.gz"));
    let start = Instant::now();
    for row in &rows {
        let gold = text(&row["gt"]);
        let (codes, scores) = (
            row["code"].as_array().unwrap(),
            row["score"].as_array().unwrap(),
        );
        for (code, score) in codes.iter().zip(scores) {
            let reply = text(code);
            let verdict = verify(&gold, &reply, &Options::default());
            figures.add(score == true, &verdict, &gold, &reply);
        }
    }
    figures.seconds = start.elapsed().as_secs_f64();
    figures
}

pub fn grade_school(data: &Path) -> Figures {
    let mut figures = Figures::new("gsm8k_example_solutions");
    let rows = rows(&data.join("graded/gsm8k_example_model_solutions.jsonl.gz"));
    let start = Instant::now();
    for row in &rows {
        let truth = text(&row["ground_truth"]);
        let gold = truth.rsplit("A: ").next().unwrap_or_default();
        for model in [
            "6b_finetuning",
            "6b_verification",
            "175b_finetuning",
            "175b_verification",
        ] {
            let reply = text(&row[model]["solution"]);
            let verdict = verify(gold, &reply, &Options::default());
            figures.add(row[model]["is_correct"] == true, &verdict, gold, &reply);
        }
    }
    figures.seconds = start.elapsed().as_secs_f64();
    figures
}

/// Tasks whose answer is a plain value, and what kind it is. `game_of_life_halting` is not among
/// them: its scores are 1.0 for the opposite of the gold answer too.
const TASKS: &[(&str, Kind)] = &[
    ("aiw", Kind::Auto),
    ("basic_arithmetic", Kind::Auto),
    ("binary_alternation", Kind::Auto),
    ("bitwise_arithmetic", Kind::Auto),
    ("calendar_arithmetic", Kind::Auto),
    ("chain_sum", Kind::Auto),
    ("circuit_logic", Kind::Auto),
    ("color_cube_rotation", Kind::Text),
    ("complex_arithmetic", Kind::Auto),
    ("count_bits", Kind::Auto),
    ("count_primes", Kind::Auto),
    ("course_schedule", Kind::Text),
    ("decimal_chain_sum", Kind::Auto),
    ("dice", Kind::Auto),
    ("family_relationships", Kind::Text),
    ("gcd", Kind::Auto),
    ("gsm_symbolic", Kind::Auto),
    ("isomorphic_strings", Kind::Text),
    ("largest_island", Kind::Auto),
    ("lcm", Kind::Auto),
    ("leg_counting", Kind::Auto),
    ("letter_counting", Kind::Auto),
    ("list_functions", Kind::Auto),
    ("maze", Kind::Auto),
    ("needle_haystack", Kind::Text),
    ("number_format", Kind::Auto),
    ("number_sequence", Kind::Auto),
    ("polynomial_multiplication", Kind::Auto),
    ("products", Kind::Auto),
    ("ransom_note", Kind::Text),
    ("rectangle_count", Kind::Auto),
    ("rotten_oranges", Kind::Auto),
    ("self_reference", Kind::Auto),
    ("spell_backward", Kind::Text),
    ("string_insertion", Kind::Text),
    ("string_manipulation", Kind::Text),
    ("syllogism", Kind::Text),
    ("zebra_puzzles", Kind::Text),
];

/// All of them, and by task those that disagree.
pub fn reasoning_gym(data: &Path) -> (Figures, BTreeMap<String, (usize, usize)>) {
    let mut figures = Figures::new("reasoning_gym plain values");
    let mut by_task = BTreeMap::new();
    let rows = rows(&data.join("graded/reasoning_gym_easy_deepseek_r1_x3.jsonl.gz"));
    let start = Instant::now();
    for row in &rows {
        let task = text(&row["task"]);
        let Some((_, kind)) = TASKS.iter().find(|(name, _)| *name == task) else {
            continue;
        };
        let gold = text(&row["gold"]);
        for completion in row["completions"].as_array().unwrap() {
            let score = match &completion["score"] {
                Value::String(score) => score.parse().unwrap_or(0.0),
                score => score.as_f64().unwrap_or(0.0),
            };
            let reply = text(&completion["response"]);
            let verdict = verify(&gold, &reply, &Options::of(*kind));
            let expected = score >= 0.999;
            let entry = by_task.entry(task.clone()).or_insert((0, 0));
            entry.0 += 1;
            entry.1 += usize::from(verdict.equal != expected);
            figures.add(expected, &verdict, &gold, &reply);
        }
    }
    figures.seconds = start.elapsed().as_secs_f64();
    (figures, by_task)
}

/// The folder with the data, where there is one.
pub fn data() -> Option<std::path::PathBuf> {
    std::env::var_os("RETORT_DATA").map(Into::into)
}
