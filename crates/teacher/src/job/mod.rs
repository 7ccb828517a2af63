//! A job: requests, seats, a journal, and the run that brings them together.

mod account;
mod desk;
mod pause;
mod plan;
mod run;
mod seat;

pub use account::{Counts, Ending, Progress, SeatReport, Summary};
pub use run::run;
pub use seat::Seat;
