//! The judges of rejection sampling, and which of them a trace is for.
//!
//! | a trace of | is judged by | file |
//! |---|---|---|
//! | a problem that `retort problems` made | its family's checker | `generated.rs` |
//! | a problem with tests | running the program against them, in the sandbox | `code.rs` |
//! | a problem with a known answer | comparison by value | `gold.rs` |
//! | anything else | a model, if the recipe names one | `model/` |
//!
//! The first that fits decides. Only where a comparison by value says little (a known answer that
//! is prose, a reply in which no answer was found) is a model asked as well, and then it decides if
//! it can. What nobody can say stays undecided.
//!
//! Programs and models are slow, and models cost money: what was found out is kept in the work
//! folder, so a build that is interrupted goes on where it was.

mod code;
mod error;
mod generated;
mod gold;
mod ledger;
mod model;

use std::path::Path;

use rayon::prelude::*;
use retort_corpus::pipeline::Verify;
use retort_corpus::{CorpusError, Judge, Session, Tests, Tick, Trace, Verdict};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use error::JudgeError;
pub use model::Settings;

/// Changes whenever a judge would say something else of the same trace.
const VERSION: u32 = 1;
/// Traces that are compared between two ticks.
const CHUNK: usize = 1024;

/// All judges.
#[derive(Clone, Copy, Debug, Default)]
pub struct Panel;

impl Judge for Panel {
    fn name(&self) -> String {
        format!(
            "retort {} (judges {VERSION}, problems {})",
            env!("CARGO_PKG_VERSION"),
            retort_problems::VERSION
        )
    }

    fn check(&self, options: &Verify) -> Result<(), CorpusError> {
        if let Some(table) = options.judge.as_ref().filter(|_| !options.off) {
            // Also the keys: an hour of imports is no time to find one missing.
            model::seats(&Settings::read(table)?)?;
        }
        Ok(())
    }

    fn session<'a>(
        &'a self,
        options: &'a Verify,
        folder: &Path,
    ) -> Result<Box<dyn Session + 'a>, CorpusError> {
        let model = match &options.judge {
            Some(table) => Some(model::Model::new(Settings::read(table)?, folder)?),
            None => None,
        };
        Ok(Box::new(Bench {
            code: code::Code::new(&options.code, folder),
            model,
        }))
    }
}

/// The judges of one step.
struct Bench<'a> {
    code: code::Code<'a>,
    model: Option<model::Model>,
}

/// Where a trace goes.
enum Way<'t> {
    Known(Verdict),
    Run(&'t Tests),
    /// With what is said of it if no model says better.
    Ask(Option<Verdict>),
}

fn way(trace: &Trace) -> Way<'_> {
    if let Some(verdict) = generated::judge(trace) {
        return Way::Known(verdict);
    }
    if let Some(tests) = &trace.tests {
        return Way::Run(tests);
    }
    match gold::judge(trace) {
        Some(gold::Opinion::Sure(verdict)) => Way::Known(verdict),
        Some(gold::Opinion::Weak(verdict)) => Way::Ask(Some(verdict)),
        None => Way::Ask(None),
    }
}

impl Session for Bench<'_> {
    fn judge(
        &mut self,
        traces: &[Trace],
        tick: &mut Tick,
    ) -> Result<Vec<Option<Verdict>>, CorpusError> {
        let mut ways = Vec::with_capacity(traces.len());
        for chunk in traces.chunks(CHUNK) {
            ways.par_extend(chunk.par_iter().map(way));
            tick()?;
        }
        let mut verdicts = Vec::with_capacity(traces.len());
        let (mut runs, mut asked) = (Vec::new(), Vec::new());
        for (place, (trace, way)) in traces.iter().zip(ways).enumerate() {
            verdicts.push(match way {
                Way::Known(verdict) => Some(verdict),
                Way::Run(tests) => {
                    runs.push((place, trace.said(), tests));
                    None
                }
                Way::Ask(verdict) => {
                    asked.push((place, trace));
                    verdict
                }
            });
        }
        let mut found = self.code.judge(&runs, tick)?;
        if let Some(model) = &mut self.model {
            found.extend(model.judge(&asked, tick)?);
        }
        for (place, verdict) in found {
            verdicts[place] = Some(verdict);
        }
        Ok(verdicts)
    }

    fn facts(&self) -> Map<String, Value> {
        let mut facts = self.code.facts();
        facts.extend(self.model.iter().flat_map(model::Model::facts));
        facts
    }
}

/// Hexadecimal digits of a hash of some texts: no two lists of texts have the same.
fn digest<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The beginning of a text on one line.
fn shorten(text: &str, chars: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(chars) {
        line.truncate(end);
        line.push('…');
    }
    line
}
