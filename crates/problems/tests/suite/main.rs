//! The tests of this crate from outside. Most find the golds again from the questions' text, by means
//! other than the generators'.

mod algebra;
mod answers;
mod arithmetic;
mod chance;
mod common;
mod counting;
mod edits;
mod families;
mod figures;
mod forms;
mod games;
mod logic;
mod machines;
mod mixture;
mod moves;
mod numbers;
mod polynomials;
mod programs;
mod puzzles;
mod rates;
mod sequences;
mod stories;
mod texts;
