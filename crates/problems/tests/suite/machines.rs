//! Programs, run by a small interpreter of the language they are printed in.

use std::collections::BTreeMap;

use crate::common::{agrees, between, body, gold, ints};

/// Variables, and what was printed.
#[derive(Default)]
struct Machine<'a> {
    values: BTreeMap<&'a str, i64>,
    printed: Vec<i64>,
}

impl<'a> Machine<'a> {
    /// Runs lines of one indent, and what is within them.
    fn run(&mut self, lines: &[&'a str]) {
        let mut at = 0;
        while at < lines.len() {
            let indent = depth(lines[at]);
            let line = lines[at].trim();
            let within = lines[at + 1..]
                .iter()
                .take_while(|line| depth(line) > indent)
                .count();
            let (block, mut next) = (&lines[at + 1..at + 1 + within], at + 1 + within);
            if let Some(head) = line.strip_prefix("for ") {
                let (name, range) = head.split_once(" in range(").unwrap();
                let (low, high) = range.trim_end_matches("):").split_once(", ").unwrap();
                for value in self.value(low)..self.value(high) {
                    self.values.insert(name, value);
                    self.run(block);
                }
            } else if let Some(test) = line.strip_prefix("if ") {
                let holds = self.test(test.trim_end_matches(':'));
                if holds {
                    self.run(block);
                }
                if lines.get(next).is_some_and(|line| line.trim() == "else:") {
                    let other = lines[next + 1..]
                        .iter()
                        .take_while(|line| depth(line) > indent)
                        .count();
                    if !holds {
                        self.run(&lines[next + 1..next + 1 + other]);
                    }
                    next += 1 + other;
                }
            } else if let Some(value) = line.strip_prefix("print(") {
                let value = self.value(value.strip_suffix(')').unwrap());
                self.printed.push(value);
            } else if let Some((name, by)) = line.split_once(" += ") {
                let by = self.value(by);
                *self.values.get_mut(name).unwrap() += by;
            } else {
                let (name, text) = line.split_once(" = ").unwrap();
                let value = self.value(text);
                self.values.insert(name, value);
            }
            at = next;
        }
    }

    fn test(&self, text: &str) -> bool {
        match text.split_once(" == ") {
            Some((a, b)) => self.value(a) == self.value(b),
            None => {
                let (a, b) = text.split_once(" != ").unwrap();
                self.value(a) != self.value(b)
            }
        }
    }

    fn value(&self, text: &str) -> i64 {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut at = 0;
        let value = self.sum(&words, &mut at);
        assert_eq!(at, words.len(), "{text}");
        value
    }

    fn sum(&self, words: &[&str], at: &mut usize) -> i64 {
        let mut value = self.product(words, at);
        while let Some(sign @ (&"+" | &"-")) = words.get(*at) {
            *at += 1;
            let right = self.product(words, at);
            value += if *sign == "+" { right } else { -right };
        }
        value
    }

    fn product(&self, words: &[&str], at: &mut usize) -> i64 {
        let mut value = self.atom(words, at);
        while let Some(sign @ (&"*" | &"//" | &"%")) = words.get(*at) {
            *at += 1;
            let right = self.atom(words, at);
            value = match *sign {
                "*" => value * right,
                "//" => value.div_euclid(right),
                _ => value.rem_euclid(right),
            };
        }
        value
    }

    fn atom(&self, words: &[&str], at: &mut usize) -> i64 {
        let word = words[*at];
        *at += 1;
        if word == "(" {
            let value = self.sum(words, at);
            *at += 1;
            return value;
        }
        word.parse().unwrap_or_else(|_| self.values[word])
    }
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn programs_print_the_gold() {
    for family in ["loop_trace", "nested_loops"] {
        agrees(family, 1..=10, |p| {
            let code = between(&p.question, "print?\n\n", "\n\nAnswer");
            let mut machine = Machine::default();
            machine.run(&code.lines().collect::<Vec<_>>());
            machine.printed == [gold(p)]
        });
    }
}

#[test]
fn register_machines_run_line_by_line() {
    agrees("register_machine", 1..=10, |p| {
        let text = body(p);
        let first = ints(between(text, "registers ", ". It"));
        let mut registers = BTreeMap::from([('A', first[0]), ('B', first[1]), ('C', first[2])]);
        let lines: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit()))
            .map(|(_, line)| line)
            .collect();
        let mut at = 1_usize;
        for _ in 0..10_000 {
            let line = lines[at - 1];
            at += 1;
            let name = |index: usize| line.chars().nth(index).unwrap();
            if line == "stop" {
                return [registers[&'A'], registers[&'B']] == ints(&p.answer)[..];
            } else if let Some((left, right)) = line.split_once(" = ") {
                let mut value = 0;
                let mut sign = 1;
                for word in right.split(' ') {
                    match word {
                        "+" => sign = 1,
                        "-" => sign = -1,
                        word => {
                            let part = word
                                .parse()
                                .unwrap_or_else(|_| registers[&word.chars().next().unwrap()]);
                            value += sign * part;
                        }
                    }
                }
                registers.insert(left.chars().next().unwrap(), value);
            } else {
                let value = registers[&name(3)];
                let holds = match () {
                    _ if line.contains("less than") => value < ints(line)[0],
                    _ if line.contains("greater than") => value > ints(line)[0],
                    _ => {
                        assert!(line.contains("is even"), "{line}");
                        value.rem_euclid(2) == 0
                    }
                };
                if holds && line.contains("go to line") {
                    at = *ints(line).last().unwrap() as usize;
                } else if holds {
                    assert!(line.ends_with("exchange A and B"), "{line}");
                    let (a, b) = (registers[&'A'], registers[&'B']);
                    registers.insert('A', b);
                    registers.insert('B', a);
                }
            }
        }
        false
    });
}
