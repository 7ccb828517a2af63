//! The step that asks a judge.
//!
//! Memory: 16 bytes a problem, and as much again for the table; of traces, one batch.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use rayon::prelude::*;
use retort_dataset::Origin;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Context;
use super::stream::{Example, Sink, to_line};
use crate::judge::{Judge, Upstream};
use crate::{CorpusError, Trace, Verdict};

/// Which traces stay after the judge has spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// Those that are accepted (DeepSeek's rejection sampling).
    #[default]
    Accepted,
    /// All that are not refused: those that nobody can judge stay.
    NotRefused,
    /// All; the verdict is only noted (OpenThoughts3 found that to train as well).
    All,
}

/// Asks the judge for a verdict on each trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Which traces stay.
    #[serde(default)]
    pub keep: Verified,
    /// Switches the step off, to see what it is good for.
    #[serde(default)]
    pub off: bool,
    /// What programs may use that are run against a problem's tests.
    #[serde(default)]
    pub code: CodeLimits,
    /// A model that is asked where nothing exact can say. The judge knows what stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Map<String, Value>>,
}

/// What programs may use that are run against a problem's tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeLimits {
    /// Seconds of processor time for each run: one for each pair of input and output, or one for
    /// all other tests together. On the clock it may take three times as long, as machines are
    /// busy.
    pub timeout_s: f64,
    /// Seconds on the clock for all runs of a reply, after which nothing is known of it.
    pub total_s: f64,
    /// MiB of memory for each run.
    pub memory_mb: u64,
    /// Runs at a time; 0: two for each processor, as a run also waits.
    pub jobs: usize,
    /// The interpreter; none: `python3` of the search path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub python: Option<PathBuf>,
    /// Nothing is run: nobody says anything of replies to problems with tests.
    pub off: bool,
}

impl Default for CodeLimits {
    fn default() -> Self {
        Self {
            timeout_s: 10.0,
            total_s: 120.0,
            memory_mb: 512,
            jobs: 0,
            python: None,
            off: false,
        }
    }
}

/// Traces of one verdict of the judge; strangers' files name as many as they like.
const MAX_WAYS: usize = 200;

impl Verify {
    pub(crate) fn validate(&self) -> Result<(), CorpusError> {
        let code = &self.code;
        // A day is more than any, and far from overflowing a clock.
        for (name, seconds) in [
            ("verify.code.timeout_s", code.timeout_s),
            ("verify.code.total_s", code.total_s),
        ] {
            if !(0.1..=86_400.0).contains(&seconds) {
                return Err(CorpusError::option(
                    name,
                    seconds,
                    "seconds from 0.1 to 86400",
                ));
            }
        }
        if !(64..=1 << 20).contains(&code.memory_mb) {
            return Err(CorpusError::option(
                "verify.code.memory_mb",
                code.memory_mb,
                "MiB from 64, which Python needs, to 1048576",
            ));
        }
        match code.jobs {
            0..=1024 => Ok(()),
            jobs => Err(CorpusError::option(
                "verify.code.jobs",
                jobs,
                "at most 1024",
            )),
        }
    }

    pub(super) fn run(&self, context: &mut Context, sink: &mut Sink) -> Result<(), CorpusError> {
        let judge: &dyn Judge = context.judge.unwrap_or(&Upstream);
        context.fact("judge", judge.name());
        // Not of the step's number: a step that moves in the recipe finds what it has paid for.
        let mut session = match self.off {
            true => None,
            false => Some(judge.session(self, &context.work.join("judge"))?),
        };
        let mut notes = Notes::default();
        let input = context.input.clone();
        let mut reader = input.reader()?;
        while let Some(batch) = reader.next()? {
            let parse = |at: usize| input.parse(batch.line(at), batch.row(at));
            let parsed = (0..batch.len()).into_par_iter().map(parse);
            let traces: Vec<Trace> = parsed.collect::<Result<_, _>>()?;
            let verdicts = match &mut session {
                Some(session) => session.judge(&traces, &mut || context.control.tell())?,
                None => traces.iter().map(|trace| trace.verdict.clone()).collect(),
            };
            if verdicts.len() != traces.len() {
                let got = format!("{} for {} traces", verdicts.len(), traces.len());
                let expected = "one for each trace";
                return Err(CorpusError::option("the judge's verdicts", got, expected));
            }
            let before = sink.tally.rows_out;
            for (at, (trace, verdict)) in traces.into_iter().zip(verdicts).enumerate() {
                if session.is_some() {
                    notes.take(&trace, verdict.as_ref());
                }
                let origin = || input.origin(batch.row(at));
                self.decide(batch.line(at), origin, trace, verdict, sink)?;
            }
            let kept = sink.tally.rows_out - before;
            (context.control).advance(batch.read, batch.len() as u64, kept)?;
        }
        for (name, fact) in session.iter().flat_map(|session| session.facts()) {
            context.fact(&name, fact);
        }
        context.fact("pass_rates", histogram(&notes.rates));
        let ways = |(how, [accepted, refused]): (String, [u64; 2])| {
            let counts = serde_json::json!({"accepted": accepted, "refused": refused});
            (how, counts)
        };
        let ways: Map<String, Value> = notes.ways.into_iter().map(ways).collect();
        context.fact("verdicts", ways);
        Ok(())
    }

    fn decide(
        &self,
        line: &[u8],
        origin: impl FnOnce() -> Origin,
        trace: Trace,
        verdict: Option<Verdict>,
        sink: &mut Sink,
    ) -> Result<(), CorpusError> {
        sink.tally.rows_in += 1;
        let kept = match (&verdict, self.keep) {
            _ if self.off => true,
            (_, Verified::All) => true,
            (Some(verdict), _) => verdict.accepted,
            (None, keep) => keep == Verified::NotRefused,
        };
        match verdict {
            verdict if kept && verdict == trace.verdict => sink.line(line),
            verdict if kept => {
                let trace = Trace { verdict, ..trace };
                sink.line(&to_line(&trace, origin)?)
            }
            verdict => {
                let (reason, detail) = match verdict {
                    Some(Verdict { how, detail, .. }) => {
                        ("verify: refused", format!("{how}: {detail}"))
                    }
                    None => ("verify: undecided", "the judge cannot say".to_owned()),
                };
                sink.dropped(reason, Example::of(&trace, detail));
                Ok(())
            }
        }
    }
}

/// What the step finds out besides.
#[derive(Default)]
struct Notes {
    /// Right ones and all, of each problem.
    rates: HashMap<u64, (u32, u32)>,
    /// Accepted and refused, by how that was found out.
    ways: BTreeMap<String, [u64; 2]>,
}

impl Notes {
    fn take(&mut self, trace: &Trace, verdict: Option<&Verdict>) {
        let Some(verdict) = verdict else { return };
        let rate = self.rates.entry(trace.problem_key()).or_default();
        rate.0 += u32::from(verdict.accepted);
        rate.1 += 1;
        if self.ways.len() < MAX_WAYS || self.ways.contains_key(&verdict.how) {
            let way = self.ways.entry(verdict.how.clone()).or_default();
            way[usize::from(!verdict.accepted)] += 1;
        }
    }
}

/// Problems by the share of accepted traces: none, up to 10 %, ..., below 100 %, all.
fn histogram(rates: &HashMap<u64, (u32, u32)>) -> Vec<u64> {
    let mut bins = vec![0; 12];
    for (right, all) in rates.values() {
        let bin = match right {
            0 => 0,
            right if right == all => 11,
            right => (10 * right).div_ceil(*all) as usize,
        };
        bins[bin.min(11)] += 1;
    }
    bins
}
