//! Tokens to a tree: lists, relations, sums, products.

use super::lexer::{Spaced, Token};
use super::node::{Bracket, Constant, Node, Rel, Sign};
use super::{MAX_CHAIN, MAX_DEPTH, MAX_NODES};
use crate::error::VerifyError;

pub type Parsed = Result<Node, VerifyError>;

/// Reads an answer from its tokens.
pub struct Parser {
    pub tokens: Vec<Spaced>,
    pub at: usize,
    pub depth: usize,
    pub nodes: usize,
    pub chain: usize,
    /// Open bars: inside of one, a bar ends the term.
    pub bars: usize,
}

impl Parser {
    pub fn new(tokens: Vec<Spaced>) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
            nodes: 0,
            chain: 0,
            bars: 0,
        }
    }

    /// The whole of the tokens.
    pub fn answer(mut self) -> Parsed {
        let node = self.groups()?;
        match self.tokens.get(self.at) {
            None => Ok(node),
            Some(left) => Err(VerifyError::Unexpected {
                at: self.at,
                found: format!("{:?}", left.token),
            }),
        }
    }

    pub fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|spaced| &spaced.token)
    }

    pub fn take(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    pub fn take_op(&mut self, op: char) -> bool {
        self.take(&Token::Op(op))
    }

    pub fn unexpected<T>(&self, expected: &'static str) -> Result<T, VerifyError> {
        Err(match self.peek() {
            None => VerifyError::Ends { expected },
            Some(token) => VerifyError::Unexpected {
                at: self.at,
                found: format!("{token:?}"),
            },
        })
    }

    /// Runs a rule one level deeper.
    pub fn deeper<T>(
        &mut self,
        rule: impl FnOnce(&mut Self) -> Result<T, VerifyError>,
    ) -> Result<T, VerifyError> {
        if self.depth >= MAX_DEPTH {
            let (what, limit) = ("levels", MAX_DEPTH);
            return Err(VerifyError::TooComplex { what, limit });
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// One more node around what a chain has so far.
    pub fn link(&mut self) -> Result<(), VerifyError> {
        self.chain += 1;
        if self.chain > MAX_CHAIN {
            return Err(VerifyError::TooComplex {
                what: "links of chains",
                limit: MAX_CHAIN,
            });
        }
        Ok(())
    }

    pub fn count(&mut self) -> Result<(), VerifyError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(VerifyError::TooComplex {
                what: "nodes",
                limit: MAX_NODES,
            });
        }
        Ok(())
    }

    /// Lists, apart by `;` or "and": groups of their own where they have commas themselves.
    fn groups(&mut self) -> Parsed {
        let mut groups = Vec::new();
        loop {
            let mut items = Vec::new();
            loop {
                while self.take(&Token::Comma) {}
                if self.at_end_of_list() {
                    break;
                }
                items.push(self.relation()?);
                if !self.take(&Token::Comma) {
                    break;
                }
            }
            if !items.is_empty() {
                groups.push(items);
            }
            if !(self.take_op(';') || self.take(&Token::And)) {
                break;
            }
        }
        let grouped = groups.len() > 1 && groups.iter().all(|items| items.len() > 1);
        let mut items: Vec<Node> = if grouped {
            let bare = |items| Node::Items(Bracket::Bare, Bracket::Bare, items);
            groups.into_iter().map(bare).collect()
        } else {
            groups.into_iter().flatten().collect()
        };
        match items.len() {
            0 => self.unexpected("an answer"),
            1 => Ok(items.remove(0)),
            _ => Ok(Node::Items(Bracket::Bare, Bracket::Bare, items)),
        }
    }

    fn at_end_of_list(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Token::And | Token::Op(';') | Token::Close(_) | Token::GroupClose)
        )
    }

    /// What stands between brackets, after the opening one.
    pub fn list(&mut self) -> Result<Vec<Node>, VerifyError> {
        let bars = std::mem::take(&mut self.bars);
        let mut items = Vec::new();
        while !self.at_end_of_list() {
            items.push(self.deeper(Self::relation)?);
            let more = self.take(&Token::Comma) || self.take_op(';') || self.take(&Token::And);
            if !more {
                break;
            }
            while self.take(&Token::Comma) || self.take(&Token::And) {}
        }
        self.bars = bars;
        Ok(items)
    }

    /// A chain of relations, or what stands alone.
    pub fn relation(&mut self) -> Parsed {
        // A reply may start with the sign: `= 5`, `\approx 5`.
        while matches!(self.peek(), Some(Token::Rel(Rel::Equal | Rel::Approx))) {
            self.at += 1;
        }
        let mut terms = vec![self.union()?];
        let mut rels = Vec::new();
        while let Some(Token::Rel(rel)) = self.peek() {
            rels.push(*rel);
            self.at += 1;
            terms.push(self.union()?);
        }
        if rels.is_empty() {
            return Ok(terms.remove(0));
        }
        self.count()?;
        Ok(Node::Relation(terms, rels))
    }

    fn union(&mut self) -> Parsed {
        let mut parts = vec![self.ratio()?];
        while self.take_op('u') {
            parts.push(self.ratio()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Node::Union(parts)
        })
    }

    /// `7:32`, a quotient that binds less than a sum.
    fn ratio(&mut self) -> Parsed {
        let mut parts = vec![self.sum()?];
        while self.take_op(':') {
            parts.push(self.sum()?);
        }
        match parts.len() {
            1 => Ok(parts.remove(0)),
            2 => {
                let (below, above) = (parts.remove(1), parts.remove(0));
                Ok(Node::Quotient(Box::new(above), Box::new(below)))
            }
            _ => Ok(Node::Items(Bracket::Round, Bracket::Round, parts)),
        }
    }

    fn sign(&mut self) -> Option<Sign> {
        let sign = match self.peek()? {
            Token::Op('+') => Sign::Plus,
            Token::Op('-') => Sign::Minus,
            Token::Op('p') => Sign::PlusMinus,
            Token::Op('m') => Sign::MinusPlus,
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    /// Terms and their signs.
    pub fn sum(&mut self) -> Parsed {
        let mut terms = Vec::new();
        let mut sign = self.sign();
        loop {
            self.count()?;
            // `- -3`, `+ -3`
            let mut flips = 0;
            while sign.is_some() && matches!(self.peek(), Some(Token::Op('-' | '+'))) {
                flips += usize::from(self.peek() == Some(&Token::Op('-')));
                self.at += 1;
                self.count()?;
            }
            let mut term = self.term()?;
            if flips % 2 == 1 {
                term = term.negated();
            }
            terms.push((sign.unwrap_or(Sign::Plus), term));
            sign = self.sign();
            if sign.is_none() {
                break;
            }
        }
        if terms.len() == 1 {
            let (sign, term) = terms.remove(0);
            return Ok(match sign {
                Sign::Plus => term,
                Sign::Minus => negate_inside(term),
                other => Node::Sum(vec![(other, term)]),
            });
        }
        Ok(Node::Sum(terms))
    }

    /// Factors with `*`, `/` or nothing between them, and the unit after them.
    fn term(&mut self) -> Parsed {
        let mut value = self.factor()?;
        let mut divided = false;
        loop {
            self.count()?;
            if self.take_op('*') {
                value = times(value, self.signed_factor()?);
            } else if self.take_op('/') {
                // Products are flat, so only quotients around others make the tree deeper.
                if divided {
                    self.link()?;
                }
                divided = true;
                let below = self.signed_factor()?;
                value = Node::Quotient(Box::new(value), Box::new(below));
            } else if matches!(self.peek(), Some(Token::Text(_))) {
                value = self.unit(value)?;
                // Nothing multiplies a counted thing.
                if matches!(value, Node::Unit(..)) {
                    return Ok(value);
                }
            } else if self.starts_factor() {
                let next = self.implicit(&value)?;
                value = match next {
                    Mixed::Fraction(fraction) => {
                        Node::Sum(vec![(Sign::Plus, value), (Sign::Plus, fraction)])
                    }
                    Mixed::Factor(factor) => times(value, factor),
                };
            } else {
                return Ok(value);
            }
        }
    }

    pub fn signed_factor(&mut self) -> Parsed {
        if self.take_op('-') {
            return Ok(self.factor()?.negated());
        }
        self.take_op('+');
        self.factor()
    }

    /// Whether what follows multiplies without a sign.
    pub fn starts_factor(&self) -> bool {
        match self.peek() {
            Some(Token::Bar) => self.bars == 0,
            Some(
                Token::Num(..)
                | Token::Symbol(_)
                | Token::Const(_)
                | Token::Func(_)
                | Token::Name(_)
                | Token::Large(_)
                | Token::Frac
                | Token::Root
                | Token::Binom
                | Token::Over
                | Token::Open(_)
                | Token::GroupOpen
                | Token::FloorOpen
                | Token::CeilOpen
                | Token::Begin(_),
            ) => true,
            _ => false,
        }
    }

    /// The factor that follows `before`, or the fraction of a mixed number.
    fn implicit(&mut self, before: &Node) -> Result<Mixed, VerifyError> {
        let whole = matches!(before, Node::Num(n) if n.digits == 0 && n.value.is_integer());
        let next = self.tokens.get(self.at);
        let space = next.is_some_and(|next| next.space);
        match next.map(|next| &next.token) {
            Some(Token::Frac) if whole && self.previous_is_number() => {
                let fraction = self.factor()?;
                Ok(match &fraction {
                    Node::Quotient(a, b)
                        if matches!((&**a, &**b), (Node::Num(_), Node::Num(_))) =>
                    {
                        Mixed::Fraction(fraction)
                    }
                    _ => Mixed::Factor(fraction),
                })
            }
            // `1 1/2`; two numbers side by side are otherwise no formula.
            Some(Token::Num(..)) => {
                let slash = self.tokens.get(self.at + 1).map(|s| &s.token) == Some(&Token::Op('/'));
                let below = self.tokens.get(self.at + 2).map(|s| &s.token);
                if whole && space && slash && matches!(below, Some(Token::Num(..))) {
                    let above = self.factor()?;
                    self.at += 1;
                    let below = self.factor()?;
                    return Ok(Mixed::Fraction(Node::Quotient(
                        Box::new(above),
                        Box::new(below),
                    )));
                }
                if matches!(before, Node::Num(_)) {
                    return self.unexpected("an operator");
                }
                Ok(Mixed::Factor(self.factor()?))
            }
            _ => Ok(Mixed::Factor(self.factor()?)),
        }
    }

    fn previous_is_number(&self) -> bool {
        self.at > 0 && matches!(self.tokens[self.at - 1].token, Token::Num(..))
    }
}

enum Mixed {
    Fraction(Node),
    Factor(Node),
}

/// A product, flat.
pub fn times(left: Node, right: Node) -> Node {
    match left {
        Node::Product(mut factors) => {
            factors.push(right);
            Node::Product(factors)
        }
        left => Node::Product(vec![left, right]),
    }
}

/// The minus before a term belongs to the number, not to the unit or the percent sign.
fn negate_inside(term: Node) -> Node {
    match term {
        Node::Percent(inner) => Node::Percent(Box::new(inner.negated())),
        Node::Degrees(inner) => Node::Degrees(Box::new(inner.negated())),
        Node::Unit(inner, name) => Node::Unit(Box::new(inner.negated()), name),
        Node::Const(Constant::Infinity) => {
            Node::Sum(vec![(Sign::Minus, Node::Const(Constant::Infinity))])
        }
        term => term.negated(),
    }
}
