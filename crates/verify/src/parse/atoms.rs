//! The parts of a product: brackets, fractions, roots, powers and indices.

use super::big;
use super::lexer::Token;
use super::node::{Bracket, Constant, Func, Node};
use super::parser::{Parsed, Parser};
use crate::error::VerifyError;

/// A raised or lowered digit: the operator it stands for, and itself.
pub fn script(c: char) -> Option<(char, char)> {
    const UP: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";
    const DOWN: &str = "₀₁₂₃₄₅₆₇₈₉₋";
    const PLAIN: &[u8; 11] = b"0123456789-";
    let find = |set: &str| set.chars().position(|one| one == c);
    find(UP)
        .map(|at| ('^', char::from(PLAIN[at])))
        .or_else(|| find(DOWN).map(|at| ('_', char::from(PLAIN[at]))))
}

impl Parser {
    /// A primary with what is written after it: powers, `!`, `%`, degrees.
    pub fn factor(&mut self) -> Parsed {
        self.deeper(|parser| {
            let mut value = parser.primary()?;
            for place in 0.. {
                parser.count()?;
                if place > 1 {
                    parser.link()?;
                }
                if parser.take_op('^') {
                    let exponent = parser.exponent()?;
                    value = Node::Power(Box::new(value), Box::new(exponent));
                } else if parser.take_op('_') {
                    value = parser.index(value)?;
                } else if parser.take_op('!') {
                    value = Node::Call(Func::Factorial, vec![value]);
                } else if parser.take(&Token::Percent) {
                    value = Node::Percent(Box::new(value));
                } else if parser.take(&Token::Degree) {
                    // "90° degrees", "degrees Celsius"
                    while parser.take(&Token::Degree) {}
                    value = Node::Degrees(Box::new(value));
                } else {
                    break;
                }
            }
            Ok(value)
        })
    }

    /// What follows `^`: a group, a sign and a factor, one token.
    pub fn exponent(&mut self) -> Parsed {
        if matches!(self.peek(), Some(Token::GroupOpen)) {
            return self.argument();
        }
        if self.take_op('-') {
            return Ok(self.exponent_atom()?.negated());
        }
        self.take_op('+');
        self.exponent_atom()
    }

    fn exponent_atom(&mut self) -> Parsed {
        self.deeper(|parser| {
            let base = parser.primary()?;
            // Powers of powers group to the right: `2^3^2`.
            if parser.take_op('^') {
                let exponent = parser.exponent()?;
                return Ok(Node::Power(Box::new(base), Box::new(exponent)));
            }
            Ok(base)
        })
    }

    /// `x_1`, `a_{n+1}`, `1011_2`: the index belongs to the name.
    fn index(&mut self, base: Node) -> Parsed {
        let text = self.raw()?;
        let (base, exponent) = match base {
            // `v^2_0` is the square of `v_0`.
            Node::Power(base, exponent) => (*base, Some(exponent)),
            base => (base, None),
        };
        let named = self.indexed(base, &text)?;
        Ok(match exponent {
            Some(exponent) => Node::Power(Box::new(named), exponent),
            None => named,
        })
    }

    fn indexed(&self, base: Node, text: &str) -> Parsed {
        match base {
            Node::Symbol(name) => Ok(Node::Symbol(format!("{name}_{text}"))),
            Node::Const(constant) => {
                let name = match constant {
                    Constant::I => "I",
                    Constant::E => "e",
                    Constant::Pi => "pi",
                    Constant::Infinity => "infinity",
                };
                Ok(Node::Symbol(format!("{name}_{text}")))
            }
            Node::Num(number) if number.value.is_integer() => match text.parse::<u32>() {
                Ok(base @ 2..=36) => {
                    let digits = number.value.to_integer().to_string();
                    Ok(Node::Based(digits, base))
                }
                _ => self.unexpected("a base"),
            },
            _ => self.unexpected("a name before an index"),
        }
    }

    /// The next token or group as text.
    pub fn raw(&mut self) -> Result<String, VerifyError> {
        let mut text = String::new();
        let mut depth = 0_usize;
        loop {
            let Some(token) = self.peek() else {
                return self.unexpected("an index");
            };
            match token {
                Token::GroupOpen => depth += 1,
                Token::GroupClose if depth == 0 => return self.unexpected("an index"),
                Token::GroupClose => depth -= 1,
                Token::Num(_, digits) if !digits.is_empty() => text.push_str(digits),
                Token::Symbol(name)
                | Token::Name(name)
                | Token::Text(name)
                | Token::Large(name) => text.push_str(name),
                Token::Op(op) => text.push(*op),
                other => text.push_str(&format!("{other:?}")),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(text);
            }
        }
    }

    pub fn primary(&mut self) -> Parsed {
        self.count()?;
        let Some(token) = self.peek().cloned() else {
            return self.unexpected("a value");
        };
        self.at += 1;
        match token {
            Token::Num(node, _) => Ok(node),
            Token::Symbol(name) => Ok(Node::Symbol(name)),
            Token::Const(constant) => Ok(Node::Const(constant)),
            Token::Empty => Ok(Node::Items(Bracket::Curly, Bracket::Curly, Vec::new())),
            Token::Over => self.argument(),
            Token::Frac => {
                let (above, below) = (self.argument()?, self.argument()?);
                Ok(Node::Quotient(Box::new(above), Box::new(below)))
            }
            Token::Binom => {
                let (above, below) = (self.argument()?, self.argument()?);
                Ok(Node::Call(Func::Binomial, vec![above, below]))
            }
            Token::Root => self.root(),
            Token::Func(func) => self.call(func),
            Token::Name(name) => self.name(name),
            Token::Large(name) => self.large(name),
            Token::Open(open) => self.bracketed(open),
            Token::GroupOpen => {
                let mut items = self.list()?;
                if !self.take(&Token::GroupClose) {
                    return self.unexpected("a closing brace");
                }
                if items.len() == 1 {
                    return Ok(items.remove(0));
                }
                Ok(Node::Items(Bracket::Curly, Bracket::Curly, items))
            }
            Token::Bar => {
                self.bars += 1;
                let inner = self.deeper(Self::sum);
                self.bars -= 1;
                self.close(&Token::Bar, Func::Abs, inner?)
            }
            Token::FloorOpen => {
                let inner = self.deeper(Self::sum)?;
                self.close(&Token::FloorClose, Func::Floor, inner)
            }
            Token::CeilOpen => {
                let inner = self.deeper(Self::sum)?;
                self.close(&Token::CeilClose, Func::Ceil, inner)
            }
            Token::Begin(environment) => self.matrix(&environment),
            // A name before a relation: "Area = 12".
            Token::Text(words) if matches!(self.peek(), Some(Token::Rel(_))) => {
                Ok(Node::Symbol(words))
            }
            Token::Text(words) if self.peek().is_none() && self.at == 1 => Ok(Node::Text(words)),
            _ => {
                self.at -= 1;
                self.unexpected("a value")
            }
        }
    }

    fn close(&mut self, token: &Token, func: Func, inner: Node) -> Parsed {
        if !self.take(token) {
            return self.unexpected("the other bar");
        }
        Ok(Node::Call(func, vec![inner]))
    }

    /// After an opening bracket: a group, a tuple, an interval or a set.
    fn bracketed(&mut self, open: Bracket) -> Parsed {
        // `\{x | 0 < x\}` is its condition.
        let next = |ahead: usize| self.tokens.get(self.at + ahead).map(|next| &next.token);
        let builder = open == Bracket::Curly
            && matches!(next(0), Some(Token::Symbol(_)))
            && matches!(next(1), Some(Token::Bar | Token::Op(':')));
        if builder {
            self.at += 2;
        }
        let mut items = self.list()?;
        let Some(Token::Close(close)) = self.peek() else {
            return self.unexpected("a closing bracket");
        };
        let close = *close;
        self.at += 1;
        if items.len() == 1 && (builder || (open == Bracket::Round && close == Bracket::Round)) {
            return Ok(items.remove(0));
        }
        Ok(Node::Items(open, close, items))
    }

    /// What a command takes: a group, or one token, or one digit of a number.
    pub fn argument(&mut self) -> Parsed {
        if let Some(Token::Num(_, digits)) = self.peek()
            && digits.len() > 1
        {
            let (first, rest) = (digits[..1].to_owned(), digits[1..].to_owned());
            let number = big::decimal(&first, None, 0)?;
            let rest_number = big::decimal(&rest, None, 0)?;
            self.tokens[self.at].token = Token::Num(rest_number, rest);
            return Ok(number);
        }
        if self.take(&Token::GroupOpen) {
            let mut items = self.list()?;
            if !self.take(&Token::GroupClose) {
                return self.unexpected("a closing brace");
            }
            return match items.len() {
                1 => Ok(items.remove(0)),
                _ => self.unexpected("one value"),
            };
        }
        if self.take_op('-') {
            return Ok(self.deeper(Self::primary)?.negated());
        }
        self.deeper(Self::primary)
    }

    /// `\sqrt[3]{x}`, `\sqrt3`, `√(x+1)`; without braces a whole number belongs to it.
    fn root(&mut self) -> Parsed {
        let mut degree = None;
        if matches!(self.peek(), Some(Token::Open(Bracket::Square))) {
            self.at += 1;
            degree = Some(self.deeper(Self::sum)?);
            if !self.take(&Token::Close(Bracket::Square)) {
                return self.unexpected("a closing bracket");
            }
        }
        let inner = if matches!(self.peek(), Some(Token::Num(..))) {
            self.deeper(Self::primary)?
        } else {
            self.argument()?
        };
        Ok(match degree {
            None => Node::Call(Func::Sqrt, vec![inner]),
            Some(degree) => Node::Root(Box::new(degree), Box::new(inner)),
        })
    }
}
