//! Numbers as they are written: separators of thousands, points, exponents, hexadecimal.

use num_rational::BigRational;

use super::lexer::{Lexer, Token};
use super::node::{Node, Number};
use super::{Commas, big};
use crate::error::VerifyError;

impl Lexer<'_> {
    /// A literal at the current character, which is a digit or the point before one.
    pub fn number(&mut self) -> Result<(), VerifyError> {
        if self.peek(0) == Some('0') && matches!(self.peek(1), Some('x' | 'X')) {
            let digits = self.run(2, |c| c.is_ascii_hexdigit());
            if !digits.is_empty() {
                self.at += 2 + digits.len();
                let value = BigRational::from_integer(big::integer(&digits, 16)?);
                self.push(Token::Num(
                    Node::Num(Number { value, digits: 0 }),
                    String::new(),
                ));
                return Ok(());
            }
        }
        let mut whole = self.run(0, |c| c.is_ascii_digit());
        self.at += whole.len();
        if (1..=3).contains(&whole.len()) {
            while let Some((skip, group)) = self.group(&whole) {
                whole.push_str(&group);
                self.at += skip + group.len();
            }
        }
        let mut part = None;
        let point = match self.peek(0) {
            Some('.') => true,
            // `0,5` can be nothing but a decimal comma.
            Some(',') => {
                let digits = self.run(1, |c| c.is_ascii_digit()).len();
                let alone = self.peek(1 + digits) != Some(',');
                digits > 0
                    && alone
                    && (self.commas == Commas::Decimal || (whole == "0" && self.out.is_empty()))
            }
            _ => false,
        };
        if point {
            let digits = self.run(1, |c| c.is_ascii_digit());
            // A point that nothing follows ends a sentence.
            if !digits.is_empty() || self.repeats(1).is_some() {
                self.at += 1 + digits.len();
                part = Some(digits);
            }
        }
        let exponent = self.exponent()?;
        let mut node = big::decimal(&whole, part.as_deref(), exponent)?;
        if let (Some(places), Some((skip, digits)), Node::Num(number)) =
            (part.as_ref().map(String::len), self.repeats(0), &node)
        {
            node = Node::Num(big::repeating(number, places, &digits)?);
            self.at += skip;
        }
        let plain = if part.is_none() && exponent == 0 {
            whole
        } else {
            String::new()
        };
        self.push(Token::Num(node, plain));
        Ok(())
    }

    /// The characters from `ahead` on for which this holds.
    fn run(&self, ahead: usize, holds: impl Fn(char) -> bool) -> String {
        let rest = self.chars.get(self.at + ahead..).unwrap_or_default();
        rest.iter().copied().take_while(|c| holds(*c)).collect()
    }

    /// A separator and the three digits after it, where that is what stands here.
    fn group(&self, whole: &str) -> Option<(usize, String)> {
        let rest: String = self.chars[self.at..].iter().take(16).collect();
        let bare = rest.trim_start();
        let inset = rest.chars().count() - bare.chars().count();
        // Written so that no list is meant: `14{,}916`, `32,\!349`, `10\,000`.
        let sure = ["{,}\\!", "{,}", "{ ,}", "{, }", "{ , }", ",\\!", "\\,"];
        let mut skip = sure
            .iter()
            .find(|form| bare.starts_with(**form))
            .map(|form| inset + form.len());
        if skip.is_none() && inset == 0 {
            skip = match rest.chars().next() {
                Some(',') if self.commas != Commas::Separators && whole != "0" => Some(1),
                Some('\u{202f}' | '\u{2009}') => Some(1),
                _ => None,
            };
        } else if let Some(found) = skip.as_mut() {
            let after = rest.chars().skip(*found);
            *found += after.take_while(|c| c.is_whitespace()).count();
        }
        let skip = skip?;
        let digits = self.run(skip, |c| c.is_ascii_digit());
        (digits.len() == 3).then_some((skip, digits))
    }

    /// `e-5` after a number.
    fn exponent(&mut self) -> Result<i64, VerifyError> {
        if !matches!(self.peek(0), Some('e' | 'E')) {
            return Ok(0);
        }
        let sign = matches!(self.peek(1), Some('+' | '-'));
        let digits = self.run(1 + usize::from(sign), |c| c.is_ascii_digit());
        let after = self.peek(1 + usize::from(sign) + digits.len());
        if digits.is_empty() || after.is_some_and(|c| c.is_ascii_alphabetic()) {
            return Ok(0);
        }
        let text: String = self.chars[self.at + 1..][..usize::from(sign) + digits.len()]
            .iter()
            .filter(|c| **c != '+')
            .collect();
        self.at += 1 + usize::from(sign) + digits.len();
        text.parse().map_err(|_| VerifyError::TooComplex {
            what: "digits",
            limit: super::MAX_DIGITS,
        })
    }

    /// `\overline{36}` from `ahead` on: how much it takes, and its digits.
    fn repeats(&self, ahead: usize) -> Option<(usize, String)> {
        let rest: String = self.chars.get(self.at + ahead..)?.iter().take(64).collect();
        let (mark, inner) = ["\\overline{", "\\bar{", "\\overline "]
            .iter()
            .find_map(|mark| rest.strip_prefix(mark).map(|inner| (mark.len(), inner)))?;
        let digits: String = inner.chars().take_while(char::is_ascii_digit).collect();
        let closed = inner[digits.len()..].starts_with('}');
        (!digits.is_empty() && closed).then_some((mark + digits.len() + 1, digits))
    }
}
