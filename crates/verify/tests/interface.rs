//! What programs see: lines of JSON, rules, errors with hints.

use retort_verify::{
    How, Kind, Line, Options, Reason, Rule, VerifyError, check, extract, parse, verify,
};

#[test]
fn lines_of_json() {
    let line = |text: &str| -> Line { serde_json::from_str(text).unwrap() };
    let options = Options::default();
    let half = line(r#"{"gold": "1/2", "pred": "\\boxed{0.5}", "id": 7}"#);
    let verdict = check(&half, &options);
    assert!(verdict.equal);
    assert_eq!(
        serde_json::to_string(&verdict).unwrap(),
        r#"{"equal":true,"reason":"same","how":"exact","rule":"boxed","answer":"0.5"}"#
    );
    let choice = line(r#"{"gold": "B", "completion": "I choose (B)", "kind": "choice"}"#);
    assert_eq!(check(&choice, &options).how, How::Choice);
    let close = r#"{"gold": "1/3", "pred": "0.33", "options": {"tolerance": {"digits": 2}}}"#;
    assert!(check(&line(close), &options).equal);
    assert!(!check(&line(&close.replace("0.33", "0.34")), &options).equal);
    let unknown = r#"{"gold": "1", "pred": "1", "options": {"tolerence": 2}}"#;
    let error = serde_json::from_str::<Line>(unknown).unwrap_err();
    assert!(error.to_string().contains("tolerence"), "{error}");
}

#[test]
fn the_rule_is_said() {
    let options = Options::default();
    for (reply, rule, answer) in [
        ("so \\boxed{\\frac{1}{2}}.", Rule::Boxed, "\\frac{1}{2}"),
        ("so <answer> 5 </answer>", Rule::Tag, "5"),
        ("3 + 4 = 7\n#### 7", Rule::Hashes, "7"),
        ("The final answer is $x^2$. Good.", Rule::Phrase, "x^2"),
        ("We see that it is $x^2$", Rule::Formula, "x^2"),
        ("It took him 5 days", Rule::LastNumber, "5"),
        ("x^2 + 1", Rule::Whole, "x^2 + 1"),
    ] {
        let found = extract(reply, &options).unwrap();
        let answer_found = found.answer.trim_matches('$');
        assert_eq!((found.rule, answer_found), (rule, answer), "{reply}");
    }
    let letter = extract("It must be (D).", &Options::of(Kind::Choice)).unwrap();
    assert_eq!((letter.rule, letter.answer.as_str()), (Rule::Letter, "D"));
    assert_eq!(extract("<think>\\boxed{1}", &options), None);
}

#[test]
fn errors_say_what_to_do() {
    let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
    let error = parse(&deep).unwrap_err();
    assert!(matches!(error, VerifyError::TooComplex { .. }), "{error}");
    assert!(error.to_string().contains("levels"), "{error}");
    assert!(!error.hint().is_empty());
    let long = "1+".repeat(10_000);
    assert!(matches!(parse(&long), Err(VerifyError::TooComplex { .. })));
    for broken in ["(1", "\\frac{1}", "1 + ", "\\sqrt{", "x^", "}"] {
        let error = parse(broken).unwrap_err();
        assert!(!matches!(error, VerifyError::TooComplex { .. }), "{broken}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn long_answers_are_shortened_in_the_verdict() {
    let text = "é".repeat(1000);
    let verdict = verify("5", &format!("\\boxed{{{text}}}"), &Options::default());
    assert_eq!(verdict.reason, Reason::Different);
    assert!(verdict.answer.unwrap().chars().count() < 250);
}

#[test]
fn verdicts_are_the_same_every_time() {
    let ask = || {
        verify(
            "\\sin(2x)+\\ln y",
            "2\\sin x\\cos x + \\ln y",
            &Options::default(),
        )
    };
    let first = ask();
    assert_eq!(first.how, How::Sampled);
    assert!(first.equal);
    assert!((0..20).all(|_| ask() == first));
}
