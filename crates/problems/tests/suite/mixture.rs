//! Mixtures, and requests that cannot be met.

use std::collections::BTreeMap;

use retort_problems::{Problem, ProblemError, Weight, families, generate, mixture};

#[test]
fn wrong_requests_are_errors_that_help() {
    let error = generate("countdwn", 1, 1).unwrap_err();
    assert_eq!(
        error,
        ProblemError::UnknownFamily {
            name: "countdwn".to_owned(),
            near: Some("countdown")
        }
    );
    assert!(matches!(
        generate("?", 1, 1),
        Err(ProblemError::UnknownFamily { near: None, .. })
    ));
    for d in [0, 11, 255] {
        assert!(
            matches!(generate("gcd", d, 1), Err(ProblemError::Difficulty { got, .. }) if got == d)
        );
    }
    let range = Weight {
        difficulty: (3, 2),
        ..Weight::new("gcd", 1)
    };
    assert!(matches!(
        mixture(1, &[range]),
        Err(ProblemError::Range {
            low: 3,
            high: 2,
            ..
        })
    ));
    assert_eq!(
        mixture(1, &[Weight::new("gcd", 0)]).err(),
        Some(ProblemError::NoWeight)
    );
    assert!(mixture(1, &[Weight::new("nothing", 1)]).is_err());
}

#[test]
fn a_mixture_follows_its_weights_and_can_be_resumed() {
    let weights = [
        Weight {
            difficulty: (2, 4),
            ..Weight::new("gcd", 3)
        },
        Weight {
            difficulty: (7, 7),
            ..Weight::new("lcm", 1)
        },
    ];
    let stream = mixture(9, &weights).unwrap();
    let made: Vec<Problem> = stream.clone().take(2000).collect();
    assert_eq!(stream.at(1234), made[1234]);
    let mut counts = BTreeMap::new();
    for problem in &made {
        *counts
            .entry((problem.family.as_str(), problem.difficulty))
            .or_insert(0) += 1;
        assert!(problem.seed < 1 << 53);
    }
    assert_eq!(
        counts.keys().copied().collect::<Vec<_>>(),
        [("gcd", 2), ("gcd", 3), ("gcd", 4), ("lcm", 7)]
    );
    let lcm = counts[&("lcm", 7)];
    assert!((430..570).contains(&lcm), "{lcm}");
    assert_ne!(
        mixture(10, &weights).unwrap().next(),
        mixture(9, &weights).unwrap().next()
    );
}

#[test]
fn a_mixture_may_name_domains_or_nothing() {
    let domain: Vec<Problem> = mixture(1, &[Weight::new("time", 1)])
        .unwrap()
        .take(100)
        .collect();
    assert!(domain.iter().all(|p| {
        families()
            .iter()
            .any(|f| f.name == p.family && f.domain.name() == "time")
    }));
    let names: std::collections::BTreeSet<String> = mixture(1, &[])
        .unwrap()
        .take(3000)
        .map(|p| p.family)
        .collect();
    assert_eq!(names.len(), families().len());
}
