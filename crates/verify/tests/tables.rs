//! Pairs that are equal and pairs that are not, by what they are about.

use retort_verify::{Kind, Options, Reason, Tolerance, Verdict, verify};

fn check(gold: &str, pred: &str, options: &Options) -> Verdict {
    verify(gold, pred, options)
}

fn equal(pairs: &[(&str, &str)]) {
    for (gold, pred) in pairs {
        let verdict = check(gold, pred, &Options::default());
        assert!(verdict.equal, "`{gold}` and `{pred}`: {verdict:?}");
    }
}

fn different(pairs: &[(&str, &str)]) {
    for (gold, pred) in pairs {
        let verdict = check(gold, pred, &Options::default());
        assert!(!verdict.equal, "`{gold}` and `{pred}`: {verdict:?}");
    }
}

#[test]
fn numbers() {
    equal(&[
        ("42", "42.0"),
        ("1,234,567", "1234567"),
        ("1234567", "1{,}234{,}567"),
        ("1234567", "1,\\!234,\\!567"),
        ("10000", "10\\,000"),
        ("0.5", ".5"),
        ("-3", "−3"),
        ("1/3", "\\frac13"),
        ("-1/3", "\\frac{-1}{3}"),
        ("-1/3", "-\\dfrac{1}{3}"),
        ("7/2", "3\\frac{1}{2}"),
        ("7/2", "3 1/2"),
        ("-7/2", "-3\\frac12"),
        ("0.75", "3/4"),
        ("2^{10}", "1024"),
        ("6.02e23", "6.02 \\times 10^{23}"),
        ("0.00012", "1.2 \\cdot 10^{-4}"),
        ("1/6", "0.1\\overline{6}"),
        ("5!", "120"),
        ("\\binom{5}{2}", "10"),
        ("|-4|", "4"),
        ("\\lfloor 3.7 \\rfloor", "3"),
        ("0x1f", "31"),
        ("2.5 million", "2500000"),
        ("five", "5"),
        ("½", "0.5"),
        ("x²", "x^2"),
        ("1234.5", "1,234.50"),
        ("2^{3^2}", "512"),
    ]);
    different(&[
        ("42", "43"),
        ("42", "-42"),
        ("1/3", "0.33"),
        ("1/3", "0.333333"),
        ("10000000000", "10000000001"),
        ("1.0000000001", "1.0000000002"),
        ("1 1/2", "11/2"),
        ("2^{10}", "20"),
        ("0.1", "0.01"),
        ("12", "1, 2"),
        ("100", "100000"),
        ("1011_2", "1011_3"),
        ("4:30", "2:15"),
    ]);
}

#[test]
fn units_and_percentages() {
    equal(&[
        ("8\\text{ cm}", "8 cm"),
        ("8\\text{ cm}", "8"),
        ("8", "8 centimeters"),
        ("1 km", "1000 meters"),
        ("50 cents", "0.5 dollars"),
        ("12\\text{ cm}^2", "12 square centimeters"),
        ("\\$300", "300"),
        ("300", "\\$300 dollars"),
        ("90^\\circ", "90"),
        ("90^{\\circ}", "90 degrees"),
        ("180°", "\\pi"),
        ("20\\%", "20"),
        ("20\\%", "0.2"),
        ("0.2", "20\\%"),
        ("20%", "20 percent"),
        ("5", "5 apples"),
        ("60 \\text{ miles/hour}", "60"),
    ]);
    different(&[
        ("8\\text{ cm}", "8 inches"),
        ("8 cm", "9 cm"),
        ("12 cm^2", "12 cm^3"),
        ("1 km", "100 m"),
        ("20\\%", "2"),
        ("20\\%", "30%"),
        ("0.64N", "0.64"),
    ]);
    let strict = Options {
        strict: true,
        ..Options::default()
    };
    assert!(!check("8 cm", "8", &strict).equal);
    assert!(!check("20\\%", "20", &strict).equal);
    assert!(check("20\\%", "0.2", &strict).equal);
}

#[test]
fn formulas() {
    equal(&[
        ("\\sqrt{8}", "2\\sqrt2"),
        ("\\frac{\\sqrt{2}}{2}", "1/√2"),
        ("\\sqrt[3]{-8}", "-2"),
        ("6\\sqrt5", "\\sqrt{180}"),
        ("25\\pi", "25π"),
        ("x^2+2x+1", "(x+1)^2"),
        ("2(x-2)(x+2)", "2x^2 - 8"),
        ("-23x^3(5x^4-2)", "23x^3(2 - 5x^4)"),
        ("2*x**2 + 3", "3 + 2x^2"),
        ("\\sin^2 x + \\cos^2 x", "1"),
        ("2\\sin x\\cos x", "\\sin 2x"),
        ("\\log_2 8", "3"),
        ("\\ln(x^2)", "2\\ln x"),
        ("e^{i\\pi}", "-1"),
        ("\\tan 45^\\circ", "1"),
        ("\\frac{n(n+1)}{2}", "(n^2+n)/2"),
        ("x_1 + x_2", "x_2+x_1"),
        ("(1+i)^2", "2i"),
        ("\\binom{n}{2}", "n(n-1)/2"),
        ("|x|", "|{-x}|"),
        ("f(x)+g(x)", "g(x) + f(x)"),
        ("\\displaystyle \\frac{1}{7}", "1/7"),
        ("k\\left(4k^2+k-1\\right)/2", "\\frac{4k^3 + k^2 - k}{2}"),
        ("(n+1)! / n!", "n+1"),
        ("-\\infty", "-∞"),
    ]);
    different(&[
        ("x^2+2x+1", "x^2+2x+2"),
        ("x", "y"),
        ("\\sqrt{x^2}", "x"),
        ("\\sin x", "\\cos x"),
        ("\\sin x", "\\sin y"),
        ("4\\sqrt2", "4"),
        ("x^2", "x^3"),
        ("\\pi", "3.14"),
        ("f(x)", "f(y)"),
        ("\\infty", "-\\infty"),
        ("\\infty", "1000000"),
        ("xy", "x+y"),
    ]);
}

#[test]
fn lists_tuples_sets_intervals() {
    equal(&[
        ("1, 2, 3", "3, 1, 2"),
        ("\\{1,2,3\\}", "\\{3,2,1\\}"),
        ("1,2", "1 and 2"),
        ("-5,-2,7", "7, -2, \\text{ and } -5"),
        ("(1, 2)", "\\left( 1,\\ 2 \\right)"),
        (
            "(3,1,-2)",
            "\\begin{pmatrix} 3 \\\\ 1 \\\\ -2 \\end{pmatrix}",
        ),
        ("(4, \\infty)", "x > 4"),
        ("[-2, 7)", "-2 \\le x < 7"),
        ("(-\\infty, 3)", "x < 3"),
        ("(-\\infty,1)\\cup(1,\\infty)", "x \\ne 1"),
        ("(1,2)\\cup(3,4)", "(3, 4) ∪ (1, 2)"),
        ("1 \\pm \\sqrt{2}", "1-\\sqrt2, 1+\\sqrt2"),
        ("x = 1, y = 2", "(1, 2)"),
        ("(x, y) = (3, 2)", "(3, 2)"),
        ("p=5,q=2;p=7,q=2", "(7,2),(5,2)"),
        ("[[1,2],[3,4]]", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}"),
        (
            "\\frac12\\begin{pmatrix}2\\\\4\\end{pmatrix}",
            "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
        ),
        ("\\emptyset", "\\{\\}"),
        (
            "(-\\infty,-14)\\cup(-3,\\infty)",
            "x < -14 \\text{ or } x > -3",
        ),
        ("\\{1\\}\\cup\\{2\\}", "\\{1,2\\}"),
        ("(-\\infty,\\infty)", "x \\in \\mathbb{R}"),
        ("[-2,1)", "\\{x \\mid -2 \\le x < 1\\}"),
        ("2, 1", "x_1 = 1, x_2 = 2"),
        ("1,000 and 2,000", "1000, 2000"),
    ]);
    different(&[
        ("(1, 2)", "(2, 1)"),
        ("(1, 2)", "[1, 2]"),
        ("[0, 1)", "(0, 1)"),
        ("1, 2, 3", "1, 2"),
        ("1, 2, 2", "1, 1, 2"),
        ("\\{1,2\\}", "\\{1,3\\}"),
        ("x = 1, y = 2", "(2, 1)"),
        ("x = 1, y = 2", "x = 2, y = 1"),
        ("\\pm 5", "5"),
        (
            "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
            "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}",
        ),
        ("x > 4", "x \\ge 4"),
        ("x > 4", "x < 4"),
        ("3", "\\{3, 4\\}"),
    ]);
}

#[test]
fn equations() {
    equal(&[
        ("5", "x = 5"),
        ("x=5", "5"),
        ("x = 5", "2x = 10"),
        ("y = 2x+1", "2x + 1"),
        ("y = 2x+1", "2x - y + 1 = 0"),
        ("y = 2x+1", "f(x) = 1+2x"),
        ("x^2+y^2=4", "4 = y^2 + x^2"),
        ("2 < x", "x > 2"),
        ("2x + 4 > 0", "x > -2"),
        ("11", "x \\approx 11"),
        ("1/3", "x = 2/6 = 1/3 \\approx 0.33"),
        ("2/3", "\\frac{2}{3} \\approx 0.667"),
        ("7:32", "S:T = 7:32"),
    ]);
    different(&[
        ("x = 5", "y = 5"),
        ("x = 5", "x = 6"),
        ("5", "2x = 5"),
        ("0", "a^2 + b = 0"),
        ("y = 2x+1", "y = 2x-1"),
        ("x^2+y^2=4", "x^2-y^2=4"),
        ("2x + 4 > 0", "x < -2"),
        ("x = 0", "x^2 = 0 + 1"),
        ("10^{15}x^2 + 1", "10^{15}x^2 + 2"),
    ]);
}

#[test]
fn words() {
    equal(&[
        ("\\text{Evelyn}", "evelyn"),
        ("True", "true"),
        ("odd", "\\text{odd}"),
        (
            "Olivia is a laggard, and Lily is a pioneer.",
            "Olivia is a laggard, and Lily is a pioneer",
        ),
        ("\\text{(C)}", "C"),
        ("9:00 \\text{ a.m.}", "9:00 AM"),
        ("4:30 \\text{ p.m.}", "4:30"),
        ("B", "(B)"),
    ]);
    different(&[
        ("cat", "act"),
        ("no", "on"),
        ("dog bites man", "man bites dog"),
        ("Wednesday", "Thursday"),
        ("A", "B"),
        ("noon", "no on"),
        ("9:00 a.m.", "9:00 p.m."),
    ]);
    let text = Options::of(Kind::Text);
    assert!(check("a b", "a  b", &text).equal);
    assert!(!check("a b", "b a", &text).equal);
    assert!(!check("1/2", "0.5", &text).equal);
}

#[test]
fn choices() {
    let mut options = Options::of(Kind::Choice);
    let ask = |gold: &str, reply: &str, options: &Options| check(gold, reply, options).equal;
    for (gold, reply) in [
        ("C", "\\boxed{C}"),
        ("C", "\\boxed{\\text{(C)}}"),
        ("C", "The answer is (C)."),
        ("C", "It is not A. The correct answer is **C**"),
        ("C", "c"),
        ("C", "Answer: C) because of B"),
        ("B", "B is right"),
        ("(D) Four", "D"),
    ] {
        assert!(ask(gold, reply, &options), "{gold} {reply}");
    }
    for (gold, reply) in [
        ("C", "The answer is B"),
        ("A", "An apple a day"),
        ("A", "A number is prime, so C"),
        ("C", "nothing"),
    ] {
        assert!(!ask(gold, reply, &options), "{gold} {reply}");
    }
    options.choices = ["Rome", "Paris", "Oslo"].map(String::from).to_vec();
    assert!(ask("B", "\\boxed{\\text{Paris}}", &options));
    assert!(!ask("B", "\\boxed{Oslo}", &options));
}

#[test]
fn tolerances_are_for_those_who_ask() {
    let with = |tolerance: Tolerance| Options {
        tolerance,
        ..Options::default()
    };
    let digits = with(Tolerance {
        digits: Some(2),
        ..Tolerance::default()
    });
    assert!(check("1/3", "0.33", &digits).equal);
    assert!(!check("1/3", "0.34", &digits).equal);
    let relative = with(Tolerance {
        relative: Some(1e-2),
        ..Tolerance::default()
    });
    assert!(check("\\pi", "3.14", &relative).equal);
    assert!(!check("\\pi", "3.2", &relative).equal);
    let absolute = with(Tolerance {
        absolute: Some(0.001),
        ..Tolerance::default()
    });
    assert!(check("0.003", "0.002", &absolute).equal);
    assert!(!check("0.003", "0.0019", &absolute).equal);
}

#[test]
fn reasons() {
    let reason = |gold: &str, reply: &str| check(gold, reply, &Options::default()).reason;
    assert_eq!(
        reason("5", "<think>it is \\boxed{5}"),
        Reason::UnclosedThought
    );
    assert_eq!(reason("5", "<think>it is 5</think>"), Reason::NoAnswer);
    assert_eq!(reason("5", ""), Reason::NoAnswer);
    assert_eq!(reason(" ", "5"), Reason::NoGold);
    assert_eq!(
        reason("5", "<think>it is 6</think>\\boxed{5}"),
        Reason::Same
    );
    assert_eq!(reason("5", "it is 6</think>\\boxed{5}"), Reason::Same);
    assert_eq!(
        reason("6", "<think>\\boxed{6}</think>\\boxed{5}"),
        Reason::Different
    );
    assert_eq!(
        reason("5", &format!("\\boxed{{{}}}", "(".repeat(300))),
        Reason::TooComplex
    );
    assert_eq!(reason("5", "\\boxed{10^{999999999}}"), Reason::Different);
    assert_eq!(reason("5", "1e999999999"), Reason::TooComplex);
}

#[test]
fn answers_in_prose() {
    equal(&[
        (
            "1/7",
            "<answer>The probability is \\(\\frac{1}{7}\\) (about 0.143).</answer>",
        ),
        ("31", "<answer>Ted is 31 years old.</answer>"),
        ("45", "<think>a</think> So it is \u{8}oxed{45} miles."),
        ("18", "He makes 9 * 2 = $18 every day.\n#### 18"),
        ("34", "Final Answer: The largest $n$ is 34."),
        ("12", "**Final Answer**\n\\boxed{12}"),
        (
            "(7, 6)",
            "so the pair $(x, y)$ that solves the system is $(7, 6)$.",
        ),
        ("1,2,3", "\\boxed{1}, \\boxed{2} and \\boxed{3}"),
        ("-3", "Adding them up we get -3"),
        ("5", "There are 3 ways and 2 ways, that is 5 of them"),
        ("2/3", "Therefore, the probability that she wins is 2/3."),
        ("1234", "In total 1,234."),
        ("6", "\\boxed{5} was wrong. The final answer is $6$."),
    ]);
    different(&[
        ("5", "\\boxed{\\text{not 5}}"),
        ("5", "\\boxed{4} or \\boxed{5}"),
        ("5", "It is 5. \\boxed{4}"),
        ("5", "The answer is not 5"),
        ("5", "\\boxed{6} The final answer is correct, 5 of 5."),
        ("5", "\\boxed{5x}"),
        ("5", "\\boxed{5 < x}"),
        ("5", "\\boxed{5, 6}"),
        ("3", "\\boxed{3, 3, 4}"),
        ("2", "AZ2A"),
        ("5", "No idea"),
    ]);
}
