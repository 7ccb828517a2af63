//! Text that is made to cost time, memory or the stack.

use std::time::{Duration, Instant};

use retort_verify::{Kind, Options, Reason, extract, parse, verify};

/// The longest that one comparison may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(4);

fn timed(gold: &str, reply: &str) -> retort_verify::Verdict {
    let start = Instant::now();
    let verdict = verify(gold, reply, &Options::default());
    let took = start.elapsed();
    let head: String = reply.chars().take(60).collect();
    assert!(took < PATIENCE, "{took:?} for `{head}`: {verdict:?}");
    verdict
}

#[test]
fn deep_nesting() {
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("[", "]"),
        ("\\frac{", "}{2}"),
        ("\\sqrt{", "}"),
        ("\\left(", "\\right)"),
        ("2^{", "}"),
        ("\\sin ", ""),
        ("|", "|"),
        ("-", ""),
        ("x^", ""),
        ("\\boxed{", "}"),
        ("\\text{", "}"),
        ("\\begin{matrix}", "\\end{matrix}"),
        ("\\sum_{", "}"),
        ("√", ""),
        ("f(", ")"),
        ("\\frac", ""),
        ("\\overline", ""),
    ] {
        for depth in [40, 300, 200_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            timed("1", &text);
            timed("1", &format!("\\boxed{{{text}}}"));
            timed("1", &open.repeat(depth));
            timed(&text, &text);
            timed(&text, "1");
        }
    }
}

/// The stack of a page's worker is small, and trees are walked by recursion.
#[test]
fn a_small_stack_is_enough() {
    let run = || {
        for (head, link, tail) in [
            ("1", "/1", ""),
            ("2", "!", ""),
            ("2", "%", ""),
            ("2", "^1", ""),
            ("2", "*1/1", ""),
            ("2", "^\\circ", ""),
            ("2", " cm", ""),
            ("2", "_1", ""),
            ("2", ":1", ""),
            ("2", "=2", ""),
            ("2", "- -1", ""),
            ("1", "\\cup 1", ""),
            ("x", "(x)", ""),
            ("\\sin ", "\\sin ", "x"),
            ("(1/1/1", "/(1/1/1", "x"),
        ] {
            for links in [45, 250, 1900] {
                let text = format!("{head}{}{tail}", link.repeat(links));
                let other = format!("{text}+0");
                for (gold, pred) in [(&text, &other), (&other, &text)] {
                    verify(gold, &format!("\\boxed{{{pred}}}"), &Options::default());
                }
            }
        }
        for open in ["(", "\\frac{1}{", "\\sqrt{", "|", "f(", "2^{"] {
            let close = open.chars().last().map(|c| match c {
                '(' => ')',
                '{' => '}',
                c => c,
            });
            let close = close.unwrap_or_default().to_string();
            for depth in 1..60 {
                let text = format!("{}1/1/1/1/1{}", open.repeat(depth), close.repeat(depth));
                verify(&text, &format!("0+{text}"), &Options::default());
            }
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(run);
    thread.unwrap().join().unwrap();
}

#[test]
fn large_numbers() {
    for text in [
        "9^{9^{9^{9}}}",
        "10^{10^{10}}",
        "1e999999999999999999999",
        "(10^{1000})!",
        "99999999999!",
        "\\binom{99999999}{49999999}",
        "(((2^{4000})^{4000})^{4000})",
        "0.1^{100000}",
        "1/0",
        "0/0",
        "0^{0}",
        "0^{-1}",
        "\\ln 0",
        "\\log_1 5",
        "\\sqrt[0]{5}",
        "\\frac{1}{x-x}",
        "\\infty - \\infty",
        "2^{\\infty}",
        "\\tan 90^\\circ",
        "1_{2}",
        "5_{99999999999}",
        "9_2",
    ] {
        let verdict = timed("7", text);
        assert!(!verdict.equal, "{text}: {verdict:?}");
        timed(text, "7");
        timed(text, &format!("{text} + 1"));
    }
    let digits = "9".repeat(900);
    assert!(timed(&digits, &format!("{digits}.0")).equal);
    assert!(!timed(&digits, &format!("{}8", &digits[1..])).equal);
    assert_eq!(
        timed("7", &format!("\\boxed{{{}}}", "9".repeat(5000))).reason,
        Reason::TooComplex
    );
    let powers = ["2^{4000}"; 800].join(",");
    timed(&powers, &powers.replace("2^{4000}", "2^{3999}\\cdot 2"));
    timed(&powers, &powers.replacen("2^{4000}", "2^{4000}+1", 1));
    let sums = ["3^{2000}/7^{1400}"; 400].join("+");
    timed(&sums, &format!("{sums}+1"));
    let formulas = ["\\sin(x+y)"; 500].join(",");
    timed(&formulas, &formulas.replacen("x+y", "x-y", 1));
}

#[test]
fn long_replies() {
    for piece in [
        "\\boxed{",
        "{",
        "}",
        "$",
        "\\(",
        "\\)",
        "<think>",
        "</think>",
        "#### ",
        "answer is ",
        "1,",
        "1 ",
        "a",
        "\\\\",
        "A: 1\n",
        "The answer is (B). ",
        "-",
        "1.",
        "é",
        "√",
        "</answer>",
        "<answer>",
        "\\boxed{1} and ",
        "\\text{a",
        " is ",
        "x=",
    ] {
        let text = piece.repeat(2_000_000 / piece.len());
        timed("1", &text);
        let start = Instant::now();
        extract(&text, &Options::of(Kind::Choice));
        assert!(start.elapsed() < PATIENCE, "{piece}");
    }
}

/// Numbers that look random and are always the same.
struct Noise(u64);

impl Noise {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % most
    }
}

#[test]
fn ten_thousand_broken_answers() {
    const PIECES: &[&str] = &[
        "\\frac",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "1",
        "23",
        "4.5",
        ",",
        "^",
        "_",
        "x",
        "y",
        "\\sqrt",
        "\\pi",
        "+",
        "-",
        "*",
        "/",
        "!",
        "|",
        "\\left",
        "\\right",
        "\\begin{pmatrix}",
        "&",
        "\\\\",
        "\\end{pmatrix}",
        "\\text{",
        "\\boxed{",
        "=",
        "<",
        "\\le",
        "\\cup",
        "\\in",
        "\\infty",
        "$",
        "\\%",
        "^\\circ",
        "\\binom",
        "\\sin",
        "\\log_",
        "and",
        " ",
        "é",
        "²",
        "½",
        "\\pm",
        ";",
        ":",
        "\\sum",
        "e",
        "i",
        "f(",
        "\\overline{3}",
        "cm",
        "apples",
        "\u{0}",
        "\\",
        "'",
        "\\{",
        "\\}",
    ];
    let mut noise = Noise(11);
    let start = Instant::now();
    for _ in 0..10_000 {
        let mut make = |longest: usize| -> String {
            let pieces = noise.below(longest);
            (0..pieces)
                .map(|_| PIECES[noise.below(PIECES.len())])
                .collect()
        };
        let (gold, pred) = (make(12), make(40));
        verify(&gold, &pred, &Options::default());
        verify(&pred, &pred, &Options::default());
        let _ = parse(&pred);
    }
    let took = start.elapsed();
    println!("10,000 broken answers in {took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
}
