//! Every family's golds, written in all the ways that its kind of answer allows.

use std::collections::BTreeMap;

use retort_problems::{AnswerKind, Problem, check, families};

use crate::common::between;

/// `1234567` with a separator between thousands.
fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(c);
    }
    out
}

/// A number in other ways.
fn number(gold: &str) -> Vec<String> {
    let (sign, size) = match gold.strip_prefix('-') {
        Some(size) => ("-", size),
        None => ("", gold),
    };
    let mut out = vec![gold.replace('-', "−"), gold.replace('-', "- ")];
    if let Some((a, b)) = size.split_once('/') {
        let (n, m): (i128, i128) = (a.parse().unwrap(), b.parse().unwrap());
        out.push(format!("{sign}\\frac{{{a}}}{{{b}}}"));
        out.push(format!("\\dfrac{{{sign}{a}}}{{{b}}}"));
        out.push(format!("$\\tfrac{{{sign}{}}}{{{}}}$", 3 * n, 3 * m));
        out.push(format!("({sign}{a}) / ({b})"));
        if n > m {
            out.push(format!("{sign}{} {}/{b}", n / m, n % m));
            out.push(format!("{sign}{}\\frac{{{}}}{{{b}}}", n / m, n % m));
        }
    } else if let Some((whole, places)) = size.split_once('.') {
        let scale = 10_i128.pow(places.len() as u32);
        let digits: i128 = format!("{whole}{places}").parse().unwrap();
        out.push(format!("{gold}00"));
        out.push(format!("{sign}\\frac{{{digits}}}{{{scale}}}"));
        out.push(format!("{sign}{}.{places}", grouped(whole, ',')));
    } else {
        let n: i128 = size.parse().unwrap();
        out.push(format!("{gold}.0"));
        out.push(format!("{sign}{}", grouped(size, ',')));
        out.push(format!("{sign}{}/2", 2 * n));
        out.push(format!("{sign}{}", grouped(size, ',').replace(',', "{,}")));
        out.push(format!("{sign}{}", grouped(size, ',').replace(',', "\\,")));
        if sign.is_empty() {
            out.push(format!("+{gold}"));
            out.push(grouped(size, ' '));
        }
    }
    out
}

fn with_unit(problem: &Problem) -> Vec<String> {
    let gold = &problem.answer;
    let Some(unit) = problem.meta.get("unit").and_then(|unit| unit.as_str()) else {
        return Vec::new();
    };
    let mut out = vec![
        format!("{gold} {unit}"),
        format!("{gold}\\text{{ {unit}}}."),
        format!("${gold} \\; \\mathrm{{{unit}}}$"),
    ];
    match unit {
        "°" => out.extend([format!("{gold} degrees"), format!("${gold}^\\circ$")]),
        "%" => out.extend([format!("{gold}\\%"), format!("{gold} percent")]),
        "π" => out.extend([format!("{gold}\\pi"), format!("{gold} pi")]),
        "cm^2" => out.extend([format!("{gold} cm²"), format!("{gold}\\text{{ cm}}^2")]),
        "dollars" => out.extend([format!("${gold}"), format!("\\${gold}")]),
        _ => {}
    }
    out
}

/// The same right answer in other words.
fn forms(problem: &Problem) -> Vec<String> {
    let gold = problem.answer.as_str();
    let parts: Vec<&str> = gold.split(", ").collect();
    let back: Vec<&str> = parts.iter().rev().copied().collect();
    let lists = || {
        vec![
            format!("[{gold}]"),
            parts.join(","),
            parts.join("; "),
            parts.join("\n"),
        ]
    };
    match problem.kind {
        AnswerKind::Integer => {
            let mut out = number(gold);
            out.push(format!("n = {gold}"));
            out.extend(with_unit(problem));
            out
        }
        AnswerKind::Rational => {
            let mut out = number(gold);
            out.push(format!("x = {gold}"));
            out.extend(with_unit(problem));
            out
        }
        AnswerKind::LowestTerms => match gold.split_once('/') {
            Some((a, b)) => vec![format!("\\frac{{{a}}}{{{b}}}"), format!("{a} / {b}")],
            None => vec![format!("${gold}$")],
        },
        AnswerKind::NumberList => {
            let mut out = lists();
            out.push(parts.join(" "));
            out.push(format!("\\left({gold}\\right)"));
            let each: Vec<String> = parts.iter().map(|p| number(p)[0].clone()).collect();
            out.push(each.join(", "));
            if let [a, b] = parts[..] {
                out.push(format!("{a} and {b}"));
                out.push(format!("x = {a}, y = {b}"));
            }
            out
        }
        AnswerKind::NumberSet => vec![
            back.join(", "),
            format!("\\{{{}\\}}", back.join(", ")),
            format!("x = {}", back.join(", x = ")),
            back.join(" and "),
        ],
        AnswerKind::Polynomial => {
            let spaced = gold.replace(" - ", " + -");
            let mut terms: Vec<&str> = spaced.split(" + ").collect();
            terms.reverse();
            let turned = terms.join(" + ").replace("+ -", "- ");
            let braces = match gold.rsplit_once('^') {
                Some((head, tail)) => {
                    let end = tail.find(' ').unwrap_or(tail.len());
                    format!("{head}^{{{}}}{}", &tail[..end], &tail[end..])
                }
                None => format!("${gold}$"),
            };
            vec![turned, braces, gold.replace(' ', ""), format!("{gold} + 0")]
        }
        AnswerKind::Factors => {
            let mut factors: Vec<&str> = gold.split(" * ").collect();
            factors.reverse();
            let long: Vec<String> = factors
                .iter()
                .flat_map(|factor| {
                    let (prime, power) = factor.split_once('^').unwrap_or((factor, "1"));
                    vec![prime.to_owned(); power.parse().unwrap()]
                })
                .collect();
            vec![
                factors.join(" \\cdot "),
                factors.join("×"),
                long.join(" * "),
                gold.replace('^', "^{").replace(" *", "} *") + "}",
            ]
        }
        AnswerKind::Digits => {
            let base = problem.meta["base"].as_u64().unwrap();
            vec![
                gold.to_uppercase(),
                format!("0{gold}"),
                format!("{gold}_{{{base}}}"),
                format!("${gold}_{base}$"),
            ]
        }
        AnswerKind::Word => vec![
            gold.to_uppercase(),
            gold.to_lowercase(),
            format!("\\text{{{gold}}}"),
            format!("\\boxed{{\\textbf{{{gold}}}}}"),
            format!("\"{gold}\"."),
        ],
        AnswerKind::Text => vec![
            format!("`{gold}`"),
            format!("\"{gold}\""),
            format!("{gold}."),
        ],
        AnswerKind::WordList => {
            let mut out = lists();
            out.push(gold.to_uppercase());
            out.push(format!("\"{}\"", parts.join("\", \"")));
            let (last, first) = (parts[parts.len() - 1], &parts[..parts.len() - 1]);
            out.push(format!("{} and {last}", first.join(", ")));
            out.push(format!("{}, and {last}", first.join(", ")));
            out
        }
        AnswerKind::Clock => {
            let (h, m) = gold.split_once(':').unwrap();
            let hour: u32 = h.parse().unwrap();
            let (half, twelve) = (if hour < 12 { "am" } else { "pm" }, (hour + 11) % 12 + 1);
            vec![
                format!("{hour}:{m}"),
                format!("{twelve}:{m} {half}"),
                format!("{twelve}:{m}{}", half.to_uppercase()),
            ]
        }
        AnswerKind::Date => {
            let short: Vec<&str> = gold.split('-').map(|p| p.trim_start_matches('0')).collect();
            vec![short.join("-"), gold.replace('-', "/")]
        }
        AnswerKind::Assignment => vec![
            back.join(", "),
            back.join("\n").to_uppercase(),
            gold.replace(": ", " is a "),
            gold.replace(": ", " = "),
        ],
        AnswerKind::Expression => {
            let target = problem.meta["target"].as_i64().unwrap();
            vec![
                format!("{gold} = {target}"),
                format!("({gold})"),
                gold.replace('*', "×").replace('/', "÷").replace('-', "−"),
                gold.replace('*', "\\times").replace('/', "\\div"),
                gold.replace(' ', ""),
                format!("$\\left({gold}\\right)$"),
            ]
        }
        AnswerKind::Moves => {
            let mut out = lists();
            out.push(gold.to_lowercase());
            match problem.family.as_str() {
                "hanoi" => {
                    for between in [" to ", "->", "→"] {
                        let moves: Vec<String> = parts
                            .iter()
                            .map(|m| format!("{}{between}{}", &m[..1], &m[1..]))
                            .collect();
                        out.push(moves.join(", "));
                    }
                }
                _ => {
                    let vessel = between(&problem.question, "There are ", " without");
                    let vessel = vessel.split(' ').next_back().unwrap().trim_end_matches('s');
                    let long = |m: &&str| match m.strip_prefix("pour ") {
                        Some(ab) => format!("pour {vessel} {} into {}", &ab[..1], &ab[2..]),
                        None => format!("{} {vessel} {}", &m[..m.len() - 2], &m[m.len() - 1..]),
                    };
                    out.push(parts.iter().map(long).collect::<Vec<_>>().join(", "));
                }
            }
            out
        }
        other => panic!("a kind of answer without other forms: {other:?}"),
    }
}

#[test]
fn right_answers_are_accepted_in_other_forms() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused: BTreeMap<&str, String> = BTreeMap::new();
    for family in families() {
        for d in 1..=10 {
            for seed in 0..12 {
                let problem = family.generate(d, seed).unwrap();
                for form in forms(&problem) {
                    let verdict = check(&problem, &form);
                    if !verdict.equal {
                        refused.insert(family.name, format!("{form}: {verdict:?}: {problem:?}"));
                    }
                    *tried.entry(family.name).or_insert(0) += 1;
                }
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(tried.values().all(|n| *n >= 120), "{tried:?}");
    assert_eq!(tried.len(), families().len());
}

/// A form of another problem's gold is no answer to this one.
#[test]
fn golds_of_other_problems_are_rejected_in_all_forms() {
    for family in families()
        .iter()
        .filter(|family| !family.has_many_answers())
    {
        for d in [2, 6, 10] {
            for seed in 0..10 {
                let problem = family.generate(d, seed).unwrap();
                let mut other = family.generate(d, seed + 100).unwrap();
                if check(&problem, &other.answer).equal {
                    continue;
                }
                // The base and the unit are this problem's: only the value differs.
                other.meta = problem.meta.clone();
                for form in forms(&other) {
                    let verdict = check(&problem, &form);
                    assert!(!verdict.equal, "{form}: {problem:?}");
                }
            }
        }
    }
}
