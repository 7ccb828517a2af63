//! Reads problems back from their text, for solvers that know nothing of how they were made.

use retort_problems::Problem;

/// All whole numbers of a text, in order. A minus counts if it touches the number on the right
/// only.
pub fn ints(text: &str) -> Vec<i64> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let value: i64 = text[start..at].parse().unwrap();
        let minus = start > 0
            && bytes[start - 1] == b'-'
            && (start == 1 || b" (,[\n=|<{".contains(&bytes[start - 2]));
        out.push(if minus { -value } else { value });
    }
    out
}

/// The question without the sentence on how to answer.
pub fn body(problem: &Problem) -> &str {
    let text = problem.question.as_str();
    text.rfind("Answer ")
        .map_or(text, |at| text[..at].trim_end())
}

/// What stands between two marks.
pub fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text
        .find(from)
        .unwrap_or_else(|| panic!("no `{from}` in {text}"))
        + from.len();
    let end = text[start..]
        .find(to)
        .unwrap_or_else(|| panic!("no `{to}` in {text}"))
        + start;
    &text[start..end]
}

/// The parts of `a, b and c`.
pub fn parts(text: &str) -> Vec<&str> {
    text.split(", ")
        .flat_map(|part| part.split(" and "))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// A number or fraction of an answer.
pub fn float(text: &str) -> f64 {
    match text.split_once('/') {
        Some((a, b)) => float(a) / float(b),
        None => text
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("no number: {text}")),
    }
}

pub fn floats(text: &str) -> Vec<f64> {
    text.split(", ").map(float).collect()
}

pub fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-7 * (1.0 + a.abs().max(b.abs()))
}

/// The value of a formula as people write it: `2x^2`, `3|x - 1|`, `(a)(b)`.
pub fn eval(text: &str, variable: &dyn Fn(char) -> f64) -> f64 {
    let chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut at = 0;
    let value = sum(&chars, &mut at, variable);
    assert_eq!(at, chars.len(), "left over in {text}");
    value
}

fn sum(c: &[char], at: &mut usize, v: &dyn Fn(char) -> f64) -> f64 {
    let mut value = product(c, at, v);
    while *at < c.len() && "+-".contains(c[*at]) {
        let sign = c[*at];
        *at += 1;
        let right = product(c, at, v);
        value = if sign == '+' {
            value + right
        } else {
            value - right
        };
    }
    value
}

fn product(c: &[char], at: &mut usize, v: &dyn Fn(char) -> f64) -> f64 {
    let mut value = power(c, at, v);
    while *at < c.len() {
        match c[*at] {
            '*' => {
                *at += 1;
                value *= power(c, at, v);
            }
            '/' => {
                *at += 1;
                value /= power(c, at, v);
            }
            '(' => value *= power(c, at, v),
            '|' if bar_opens(c, *at) => value *= power(c, at, v),
            x if x.is_ascii_alphabetic() => value *= power(c, at, v),
            _ => break,
        }
    }
    value
}

/// There is one pair of bars at most.
fn bar_opens(c: &[char], at: usize) -> bool {
    !c[..at].contains(&'|')
}

fn power(c: &[char], at: &mut usize, v: &dyn Fn(char) -> f64) -> f64 {
    if c[*at] == '-' {
        *at += 1;
        return -power(c, at, v);
    }
    let base = match c[*at] {
        open @ ('(' | '|') => {
            *at += 1;
            let value = sum(c, at, v);
            *at += 1;
            if open == '|' { value.abs() } else { value }
        }
        x if x.is_ascii_alphabetic() => {
            *at += 1;
            v(x)
        }
        _ => number(c, at),
    };
    if *at < c.len() && c[*at] == '^' {
        *at += 1;
        return base.powi(number(c, at) as i32);
    }
    base
}

fn number(c: &[char], at: &mut usize) -> f64 {
    let start = *at;
    while *at < c.len() && (c[*at].is_ascii_digit() || c[*at] == '.') {
        *at += 1;
    }
    c[start..*at].iter().collect::<String>().parse().unwrap()
}

/// All orders of `0..n`.
pub fn permutations(n: usize) -> Vec<Vec<usize>> {
    fn go(left: &mut Vec<usize>, at: usize, out: &mut Vec<Vec<usize>>) {
        if at == left.len() {
            out.push(left.clone());
        }
        for i in at..left.len() {
            left.swap(at, i);
            go(left, at + 1, out);
            left.swap(at, i);
        }
    }
    let mut out = Vec::new();
    go(&mut (0..n).collect(), 0, &mut out);
    out
}

/// Runs a solver over 50 seeds at the difficulties, and asserts that it agrees.
pub fn agrees(
    family: &str,
    difficulties: std::ops::RangeInclusive<u8>,
    solve: impl Fn(&Problem) -> bool,
) {
    for d in difficulties {
        for seed in 0..50 {
            let problem = retort_problems::generate(family, d, seed).unwrap();
            assert!(solve(&problem), "{problem:?}");
        }
    }
}

/// The gold of a problem whose answer is a whole number.
pub fn gold(p: &Problem) -> i64 {
    p.answer.parse().unwrap()
}
