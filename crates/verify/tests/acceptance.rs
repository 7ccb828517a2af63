//! Agreement with graded data; runs where `RETORT_DATA` names its folder.

mod support;

use support::Figures;

/// The data, or a note that there is none.
macro_rules! data {
    () => {
        match support::data() {
            Some(data) => data,
            None => {
                println!("skipped: set RETORT_DATA to the folder with `equivalence` and `graded`");
                return;
            }
        }
    };
}

fn demand(figures: &Figures, rate: f64, false_accepts: f64) {
    println!("{}", figures.line());
    let notes = || [figures.accepts.join("\n"), figures.rejects.join("\n")].join("\n");
    assert!(figures.pairs > 0);
    assert!(figures.rate() >= rate, "{}\n{}", figures.line(), notes());
    assert!(
        figures.false_accepts() <= false_accepts,
        "{}\n{}",
        figures.line(),
        notes()
    );
}

#[test]
fn answer_pairs_of_other_projects() {
    demand(&support::answer_pairs(&data!()), 0.98, 0.01);
}

#[test]
fn extraction_of_other_projects() {
    demand(&support::normalize_extract(&data!()), 0.98, 0.0);
}

#[test]
fn sampled_solutions_of_competition_problems() {
    demand(&support::qwen_math(&data!()), 0.99, 0.005);
}

#[test]
fn sampled_solutions_of_grade_school_problems() {
    demand(&support::grade_school(&data!()), 0.99, 0.005);
}

#[test]
fn graded_replies_to_generated_problems() {
    demand(&support::reasoning_gym(&data!()).0, 0.99, 0.005);
}
