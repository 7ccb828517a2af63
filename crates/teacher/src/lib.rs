//! Teachers kept busy, and never paid twice for one reply.
//!
//! A [`Request`] is a conversation that wants a number of samples; each sample is a *unit*, named
//! `id#k`, with a seed of its own. [`run`] hands units to [`Seat`]s, each of which is a [`Backend`]
//! with so many workers: [`HttpBackend`] is an OpenAI-compatible chat server, and a teacher in this
//! process implements the trait itself. What comes back goes to a [`Journal`].
//!
//! # What a kill costs
//!
//! A reply counts once its record is on the disk (fsync). A run that starts on a journal skips the
//! units that have one, so a reply is never lost and never kept twice, whenever the process is
//! killed. What cannot be closed from here is the window between a server's work and our fsync: the
//! units that were in flight when the process died are asked again. A worker asks for nothing new
//! until its last reply is on the disk, so these are at most as many as there are workers. They are
//! asked with the same seed and the same `Idempotency-Key`, for servers that know what to do with
//! one.

mod backend;
mod config;
mod error;
mod fault;
mod http;
mod job;
mod journal;
mod request;
mod template;

pub use backend::Backend;
pub use config::{Budget, Endpoint, Options, Price, Rest, Retry};
pub use error::TeacherError;
pub use fault::{Blame, Fault};
pub use http::HttpBackend;
pub use job::{Counts, Ending, Progress, Seat, SeatReport, Summary, run};
pub use journal::{Accepted, Failed, Journal, Recovered, Replies, Spent};
pub use request::{Finish, Message, Reply, Request, Role, Sampling, Unit, Usage};
pub use template::fill;
