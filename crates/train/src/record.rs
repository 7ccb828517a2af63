//! What a run writes down: lines of `metrics.jsonl` and `samples.jsonl`, TensorBoard events, plots.

use std::path::{Path, PathBuf};

use retort_dataset::Report;
use retort_report::atomic;
use retort_report::metrics::{self, Metrics};
use retort_report::number::short;
use retort_report::plot::{Figure, Histogram, HistogramChart, Panel, Scale, Series, Style};
use retort_report::tensorboard::EventWriter;
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// A line of `metrics.jsonl`: a step that was taken, a loss of what is held out, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Steps taken, this one included.
    pub step: u64,
    /// Mean of the learnt tokens, in nats.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "metrics::optional_float"
    )]
    pub loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Before clipping.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "metrics::optional_float"
    )]
    pub grad_norm: Option<f64>,
    /// Tokens read since the start of the run, prompts included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Tokens learnt in this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Share of the device's matrix speed, measured at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu: Option<f64>,
    /// Passes over the corpus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<f64>,
    /// Of what is held out, in nats.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "metrics::optional_float"
    )]
    pub held_out_loss: Option<f64>,
}

/// A line of `samples.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub step: u64,
    pub prompt: String,
    pub thought: String,
    pub answer: String,
    pub tokens: usize,
    /// Whether the student ended its reply.
    pub ended: bool,
}

/// The open files of a run's folder.
pub struct Recorder {
    folder: PathBuf,
    name: String,
    metrics: Metrics,
    samples: Metrics,
    events: EventWriter,
}

impl Recorder {
    /// Opens them for a run that has taken `step` steps; what they say about later ones goes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn open(folder: &Path, name: &str, step: u64) -> Result<Self, TrainError> {
        let open = |name: &str| {
            let path = folder.join(name);
            if step == 0 {
                // What is measured before the first step is measured again.
                atomic::write_file(&path, b"")?;
            }
            let mut file = Metrics::open(path)?;
            file.truncate_after(step)?;
            Ok::<_, TrainError>(file)
        };
        let (metrics, samples) = (open("metrics.jsonl")?, open("samples.jsonl")?);
        let events = folder.join("tensorboard");
        let events = match step {
            0 => EventWriter::create(&events)?,
            _ => EventWriter::resume(&events, step + 1)?,
        };
        Ok(Self {
            folder: folder.to_path_buf(),
            name: name.into(),
            metrics,
            samples,
            events,
        })
    }

    pub fn record(&mut self, record: &Record) -> Result<(), TrainError> {
        self.metrics.append(record)?;
        let curves = [
            ("loss/train", record.loss),
            ("loss/held_out", record.held_out_loss),
            ("optimizer/learning_rate", record.learning_rate),
            ("optimizer/grad_norm", record.grad_norm),
            ("speed/tokens_per_second", record.tokens_per_second),
            ("speed/mfu", record.mfu),
        ];
        let known: Vec<(&str, f64)> = curves
            .iter()
            .filter_map(|(name, value)| value.map(|value| (*name, value)))
            .collect();
        self.events.scalars(record.step, &known)?;
        Ok(())
    }

    pub fn sample(&mut self, index: usize, sample: &Sample) -> Result<(), TrainError> {
        self.samples.append(sample)?;
        let text = format!(
            "{}\n\n---\n\n{}\n\n---\n\n{}",
            sample.prompt, sample.thought, sample.answer
        );
        self.events
            .text(sample.step, &format!("sample/{index}"), &text)?;
        Ok(())
    }

    /// Brings the records to the disk: before a checkpoint that counts on them.
    pub fn sync(&mut self) -> Result<(), TrainError> {
        self.metrics.sync()?;
        self.samples.sync()?;
        self.events.flush()?;
        Ok(())
    }

    /// Draws the curves of all records so far into `plots/training.svg`.
    pub fn plot(&self) -> Result<(), TrainError> {
        let mut records = Vec::new();
        for record in metrics::read::<Record>(self.metrics.path())? {
            records.push(record?);
        }
        write_plot(
            &self.folder.join("plots/training.svg"),
            &training(&self.name, &records),
        )
    }
}

fn training(name: &str, records: &[Record]) -> String {
    let curve = |of: fn(&Record) -> Option<f64>| {
        records
            .iter()
            .filter_map(move |record| of(record).map(|value| (record.step as f64, value)))
            .collect::<Vec<_>>()
    };
    let last = records.iter().rev().find_map(|record| record.loss);
    let tokens = records.iter().rev().find_map(|record| record.tokens);
    let subtitle = match (last, tokens) {
        (Some(loss), Some(tokens)) => format!(
            "{} steps, {} tokens, last loss {loss:.3}",
            records.iter().map(|record| record.step).max().unwrap_or(0),
            short(tokens as f64)
        ),
        _ => String::new(),
    };
    let line = |name: &str, unit: &str, of: fn(&Record) -> Option<f64>| {
        Panel::new(name, unit).series(Series::new("", curve(of)))
    };
    Figure::new(name, subtitle)
        .panel(
            Panel::new("loss", "nats")
                .tall()
                .series(Series::new("training", curve(|r| r.loss)).style(Style::Smoothed(None)))
                .series(Series::new("held out", curve(|r| r.held_out_loss)).style(Style::Dots)),
        )
        .panel(line("learning rate", "", |r| r.learning_rate).from_zero())
        .panel(line("global gradient norm", "", |r| r.grad_norm).scale(Scale::Auto))
        .panel(line("speed", "tokens/s", |r| r.tokens_per_second).from_zero())
        .to_svg()
}

/// Draws the lengths of the documents into `plots/lengths.svg`.
///
/// # Errors
/// It cannot be written.
pub fn plot_lengths(folder: &Path, lengths: &[f64], report: &Report) -> Result<(), TrainError> {
    let chart = HistogramChart::new(
        "Length of documents",
        format!(
            "{} documents, {} tokens; {} longer than a sequence",
            report.documents + report.dropped,
            short(report.tokens as f64),
            report.dropped + report.truncated,
        ),
        Histogram::of(lengths, 40),
    )
    .names("tokens", "documents")
    .mark("median", report.lengths.p50 as f64)
    .mark("sequence", report.capacity as f64);
    write_plot(&folder.join("plots/lengths.svg"), &chart.to_svg())
}

fn write_plot(path: &Path, svg: &str) -> Result<(), TrainError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| TrainError::io("make", folder, error))?;
    }
    Ok(atomic::write_file(path, svg.as_bytes())?)
}
