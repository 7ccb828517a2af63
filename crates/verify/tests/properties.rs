//! Rewriting keeps an answer, perturbing it does not.

use proptest::prelude::*;
use retort_verify::{Options, verify};

fn same(gold: &str, pred: &str) -> bool {
    verify(gold, pred, &Options::default()).equal
}

fn thousands(number: u64, separator: &str) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push_str(separator);
        }
        out.push(digit);
    }
    out
}

/// A polynomial in x and y as terms of coefficient and exponents.
fn terms() -> impl Strategy<Value = Vec<(i32, u32, u32)>> {
    prop::collection::vec((-9_i32..=9, 0_u32..4, 0_u32..3), 1..6).prop_map(|terms| {
        terms
            .into_iter()
            .map(|(c, a, b)| (if c == 0 { 1 } else { c }, a, b))
            .collect()
    })
}

fn latex(terms: &[(i32, u32, u32)]) -> String {
    let one = |(c, a, b): &(i32, u32, u32)| format!("{c}x^{{{a}}}y^{{{b}}}");
    terms
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(" + ")
        .replace("+ -", "- ")
}

fn python(terms: &[(i32, u32, u32)]) -> String {
    let one = |(c, a, b): &(i32, u32, u32)| format!("({c})*y**{b}*x**{a}");
    terms.iter().map(one).collect::<Vec<_>>().join("+")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fractions_are_rewritten(a in -999_i64..1000, b in 1_i64..1000, k in 1_i64..20) {
        let gold = format!("\\frac{{{a}}}{{{b}}}");
        for pred in [
            format!("{a}/{b}"),
            format!("\\dfrac{{{}}}{{{}}}", a * k, b * k),
            format!("$ {a} / {b} $"),
            format!("x = \\tfrac{{{a}}}{{{b}}}"),
            format!("Thus it is \\boxed{{\\frac{{{}}}{{{b}}}}}.", a),
            format!("-\\frac{{{}}}{{{b}}}", -a),
        ] {
            prop_assert!(same(&gold, &pred), "{gold} {pred}");
        }
    }

    #[test]
    fn fractions_that_differ_are_seen(a in -999_i64..1000, b in 1_i64..1000, by in 1_i64..50) {
        let gold = format!("\\frac{{{a}}}{{{b}}}");
        for pred in [format!("{}/{b}", a + by), format!("\\frac{{{}}}{{{b}}}", a - by)] {
            prop_assert!(!same(&gold, &pred), "{gold} {pred}");
        }
    }

    #[test]
    fn mixed_numbers(whole in 1_i64..99, a in 1_i64..20, b in 2_i64..20) {
        let gold = format!("{}/{b}", whole * b + a);
        for pred in [format!("{whole}\\frac{{{a}}}{{{b}}}"), format!("{whole} {a}/{b}")] {
            prop_assert!(same(&gold, &pred), "{gold} {pred}");
            let other = format!("{}/{b}", whole * b + a + 1);
            prop_assert!(!same(&other, &pred), "{other} {pred}");
        }
    }

    #[test]
    fn thousands_are_separated(number in 1000_u64..1_000_000_000_000, by in 1_u64..1000) {
        for separator in [",", "{,}", ",\\!", "\\,"] {
            let written = thousands(number, separator);
            prop_assert!(same(&number.to_string(), &written), "{number} {written}");
            prop_assert!(same(&written, &number.to_string()), "{number} {written}");
            let other = thousands(number + by, separator);
            prop_assert!(!same(&number.to_string(), &other), "{number} {other}");
        }
    }

    #[test]
    fn decimals(whole in 0_u32..10_000, part in 0_u32..1000, zeros in 0_usize..4, by in 1_u32..1000) {
        let gold = format!("{whole}.{part:03}");
        let exact = format!("\\frac{{{}}}{{1000}}", whole * 1000 + part);
        let padded = format!("{gold}{}", "0".repeat(zeros));
        prop_assert!(same(&gold, &padded));
        prop_assert!(same(&gold, &exact));
        let other = format!("{whole}.{:03}", (part + by) % 1000);
        prop_assert_eq!(same(&gold, &other), by == 1000);
    }

    #[test]
    fn sums_are_reordered(terms in terms(), turn in 0_usize..6, by in 1_i32..5) {
        let gold = latex(&terms);
        let mut moved = terms.clone();
        moved.rotate_left(turn % terms.len());
        prop_assert!(same(&gold, &latex(&moved)), "{gold} {}", latex(&moved));
        prop_assert!(same(&gold, &python(&moved)), "{gold} {}", python(&moved));
        prop_assert!(same(&gold, &gold.replace(' ', "")), "{gold}");
        let factor = format!("\\left( {} \\right) \\cdot 3 / 3", latex(&moved));
        prop_assert!(same(&gold, &factor), "{gold} {factor}");
        moved[0].0 += by;
        prop_assert!(!same(&gold, &latex(&moved)), "{gold} {}", latex(&moved));
        moved[0].0 -= by;
        moved[0].1 += 1;
        prop_assert!(!same(&gold, &latex(&moved)), "{gold} {}", latex(&moved));
    }

    #[test]
    fn sets_and_tuples(mut items in prop::collection::vec(-99_i32..100, 2..7), turn in 1_usize..6) {
        items.sort_unstable();
        items.dedup();
        prop_assume!(items.len() > 1);
        let join = |items: &[i32]| items.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
        let mut moved = items.clone();
        moved.rotate_left(turn % items.len());
        let (a, b) = (join(&items), join(&moved));
        prop_assert!(same(&a, &b));
        let (set, other) = (format!("\\{{{a}\\}}"), format!("\\{{{b}\\}}"));
        prop_assert!(same(&set, &other));
        let (tuple, other) = (format!("({a})"), format!("({b})"));
        let sized = format!("\\left({a}\\right)");
        prop_assert!(same(&tuple, &sized));
        prop_assert_eq!(same(&tuple, &other), moved == items);
        moved[0] += 200;
        prop_assert!(!same(&a, &join(&moved)));
    }

    #[test]
    fn any_text_is_survived(gold in "\\PC{0,40}", pred in "\\PC{0,120}") {
        verify(&gold, &pred, &Options::default());
    }

    #[test]
    fn an_answer_is_itself(text in "[a-z0-9+*/^()., ]{1,30}") {
        let boxed = format!("<think>hm</think> So \\boxed{{{text}}}");
        let letters = text.chars().any(char::is_alphanumeric);
        prop_assume!(letters);
        prop_assert!(same(&text, &boxed), "{text}");
    }
}
