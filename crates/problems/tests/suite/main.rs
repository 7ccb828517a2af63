//! The tests of this crate from outside. Most find the golds again from the questions' text, by means
//! other than the generators'.

mod algebra;
mod answers;
mod arithmetic;
mod chance;
mod common;
mod counting;
mod families;
mod games;
mod logic;
mod mixture;
mod numbers;
mod polynomials;
mod programs;
mod texts;
