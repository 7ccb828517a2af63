//! The corpus as a run reads it: packed sequences in a fixed order, and what is held out.

use std::path::Path;

use burn::tensor::Device;
use retort_dataset::tokens::Identity;
use retort_dataset::{
    Bin, Dataset, PackOptions, Packing, Progress, Report, Split, preflight, tokens,
};
use retort_infer::InferError;
use retort_model::backward::Batch;
use retort_text::LocalTime;

use crate::TrainError;
use crate::config::RunConfig;
use crate::student::Student;

/// Tokenised, checked, split and packed.
pub struct Corpus {
    pub dataset: Dataset,
    pub packing: Packing,
    /// None where nothing is held out.
    pub held_out: Option<Packing>,
    pub report: Report,
}

impl Corpus {
    /// Reads the files, or the cache of them in `cache`, and refuses what would be learnt wrongly.
    ///
    /// # Errors
    /// Those of `retort-dataset`: they name file and line.
    pub fn prepare(
        config: &RunConfig,
        student: &Student,
        cache: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, TrainError> {
        let text = &student.text;
        let template = text.template.as_ref().ok_or(InferError::NoTemplate)?;
        let data = &config.data;
        let dataset = tokens::Dataset::prepare(
            &data.files,
            &retort_dataset::Student {
                tokenizer: &text.tokenizer,
                template,
                stop_ids: &text.stop_ids,
                date: data.date.as_deref().and_then(LocalTime::from_date),
            },
            &Identity {
                tokenizer: student.identity.as_bytes(),
                template: text.template_source.as_deref().unwrap_or_default(),
            },
            data.history_turns,
            cache,
            progress,
        )?;
        let split = Split::new(&dataset, data.held_out)?;
        let options = PackOptions {
            capacity: data.max_length,
            packing: data.packing,
            too_long: data.too_long,
        };
        let packing = Packing::new(&dataset, &split.train, &options)?;
        let held_out = match split.held_out.is_empty() {
            true => None,
            false => Some(Packing::new(&dataset, &split.held_out, &options)?),
        };
        let report = preflight(
            &dataset,
            &packing,
            &text.tokenizer,
            student.config.vocab_size,
        )?;
        Ok(Self {
            dataset,
            packing,
            held_out,
            report,
        })
    }

    /// Indices of the bins that a step reads, `seen` bins after the start of the run. Each epoch
    /// has its own order.
    pub fn bins(&self, seed: u64, seen: u64, count: usize) -> Vec<u32> {
        let len = self.packing.bins.len() as u64;
        let mut order = (u64::MAX, Vec::new());
        (seen..seen + count as u64)
            .map(|at| {
                let epoch = at / len;
                if order.0 != epoch {
                    order = (epoch, self.packing.order(seed, epoch));
                }
                order.1[(at % len) as usize]
            })
            .collect()
    }

    /// Some bins as one micro-batch on a device.
    ///
    /// # Errors
    /// The cache file was changed.
    pub fn batch<'a>(
        &self,
        bins: impl IntoIterator<Item = &'a Bin>,
        device: &Device,
    ) -> Result<Batch, TrainError> {
        let mut documents = Vec::new();
        for piece in bins.into_iter().flat_map(|bin| &bin.pieces) {
            let document = self.dataset.get(piece.document as usize)?;
            let len = (piece.len as usize).min(document.ids.len());
            documents.push((&document.ids[..len], &document.learnt[..len]));
        }
        Ok(Batch::new(documents, device))
    }
}
