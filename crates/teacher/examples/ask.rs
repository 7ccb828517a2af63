//! Asks a chat server ten questions, twice each:
//!
//! ```text
//! cargo run --release -p retort-teacher --example ask -- http://127.0.0.1:8000 MODEL FOLDER [whole]
//! ```
//!
//! `whole` asks without streaming. Killed and started again, it goes on where it was.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use retort_teacher::{
    Endpoint, HttpBackend, Journal, Message, Options, Request, Sampling, Seat, TeacherError, run,
};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, model, folder, rest @ ..] = &arguments[..] else {
        eprintln!("usage: ask URL MODEL FOLDER [whole]");
        return ExitCode::FAILURE;
    };
    match ask(url, model, Path::new(folder), rest.is_empty()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn ask(url: &str, model: &str, folder: &Path, stream: bool) -> Result<(), TeacherError> {
    let mut endpoint = Endpoint::new("teacher", url, model);
    endpoint.stream = stream;
    endpoint.concurrency = 2;
    let seats = [Seat::http(HttpBackend::new(endpoint)?)];
    let requests = (0..10).map(|number| Request {
        id: format!("sum-{number}"),
        messages: vec![Message::user(format!("What is {number} + 7?"))],
        sampling: Sampling {
            temperature: Some(0.7),
            max_tokens: Some(48),
            ..Sampling::default()
        },
        samples: 2,
    });
    let mut journal = Journal::open(folder)?;
    let stop = AtomicBool::new(false);
    let options = Options::default();
    let summary = run(
        &mut journal,
        &seats,
        requests,
        &options,
        &stop,
        |progress| {
            let counts = progress.counts;
            eprintln!(
                "{} of {} done, {} failed, {:.1} tokens/s {}",
                counts.done,
                counts.total(),
                counts.failed,
                progress.tokens_per_second,
                progress.last_fault.as_deref().unwrap_or_default(),
            );
        },
    )?;
    for reply in journal.replies()? {
        let reply = reply?;
        println!(
            "{} seed {} {:?} {:.2} s: {:?}",
            reply.unit,
            reply.seed.unwrap_or_default(),
            reply.usage,
            reply.latency_seconds,
            reply.answer,
        );
    }
    println!("{summary:#?}");
    Ok(())
}
