//! Arithmetic, evaluated again from the text.

use crate::common::{agrees, between, body, eval, float, gold, ints, near};

fn none(_: char) -> f64 {
    unreachable!("a variable")
}

/// The formula between the words of "What is …?".
fn formula(text: &str) -> &str {
    let start = text.find(|c: char| c.is_ascii_digit() || c == '(').unwrap();
    text[start..].trim_end_matches(['.', '?'])
}

#[test]
fn expressions_evaluate_to_the_gold() {
    for family in [
        "chain_sum",
        "nested_expression",
        "long_multiplication",
        "fraction_sum",
        "decimal_chain",
    ] {
        agrees(family, 1..=10, |p| {
            near(eval(formula(body(p)), &none), float(&p.answer))
        });
    }
}

#[test]
fn divisions_percentages_bases_and_roundings() {
    agrees("division_with_remainder", 1..=10, |p| {
        let (q, a) = (ints(body(p)), ints(&p.answer));
        q[0] == q[1] * a[0] + a[1] && (0..q[1]).contains(&a[1])
    });
    agrees("percent_chain", 1..=10, |p| {
        let text = body(p);
        let mut value = float(between(text, "starts at ", " and"));
        for word in ["rises", "falls"]
            .iter()
            .flat_map(|w| text.split(", then ").filter(move |part| part.contains(w)))
        {
            let by = float(between(word, "by ", "%"));
            value *= if word.contains("rises") {
                1.0 + by / 100.0
            } else {
                1.0 - by / 100.0
            };
        }
        near(value, float(&p.answer))
    });
    agrees("base_conversion", 1..=10, |p| {
        let from: u32 = between(&p.question, "written in base ", ".")
            .parse()
            .unwrap();
        let to: u32 = between(&p.question, "Write it in base ", ".")
            .parse()
            .unwrap();
        let digits = between(&p.question, "The number ", " is");
        i64::from_str_radix(digits, from) == i64::from_str_radix(&p.answer, to)
    });
    agrees("base_arithmetic", 1..=10, |p| {
        let base: u32 = between(&p.question, "are in base ", ".").parse().unwrap();
        let parts: Vec<&str> = between(&p.question, "Compute ", ".").split(' ').collect();
        let n = |text: &str| i64::from_str_radix(text, base).unwrap();
        let value = if parts[1] == "+" {
            n(parts[0]) + n(parts[2])
        } else {
            n(parts[0]) * n(parts[2])
        };
        value == n(&p.answer)
    });
    agrees("rounding", 1..=10, |p| {
        let text = between(&p.question, "Round ", " to ");
        let keep: usize = between(&p.question, " to ", " decimal").parse().unwrap();
        let cut = text.find('.').unwrap() + 1 + keep;
        let up = text[cut..].trim_start_matches('.').as_bytes()[0] >= b'5';
        let whole: i128 = text[..cut].replace('.', "").parse().unwrap();
        let shown: i128 = p.answer.replace('.', "").parse().unwrap();
        shown == whole + i128::from(up)
            && p.answer.find('.').map_or(0, |at| p.answer.len() - at - 1) == keep
    });
    agrees("fraction_simplify", 1..=10, |p| {
        let q = ints(body(p));
        let mut a = ints(&p.answer);
        a.resize(2, 1);
        let prime = (2..=a[0].max(a[1])).all(|k| a[0] % k != 0 || a[1] % k != 0);
        q[0] * a[1] == q[1] * a[0] && prime
    });
    agrees("bitwise", 1..=10, |p| {
        let text = between(&p.question, "Evaluate ", ", where").replace(['(', ')'], "");
        let words: Vec<&str> = text.split(' ').collect();
        let mut value: i64 = words[0].parse().unwrap();
        for pair in words[1..].chunks(2) {
            let other: i64 = pair[1].parse().unwrap();
            value = match pair[0] {
                "AND" => (0..20)
                    .map(|b| ((value >> b & 1) * (other >> b & 1)) << b)
                    .sum(),
                "OR" => (0..20)
                    .map(|b| (value >> b & 1).max(other >> b & 1) << b)
                    .sum(),
                "XOR" => (0..20)
                    .map(|b| (((value >> b) + (other >> b)) % 2) << b)
                    .sum(),
                _ => value / 2,
            };
        }
        value == gold(p)
    });
}
