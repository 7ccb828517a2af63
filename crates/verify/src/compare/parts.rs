//! Tuples, sets, lists, intervals and matrices.

use super::Compare;
use super::relation::{as_set, named};
use crate::parse::{Bracket, Node};
use crate::verdict::How;

/// The most members of a list that is compared without order.
const MAX_MEMBERS: usize = 512;

impl Compare<'_> {
    /// Two answers of which at least one has parts.
    pub fn parts(&self, gold: &Node, pred: &Node) -> Option<How> {
        match (gold, pred) {
            (Node::Union(a), Node::Union(b)) => self.unordered(a, b),
            // "x < 1 or x > 2"
            (Node::Union(a), Node::Items(_, _, b)) | (Node::Items(_, _, b), Node::Union(a)) => {
                let sets: Option<Vec<Node>> = b.iter().map(as_set).collect();
                self.unordered(a, &sets?)
            }
            (Node::Matrix(a), Node::Matrix(b)) => {
                let same_shape = a.len() == b.len()
                    && a.iter().zip(b).all(|(row, other)| row.len() == other.len());
                (same_shape
                    && a.iter()
                        .zip(b)
                        .all(|(row, other)| self.all_same(row, other)))
                .then_some(How::Parts)
            }
            (Node::Matrix(rows), Node::Items(_, _, items))
            | (Node::Items(_, _, items), Node::Matrix(rows)) => self.vector(rows, items),
            (Node::Items(open, close, a), Node::Items(other_open, other_close, b)) => {
                self.items((*open, *close, a), (*other_open, *other_close, b))
            }
            // One member in braces is that member, and a list of one too.
            (Node::Items(Bracket::Curly | Bracket::Bare, _, items), other)
            | (other, Node::Items(Bracket::Curly | Bracket::Bare, _, items))
                if items.len() == 1 && other.is_scalar() =>
            {
                self.same(&items[0], other)
            }
            (Node::Items(Bracket::Square, Bracket::Square, items), other)
            | (other, Node::Items(Bracket::Square, Bracket::Square, items))
                if items.len() == 1 && other.is_scalar() && !self.options.strict =>
            {
                self.same(&items[0], other)
            }
            _ => None,
        }
    }

    fn all_same(&self, a: &[Node], b: &[Node]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b).is_some())
    }

    /// A matrix against a list: a vector, or a list of rows.
    fn vector(&self, rows: &[Vec<Node>], items: &[Node]) -> Option<How> {
        let is_vector = rows.len() == 1 || rows.iter().all(|row| row.len() == 1);
        let flat: Vec<&Node> = rows.iter().flatten().collect();
        if is_vector && flat.len() == items.len() {
            let same = flat
                .iter()
                .zip(items)
                .all(|(cell, item)| self.same(cell, item).is_some());
            return same.then_some(How::Parts);
        }
        let same = rows.len() == items.len()
            && rows.iter().zip(items).all(
                |(row, item)| matches!(item, Node::Items(_, _, cells) if self.all_same(row, cells)),
            );
        same.then_some(How::Parts)
    }

    fn items(
        &self,
        (open, close, a): (Bracket, Bracket, &[Node]),
        (other_open, other_close, b): (Bracket, Bracket, &[Node]),
    ) -> Option<How> {
        let loose = |bracket| matches!(bracket, Bracket::Bare | Bracket::Curly);
        if a.len() != b.len() {
            let sets = loose(open) && loose(other_open) && !self.options.strict;
            return (sets && a.len() < b.len()).then(|| self.covers(a, b))?;
        }
        // `x = 1, y = 2` against `1, 2`: names give an order, where the other side has none.
        let (a_names, b_names) = (distinct_names(a), distinct_names(b));
        let any_name = |items: &[Node]| items.iter().any(|item| named(item).is_some());
        let one_is_named = (a_names && !any_name(b)) || (b_names && !any_name(a));
        match (loose(open), loose(other_open)) {
            (true, true) if one_is_named => self.all_same(a, b).then_some(How::Parts),
            (true, true) => self.unordered(a, b),
            (false, false) => {
                let same = (open, close) == (other_open, other_close);
                // Two ends are an interval, whose brackets mean something.
                let brackets = same || (a.len() != 2 && !self.options.strict);
                (brackets && self.all_same(a, b)).then_some(How::Parts)
            }
            // A list without brackets against a tuple.
            _ => {
                let bare = open == Bracket::Bare || other_open == Bracket::Bare;
                (bare && !self.options.strict && self.all_same(a, b)).then_some(How::Parts)
            }
        }
    }

    /// The members of `a` are those of `b`, some of which are named more than once.
    fn covers(&self, a: &[Node], b: &[Node]) -> Option<How> {
        if b.len() > MAX_MEMBERS {
            return None;
        }
        let within = |member: &Node, set: &[Node], turned: bool| {
            set.iter().any(|other| {
                let (x, y) = if turned {
                    (other, member)
                } else {
                    (member, other)
                };
                self.same(x, y).is_some()
            })
        };
        let same = a.iter().all(|member| within(member, b, false))
            && b.iter().all(|member| within(member, a, true));
        same.then_some(How::Parts)
    }

    /// Every member has its own partner on the other side.
    pub fn unordered(&self, a: &[Node], b: &[Node]) -> Option<How> {
        if a.len() != b.len() || a.len() > MAX_MEMBERS {
            return None;
        }
        let mut free: Vec<&Node> = b.iter().collect();
        for member in a {
            let partner = free
                .iter()
                .position(|other| self.same(member, other).is_some())?;
            free.remove(partner);
        }
        Some(How::Parts)
    }
}

/// Whether all are equations with names of their own. `x_1` and `x_2` are two values of one name.
fn distinct_names(items: &[Node]) -> bool {
    let base = |name: &Node| match name {
        Node::Symbol(name) => name.split('_').next().map(str::to_owned),
        _ => None,
    };
    let names: Vec<&Node> = items
        .iter()
        .filter_map(|item| named(item).map(|n| n.0))
        .collect();
    names.len() == items.len()
        && names.iter().enumerate().all(|(at, name)| {
            let before = &names[..at];
            !before.contains(name)
                && (base(name).is_none() || before.iter().all(|other| base(other) != base(name)))
        })
}
