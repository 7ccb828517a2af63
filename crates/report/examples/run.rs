//! A made-up run that is killed at step 60, resumed from its checkpoint of step 40, and finished:
//! `cargo run -p retort-report --example run -- FOLDER`

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use retort_report::ReportError;
use retort_report::atomic::{clean, write_file, write_folder};
use retort_report::metrics::{Metrics, float, read};
use retort_report::plot::{Figure, Panel, Series, Style};
use retort_report::progress::{Progress, Status};
use retort_report::tensorboard::EventWriter;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Record {
    step: u64,
    #[serde(deserialize_with = "float")]
    loss: f64,
    attempt: u64,
}

fn main() -> Result<(), ReportError> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "run".to_owned()));
    let made = fs::create_dir_all(&folder);
    made.map_err(|error| ReportError::Io {
        action: "make",
        path: folder.clone(),
        error,
    })?;
    train(&folder, 1, 0, 60)?;
    train(&folder, 2, 40, 100)
}

/// Steps after `from` up to `to`, of 100.
fn train(folder: &Path, attempt: u64, from: u64, to: u64) -> Result<(), ReportError> {
    clean(folder)?;
    let path = folder.join("metrics.jsonl");
    let mut metrics = Metrics::open(&path)?;
    metrics.truncate_after(from)?;
    let mut events = EventWriter::resume(folder, from + 1)?;
    let mut progress = Progress::new("train", 100, Duration::from_secs(1));
    for step in from + 1..=to {
        sleep(Duration::from_millis(50));
        let loss = 1.0 + 1.0 / (step as f64).sqrt();
        metrics.append(&Record {
            step,
            loss,
            attempt,
        })?;
        events.scalars(step, &[("loss/train", loss), ("attempt", attempt as f64)])?;
        progress.update(&Status {
            step,
            loss: Some(loss),
            learning_rate: Some(2e-5),
            grad_norm: Some(0.8),
            tokens_per_second: Some(12_345.0),
            mfu: Some(0.38),
            device_bytes: None,
        });
        if step.is_multiple_of(20) {
            events.text(step, "sample", "**1 + 1** is 2.")?;
            events.flush()?;
            metrics.sync()?;
            let checkpoint = folder.join(format!("step-{attempt}-{step:04}"));
            if !checkpoint.exists() {
                write_folder(&checkpoint, |temporary| {
                    write_file(&temporary.join("state"), &step.to_le_bytes())
                })?;
            }
            progress.note(format!("saved {}", checkpoint.display()));
        }
    }
    events.flush()?;
    progress.finish(format!("attempt {attempt} ended at step {to}"));

    let records = read::<Record>(&path)?.collect::<Result<Vec<_>, _>>()?;
    let points = records
        .iter()
        .map(|record| (record.step as f64, record.loss));
    let loss = Series::new("train", points).style(Style::Smoothed(None));
    let figure = Figure::new("Example", "").panel(Panel::new("Loss", "").tall().series(loss));
    write_file(&folder.join("loss.svg"), figure.to_svg().as_bytes())
}
