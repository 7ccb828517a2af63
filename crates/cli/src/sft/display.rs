//! What a run shows while it goes: a bar with its figures, and what happens above it.

use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;
use indicatif::ProgressBar;
use retort_report::progress::{Progress, Status};
use retort_train::sft::Event;

use crate::load;
use crate::note::dim;

/// Between two lines where standard error is no terminal.
const EVERY: Duration = Duration::from_secs(10);

pub struct Display {
    steps: u64,
    folder: String,
    loading: ProgressBar,
    loaded: u64,
    progress: Option<Progress>,
    device: Device,
}

impl Display {
    pub fn new(steps: u64, folder: &Path, device: &Device) -> Self {
        Self {
            steps,
            folder: folder.display().to_string(),
            loading: load::byte_bar("loading".into()),
            loaded: 0,
            progress: None,
            device: device.clone(),
        }
    }

    pub fn show(&mut self, event: Event<'_>) {
        if let Event::Loading(event) = &event {
            self.loaded += event.bytes;
            self.loading.set_position(self.loaded);
            return;
        }
        self.loading.finish_and_clear();
        let steps = self.steps;
        let progress = self
            .progress
            .get_or_insert_with(|| Progress::new("train", steps, EVERY));
        match event {
            Event::Loading(_) => {}
            Event::Resumed(step) => progress.note(format!("goes on after step {step}")),
            Event::Step(record) => progress.update(&Status {
                step: record.step,
                loss: record.loss,
                learning_rate: record.learning_rate,
                grad_norm: record.grad_norm,
                tokens_per_second: record.tokens_per_second,
                mfu: record.mfu,
                device_bytes: self
                    .device
                    .memory_pool_usage()
                    .map(|usage| usage.bytes_reserved),
            }),
            Event::HeldOut { step, loss } => {
                progress.note(format!("step {step}: held-out loss {loss:.4}"));
            }
            Event::Sample(sample) => progress.note(dim(&format!(
                "step {}: {}",
                sample.step,
                excerpt(&sample.thought, &sample.answer)
            ))),
            Event::Checkpoint(step) => progress.note(dim(&format!("step {step} is saved"))),
        }
    }

    pub fn finish(self) {
        if let Some(progress) = self.progress {
            progress.finish(format!(
                "curves: {0}/plots/training.svg; samples: {0}/samples.jsonl",
                self.folder
            ));
        }
    }
}

/// The beginning of a reply on one line. What steers a terminal is left out: a model wrote it.
fn excerpt(thought: &str, answer: &str) -> String {
    const MOST: usize = 160;
    let whole = match thought.is_empty() {
        true => answer.to_owned(),
        false => format!("<think>{thought}</think>{answer}"),
    };
    let mut line: String = whole
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST + 1)
        .collect();
    if line.chars().count() > MOST {
        line = line.chars().take(MOST).collect::<String>() + "…";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_harmless_line() {
        assert_eq!(excerpt("a\n b", "c\x1b[2J"), "<think>a b</think>c[2J");
        let long = excerpt("", &"ä".repeat(500));
        assert_eq!(long.chars().count(), 161);
    }
}
