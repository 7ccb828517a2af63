//! Equations and inequalities.

use super::Compare;
use crate::parse::{Bracket, Constant, Func, Node, Rel, Sign};
use crate::verdict::How;

/// The name and the value of `x = 5`, `f(x) = ...`, `|AB| = 1`, `(p, q) = (3, 2)`.
pub fn named(node: &Node) -> Option<(&Node, &Node)> {
    match node {
        Node::Relation(terms, rels) if rels.as_slice() == [Rel::Equal] => {
            let [left, right] = terms.as_slice() else {
                return None;
            };
            if is_name(left) {
                Some((left, right))
            } else if is_name(right) && !left.has_symbols() {
                Some((right, left))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn is_name(node: &Node) -> bool {
    match node {
        Node::Symbol(_) | Node::Opaque(..) | Node::Text(_) => true,
        Node::Const(Constant::I | Constant::E) => true,
        Node::Product(nodes) | Node::Items(_, _, nodes) => nodes.iter().all(is_name),
        // `x - p = 2 - 2p` says what `x - p` is; `2x = 4` has yet to be solved.
        Node::Sum(terms) => terms.iter().all(|(_, term)| is_name(term)),
        Node::Power(base, exponent) => is_name(base) && **exponent == Node::int(-1),
        Node::Call(Func::Binomial, _) => true,
        Node::Quotient(a, b) => is_name(a) && is_name(b),
        Node::Call(Func::Abs, nodes) => nodes.iter().all(is_name),
        Node::Degrees(a) => is_name(a),
        _ => false,
    }
}

/// `y` and `f(x)` are two names of the same.
fn may_be_alike(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Opaque(..), Node::Symbol(name)) | (Node::Symbol(name), Node::Opaque(..)) => {
            name == "y"
        }
        _ => false,
    }
}

impl Compare<'_> {
    /// Two answers of which at least one is a relation.
    pub fn relations(&self, gold: &Node, pred: &Node) -> Option<How> {
        match (gold, pred) {
            (Node::Relation(a, a_rels), Node::Relation(b, b_rels)) => {
                if let (Some((name, value)), Some((other, other_value))) =
                    (named(gold), named(pred))
                    && (name == other || (!self.options.strict && may_be_alike(name, other)))
                {
                    if self.same(value, other_value).is_some() {
                        return Some(How::Relation);
                    }
                    return None;
                }
                self.chains((a, a_rels), (b, b_rels))
            }
            (relation, other) | (other, relation) if matches!(relation, Node::Relation(..)) => {
                if let Some((_, value)) = named(relation) {
                    let names = self.options.strict;
                    return (!names).then(|| self.same(value, other))?;
                }
                if let Some(value) = self.identity(relation) {
                    return self.same(value, other);
                }
                self.same(&as_set(relation)?, other)
            }
            _ => None,
        }
    }

    /// The last form of a formula that was rewritten: `(3c+18)/7 = 3(c+6)/7`.
    fn identity<'n>(&self, relation: &'n Node) -> Option<&'n Node> {
        let Node::Relation(terms, rels) = relation else {
            return None;
        };
        match (terms.as_slice(), rels.as_slice()) {
            ([left, right], [Rel::Equal]) if left.is_scalar() && right.is_scalar() => {
                self.scalars(left, right).map(|_| right)
            }
            _ => None,
        }
    }

    fn chains(
        &self,
        (a, a_rels): (&[Node], &[Rel]),
        (b, b_rels): (&[Node], &[Rel]),
    ) -> Option<How> {
        // The same terms, from either end.
        let in_order = |b: &[Node], b_rels: &[Rel]| {
            a_rels == b_rels
                && a.len() == b.len()
                && a.iter().zip(b).all(|(x, y)| self.same(x, y).is_some())
        };
        let reversed: Vec<Node> = b.iter().rev().cloned().collect();
        let flipped: Vec<Rel> = b_rels.iter().rev().map(|rel| rel.flipped()).collect();
        if in_order(b, b_rels) || in_order(&reversed, &flipped) {
            return Some(How::Relation);
        }
        if let ([rel], [other]) = (a_rels, b_rels) {
            let (x, y) = (difference(a)?, difference(b)?);
            let factor = self.factor(&x, &y)?;
            let other = if factor < 0.0 {
                other.flipped()
            } else {
                *other
            };
            return (*rel == other).then_some(How::Relation);
        }
        let set =
            |terms: &[Node], rels: &[Rel]| as_set(&Node::Relation(terms.to_vec(), rels.to_vec()));
        self.same(&set(a, a_rels)?, &set(b, b_rels)?)
    }
}

/// Left minus right.
fn difference(terms: &[Node]) -> Option<Node> {
    let [left, right] = terms else { return None };
    if !(left.is_scalar() && right.is_scalar()) {
        return None;
    }
    Some(Node::Sum(vec![
        (Sign::Plus, left.clone()),
        (Sign::Minus, right.clone()),
    ]))
}

fn interval(open: Bracket, low: Node, high: Node, close: Bracket) -> Node {
    Node::Items(open, close, vec![low, high])
}

fn infinity(sign: Sign) -> Node {
    let infinity = Node::Const(Constant::Infinity);
    match sign {
        Sign::Minus => Node::Sum(vec![(Sign::Minus, infinity)]),
        _ => infinity,
    }
}

/// The values of the variable of an inequality: `x > 5`, `-2 ≤ x < 7`, `1 < |x|`, `x ≠ 3`.
pub fn as_set(relation: &Node) -> Option<Node> {
    let Node::Relation(terms, rels) = relation else {
        return None;
    };
    let is_variable = |node: &Node| {
        matches!(node, Node::Symbol(_))
            || matches!(node, Node::Call(Func::Abs, args) if matches!(args[0], Node::Symbol(_)))
    };
    let at = terms.iter().position(is_variable)?;
    let constant = |node: &Node| !node.has_symbols() && node.is_scalar();
    let others = terms
        .iter()
        .enumerate()
        .all(|(place, term)| place == at || constant(term));
    if !others || terms.len() > 3 {
        return None;
    }
    let (mut low, mut high) = (None, None);
    for (place, rel) in rels.iter().enumerate() {
        // As if the variable stood on the left.
        let (rel, bound) = if place == at {
            (*rel, terms.get(place + 1)?)
        } else if place + 1 == at {
            (rel.flipped(), terms.get(place)?)
        } else {
            return None;
        };
        match rel {
            Rel::Less => high = Some((bound.clone(), Bracket::Round)),
            Rel::LessEqual => high = Some((bound.clone(), Bracket::Square)),
            Rel::Greater => low = Some((bound.clone(), Bracket::Round)),
            Rel::GreaterEqual => low = Some((bound.clone(), Bracket::Square)),
            Rel::NotEqual if rels.len() == 1 => {
                let round = Bracket::Round;
                return Some(Node::Union(vec![
                    interval(round, infinity(Sign::Minus), bound.clone(), round),
                    interval(round, bound.clone(), infinity(Sign::Plus), round),
                ]));
            }
            _ => return None,
        }
    }
    let round = Bracket::Round;
    if matches!(terms[at], Node::Call(..)) {
        let negative = |bound: &Node| bound.clone().negated();
        return Some(match (low, high) {
            (Some((low, open)), Some((high, close))) => Node::Union(vec![
                interval(close, negative(&high), negative(&low), open),
                interval(open, low, high, close),
            ]),
            (None, Some((high, close))) => interval(close, negative(&high), high, close),
            (Some((low, open)), None) => Node::Union(vec![
                interval(round, infinity(Sign::Minus), negative(&low), open),
                interval(open, low, infinity(Sign::Plus), round),
            ]),
            (None, None) => return None,
        });
    }
    let (low, open) = low.unwrap_or_else(|| (infinity(Sign::Minus), round));
    let (high, close) = high.unwrap_or_else(|| (infinity(Sign::Plus), round));
    Some(interval(open, low, high, close))
}
