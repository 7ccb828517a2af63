//! Where nothing exact can say: a model is asked, through the client that asks teachers.
//!
//! A verdict that was paid for is in a journal of the work folder before it counts. Questions go by
//! a hash of their text, so whatever else changes in a recipe, the same question of the same model
//! is asked once.

mod prompt;
mod settings;
mod verdict;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use retort_corpus::{CorpusError, Tick, Trace, Verdict};
use retort_teacher::{
    Accepted, Ending, Finish, HttpBackend, Journal, Message, Request, Seat, Summary, TeacherError,
    Unit, run,
};
use serde_json::{Map, Value, json};

use crate::{JudgeError, shorten};
use prompt::Question;
pub use settings::Settings;
pub(crate) use settings::seats;

/// The judges that are asked, and what they have said so far.
pub(crate) struct Model {
    settings: Settings,
    seats: Vec<Seat<HttpBackend>>,
    journal: Journal,
    counts: Counts,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    asked: u64,
    decided: u64,
    /// Replies without a verdict that can be read, or that say they cannot tell.
    undecided: u64,
    given_up: u64,
}

impl Model {
    pub fn new(settings: Settings, folder: &Path) -> Result<Self, JudgeError> {
        let seats = seats(&settings)?;
        // What models say is another matter if others are asked, or otherwise.
        let journal = folder.join(format!("model-{}", settings.fingerprint()));
        Ok(Self {
            seats,
            journal: Journal::open(&journal)?,
            settings,
            counts: Counts::default(),
        })
    }

    pub fn facts(&self) -> Map<String, Value> {
        let Counts {
            asked,
            decided,
            undecided,
            given_up,
        } = self.counts;
        let counts = json!({
            "traces": asked, "decided": decided, "undecided": undecided, "given_up": given_up,
        });
        [("model".to_owned(), counts)].into_iter().collect()
    }

    /// Verdicts by place, of those that there are.
    pub fn judge(
        &mut self,
        traces: &[(usize, &Trace)],
        tick: &mut Tick,
    ) -> Result<Vec<(usize, Verdict)>, CorpusError> {
        let mut requests = BTreeMap::new();
        let mut questions = Vec::new();
        for (place, trace) in traces {
            let domains = &self.settings.domains;
            let wanted = domains.is_empty() || domains.contains(&trace.domain);
            let question = wanted.then(|| Question::of(trace, &self.settings.prompt));
            let Some(question) = question.flatten() else {
                continue;
            };
            requests
                .entry(question.id.clone())
                .or_insert_with(|| Request {
                    id: question.id.clone(),
                    messages: vec![Message::user(&*question.text)],
                    sampling: self.settings.sampling,
                    samples: 1,
                });
            questions.push((*place, Unit::new(&question.id, 0), question.code));
        }
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(requests.into_values(), tick)?;
        let replies = self.replies(questions.iter().map(|(_, unit, _)| unit))?;
        let mut found = Vec::new();
        for (place, unit, code) in &questions {
            self.counts.asked += 1;
            let Some(reply) = replies.get(unit) else {
                self.counts.given_up += 1;
                continue;
            };
            match said(reply, code) {
                Some(verdict) => {
                    self.counts.decided += 1;
                    found.push((*place, verdict));
                }
                None => self.counts.undecided += 1,
            }
        }
        Ok(found)
    }

    fn ask(
        &mut self,
        requests: impl Iterator<Item = Request>,
        tick: &mut Tick,
    ) -> Result<(), CorpusError> {
        let stop = AtomicBool::new(false);
        let mut stopped = None;
        let watch = |_: &retort_teacher::Progress| {
            if stopped.is_none()
                && let Err(error) = tick()
            {
                stopped = Some(error);
                stop.store(true, Ordering::Relaxed);
            }
        };
        let options = &self.settings.options;
        let summary = run(
            &mut self.journal,
            &self.seats,
            requests,
            options,
            &stop,
            watch,
        );
        let summary = summary.map_err(JudgeError::from)?;
        match stopped {
            Some(error) => Err(error),
            None => ended(&summary).map_err(CorpusError::from),
        }
    }

    fn replies<'u>(
        &self,
        units: impl Iterator<Item = &'u Unit>,
    ) -> Result<HashMap<Unit, Accepted>, JudgeError> {
        let keyed = |reply: Result<Accepted, TeacherError>| match reply {
            Ok(reply) => Ok(reply.unit().map(|unit| (unit, reply))),
            Err(error) => Err(error.into()),
        };
        let replies = self.journal.replies_to(units)?;
        replies
            .filter_map(|reply| keyed(reply).transpose())
            .collect()
    }
}

/// To go on without the judge would drop what it was to say.
fn ended(summary: &Summary) -> Result<(), JudgeError> {
    match summary.ending {
        Ending::Complete | Ending::Stopped => Ok(()),
        Ending::Budget => Err(JudgeError::Budget {
            pending: summary.counts.pending,
        }),
        Ending::NoTeacher => {
            let why = summary.seats.iter().filter_map(|seat| {
                let why = seat.out.as_deref()?;
                Some(format!("{}: {}", seat.name, shorten(why, 200)))
            });
            Err(JudgeError::NoModel {
                why: why.collect::<Vec<_>>().join("; "),
            })
        }
    }
}

fn said(reply: &Accepted, code: &str) -> Option<Verdict> {
    if reply.finish != Finish::Stop {
        return None;
    }
    let (accepted, reason) = verdict::read(&reply.answer, code)?;
    let model = reply.model.as_deref().unwrap_or(&reply.endpoint);
    Some(Verdict {
        accepted,
        how: format!("model {}", shorten(model, 80)),
        detail: shorten(reason, 300),
    })
}
