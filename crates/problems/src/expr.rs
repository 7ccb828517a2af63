//! Arithmetic expressions as people write them: numbers, `+ - * /` and parentheses.

use crate::ratio::Ratio;

/// Parentheses and signs within each other; more are no answer a person would write.
const DEEPEST: usize = 100;

/// The value of an expression and the numbers that stand in it, in order.
#[derive(Debug, PartialEq)]
pub(crate) struct Value {
    pub value: Ratio,
    pub used: Vec<i128>,
}

/// Evaluates an expression over whole numbers, exactly.
pub(crate) fn evaluate(text: &str) -> Result<Value, String> {
    let mut parser = Parser {
        text: text.as_bytes(),
        at: 0,
        depth: 0,
        used: Vec::new(),
    };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(Value {
            value,
            used: parser.used,
        }),
        Some(byte) => Err(parser.unexpected(byte)),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    used: Vec<i128>,
}

const TOO_LARGE: &str = "a value of the expression is too large, or divided by zero";

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn unexpected(&self, byte: u8) -> String {
        format!(
            "unexpected `{}` at byte {} of the expression",
            char::from(byte).escape_default(),
            self.at
        )
    }

    fn sum(&mut self) -> Result<Ratio, String> {
        let mut value = self.product()?;
        while let Some(sign @ (b'+' | b'-')) = self.peek() {
            self.at += 1;
            let right = self.product()?;
            value = match sign {
                b'+' => value.plus(right),
                _ => value.minus(right),
            }
            .ok_or(TOO_LARGE)?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Ratio, String> {
        let mut value = self.factor()?;
        while let Some(sign @ (b'*' | b'/')) = self.peek() {
            self.at += 1;
            let right = self.factor()?;
            value = match sign {
                b'*' => value.times(right),
                _ => value.over(right),
            }
            .ok_or(TOO_LARGE)?;
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<Ratio, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("the expression is nested too deeply".to_owned());
        }
        let value = match self.peek() {
            Some(b'-') => {
                self.at += 1;
                Ratio::whole(0)
                    .minus(self.factor()?)
                    .ok_or_else(|| TOO_LARGE.to_owned())
            }
            Some(b'(') => {
                self.at += 1;
                let value = self.sum()?;
                match self.peek() {
                    Some(b')') => {
                        self.at += 1;
                        Ok(value)
                    }
                    _ => Err("a parenthesis is not closed".to_owned()),
                }
            }
            Some(b'0'..=b'9') => self.number(),
            Some(byte) => Err(self.unexpected(byte)),
            None => Err("the expression ends too early".to_owned()),
        };
        self.depth -= 1;
        value
    }

    fn number(&mut self) -> Result<Ratio, String> {
        let mut value = 0_i128;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i128::from(digit - b'0')))
                .ok_or(TOO_LARGE)?;
            self.at += 1;
        }
        self.used.push(value);
        Ok(Ratio::whole(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        match evaluate(text) {
            Ok(value) => value.value.to_string(),
            Err(error) => error,
        }
    }

    #[test]
    fn precedence_and_fractions() {
        assert_eq!(value("2 + 3 * 4"), "14");
        assert_eq!(value("8/(3-8/3)"), "24");
        assert_eq!(value("10-4-3"), "3");
        assert_eq!(value("-(2+3)*-2"), "10");
        assert_eq!(evaluate("7*(12-7)").unwrap().used, [7, 12, 7]);
    }

    #[test]
    fn nonsense_is_an_error_and_bounded() {
        assert!(evaluate("1/0").is_err());
        assert!(evaluate("2+").is_err());
        assert!(evaluate("2 3").is_err());
        assert!(evaluate("").is_err());
        assert!(evaluate(&"9".repeat(50)).is_err());
        for deep in ["(", "-", "((1+", "-("] {
            assert!(evaluate(&deep.repeat(300_000)).is_err());
        }
        assert!(evaluate(&format!("{}1{}", "(".repeat(90), ")".repeat(90))).is_ok());
    }
}
