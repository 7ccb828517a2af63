//! Polynomials compared at points.

use crate::common::{agrees, between, body, eval, float, ints, near};

#[test]
fn polynomials_agree_at_points() {
    let points = [-2.5, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 1.7];
    agrees("polynomial_product", 1..=10, |p| {
        let text = between(&p.question, "Expand ", ". Answer");
        points
            .iter()
            .all(|x| near(eval(text, &|_| *x), eval(&p.answer, &|_| *x)))
    });
    agrees("polynomial_value", 1..=10, |p| {
        let x = float(between(&p.question, "Find p(", ")"));
        near(
            eval(between(&p.question, "p(x) = ", ". Find"), &|_| x),
            float(&p.answer),
        )
    });
    agrees("derivative", 1..=10, |p| {
        let text = between(&p.question, "Differentiate ", " with");
        points.iter().all(|x| {
            let f = |x: f64| eval(text, &|_| x);
            // Exact up to the fifth power but for rounding: Richardson's difference.
            let h = 0.05;
            let (a, b) = (
                (f(x + h) - f(x - h)) / (2.0 * h),
                (f(x + 2.0 * h) - f(x - 2.0 * h)) / (4.0 * h),
            );
            let slope = (4.0 * a - b) / 3.0;
            let said = eval(&p.answer, &|_| *x);
            (slope - said).abs() < 0.05 * (1.0 + said.abs().sqrt())
        })
    });
    agrees("polynomial_remainder", 1..=10, |p| {
        let (a, by) = body(p)
            .trim_start_matches("Find the remainder when ")
            .trim_end_matches('.')
            .split_once(" is divided by ")
            .unwrap();
        let degree = |text: &str| {
            if text.contains('^') {
                text[text.find('^').unwrap() + 1..]
                    .chars()
                    .next()
                    .unwrap()
                    .to_digit(10)
                    .unwrap()
            } else {
                u32::from(text.contains('x'))
            }
        };
        let whole = (-9..=9).all(|x| {
            let at = |text: &str| eval(text, &|_| f64::from(x)) as i64;
            at(by) == 0 || (at(a) - at(&p.answer)) % at(by) == 0
        });
        whole && degree(&p.answer) < degree(by)
    });
    agrees("definite_integral", 1..=10, |p| {
        let text = between(&p.question, "Integrate ", " over");
        let (low, high) = (
            float(between(&p.question, "from ", " to")),
            float(between(
                &p.question[p.question.find("from").unwrap()..],
                "to ",
                ". ",
            )),
        );
        // Simpson with many steps.
        let n = 400;
        let h = (high - low) / f64::from(n);
        let f = |i: i32| eval(text, &|_| low + h * f64::from(i));
        let sum: f64 = (1..n)
            .map(|i| f(i) * if i % 2 == 1 { 4.0 } else { 2.0 })
            .sum();
        ((f(0) + f(n) + sum) * h / 3.0 - float(&p.answer)).abs() < 1e-3
    });
    agrees("vieta", 1..=10, |p| {
        let text = between(&p.question, "roots of ", " = 0");
        let at = |x: f64| eval(text, &|_| x);
        let c = at(0.0);
        let (a, b) = ((at(1.0) + at(-1.0)) / 2.0 - c, (at(1.0) - at(-1.0)) / 2.0);
        let k = ints(between(&p.question, "Find ", ". "))[0] as f64;
        let disc = b * b - 4.0 * a * c;
        let value = if disc >= 0.0 {
            let (r, s) = ((-b + disc.sqrt()) / 2.0 / a, (-b - disc.sqrt()) / 2.0 / a);
            r.powi(k as i32) + s.powi(k as i32)
        } else {
            let (re, im) = (-b / 2.0 / a, (-disc).sqrt() / 2.0 / a);
            2.0 * re.hypot(im).powf(k) * (k * im.atan2(re)).cos()
        };
        (value - float(&p.answer)).abs() < 1e-6 * (1.0 + value.abs()) + 1e-5
    });
}
