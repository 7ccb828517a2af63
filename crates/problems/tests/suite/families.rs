//! What holds of every family: golds pass, wrong answers fail, seeds decide, size grows.

use std::collections::BTreeSet;
use std::fmt::Write;

use retort_problems::{AnswerKind, Problem, check, families, generate};

const SEEDS: u64 = 50;

fn all() -> impl Iterator<Item = Problem> {
    families().iter().flat_map(|family| {
        (1..=10).flat_map(move |d| (0..SEEDS).map(move |seed| family.generate(d, seed).unwrap()))
    })
}

#[test]
fn there_are_many_families_with_unique_names() {
    let names: BTreeSet<_> = families().iter().map(|family| family.name).collect();
    assert_eq!(names.len(), families().len());
    assert!(names.len() >= 130, "{}", names.len());
    let domains: BTreeSet<_> = families().iter().map(|family| family.domain).collect();
    assert_eq!(domains.len(), 16);
}

#[test]
fn every_gold_passes_its_checker() {
    for problem in all() {
        let verdict = check(&problem, &problem.answer);
        assert!(
            verdict.equal && verdict.score == 1.0,
            "{verdict:?}: {problem:?}"
        );
        for dressed in [
            format!("  {}. ", problem.answer),
            format!("**{}**", problem.answer),
            format!("The answer is $\\boxed{{{}}}$.", problem.answer),
        ] {
            assert!(check(&problem, &dressed).equal, "{dressed}: {problem:?}");
        }
    }
}

/// Answers that differ from the gold in what matters.
fn perturbed(problem: &Problem) -> Vec<String> {
    let gold = &problem.answer;
    let mut out = vec![
        String::new(),
        "?".to_owned(),
        format!("{gold} or 7"),
        format!("x{gold}x"),
    ];
    let parts: Vec<&str> = gold.split(", ").collect();
    if parts.len() > 1 {
        out.push(parts[1..].join(", "));
        out.push(parts[..parts.len() - 1].join(", "));
        let doubled = [&parts[..], &parts[..1]].concat().join(", ");
        match problem.kind {
            AnswerKind::NumberSet => {}
            // Filling a full jug again, or taking a move back, may still reach the goal.
            AnswerKind::Moves => {}
            _ => out.push(doubled),
        }
    }
    // The first number one higher.
    let digits: String = gold
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    // Another heap may allow a winning move too; another take from the same heap does not.
    if problem.family == "nim" {
        out.push(format!("{gold}9"));
        return out;
    }
    if let Ok(number) = digits.parse::<u64>() {
        let ten = if number == 0 {
            "010".to_owned()
        } else {
            format!("{digits}0")
        };
        out.push(gold.replacen(&digits, &(number + 1).to_string(), 1));
        out.push(gold.replacen(&digits, &ten, 1));
    }
    match problem.kind {
        AnswerKind::Integer | AnswerKind::Rational | AnswerKind::LowestTerms if gold != "0" => {
            out.push(format!("-({gold})"));
            out.push(format!("{gold}%5"));
        }
        AnswerKind::Expression => {
            out.push(format!("{gold} + 0"));
            out.push(format!("{gold} - 1"));
        }
        AnswerKind::Polynomial => {
            out.push(format!("{gold} + x^9"));
            out.push(format!("{gold} + 1"));
        }
        AnswerKind::Text => {
            out.push(gold.chars().skip(1).collect());
            out.push(format!("{gold}a"));
        }
        AnswerKind::Word => out.push("Someday".to_owned()),
        AnswerKind::Assignment => {
            let swap = if gold.contains("knight") {
                ("knight", "knave")
            } else {
                ("knave", "knight")
            };
            out.push(gold.replacen(swap.0, swap.1, 1));
            out.push(gold.replace(swap.0, swap.1));
        }
        AnswerKind::WordList | AnswerKind::NumberList => {
            let mut back = parts.clone();
            back.reverse();
            // A puzzle with many solutions may have the mirrored one too.
            if back != parts
                && problem.family != "queens"
                && problem.family != "small_sudoku"
                && problem.family != "coin_combination"
                && problem.family != "nim"
            {
                out.push(back.join(", "));
            }
        }
        _ => {}
    }
    out
}

#[test]
fn perturbed_golds_fail() {
    let mut tried = 0;
    for problem in all() {
        for wrong in perturbed(&problem) {
            // "0" times ten is "00".
            if problem.kind == AnswerKind::Digits && wrong.trim_start_matches('0') == problem.answer
            {
                continue;
            }
            let verdict = check(&problem, &wrong);
            assert!(
                !verdict.equal && verdict.score == 0.0,
                "{wrong}: {problem:?}"
            );
            assert!(!verdict.reason.is_empty());
            tried += 1;
        }
    }
    assert!(tried > 300_000, "{tried}");
}

#[test]
fn the_seed_decides_and_nothing_else() {
    for family in families() {
        for d in 1..=10 {
            let made: Vec<Problem> = (0..SEEDS)
                .map(|seed| generate(family.name, d, seed).unwrap())
                .collect();
            for (seed, problem) in made.iter().enumerate().step_by(7) {
                assert_eq!(generate(family.name, d, seed as u64).as_ref(), Ok(problem));
            }
            let distinct: BTreeSet<_> = made.iter().map(|problem| &problem.question).collect();
            if d >= 3 {
                let least = SEEDS as usize * 9 / 10;
                assert!(
                    distinct.len() >= least,
                    "{} at {d}: {}",
                    family.name,
                    distinct.len()
                );
            }
            // A family whose answers hardly vary would be guessed.
            let answers: BTreeSet<_> = made.iter().map(|problem| &problem.answer).collect();
            assert!(
                d < 3 || answers.len() >= 4,
                "{} at {d}: {answers:?}",
                family.name
            );
        }
    }
}

#[test]
fn size_grows_with_difficulty() {
    for family in families() {
        let mean = |d: u8| -> u64 {
            (0..SEEDS)
                .map(|seed| family.generate(d, seed).unwrap().size)
                .sum()
        };
        let sizes: Vec<u64> = (1..=10).map(mean).collect();
        assert!(sizes.is_sorted(), "{}: {sizes:?}", family.name);
        assert!(sizes[9] > sizes[0], "{}: {sizes:?}", family.name);
        assert!(!family.measure.is_empty() && !family.description.is_empty());
    }
}

#[test]
fn questions_say_how_to_answer_and_are_clean() {
    for problem in all() {
        let text = &problem.question;
        assert!(text.contains("Answer "), "{problem:?}");
        assert!(
            text.len() < 6000 && problem.answer.len() < 1700,
            "{problem:?}"
        );
        for bad in [
            "  =", "+ -", "- -", " 1x", "(1x", "+ 0", "NaN", "{}", "..", " ,", " ?",
        ] {
            let text = text.replace("    ", "");
            let picture = text.contains('\n');
            assert!(picture || !text.contains(bad), "`{bad}`: {problem:?}");
        }
        let json = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
    }
}

/// One line for each family: a hash of its problems for the first three seeds at all difficulties.
fn fingerprints() -> String {
    let mut lines = String::new();
    for family in families() {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for d in 1..=10 {
            for seed in 0..3 {
                let problem = family.generate(d, seed).unwrap();
                for byte in problem.question.bytes().chain(problem.answer.bytes()) {
                    hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
                }
            }
        }
        writeln!(lines, "{} {hash:016x}", family.name).unwrap();
    }
    lines
}

/// Problems must not change by accident: results on them would no longer compare. After a change on
/// purpose, raise `VERSION` and write the file again with `RETORT_BLESS=1`.
#[test]
fn problems_are_those_of_this_version() {
    let now = format!("version {}\n{}", retort_problems::VERSION, fingerprints());
    if std::env::var_os("RETORT_BLESS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/golden.txt"),
            &now,
        )
        .unwrap();
    }
    let golden = include_str!("golden.txt");
    for (now, golden) in now.lines().zip(golden.lines()) {
        assert_eq!(now, golden);
    }
    assert_eq!(now.lines().count(), golden.lines().count());
}
