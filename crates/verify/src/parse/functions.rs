//! Functions with their arguments, sums and integrals, matrices, and units after a value.

use super::lexer::Token;
use super::node::{Bracket, Func, Node};
use super::parser::{Parsed, Parser, times};
use super::words;

impl Parser {
    /// A function, its power and base, and its argument with or without brackets.
    pub fn call(&mut self, func: Func) -> Parsed {
        let mut power = None;
        let mut base = None;
        loop {
            if self.take_op('^') {
                power = Some(self.exponent()?);
            } else if self.take_op('_') {
                base = Some(self.argument()?);
            } else {
                break;
            }
        }
        let mut func = func;
        if power == Some(Node::int(-1)) {
            func = match func {
                Func::Sin => Func::Asin,
                Func::Cos => Func::Acos,
                Func::Tan => Func::Atan,
                _ => return self.unexpected("a function with an inverse"),
            };
            power = None;
        }
        let bracketed = matches!(
            self.peek(),
            Some(Token::Open(_) | Token::GroupOpen | Token::Bar)
        );
        let mut args = if bracketed {
            match self.deeper(Self::primary)? {
                Node::Items(_, _, items) => items,
                one => vec![one],
            }
        } else {
            vec![self.deeper(Self::open_argument)?]
        };
        args.extend(base);
        let most = if matches!(func, Func::Log | Func::Binomial) {
            2
        } else {
            1
        };
        if args.is_empty() || args.len() > most {
            return self.unexpected("the arguments of the function");
        }
        let call = Node::Call(func, args);
        Ok(match power {
            None => call,
            Some(power) => Node::Power(Box::new(call), Box::new(power)),
        })
    }

    /// `\sin 2x \cos y`: factors up to the next function.
    fn open_argument(&mut self) -> Parsed {
        let mut value = self.signed_factor()?;
        loop {
            self.count()?;
            let stops = matches!(
                self.peek(),
                Some(Token::Func(_) | Token::Large(_) | Token::Open(_) | Token::Text(_))
            );
            if stops || !self.starts_factor() {
                return Ok(value);
            }
            value = times(value, self.factor()?);
        }
    }

    /// `f(x)` is a call; `f` alone is a variable.
    pub fn name(&mut self, mut name: String) -> Parsed {
        if self.take_op('_') {
            name = format!("{name}_{}", self.raw()?);
        }
        if !matches!(self.peek(), Some(Token::Open(Bracket::Round))) {
            return Ok(Node::Symbol(name));
        }
        self.at += 1;
        let args = self.list()?;
        if !self.take(&Token::Close(Bracket::Round)) {
            return self.unexpected("a closing bracket");
        }
        Ok(Node::Opaque(name, args))
    }

    /// `\sum_{k=0}^{n} ...`: known by its limits, which are compared as they are written.
    pub fn large(&mut self, mut name: String) -> Parsed {
        while let Some(Token::Op(op @ ('^' | '_'))) = self.peek() {
            let mark = *op;
            self.at += 1;
            name.push(mark);
            name.push_str(&self.raw()?);
        }
        let first = self.deeper(Self::signed_factor)?;
        // `\max(a, b)`
        if let Node::Items(_, _, args) = first {
            return Ok(Node::Opaque(name, args));
        }
        let mut body = vec![first];
        while self.starts_factor() {
            self.count()?;
            body.push(self.factor()?);
        }
        Ok(Node::Opaque(name, vec![Node::Product(body)]))
    }

    /// Rows and columns up to the end of the environment.
    pub fn matrix(&mut self, environment: &str) -> Parsed {
        let mut rows = vec![Vec::new()];
        loop {
            match self.peek() {
                None => return self.unexpected("the end of the matrix"),
                Some(Token::End(_)) => break,
                Some(Token::Row) => rows.push(Vec::new()),
                Some(Token::Ampersand) => {}
                Some(_) => {
                    let cell = self.deeper(Self::relation)?;
                    if let Some(row) = rows.last_mut() {
                        row.push(cell);
                    }
                    // Lines of a system may end in commas.
                    while self.take(&Token::Comma) {}
                    continue;
                }
            }
            self.at += 1;
        }
        self.at += 1;
        rows.retain(|row| !row.is_empty());
        if environment.contains("matrix") || environment == "array" {
            return Ok(Node::Matrix(rows));
        }
        let mut cells: Vec<Node> = rows.into_iter().flatten().collect();
        if cells.len() == 1 {
            return Ok(cells.remove(0));
        }
        Ok(Node::Items(Bracket::Bare, Bracket::Bare, cells))
    }

    /// Words after a value: a unit, with its power; "million"; or what is counted.
    pub fn unit(&mut self, value: Node) -> Parsed {
        let known = |word: &str| words::unit(word).is_some();
        // "We find that" counts nothing.
        if matches!(self.peek(), Some(Token::Text(word)) if !known(word)) && value.has_symbols() {
            return self.unexpected("a unit");
        }
        let mut name = String::new();
        while let Some(Token::Text(word)) = self.peek() {
            let word = word.clone();
            self.at += 1;
            if let Some(scale) = words::scale(&word.to_lowercase())
                && name.is_empty()
            {
                return Ok(times(value, Node::int(scale)));
            }
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&word);
            if self.take_op('^') {
                name.push('^');
                name.push_str(&self.raw()?);
            }
            // "miles per hour" has two words, "m/s" a quotient.
            let next = self.tokens.get(self.at + 1).map(|next| &next.token);
            if matches!(next, Some(Token::Text(_))) && self.take_op('/') {
                name.push('/');
            }
        }
        Ok(Node::Unit(Box::new(value), name.to_lowercase()))
    }
}
