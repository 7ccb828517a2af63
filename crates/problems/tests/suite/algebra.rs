//! Solutions put into their equations.

use crate::common::{agrees, between, body, eval, float, floats, gold, ints, near};

#[test]
fn solutions_satisfy_their_equations() {
    agrees("linear_equation", 1..=10, |p| {
        let x = float(&p.answer);
        let text = body(p).split_once(": ").unwrap().1.trim_end_matches('.');
        let (left, right) = text.split_once(" = ").unwrap();
        near(eval(left, &|_| x), eval(right, &|_| x))
    });
    agrees("linear_system", 1..=10, |p| {
        let values = floats(&p.answer);
        let names: Vec<char> = between(&p.question, "values of ", " in this")
            .split(", ")
            .map(|n| n.chars().next().unwrap())
            .collect();
        let lines = body(p).lines().filter(|line| line.contains('='));
        lines.clone().count() == values.len()
            && lines
                .map(|line| line.split_once(" = ").unwrap())
                .all(|(left, right)| {
                    let value = eval(left, &|c| {
                        values[names.iter().position(|n| *n == c).unwrap()]
                    });
                    near(value, float(right))
                })
    });
    for family in ["quadratic_roots", "absolute_equation"] {
        agrees(family, 1..=10, |p| {
            let text = body(p).trim_end_matches('.');
            let text = text
                .strip_prefix("Find all solutions of ")
                .or(text.strip_prefix("Find all x with "))
                .unwrap();
            let (left, right) = text.split_once(" = ").unwrap();
            let roots = floats(&p.answer);
            let f = |x: f64| eval(left, &|_| x) - float(right);
            // Two roots, or one where the parabola touches.
            let touches = roots.len() == 1 && near(f(roots[0] + 1.0), f(roots[0] - 1.0));
            (touches || (roots.len() == 2 && roots[0] != roots[1]))
                && roots.iter().all(|x| f(*x).abs() < 1e-6)
        });
    }
    agrees("inequality_count", 1..=10, |p| {
        let text = between(&p.question, "satisfy ", "?");
        let (low, rest) = text.split_once(" <= ").unwrap();
        let (middle, high) = rest.split_once(" < ").unwrap();
        let (low, high) = (float(low), float(high));
        let count = (-3000..3000).filter(|x| {
            let value = eval(middle, &|_| f64::from(*x));
            low <= value && value < high
        });
        count.count() as i64 == gold(p)
    });
    agrees("complex_product", 1..=10, |p| {
        // Multiply at the real points and compare with what i^2 = -1 leaves: by polar form.
        let (mut size, mut angle) = (1.0, 0.0);
        for part in between(&p.question, "Multiply out ", ". Answer").split(" * ") {
            let re = eval(part, &|_| 0.0);
            let im = eval(part, &|_| 1.0) - re;
            size *= re.hypot(im);
            angle += im.atan2(re);
        }
        let a = floats(&p.answer);
        (a[0] - size * f64::cos(angle)).abs() < 1e-6 * size
            && (a[1] - size * f64::sin(angle)).abs() < 1e-6 * size
    });
    agrees("determinant", 1..=10, |p| {
        let q = ints(body(p));
        let n = (1..).find(|n| n * n == q.len()).unwrap();
        let mut m: Vec<Vec<f64>> = q
            .chunks(n)
            .map(|row| row.iter().map(|v| *v as f64).collect())
            .collect();
        let mut det = 1.0;
        for k in 0..n {
            let pivot = (k..n)
                .max_by(|a, b| m[*a][k].abs().total_cmp(&m[*b][k].abs()))
                .unwrap();
            if m[pivot][k].abs() < 1e-9 {
                det = 0.0;
                break;
            }
            if pivot != k {
                m.swap(pivot, k);
                det = -det;
            }
            det *= m[k][k];
            for r in k + 1..n {
                let f = m[r][k] / m[k][k];
                let pivot = m[k].clone();
                for (value, above) in m[r].iter_mut().zip(pivot) {
                    *value -= f * above;
                }
            }
        }
        (det - gold(p) as f64).abs() < 1e-4
    });
    agrees("matrix_power", 1..=10, |p| {
        let q = ints(body(p));
        let mul = |a: &[i64], b: &[i64]| {
            vec![
                a[0] * b[0] + a[1] * b[2],
                a[0] * b[1] + a[1] * b[3],
                a[2] * b[0] + a[3] * b[2],
                a[2] * b[1] + a[3] * b[3],
            ]
        };
        let m = &q[..4];
        let (mut value, mut square, mut k) = (vec![1, 0, 0, 1], m.to_vec(), q[q.len() - 1]);
        while k > 0 {
            if k % 2 == 1 {
                value = mul(&value, &square);
            }
            square = mul(&square, &square);
            k /= 2;
        }
        value == ints(&p.answer)
    });
}
