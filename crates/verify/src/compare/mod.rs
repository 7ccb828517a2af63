//! Two answers by value.

mod evaluate;
mod exact;
mod parts;
mod relation;
mod scalar;
mod settle;
mod text;

pub use text::same_text;

use std::cell::Cell;

use crate::error::VerifyError;
use crate::extract::{self, Extraction, Rule};
use crate::options::{Kind, Options};
use crate::parse::{Commas, Node, parse_with};
use crate::verdict::{How, Reason, Verdict};

/// How many nodes one comparison may evaluate.
const BUDGET: usize = 2_000_000;
/// The most characters of an answer that a verdict repeats.
const SHOWN: usize = 200;

/// Whether the final answer of `reply`, a whole completion or a bare answer, is `gold`.
pub fn verify(gold: &str, reply: &str, options: &Options) -> Verdict {
    let gold_answer = extract::gold(gold, options);
    if gold_answer.trim().is_empty() {
        return Verdict::new(Reason::NoGold, How::Nothing);
    }
    let mut found = match extract::find(reply, options) {
        Ok(found) => found,
        Err(reason) => return Verdict::new(reason, How::Nothing),
    };
    let mut verdict = match (options.kind, &found) {
        (Kind::Choice, _) => text::choice(gold, &found, options),
        _ => judge(&gold_answer, &found, options),
    };
    // What is tagged may be a sentence: "Ted is 31 years old."
    if !verdict.equal
        && matches!(found.rule, Rule::Boxed | Rule::Tag | Rule::Whole)
        && !matches!(options.kind, Kind::Choice | Kind::Text)
        && let Some(said) = extract::said(&found.answer)
    {
        let second = judge(&gold_answer, &said, options);
        if second.equal {
            (verdict, found) = (second, said);
        }
    }
    // The whole of a short reply may be the gold text, numbers and all.
    if !verdict.equal && found.rule == Rule::LastNumber && same_text(&gold_answer, reply, options) {
        verdict = Verdict::new(Reason::Same, How::Text);
    }
    verdict.rule = Some(found.rule);
    verdict.answer = Some(shorten(&found.answer));
    verdict
}

fn shorten(answer: &str) -> String {
    match answer.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &answer[..at]),
        None => answer.to_owned(),
    }
}

fn judge(gold: &str, found: &Extraction, options: &Options) -> Verdict {
    let pred = found.answer.as_str();
    if same_text(gold, pred, options) {
        return Verdict::new(Reason::Same, How::Text);
    }
    if let Some(same) = text::same_clock(gold, pred) {
        let reason = if same {
            Reason::Same
        } else {
            Reason::Different
        };
        return Verdict::new(reason, How::Text);
    }
    if options.kind == Kind::Text {
        return Verdict::new(Reason::Different, How::Text);
    }
    // A letter of a multiple choice where nobody said that it is one.
    if options.kind == Kind::Auto
        && let Some(letter) = text::lettered(gold)
        && text::lettered(pred) == Some(letter)
    {
        return Verdict::new(Reason::Same, How::Choice);
    }
    values(gold, pred, options).unwrap_or_else(|error| match error {
        VerifyError::TooComplex { .. } => Verdict::new(Reason::TooComplex, How::Nothing),
        _ => Verdict::new(Reason::Different, How::Text),
    })
}

fn values(gold: &str, pred: &str, options: &Options) -> Result<Verdict, VerifyError> {
    let compare = Compare::new(options);
    let read = |text: &str, commas| parse_with(text, commas).map(settle::settle);
    let (left, right) = (
        read(gold, Commas::Thousands)?,
        read(pred, Commas::Thousands)?,
    );
    let mut how = compare.same(&left, &right);
    if how.is_none() && !options.strict {
        // Commas have other readings, where the gold answer is what that reading gives.
        if gold.contains(',') && pred.contains(',') {
            let (left, right) = (
                read(gold, Commas::Separators)?,
                read(pred, Commas::Separators)?,
            );
            if matches!(left, Node::Items(..)) {
                how = compare.same(&left, &right);
            }
        }
        if how.is_none() && pred.contains(',') && matches!(left, Node::Num(_)) {
            how = compare.same(&left, &read(pred, Commas::Decimal)?);
        }
    }
    if compare.spent.get() > BUDGET {
        return Err(VerifyError::TooComplex {
            what: "steps",
            limit: BUDGET,
        });
    }
    Ok(match how {
        Some(how) => Verdict::new(Reason::Same, how),
        None => Verdict::new(Reason::Different, compare.kind(&left)),
    })
}

/// One comparison, with what it has cost so far.
pub(crate) struct Compare<'a> {
    pub options: &'a Options,
    pub spent: Cell<usize>,
}

impl<'a> Compare<'a> {
    pub fn new(options: &'a Options) -> Self {
        Self {
            options,
            spent: Cell::new(0),
        }
    }

    /// Pays for so many evaluated nodes; false when there is nothing left.
    pub fn pay(&self, nodes: usize) -> bool {
        self.spent.set(self.spent.get() + nodes);
        self.spent.get() <= BUDGET
    }

    /// By which comparison the two are the same.
    pub fn same(&self, gold: &Node, pred: &Node) -> Option<How> {
        if !self.pay(1) {
            return None;
        }
        if gold == pred {
            return Some(How::Exact);
        }
        match (gold, pred) {
            (Node::Text(a), Node::Text(b)) => same_text(a, b, self.options).then_some(How::Text),
            (Node::Text(_), _) | (_, Node::Text(_)) => None,
            (Node::Relation(..), _) | (_, Node::Relation(..)) => self.relations(gold, pred),
            (a, b) if a.is_scalar() && b.is_scalar() => self.scalars(a, b),
            (a, b) => self.parts(a, b),
        }
    }

    /// How a difference from this was found.
    fn kind(&self, gold: &Node) -> How {
        match gold {
            Node::Text(_) => How::Text,
            Node::Relation(..) => How::Relation,
            node if !node.is_scalar() => How::Parts,
            node if node.has_symbols() => How::Sampled,
            node if exact::value(node).is_some() => How::Exact,
            _ => How::Numeric,
        }
    }
}
