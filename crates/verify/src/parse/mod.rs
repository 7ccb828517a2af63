//! Answers as trees.
//!
//! [`parse`] reads LaTeX, plain mathematics and the forms between them that models write. It is a
//! recursive descent with a limit on length, depth and nodes, so hostile text costs no more than
//! a long answer.

mod atoms;
mod big;
mod commands;
mod functions;
mod lexer;
mod node;
mod number;
mod parser;
mod words;

pub use node::{Bracket, Constant, Func, Node, Number, Rel, Sign};
pub use words::{is_word_list, unit};

use crate::error::VerifyError;

/// The longest answer that is parsed, in bytes.
pub const MAX_BYTES: usize = 8192;
/// How deep brackets, fractions and roots may nest.
pub const MAX_DEPTH: usize = 48;
/// How many links all chains such as `1/2/3/4` or `5!!!` may have together: each is a level of the
/// tree without a bracket.
pub const MAX_CHAIN: usize = 256;
/// How many nodes a tree may have.
pub const MAX_NODES: usize = 4000;
/// How many digits a literal may have, and how large an exponent may be.
pub const MAX_DIGITS: usize = 1000;

/// What a comma between groups of digits means where both readings are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commas {
    /// `1,234` is a thousand and some.
    #[default]
    Thousands,
    /// `1,234` is two numbers.
    Separators,
    /// `1,23` is one and a bit.
    Decimal,
}

/// An answer as a tree; words that are no formula are [`Node::Text`].
pub fn parse(answer: &str) -> Result<Node, VerifyError> {
    parse_with(answer, Commas::Thousands)
}

/// As [`parse`], with a reading of commas.
pub fn parse_with(answer: &str, commas: Commas) -> Result<Node, VerifyError> {
    if answer.len() > MAX_BYTES {
        return Err(VerifyError::TooComplex {
            what: "characters",
            limit: MAX_BYTES,
        });
    }
    if let Some(text) = words::as_text(answer) {
        return Ok(Node::Text(text));
    }
    let tokens = lexer::tokens(answer, commas)?;
    parser::Parser::new(tokens).answer()
}
