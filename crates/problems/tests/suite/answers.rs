//! How answers may be written, and hostile ones.

use std::time::{Duration, Instant};

use retort_problems::{AnswerKind, Problem, check, families, generate};

fn asked(kind: AnswerKind, answer: &str) -> Problem {
    Problem {
        family: "of another version".to_owned(),
        difficulty: 1,
        seed: 0,
        question: String::new(),
        answer: answer.to_owned(),
        kind,
        size: 1,
        meta: serde_json::Map::new(),
    }
}

#[test]
fn harmless_ways_of_writing_are_read() {
    use AnswerKind::*;
    for (kind, gold, answers) in [
        (
            Integer,
            "1234567",
            &[
                "1,234,567",
                "1 234 567",
                "+1234567",
                "1234567.0",
                "x = 1234567",
                "$1234567$",
            ][..],
        ),
        (
            Integer,
            "-5",
            &["−5", "- 5", "\\boxed{-5}", "`-5`", "-10/2"],
        ),
        (
            Rational,
            "3/4",
            &[
                "0.75",
                "6/8",
                "\\frac{3}{4}",
                "$\\dfrac{3}{4}$",
                "3 / 4",
                ".75",
            ],
        ),
        (
            Rational,
            "-7/4",
            &["-1 3/4", "-1.75", "-\\frac{7}{4}", "\\frac{-7}{4}"],
        ),
        (Rational, "12.5", &["12.50", "25/2", "12 1/2"]),
        (LowestTerms, "3/4", &["\\frac{3}{4}", "3 / 4"]),
        (
            NumberList,
            "1, 2, 3",
            &["[1, 2, 3]", "1 2 3", "(1; 2; 3)", "1, 2 and 3", "1,2,3."],
        ),
        (
            NumberSet,
            "1/2, -3",
            &[
                "-3, 0.5",
                "x = -3, x = 1/2",
                "{-3; 1/2}",
                "\\left\\{-3, \\frac{1}{2}\\right\\}",
            ],
        ),
        (
            Polynomial,
            "3x^2 - x + 5",
            &["5 - x + 3*x^2", "3x^{2}-x+5", "3 x^2 + 5 - 1x"],
        ),
        (
            Factors,
            "2^3 * 5",
            &["5 * 2^3", "2*2*2*5", "2^{3} \\cdot 5", "2^3×5^1"],
        ),
        (Digits, "ff", &["FF", "0xff", "0FF"]),
        (
            Word,
            "Tuesday",
            &["tuesday", "**Tuesday**", "\\text{Tuesday}", "TUESDAY."],
        ),
        (Text, "abc", &["`abc`", "\"abc\"", "abc."]),
        (
            WordList,
            "Ada, Bruno",
            &[
                "ada, bruno",
                "Ada; Bruno",
                "Ada and Bruno",
                "[Ada, Bruno]",
                "\"Ada\", \"Bruno\"",
            ],
        ),
        (
            Clock,
            "14:05",
            &["2:05 pm", "14:05.", "2:05PM", "02:05 p.m."],
        ),
        (Clock, "00:30", &["12:30 am", "0:30"]),
        (Date, "2031-04-09", &["2031-4-9", "2031/04/09"]),
        (
            Assignment,
            "Ada: knight, Bo: knave",
            &[
                "bo: Knave, ada: Knight",
                "Ada = knight\nBo = knave",
                "Ada is a knight, Bo is a knave",
            ],
        ),
    ] {
        for answer in answers {
            let verdict = check(&asked(kind, gold), answer);
            assert!(verdict.equal, "{kind:?} {gold}: {answer}: {verdict:?}");
        }
    }
}

#[test]
fn what_is_not_the_answer_is_not_read_as_it() {
    use AnswerKind::*;
    for (kind, gold, answers) in [
        (
            Integer,
            "12",
            &[
                "12 dozen",
                "12 or 13",
                "1 2",
                "1,2",
                "twelve",
                "12e0",
                "0x0c",
                "11.99999999999",
                "12!",
            ][..],
        ),
        (
            Rational,
            "1/3",
            &["0.3333", "0.333333333333333", "1/3%", "3/1"],
        ),
        (LowestTerms, "3/4", &["6/8", "0.75"]),
        (
            NumberList,
            "1, 2, 3",
            &["3, 2, 1", "1, 2", "1, 2, 3, 4", "123"],
        ),
        (NumberSet, "1, 2", &["1", "1, 2, 3", ""]),
        (
            Factors,
            "2^3 * 5",
            &[
                "8 * 5",
                "40",
                "2^3 * 5 * 1",
                "2^3",
                "2^99999999999999999999 * 5",
            ],
        ),
        (Text, "abc", &["ABC", "a b c", "abcd"]),
        (
            Clock,
            "14:05",
            &["2:05", "14:05 pm", "25:05", "1405", "14:65"],
        ),
        (Clock, "00:30", &["24:30"]),
        (
            Assignment,
            "Ada: knight",
            &[
                "Ada: knave",
                "Ada: knight, Ada: knave",
                "Ada: knight, Bo: knave",
                "Ada",
            ],
        ),
    ] {
        for answer in answers {
            assert!(
                !check(&asked(kind, gold), answer).equal,
                "{kind:?} {gold}: {answer}"
            );
        }
    }
}

#[test]
fn units_are_read_only_where_the_question_names_them() {
    let angle = (0..)
        .map(|seed| generate("clock_angle", 3, seed).unwrap())
        .find(|p| p.answer != "0")
        .unwrap();
    assert!(check(&angle, &format!("{}°", angle.answer)).equal);
    assert!(
        check(&angle, &format!("${}^\\circ$", angle.answer)).equal || angle.answer.contains('/')
    );
    assert!(!check(&angle, &format!("{} apples", angle.answer)).equal);
}

#[test]
fn any_valid_expression_is_right() {
    let mut problem = generate("make_target", 1, 0).unwrap();
    problem
        .meta
        .insert("numbers".to_owned(), serde_json::json!([3, 3, 8, 8]));
    problem
        .meta
        .insert("target".to_owned(), serde_json::json!(24));
    for right in [
        "8/(3-8/3)",
        "8 ÷ (3 − 8 ÷ 3)",
        "8/(3-8/3) = 24",
        "\\boxed{8/(3-(8/3))}",
    ] {
        assert!(check(&problem, right).equal, "{right}");
    }
    for wrong in [
        "3*8",
        "8/(3-8/3) = 25",
        "24",
        "8*3+8-8",
        "(8+8)*3/2",
        "83-8*3",
        "8/(3-8/3",
        "8/(3-3)/8",
    ] {
        assert!(!check(&problem, wrong).equal, "{wrong}");
    }
}

#[test]
fn a_problem_without_its_numbers_is_refused_without_panic() {
    for family in families() {
        let mut problem = family.generate(5, 5).unwrap();
        problem.meta.clear();
        let verdict = check(&problem, &problem.answer);
        assert!(
            verdict.equal != family.has_many_answers(),
            "{}: {verdict:?}",
            family.name
        );
        for (key, value) in family.generate(5, 5).unwrap().meta {
            for odd in [
                serde_json::json!(-1),
                serde_json::json!([]),
                serde_json::json!([i64::MAX, i64::MIN, 0, 99]),
                serde_json::json!("x"),
            ] {
                problem.meta.insert(key.clone(), odd);
                check(&problem, &problem.answer);
            }
            problem.meta.insert(key, value);
        }
    }
}

#[test]
fn hostile_answers_cost_little() {
    let mut hostile: Vec<String> = vec![
        "(".repeat(1 << 20),
        "9".repeat(1 << 20),
        " ".repeat(1 << 20),
    ];
    for piece in [
        "(",
        "-",
        "((1+",
        "1+",
        "1,",
        "9",
        "\\boxed{",
        "{",
        "$",
        "a:b,",
        "AB, ",
        "fill A, ",
        "x^9+",
        "2^9*",
        "\\frac{1}{",
        "'",
        "**",
        "é",
        "\u{0}",
        "1/",
        ".",
        " and ",
        "=",
        "1 1/2 ",
    ] {
        hostile.push(piece.repeat(8000 / piece.len()));
    }
    hostile.push(format!("{}1{}", "(".repeat(4000), ")".repeat(4000)));
    for family in families() {
        let problem = family.generate(10, 1).unwrap();
        for answer in &hostile {
            // The best of several tries: a busy machine must not look like a slow check.
            let quick = (0..20).any(|_| {
                let start = Instant::now();
                assert!(!check(&problem, answer).equal, "{}", family.name);
                start.elapsed() < Duration::from_millis(100)
            });
            let name: String = answer.chars().take(12).collect();
            assert!(quick, "{}: {name}", family.name);
        }
    }
}
