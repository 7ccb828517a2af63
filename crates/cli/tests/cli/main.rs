//! Whole runs of the program, on a small model that the tests write themselves.

mod chat;
#[path = "../../../teacher/tests/common/mod.rs"]
mod chat_server;
mod generate;
mod inspect;
mod run;
mod scripts;
mod server;
mod sft;
mod source;
mod student;
mod teach;
