//! `retort bench-train`: speed and memory of optimiser steps, in the protocol of the PyTorch
//! scripts that it is compared with: random ids, every token learnt, the median of the steps after
//! the first two.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::DType;
use clap::ValueEnum;
use retort_infer::LoadOptions;
use retort_model::backward::Batch;
use retort_model::parameters::{LoraPlan, Parameter, Targets};
use retort_model::{LoadPlan, WeightForm};
use retort_train::optimizer::{Optimizer, Settings};
use retort_train::student::Student;
use retort_train::trainer::{StepSettings, Trainer};
use serde::Serialize;

use super::{median, peak_rss_mb};
use crate::note::note;
use crate::source::{self, Model};
use crate::{Outcome, device, jsonl};

/// Measure the speed of optimiser steps on random ids
#[derive(clap::Args)]
pub struct Args {
    /// A path, an http(s) URL, or hf:owner/repo[/file]
    model: String,
    /// Tokens of a document
    #[arg(long, value_name = "N", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=1 << 20))]
    seq: u32,
    /// Documents of a micro-batch
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    batch: u32,
    /// Micro-batches of a step
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    accum: u32,
    /// Steps, the two of the warm-up included
    #[arg(long, value_name = "N", default_value_t = 6)]
    #[arg(value_parser = clap::value_parser!(u32).range(3..=10_000))]
    steps: u32,
    /// Rank of adapters; 0 trains all weights
    #[arg(long, value_name = "R", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=4096))]
    lora: u32,
    /// Keep the base's blocks as they are under the adapters
    #[arg(long, requires = "lora")]
    quantised: bool,
    /// Compute blocks again on the way back
    #[arg(long)]
    recompute: bool,
    /// Of activations
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: device::Args,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Dtype {
    F32,
    Bf16,
}

/// What is printed, under the names of the scripts beside it.
#[derive(Serialize)]
struct Report {
    name: String,
    device: String,
    params_m: f64,
    trained_m: f64,
    seq: u32,
    batch: u32,
    accum: u32,
    dtype: Dtype,
    tok_s: f64,
    step_s: Vec<f64>,
    load_s: f64,
    peak_rss_mb: Option<u64>,
    loss: Vec<f64>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let path = match source::fetch(&args.model)? {
        Model::Gguf(path) | Model::Folder(path) => path,
    };
    let chosen = args.device.choose()?;
    let report = pollster::block_on(measure(args, &path, &chosen))?;
    match args.json {
        true => jsonl::print(&report)?,
        false => note(serde_json::to_string_pretty(&report)?),
    }
    Ok(Outcome::Done)
}

async fn measure(args: &Args, path: &std::path::Path, chosen: &device::Chosen) -> Result<Report> {
    let start = Instant::now();
    let student = Student::open(path, None).await?;
    let plan = LoadPlan {
        form: match args.quantised {
            true => WeightForm::Packed,
            false => WeightForm::Dense,
        },
        positions: args.seq as usize,
        max_shard_bytes: match chosen.max_binding {
            Some(max) => usize::try_from(max)?,
            None => LoadOptions::default().max_shard_bytes,
        },
    };
    let mut decoder = student.decoder(&chosen.device, &plan, |_| {}).await?;
    let mut random = Random(2);
    if args.lora > 0 {
        let plan = LoraPlan {
            rank: args.lora as usize,
            alpha: 2.0 * args.lora as f32,
            targets: Targets::ALL,
        };
        decoder = decoder.with_lora(&plan, || random.unit());
    }
    let optimizer = Optimizer::new(Settings::default(), &decoder);
    let trained = optimizer
        .trained()
        .iter()
        .map(Parameter::len)
        .sum::<usize>();
    let settings = StepSettings {
        compute: match args.dtype {
            Dtype::F32 => DType::F32,
            Dtype::Bf16 => DType::BF16,
        },
        recompute: args.recompute,
        max_grad_norm: 1.0,
    };
    let mut trainer = Trainer::new(decoder, optimizer, settings);
    let load_s = start.elapsed().as_secs_f64();
    let vocabulary = student.config.vocab_size.min(32_000) as u32;
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..args.steps {
        let parts: Vec<Batch> = (0..args.accum)
            .map(|_| {
                let documents: Vec<Vec<u32>> = (0..args.batch)
                    .map(|_| (0..args.seq).map(|_| random.below(vocabulary)).collect())
                    .collect();
                let learnt = vec![true; args.seq as usize];
                let parts = documents.iter().map(|ids| (&ids[..], &learnt[..]));
                Batch::new(parts, &chosen.device)
            })
            .collect();
        let start = Instant::now();
        let computed = trainer.compute(&parts).await?;
        let report = trainer.apply(computed, 1e-4);
        chosen.device.sync()?;
        seconds.push(start.elapsed().as_secs_f64());
        losses.push(report.loss);
    }
    let mut measured = seconds[2..].to_vec();
    let tokens = f64::from(args.batch * args.accum * args.seq);
    let what = match args.lora {
        0 => "retort full".into(),
        rank if args.quantised => format!("retort qlora{rank}"),
        rank => format!("retort lora{rank}"),
    };
    Ok(Report {
        name: what,
        device: chosen.label.clone(),
        params_m: student.config.parameters() as f64 / 1e6,
        trained_m: trained as f64 / 1e6,
        seq: args.seq,
        batch: args.batch,
        accum: args.accum,
        dtype: args.dtype,
        tok_s: tokens / median(&mut measured),
        step_s: seconds,
        load_s,
        peak_rss_mb: peak_rss_mb(),
        loss: losses,
    })
}

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u32) -> u32 {
        (self.next() % u64::from(n)) as u32
    }

    /// Uniform, of unit variance.
    fn unit(&mut self) -> f32 {
        let uniform = (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
        uniform * 3f32.sqrt()
    }
}
