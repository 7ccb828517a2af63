//! Whole runs of the program, on a small model that the tests write themselves.

mod chat;
mod generate;
mod inspect;
mod run;
mod scripts;
mod server;
mod sft;
mod source;
mod student;
