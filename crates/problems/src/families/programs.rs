//! Small programs to be followed by hand.

use crate::problem::{AnswerKind, Domain, Draft, Family};
use crate::rng::Rng;
use crate::words::{INTEGER, dial, join, list};

use AnswerKind::{Integer, NumberList};

const fn new(
    name: &'static str,
    kind: AnswerKind,
    description: &'static str,
    measure: &'static str,
    make: fn(&mut Rng, u8) -> Draft,
) -> Family {
    Family::new(name, Domain::Programs, kind, description, measure, make)
}

pub(super) const FAMILIES: &[Family] = &[
    new(
        "loop_trace",
        Integer,
        "A loop with a condition",
        "rounds",
        loop_trace,
    ),
    new(
        "nested_loops",
        Integer,
        "How often the inside of nested loops runs",
        "largest bound",
        nested_loops,
    ),
    new(
        "recursion",
        Integer,
        "A function that calls itself",
        "argument",
        recursion,
    ),
    new(
        "stack_machine",
        NumberList,
        "What is on the stack at the end",
        "instructions",
        stack,
    ),
    new(
        "assignments",
        NumberList,
        "The values of variables after assignments",
        "assignments",
        assignments,
    ),
    new(
        "robot_walk",
        NumberList,
        "Where a robot ends on a grid",
        "commands",
        robot,
    ),
    new(
        "register_machine",
        NumberList,
        "Registers, jumps and a counter",
        "rounds",
        registers,
    ),
];

fn loop_trace(rng: &mut Rng, d: u8) -> Draft {
    let rounds = dial(d, 3, 20);
    let (k, a, b, c) = (
        rng.range(2, 4),
        rng.range(2, 3),
        rng.range(1, 9),
        rng.range(1, 9),
    );
    let modulus = rng.range(20, 50 + 20 * i64::from(d));
    let start = rng.range(1, 20);
    let mut x = start;
    for i in 1..=rounds {
        x = if x % k == 0 {
            x / k + c * i
        } else {
            (a * x + b) % modulus
        };
    }
    let question = format!(
        "What does this Python program print?\n\nx = {start}\nfor i in range(1, {}):\n    if x % {k} == 0:\n        x = x // {k} + {c} * i\n    else:\n        x = ({a} * x + {b}) % {modulus}\nprint(x)\n\n{INTEGER}",
        rounds + 1
    );
    Draft::new(question, x, rounds)
}

fn nested_loops(rng: &mut Rng, d: u8) -> Draft {
    let top = dial(d, 5, 30);
    let n = rng.range(top * 3 / 4, top);
    let (a, k) = (rng.range(1, 6), rng.range(2, 5));
    let (inner, test) = (rng.below(3), rng.below(3));
    let mut count = 0;
    for i in 1..=n {
        let (low, high) = match inner {
            0 => (1, i),
            1 => (i, n + a),
            _ => (1, n - i + a),
        };
        for j in low..=high {
            let counted = match test {
                0 => (i + j) % k == 0,
                1 => (i * j) % k != 0,
                _ => (i + a * j) % k == 1,
            };
            count += i64::from(counted);
        }
    }
    let (low, high) = [
        ("1", "i + 1".to_owned()),
        ("i", format!("n + {}", a + 1)),
        ("1", format!("n - i + {}", a + 1)),
    ][inner as usize]
        .clone();
    let test = [
        format!("(i + j) % {k} == 0"),
        format!("(i * j) % {k} != 0"),
        format!("(i + {a} * j) % {k} == 1"),
    ][test as usize]
        .clone();
    let start = rng.range(0, 20);
    let question = format!(
        "What does this Python program print?\n\nn = {n}\ncount = {start}\nfor i in range(1, n + 1):\n    for j in range({low}, {high}):\n        if {test}:\n            count += 1\nprint(count)\n\n{INTEGER}"
    );
    Draft::new(question, count + start, top)
}

fn recursion(rng: &mut Rng, d: u8) -> Draft {
    let n = dial(d, 4, 24);
    let (a, b, c, m) = (
        rng.range(1, 4),
        rng.range(1, 4),
        rng.range(1, 9),
        rng.range(30, 400),
    );
    let (p, q) = (rng.range(1, 9), rng.range(1, 9));
    let mut values = vec![p, q];
    for i in 2..=n {
        let at = i as usize;
        let value = if i % 2 == 0 {
            a * values[at - 1] + values[at / 2]
        } else {
            values[at - 1] + b * values[at - 2] + c
        };
        values.push(value % m);
    }
    let question = format!(
        "What does this Python program print?\n\ndef f(n):\n    if n == 0:\n        return {p}\n    if n == 1:\n        return {q}\n    if n % 2 == 0:\n        return ({a} * f(n - 1) + f(n // 2)) % {m}\n    return (f(n - 1) + {b} * f(n - 2) + {c}) % {m}\n\nprint(f({n}))\n\n{INTEGER}"
    );
    Draft::new(question, values[n as usize], n)
}

fn stack(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 5, 30);
    let mut stack: Vec<i64> = Vec::new();
    let mut code = Vec::new();
    while code.len() < count as usize {
        // Only what the stack allows, and few deep stacks.
        match rng.below(8) {
            choice if stack.len() < 2 || (choice == 0 && stack.len() < 6) => {
                let value = rng.range(1, 12);
                stack.push(value);
                code.push(format!("PUSH {value}"));
            }
            choice => {
                let (Some(b), Some(a)) = (stack.pop(), stack.pop()) else {
                    break;
                };
                let (name, values): (&str, Vec<i64>) = match choice {
                    1 => ("SWAP", vec![b, a]),
                    2 | 3 if stack.len() < 5 => ("DUP", vec![a, b, b]),
                    4 => ("SUB", vec![a - b]),
                    5 if a.abs().max(b.abs()) < 100 => ("MUL", vec![a * b]),
                    6 if stack.len() < 4 => ("OVER", vec![a, b, a]),
                    _ => ("ADD", vec![a + b]),
                };
                stack.extend(values);
                code.push(name.to_owned());
            }
        }
    }
    let question = format!(
        "A stack machine starts with an empty stack. PUSH n puts n on top; ADD, SUB and MUL take the top value b and then the value a below it and put back a + b, a - b or a * b; SWAP exchanges the two top values; DUP puts a copy of the top value on top; OVER puts a copy of the value below the top on top. The program is: {}. What is on the stack at the end? Answer with all its values from the bottom to the top, separated by commas.",
        join(&code, "; ")
    );
    Draft::new(question, list(&stack), count)
}

fn assignments(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 2, 18);
    let mut values = [rng.range(1, 9), rng.range(1, 9), rng.range(1, 9)];
    let names = ["a", "b", "c"];
    let mut lines: Vec<String> = names
        .iter()
        .zip(&values)
        .map(|(n, v)| format!("{n} = {v}"))
        .collect();
    for _ in 0..count {
        let (x, y) = (rng.count(0, 2), rng.count(0, 2));
        let to = rng.count(0, 2);
        let k = rng.range(2, 9);
        let (text, value) = match rng.below(5) {
            0 => (
                format!("{} + {}", names[x], names[y]),
                values[x] + values[y],
            ),
            1 => (
                format!("{} - {}", names[x], names[y]),
                values[x] - values[y],
            ),
            2 => (
                format!("{} * {k} % 100", names[x]),
                (values[x] * k).rem_euclid(100),
            ),
            3 => (
                format!("max({}, {})", names[x], names[y]),
                values[x].max(values[y]),
            ),
            _ => (format!("{} + {k}", names[x]), values[x] + k),
        };
        values[to] = value;
        lines.push(format!("{} = {text}", names[to]));
    }
    let question = format!(
        "After this Python program, what are a, b and c? (In Python, -7 % 100 is 93.)\n\n{}\n\nAnswer with the three values in this order, separated by commas.",
        lines.join("\n")
    );
    Draft::new(question, list(&values), count)
}

fn robot(rng: &mut Rng, d: u8) -> Draft {
    let count = dial(d, 4, 30);
    let (mut x, mut y) = (rng.range(-5, 5), rng.range(-5, 5));
    let faces = [
        ("north", 0, 1),
        ("east", 1, 0),
        ("south", 0, -1),
        ("west", -1, 0),
    ];
    let mut face = rng.count(0, 3);
    let start = format!("({x}, {y}) and faces {}", faces[face].0);
    let mut code = Vec::new();
    for _ in 0..count {
        match rng.below(5) {
            0 => {
                face = (face + 3) % 4;
                code.push("L".to_owned());
            }
            1 => {
                face = (face + 1) % 4;
                code.push("R".to_owned());
            }
            2 => {
                let steps = rng.range(1, 5);
                (x, y) = (x - faces[face].1 * steps, y - faces[face].2 * steps);
                code.push(format!("B{steps}"));
            }
            _ => {
                let steps = rng.range(1, 9);
                (x, y) = (x + faces[face].1 * steps, y + faces[face].2 * steps);
                code.push(format!("F{steps}"));
            }
        }
    }
    let question = format!(
        "A robot stands at {start}; north is the direction of growing y, east that of growing x. L and R turn it by 90 degrees to its left or right, Fn moves it n steps forward, and Bn moves it n steps backward without turning. It is told: {}. Where is it then? Answer with its x and y, separated by a comma.",
        join(&code, " ")
    );
    Draft::new(question, format!("{x}, {y}"), count)
}

fn registers(rng: &mut Rng, d: u8) -> Draft {
    let rounds = dial(d, 2, 15);
    let (mut a, mut b) = (rng.range(1, 12), rng.range(1, 12));
    let (p, q, limit) = (rng.range(1, 9), rng.range(1, 9), rng.range(20, 60));
    let question = format!(
        "A machine has the registers A = {a}, B = {b} and C = {rounds}. It runs these lines from the first, one after the other unless a line says otherwise:\n1: A = A + B\n2: if A is less than {limit}, go to line 4\n3: A = A - {limit} + {p}\n4: B = B + {q}\n5: if B is even, exchange A and B\n6: C = C - 1\n7: if C is greater than 0, go to line 1\n8: stop\nWhat are A and B at the end? Answer with the values of A and B, in this order, separated by a comma."
    );
    for _ in 0..rounds {
        a += b;
        if a >= limit {
            a = a - limit + p;
        }
        b += q;
        if b % 2 == 0 {
            (a, b) = (b, a);
        }
    }
    Draft::new(question, format!("{a}, {b}"), rounds)
}
