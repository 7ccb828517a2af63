//! What a run's folder says of the run itself, and of the batch that it stopped at.

use std::path::Path;

use retort_dataset::{Bin, Preview};
use retort_model::backward::Batch;
use retort_report::atomic;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Host, Run};
use crate::TrainError;
use crate::checkpoint::{Progress, hex};
use crate::config::RunConfig;
use crate::corpus::Corpus;
use crate::record::plot_lengths;
use crate::spike::Anomaly;
use crate::student::Student;
use crate::trainer::{StepReport, Trainer};

/// `manifest.json`
#[derive(Serialize)]
struct Manifest<'a> {
    format: u32,
    name: &'a str,
    version: &'static str,
    run: &'a str,
    corpus: &'a str,
    base: &'a str,
    device: &'a str,
    seed: u64,
    steps: u64,
    report: &'a retort_dataset::Report,
}

/// `stopped/step-N.json`
#[derive(Serialize)]
struct Culprit {
    step: u64,
    reason: String,
    loss: f64,
    grad_norm: f64,
    documents: Vec<CulpritDocument>,
}

#[derive(Serialize)]
struct CulpritDocument {
    origin: String,
    tokens: usize,
    /// Of the document alone, before the step.
    loss: f64,
    text: String,
}

impl Run {
    /// What does not change while it runs.
    pub(super) fn write_folder(&self, host: &Host<'_>) -> Result<(), TrainError> {
        for folder in [&self.folder, &self.folder.join("checkpoints")] {
            std::fs::create_dir_all(folder)
                .map_err(|error| TrainError::io("make", folder, error))?;
            atomic::clean(folder)?;
        }
        let toml = toml::to_string(&self.config)
            .map_err(|error| TrainError::io("write", &self.folder, std::io::Error::other(error)))?;
        atomic::write_file(&self.folder.join("run.toml"), toml.as_bytes())?;
        let manifest = Manifest {
            format: 1,
            name: &self.config.name,
            version: env!("CARGO_PKG_VERSION"),
            run: &self.hash,
            corpus: self.corpus.dataset.hash(),
            base: &self.student.identity,
            device: host.label,
            seed: self.config.seed,
            steps: self.steps(),
            report: &self.corpus.report,
        };
        write_json(&self.folder.join("manifest.json"), &manifest)?;
        let mut lengths = Vec::new();
        for index in 0..self.corpus.dataset.len() {
            lengths.push(self.corpus.dataset.tokens_of(index)? as f64);
        }
        plot_lengths(&self.folder, &lengths, &self.corpus.report)
    }

    /// Saves the batch and the state before it, and says why the run stops.
    pub(super) async fn stop_at(
        &self,
        trainer: &Trainer,
        progress: &Progress,
        bins: &[&Bin],
        report: StepReport,
        anomaly: Anomaly,
        host: &mut Host<'_>,
    ) -> TrainError {
        let step = progress.step + 1;
        let reason = match anomaly {
            Anomaly::NotFinite => format!(
                "the loss is {} and the gradient norm {}",
                report.loss, report.grad_norm
            ),
            Anomaly::Spike { mean } => {
                format!("the loss is {:.3}, its running mean {mean:.3}", report.loss)
            }
        };
        let path = self.folder.join(format!("stopped/step-{step:08}.json"));
        let saved = self
            .save_culprit(&path, trainer, bins, report, step, &reason, host)
            .await;
        if let Err(error) = saved {
            return error;
        }
        if progress.step > 0
            && let Err(error) = self.checkpoints().save(trainer, progress)
        {
            return error;
        }
        TrainError::Stopped { step, reason, path }
    }

    #[allow(clippy::too_many_arguments)]
    async fn save_culprit(
        &self,
        path: &Path,
        trainer: &Trainer,
        bins: &[&Bin],
        report: StepReport,
        step: u64,
        reason: &str,
        host: &Host<'_>,
    ) -> Result<(), TrainError> {
        let mut documents = Vec::new();
        for piece in bins.iter().flat_map(|bin| &bin.pieces) {
            let index = piece.document as usize;
            let alone = Bin {
                pieces: vec![*piece],
            };
            let batch: Batch = self.corpus.batch([&alone], host.device)?;
            let (loss, _) = trainer.evaluate(&[batch]).await?;
            let tokenizer = &self.student.text.tokenizer;
            let preview = Preview::new(&self.corpus.dataset, tokenizer, index)?;
            documents.push(CulpritDocument {
                origin: self.corpus.dataset.origin(index)?.to_string(),
                tokens: piece.len as usize,
                loss,
                text: preview.spans.into_iter().map(|span| span.text).collect(),
            });
        }
        documents.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        let culprit = Culprit {
            step,
            reason: reason.into(),
            loss: report.loss,
            grad_norm: report.grad_norm,
            documents,
        };
        write_json(path, &culprit)
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
    let json = serde_json::to_vec_pretty(value)
        .map_err(|error| TrainError::io("write", path, std::io::Error::other(error)))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| TrainError::io("make", folder, error))?;
    }
    Ok(atomic::write_file(path, &json)?)
}

/// A checkpoint only fits a run with the same hash. How often it looks, what it samples, keeps and
/// exports does not matter to a step.
pub(super) fn identity(
    config: &RunConfig,
    student: &Student,
    corpus: &Corpus,
    steps: u64,
) -> Result<String, TrainError> {
    let mut hash = Sha256::new();
    let decisive = serde_json::json!({
        "seed": config.seed,
        "steps": steps,
        "learning_rate": config.learning_rate,
        "schedule": config.schedule,
        "optimizer": config.optimizer,
        "batch": config.batch,
        "lora": config.lora,
        "rope_theta": student.config.rope_theta,
        "dtype": config.compute.dtype,
        "max_length": config.data.max_length,
        "packing": config.data.packing,
        "too_long": config.data.too_long,
        "held_out": config.data.held_out,
    });
    hash.update(decisive.to_string());
    hash.update(corpus.dataset.hash());
    hash.update(&student.identity);
    Ok(hex(hash))
}
