//! What a run tells of itself.

use std::fmt;
use std::time::Duration;

use crate::{Recovered, Spent};

/// Every unit of a job is one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// With a reply in the journal.
    pub done: u64,
    /// Given up.
    pub failed: u64,
    /// Neither; those in flight are among them.
    pub pending: u64,
}

impl Counts {
    /// All units.
    pub fn total(&self) -> u64 {
        self.done + self.failed + self.pending
    }
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub counts: Counts,
    pub in_flight: usize,
    /// Of the journal, over all runs.
    pub spent: Spent,
    /// Completion tokens that arrived in this run, by its time.
    pub tokens_per_second: f64,
    pub elapsed: Duration,
    /// Requests of this run that failed, whether or not they were asked again.
    pub faults: u64,
    /// Seat and message of the last of them.
    pub last_fault: Option<String>,
}

/// Why a run ended. Nothing is in flight then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No unit is pending.
    Complete,
    /// The stop flag was set.
    Stopped,
    /// The next unit might have broken the budget.
    Budget,
    /// Every seat is out of the run; [`SeatReport::out`] says why.
    NoTeacher,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Stopped => "stopped; the same command goes on",
            Self::Budget => "the budget is spent; raise it in [options.budget] to go on",
            Self::NoTeacher => "no endpoint is left; mend one and run again to go on",
        })
    }
}

/// What became of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatReport {
    pub name: String,
    pub replies: u64,
    pub faults: u64,
    /// How often it was left alone.
    pub rests: u64,
    /// Why it was given up, if it was.
    pub out: Option<String>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub ending: Ending,
    pub counts: Counts,
    /// Of the journal, over all runs.
    pub spent: Spent,
    /// What opening the journal found.
    pub recovered: Recovered,
    /// In the order in which they were given.
    pub seats: Vec<SeatReport>,
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_what_to_do() {
        assert_eq!(Ending::Complete.to_string(), "complete");
        assert!(Ending::Budget.to_string().contains("[options.budget]"));
    }
}
