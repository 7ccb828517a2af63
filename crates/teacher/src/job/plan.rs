//! Which units there are, and which of them are to be asked.

use std::collections::{HashSet, VecDeque};

use super::Counts;
use crate::config::config;
use crate::journal::{Journal, fingerprint_number};
use crate::{Options, Request, TeacherError, Unit};

/// More samples of one question than anyone draws; a number read from a file may be anything.
const MOST_SAMPLES: u32 = 100_000;

/// A unit, by the place of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Task {
    pub request: usize,
    pub sample: u32,
}

/// The units of a job, checked against its journal.
#[derive(Debug)]
pub struct Plan {
    pub requests: Vec<Request>,
    pub fingerprints: Vec<String>,
    pub todo: VecDeque<Task>,
    pub counts: Counts,
}

impl Plan {
    /// Looks at all requests before any is paid for.
    pub fn new(
        requests: impl IntoIterator<Item = Request>,
        journal: &Journal,
        options: &Options,
    ) -> Result<Self, TeacherError> {
        let requests: Vec<_> = requests.into_iter().collect();
        let mut ids = HashSet::new();
        let mut fingerprints = Vec::new();
        let mut todo = VecDeque::new();
        let mut counts = Counts::default();
        // A question that was changed since is another one.
        let given_up = |unit: &Unit, number| {
            let entry = journal.failed().get(unit);
            entry.is_some_and(|entry| entry.fingerprint == number)
        };
        for (place, request) in requests.iter().enumerate() {
            check(place + 1, request)?;
            if !ids.insert(request.id.as_str()) {
                return Err(TeacherError::DuplicateRequest {
                    id: request.id.clone(),
                });
            }
            // The seed of the job is part of what was asked.
            let fingerprint = request.unit(0, options.seed).fingerprint();
            let number = fingerprint_number(&fingerprint);
            for sample in 0..request.samples {
                let unit = Unit::new(&request.id, sample);
                if let Some(entry) = journal.accepted().get(&unit) {
                    if entry.fingerprint != number {
                        return Err(TeacherError::Changed {
                            unit: unit.to_string(),
                        });
                    }
                    counts.done += 1;
                } else if !options.retry_failed && given_up(&unit, number) {
                    counts.failed += 1;
                } else {
                    counts.pending += 1;
                    let request = place;
                    todo.push_back(Task { request, sample });
                }
            }
            fingerprints.push(fingerprint);
        }
        Ok(Self {
            requests,
            fingerprints,
            todo,
            counts,
        })
    }
}

fn check(number: usize, request: &Request) -> Result<(), TeacherError> {
    let id = &request.id;
    if id.is_empty() || id.len() > 512 || id.chars().any(char::is_control) {
        return Err(TeacherError::RequestId {
            number,
            id: id.chars().take(60).collect(),
        });
    }
    if request.messages.is_empty() {
        return Err(TeacherError::NoMessages { id: id.clone() });
    }
    match request.samples {
        1..=MOST_SAMPLES => Ok(()),
        got => Err(config("samples", "1 to 100000", got)),
    }
}
