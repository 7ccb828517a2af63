//! `retort bench`: speed of the decoder, in the protocol of llama.cpp's own bench, so that ratios
//! are fair: synthetic ids, a warm-up, then the median of several runs from an empty cache.
//! Prefill ends with the logits of the last token on the host; decoding is greedy and reads one
//! row a token.

pub mod train;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use retort_formats::gguf;
use retort_infer::LoadOptions;
use retort_model::{Checkpoint, Decoder, GgufCheckpoint, KvCache, LoadPlan, WeightForm};
use retort_report::memory::Memory;
use serde::Serialize;
use serde_json::{Map, json};

use crate::device::Chosen;
use crate::failure::Failure;
use crate::note::note;
use crate::source::{self, Model};
use crate::{Outcome, device, jsonl, text};

/// Measure prefill and decode speed on synthetic ids
#[derive(clap::Args)]
pub struct Args {
    /// A GGUF file: a path, an http(s) URL, or hf:owner/repo[/file]
    model: String,
    /// Lengths of prompts
    #[arg(
        long,
        value_name = "N,N",
        value_delimiter = ',',
        default_value = "128,512"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..CONTEXT as i64))]
    prompt: Vec<u32>,
    /// Tokens to decode
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..CONTEXT as i64 - 8))]
    tokens: u32,
    /// Runs that the median is taken of
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    reps: u32,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: device::Args,
}

/// Tokens that the cache holds.
const CONTEXT: usize = 1024;
/// Tokens that go through the decoder at once, as in a session.
const PREFILL_CHUNK: usize = 256;
/// Length of the prompt before decoding.
const DECODE_PROMPT: usize = 8;
/// The first token that is decoded.
const FIRST_TOKEN: u32 = 100;
const WARM_UP: usize = 16;

/// What is printed. Speeds in tokens per second, medians.
#[derive(Serialize)]
struct Report {
    name: String,
    device: String,
    load_s: f64,
    prefill: Map<String, serde_json::Value>,
    prefill_tok_s: f64,
    decode_tok_s: f64,
    decode_min: f64,
    decode_max: f64,
    /// None where the system does not tell.
    peak_rss_mb: Option<u64>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let Model::Gguf(path) = source::fetch(&args.model)? else {
        return Err(Failure::new("bench runs GGUF files only", "name a .gguf file").into());
    };
    let chosen = args.device.choose()?;
    let start = Instant::now();
    let mut runner = pollster::block_on(Runner::load(&path, &chosen))?;
    let load_s = start.elapsed().as_secs_f64();
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let report = measure(args, &mut runner, name, chosen.label, load_s)?;
    match args.json {
        true => jsonl::print(&report)?,
        false => note(serde_json::to_string_pretty(&report)?),
    }
    Ok(Outcome::Done)
}

fn measure(
    args: &Args,
    runner: &mut Runner,
    name: String,
    device: String,
    load_s: f64,
) -> Result<Report> {
    runner.feed(&runner.synthetic(WARM_UP, 1))?;
    let mut prefill = Map::new();
    let mut prefill_tok_s = 0.0;
    for &length in &args.prompt {
        let mut speeds = Vec::new();
        for rep in 0..args.reps {
            let ids = runner.synthetic(length as usize, u64::from(rep) + 3);
            runner.cache.truncate(0);
            let start = Instant::now();
            runner.feed(&ids)?;
            speeds.push(f64::from(length) / start.elapsed().as_secs_f64());
        }
        prefill_tok_s = median(&mut speeds);
        prefill.insert(length.to_string(), json!(prefill_tok_s));
    }
    let mut speeds = Vec::new();
    for rep in 0..args.reps {
        runner.cache.truncate(0);
        runner.feed(&runner.synthetic(DECODE_PROMPT, rep.into()))?;
        let start = Instant::now();
        let mut id = FIRST_TOKEN;
        for _ in 0..args.tokens {
            id = argmax(&runner.feed(&[id])?);
        }
        speeds.push(f64::from(args.tokens) / start.elapsed().as_secs_f64());
    }
    Ok(Report {
        name,
        device,
        load_s,
        prefill,
        prefill_tok_s,
        decode_tok_s: median(&mut speeds),
        // Sorted by `median`.
        decode_min: speeds[0],
        decode_max: speeds[speeds.len() - 1],
        peak_rss_mb: peak_rss_mb(),
    })
}

/// A decoder with its cache, below sessions and sampling.
struct Runner {
    decoder: Decoder,
    cache: KvCache,
    device: Device,
    /// Tokens of the vocabulary.
    tokens: u64,
}

impl Runner {
    /// All that a program does before its first prompt, the tokenizer included.
    async fn load(path: &std::path::Path, chosen: &Chosen) -> Result<Self> {
        let source = source::open_file(path)?;
        let mut header = gguf::read_header(&source).await?;
        let tokens = header.metadata.strings("tokenizer.ggml.tokens")?.len() as u64;
        ensure!(
            tokens > 1000,
            "a vocabulary of {tokens} tokens: expected over 1000"
        );
        text::gguf_tokenizer(&mut header)?;
        let checkpoint = GgufCheckpoint::new(source, &header).await?;
        let max_shard_bytes = match chosen.max_binding {
            Some(max) => usize::try_from(max)?,
            None => LoadOptions::default().max_shard_bytes,
        };
        let plan = LoadPlan {
            form: WeightForm::Packed,
            positions: CONTEXT,
            max_shard_bytes,
        };
        let decoder = retort_model::load(&checkpoint, &chosen.device, &plan, |_| {}).await?;
        let cache = KvCache::new(checkpoint.config(), CONTEXT, &chosen.device);
        Ok(Self {
            decoder,
            cache,
            device: chosen.device.clone(),
            tokens,
        })
    }

    /// The same ids that llama.cpp is measured with.
    fn synthetic(&self, length: usize, seed: u64) -> Vec<u32> {
        let id = |i| ((seed * 7919 + i * 104_729) % (self.tokens - 1000) + 500) as u32;
        (0..length as u64).map(id).collect()
    }

    /// Appends `ids` to the cache; the logits of the last, on the host.
    fn feed(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        let mut last = None;
        for chunk in ids.chunks(PREFILL_CHUNK) {
            let data = TensorData::new(chunk.to_vec(), [1, chunk.len()]);
            let tensor = Tensor::<2, Int>::from_data(data, (&self.device, DType::U32));
            let hidden = self.decoder.forward(tensor, Some(&mut self.cache));
            last = Some(hidden.narrow(0, chunk.len() - 1, 1));
        }
        let logits = self.decoder.logits(last.context("no ids")?);
        let data = pollster::block_on(logits.into_data_async());
        let data = data.map_err(|error| anyhow::anyhow!("the device failed: {error:?}"))?;
        data.try_into_vec()
            .map_err(|error| anyhow::anyhow!("the device failed: {error:?}"))
    }
}

fn argmax(logits: &[f32]) -> u32 {
    let best = (0..)
        .zip(logits)
        .max_by(|a: &(u32, _), b| a.1.total_cmp(b.1));
    best.map_or(0, |(id, _)| id)
}

/// Sorts, and gives the upper middle as llama.cpp's bench does.
fn median(speeds: &mut [f64]) -> f64 {
    speeds.sort_by(f64::total_cmp);
    speeds[speeds.len() / 2]
}

/// The most memory this process ever held.
fn peak_rss_mb() -> Option<u64> {
    Some(Memory::of_this_process().peak? >> 20)
}
