//! `retort teach`: problems to a teacher's traces.

mod local;

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueHint;
use retort_corpus::import::Problem;
use retort_corpus::import::problem::problem;
use retort_corpus::{Teacher, Tests, Trace, Turn};
use retort_dataset::Rows;
use retort_report::atomic;
use retort_report::number::short;
use retort_teacher::{
    Accepted, Backend, Ending, Endpoint, Finish, HttpBackend, Journal, Message, Options, Request,
    Role, Sampling, Seat, Unit,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::note::note;
use crate::stop::{self, Replying};
use crate::{Outcome, load, source};
use local::Local;

/// Let a teacher write reasoning traces for problems
///
/// Asks any OpenAI-compatible servers, many at a time, or a model in this process. Every reply is on
/// the disk before it counts: the same command goes on after an interruption and asks for nothing
/// twice.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Who is asked what: a teach.toml
    #[arg(value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Folder of the journal and of traces.jsonl
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Ask again for what an earlier run gave up
    #[arg(long)]
    retry_failed: bool,
}

const EXAMPLES: &str = r#"A teach.toml
  problems = ["problems.jsonl"]        # of retort problems, GSM8K, MATH, AIME, NuminaMath, ...,
                                       # or "hf:datasets/openai/gsm8k/main/train"
  samples = 4                          # replies to each problem
  # {problem} and, for code, {tests} stand for what the problem holds
  prompt = "{problem}\n\nReason step by step, and put the final answer within \\boxed{}."
  [sampling]
  temperature = 0.6
  top_p = 0.95
  max_tokens = 16384
  [options.budget]
  money = 20.0
  [[endpoints]]
  name = "local"
  url = "http://127.0.0.1:8000"
  model = "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"
  concurrency = 64
  # or a model in this process:
  [local]
  model = "student.gguf"               # a path, a URL, or hf:owner/repo

Examples
  retort problems -n 1000 > problems.jsonl
  retort teach teach.toml -o taught
  retort corpus build recipe.toml -o corpus     with taught/traces.jsonl as a source"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    problems: Vec<PathBuf>,
    #[serde(default = "one")]
    samples: u32,
    #[serde(default = "plain")]
    prompt: String,
    #[serde(default)]
    system: Option<String>,
    /// At most so many problems of each file.
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    sampling: Sampling,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
    #[serde(default)]
    local: Option<local::Config>,
}

fn one() -> u32 {
    1
}

fn plain() -> String {
    "{problem}".into()
}

/// A problem with what its trace will say of it.
struct Asked {
    problem: Problem,
    source: String,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let describe = || format!("`{}`", args.config.display());
    let text = fs::read_to_string(&args.config).with_context(describe)?;
    let mut config: Config = toml::from_str(&text).with_context(describe)?;
    config.options.retry_failed |= args.retry_failed;
    let base = args.config.parent().unwrap_or(Path::new(""));
    let asked = read_problems(&config, base)?;
    let requests = asked
        .iter()
        .map(|(id, asked)| request(id, asked, &config))
        .collect::<Vec<_>>();
    stop::install()?;
    let seats = seats(&config, base)?;
    let mut journal = Journal::open(&args.out.join("journal"))?;
    let ending = ask(&mut journal, &seats, requests, &config.options)?;
    let by_id: HashMap<&str, &Asked> = asked.iter().map(|(id, a)| (id.as_str(), a)).collect();
    let path = args.out.join("traces.jsonl");
    let written = write_traces(&journal, &by_id, &config, &path)?;
    note(format!("{}: {written} traces", path.display()));
    for failed in journal.failures()?.iter().take(5) {
        note(format!("given up: {failed}"));
    }
    Ok(match ending {
        Ending::Stopped => Outcome::Stopped,
        _ if journal.failures()?.is_empty() => Outcome::Done,
        _ => Outcome::SomeFailed,
    })
}

fn seats(config: &Config, base: &Path) -> Result<Vec<Seat<Box<dyn Backend>>>> {
    let mut seats = Vec::new();
    for endpoint in &config.endpoints {
        seats.push(Seat::http(HttpBackend::new(endpoint.clone())?).boxed());
    }
    if let Some(local) = &config.local {
        // One at a time: a second one would wait for the same device.
        seats.push(Seat::local(&local.name, Local::load(local, base)?, 1).boxed());
    }
    if seats.is_empty() {
        let hint = "add [[endpoints]] with a url and a model, or [local] with a model";
        return Err(Failure::new("nobody is there to be asked", hint).into());
    }
    Ok(seats)
}

fn read_problems(config: &Config, base: &Path) -> Result<Vec<(String, Asked)>> {
    let mut asked = Vec::new();
    let mut paths = Vec::new();
    for path in &config.problems {
        paths.extend(source::data_files(path)?);
    }
    let mut names = HashMap::new();
    for path in paths {
        let path = base.join(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default();
        // Files of one name in several folders.
        let taken = names.entry(name.to_owned()).or_insert(0);
        *taken += 1;
        let source = match *taken {
            1 => name.to_owned(),
            count => format!("{name}-{count}"),
        };
        let rows = Rows::open(&path)?;
        for row in rows.take(config.limit.unwrap_or(usize::MAX)) {
            let row = row?;
            let origin = row.origin().clone();
            let Value::Object(mut fields) = row.value()? else {
                anyhow::bail!("{origin}: expected a JSON object");
            };
            let problem = problem(&mut fields, &origin)?;
            let id = format!("{source}/{}", origin.line);
            let source = source.clone();
            asked.push((id, Asked { problem, source }));
        }
    }
    Ok(asked)
}

fn request(id: &str, asked: &Asked, config: &Config) -> Request {
    let system = config.system.iter().map(|text| Message {
        role: Role::System,
        content: text.clone(),
    });
    let tests = asked.problem.tests.as_ref().map(Tests::shown);
    let values = [
        ("problem", asked.problem.problem.as_str()),
        ("tests", tests.as_deref().unwrap_or_default()),
    ];
    let question = retort_teacher::fill(&config.prompt, &values);
    Request {
        id: id.into(),
        messages: system.chain([Message::user(question)]).collect(),
        sampling: config.sampling,
        samples: config.samples,
    }
}

fn ask(
    journal: &mut Journal,
    seats: &[Seat<Box<dyn Backend>>],
    requests: Vec<Request>,
    options: &Options,
) -> Result<Ending> {
    let bar = load::count_bar("asking".into(), "replies");
    let stop = AtomicBool::new(false);
    let _replying = Replying::begin();
    let summary = std::thread::scope(|scope| {
        let (ended, watch) = std::sync::mpsc::channel::<()>();
        let stop = &stop;
        scope.spawn(move || {
            // Until the run ends, which drops the other half.
            while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
                watch.recv_timeout(Duration::from_millis(100))
            {
                stop.store(stop::is_asked(), Ordering::Relaxed);
            }
        });
        let summary = retort_teacher::run(journal, seats, requests, options, stop, |progress| {
            let counts = progress.counts;
            bar.set_length(counts.total());
            bar.set_position(counts.done + counts.failed);
            bar.set_message(format!(
                "asking ({} tok/s, {} failed)",
                short(progress.tokens_per_second),
                counts.failed
            ));
        });
        drop(ended);
        summary
    })?;
    bar.finish_and_clear();
    for seat in &summary.seats {
        if let Some(why) = &seat.out {
            // A server's words: no control characters.
            note(format!(
                "{} is out of the run: {}",
                seat.name,
                why.escape_debug()
            ));
        }
    }
    note(format!(
        "{} replies, {} given up, {} pending; {} tokens, {:.2} of money; {}",
        summary.counts.done,
        summary.counts.failed,
        summary.counts.pending,
        short(summary.spent.completion as f64),
        summary.spent.money,
        summary.ending,
    ));
    Ok(summary.ending)
}

/// All accepted replies, in the journal's order, as traces.
fn write_traces(
    journal: &Journal,
    asked: &HashMap<&str, &Asked>,
    config: &Config,
    path: &Path,
) -> Result<u64> {
    let replies = journal.replies()?;
    atomic::write_file_with(path, |file| {
        let mut out = BufWriter::new(file);
        let mut written = 0;
        for reply in replies {
            let reply = reply?;
            let found = reply.unit().and_then(|unit| {
                let asked = asked.get(unit.request.as_str())?;
                Some((unit, *asked))
            });
            // A problem may have been taken out of the list since.
            let Some((unit, asked)) = found else { continue };
            let trace = trace(&unit, asked, reply, config);
            serde_json::to_writer(&mut out, &trace)?;
            out.write_all(b"\n")?;
            written += 1;
        }
        out.flush()?;
        Ok::<_, anyhow::Error>(written)
    })
}

fn trace(unit: &Unit, asked: &Asked, reply: Accepted, config: &Config) -> Trace {
    let Problem {
        problem,
        answer,
        subject,
        tests,
        mut meta,
        ..
    } = asked.problem.clone();
    meta.insert("finished".into(), (reply.finish == Finish::Stop).into());
    let sampling = match serde_json::to_value(config.sampling) {
        Ok(Value::Object(sampling)) => sampling,
        _ => Map::new(),
    };
    let thought = reply.thought.filter(|thought| !thought.trim().is_empty());
    let mut answered = Turn::new("assistant", reply.answer);
    answered.reasoning_content = thought;
    Trace {
        id: format!("{}#{}", unit.request, unit.sample),
        source: asked.source.clone(),
        domain: subject.unwrap_or_default(),
        messages: vec![Turn::new("user", problem.clone()), answered],
        problem,
        answer,
        tests,
        teacher: Teacher {
            model: reply.model.unwrap_or(reply.endpoint),
            sampling: {
                let mut sampling = sampling;
                sampling.insert("seed".into(), json!(reply.seed));
                sampling
            },
            tokens: Some(reply.usage.completion),
        },
        verdict: None,
        meta,
    }
}
