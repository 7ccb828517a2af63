//! A run of supervised fine-tuning, in a folder, from its first step or from its last checkpoint.
//!
//! ```text
//! run/
//!   run.toml          the configuration as resolved
//!   manifest.json     hashes of corpus and base, versions, device
//!   metrics.jsonl     a line a step
//!   samples.jsonl     replies of the student
//!   tensorboard/      the same for TensorBoard
//!   plots/            the same as pictures
//!   checkpoints/      to go on from
//!   stopped/          the batch that a run stopped at by itself
//! ```

mod folder;

use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::{DType, Device};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use retort_dataset::Bin;
use retort_infer::LoadOptions;
use retort_model::decoder::Shape;
use retort_model::{LoadEvent, LoadPlan, WeightForm};
use retort_report::atomic;

use crate::TrainError;
use crate::checkpoint::{Checkpoints, Progress};
use crate::config::{Dtype, RunConfig};
use crate::corpus::Corpus;
use crate::optimizer::Optimizer;
use crate::planner::step_flops;
use crate::record::{Record, Recorder, Sample};
use crate::rollout::{self, Question, Voice};
use crate::schedule::Schedule;
use crate::spike::SpikeWatch;
use crate::student::Student;
use crate::trainer::{StepSettings, Trainer};

/// What a run is made of, checked and ready.
pub struct Run {
    pub config: RunConfig,
    pub student: Student,
    pub corpus: Corpus,
    pub schedule: Schedule,
    folder: PathBuf,
    hash: String,
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the last checkpoint, or at the base where there is none.
    Latest,
    /// At the checkpoint of a step.
    Step(u64),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All steps are taken.
    Done,
    /// It was asked to stop, after this many steps; there is a checkpoint of them.
    Stopped(u64),
}

/// What happens in a run, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// A tensor of the base is on the device.
    Loading(LoadEvent<'a>),
    /// It goes on from a checkpoint of this step.
    Resumed(u64),
    Step(&'a Record),
    HeldOut {
        step: u64,
        loss: f64,
    },
    Sample(&'a Sample),
    Checkpoint(u64),
}

/// What a run is told by its host.
pub struct Host<'a> {
    pub device: &'a Device,
    /// Devices beside it that share a step's parts.
    pub others: &'a [Device],
    /// What the device is called, for the manifest.
    pub label: &'a str,
    /// Largest buffer of the device in bytes, if it has a limit.
    pub max_binding: Option<u64>,
    /// Matrix products it can do, in floating-point operations a second, if that was measured.
    pub peak_flops: Option<f64>,
    /// Whether to end at the next chance, with a checkpoint.
    pub stop: &'a dyn Fn() -> bool,
    pub events: &'a mut dyn FnMut(Event<'_>),
}

impl Run {
    /// Puts a run together; nothing is written yet but the corpus' cache.
    ///
    /// # Errors
    /// No learning rate can be told, or sequences are longer than the student has positions.
    pub fn new(
        config: RunConfig,
        student: Student,
        corpus: Corpus,
        folder: impl Into<PathBuf>,
    ) -> Result<Self, TrainError> {
        let positions = student.config.max_position_embeddings;
        if config.data.max_length > positions {
            return Err(TrainError::TooLong {
                length: config.data.max_length,
                positions,
            });
        }
        let steps = config.steps(corpus.packing.bins.len());
        let schedule = config.schedule(&student.config, steps)?;
        let hash = folder::identity(&config, &student, &corpus, steps)?;
        Ok(Self {
            config,
            student,
            corpus,
            schedule,
            folder: folder.into(),
            hash,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Hash of everything that decides what a step computes.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    pub fn steps(&self) -> u64 {
        self.schedule.steps
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(
            self.folder.join("checkpoints"),
            self.config.every.keep,
            self.hash.clone(),
        )
    }

    /// Trains to the end, or until it is asked to stop. The trainer that comes back holds the
    /// student.
    ///
    /// # Errors
    /// [`TrainError::Stopped`] for a loss that left its course, with the batch saved; a checkpoint
    /// that cannot be used; a disk that is full or a device that fails, after which the last
    /// checkpoint is whole.
    pub async fn train(
        &self,
        start: Start,
        host: &mut Host<'_>,
    ) -> Result<(Trainer, Ended), TrainError> {
        self.write_folder(host)?;
        let (trainer, mut progress) = self.begin(start, host).await?;
        let mut trainer = trainer.with_devices(self.others(host));
        let mut recorder = Recorder::open(&self.folder, &self.config.name, progress.step)?;
        let questions = rollout::questions(&self.config.samples, &self.corpus, &self.student)?;
        if progress.step == 0 {
            self.look(&mut trainer, &progress, &questions, &mut recorder, host)
                .await?;
        }
        let every = self.config.every;
        while progress.step < self.steps() {
            if (host.stop)() {
                self.checkpoint(&trainer, &progress, &mut recorder, host)?;
                return Ok((trainer, Ended::Stopped(progress.step)));
            }
            let record = self.step(&mut trainer, &mut progress, host).await?;
            recorder.record(&record)?;
            (host.events)(Event::Step(&record));
            self.look(&mut trainer, &progress, &questions, &mut recorder, host)
                .await?;
            let last = progress.step == self.steps();
            if last || due(every.checkpoint, progress.step) {
                self.checkpoint(&trainer, &progress, &mut recorder, host)?;
            }
        }
        Ok((trainer, Ended::Done))
    }

    /// The base on the device, with adapters if asked for, or the state of a checkpoint.
    async fn begin(
        &self,
        start: Start,
        host: &mut Host<'_>,
    ) -> Result<(Trainer, Progress), TrainError> {
        let quantised = self.config.lora.as_ref().is_some_and(|lora| lora.quantised);
        let plan = LoadPlan {
            form: match quantised {
                true => WeightForm::Packed,
                false => WeightForm::Dense,
            },
            positions: self.positions(),
            max_shard_bytes: match host.max_binding {
                Some(max) => usize::try_from(max).unwrap_or(usize::MAX),
                None => LoadOptions::default().max_shard_bytes,
            },
        };
        let events = &mut host.events;
        let loading = |event: LoadEvent<'_>| events(Event::Loading(event));
        let mut decoder = self.student.decoder(host.device, &plan, loading).await?;
        if let Some(lora) = &self.config.lora {
            let mut random = ChaCha8Rng::seed_from_u64(self.config.seed);
            decoder = decoder.with_lora(&lora.plan(), || unit(&mut random));
        }
        let optimizer = Optimizer::new(self.config.optimizer, &decoder);
        let max_grad_norm = self.config.schedule.max_grad_norm;
        let settings = StepSettings {
            compute: match self.config.compute.dtype {
                Dtype::F32 => DType::F32,
                Dtype::Bf16 => DType::BF16,
            },
            recompute: self.config.compute.recompute,
            max_grad_norm: match max_grad_norm {
                0.0 => f64::INFINITY,
                norm => norm,
            },
        };
        let trainer = Trainer::new(decoder, optimizer, settings);
        let checkpoints = self.checkpoints();
        let step = match start {
            Start::Step(step) => Some(step),
            Start::Latest => checkpoints.steps()?.last().copied(),
        };
        let Some(step) = step else {
            let progress = Progress {
                step: 0,
                bins: 0,
                tokens: 0,
                watch: SpikeWatch::default(),
            };
            return Ok((trainer, progress));
        };
        let resumed = checkpoints.load(step, trainer, host.device).await?;
        // Later ones belong to steps that are now taken again.
        for later in checkpoints
            .steps()?
            .into_iter()
            .filter(|later| *later > step)
        {
            atomic::remove_folder(&checkpoints.path(later))?;
        }
        (host.events)(Event::Resumed(step));
        Ok(resumed)
    }

    /// The rotary table on each device beside the first.
    fn others(&self, host: &Host<'_>) -> Vec<(Device, Shape)> {
        let shape = |device| Shape::new(&self.student.config, self.positions(), device);
        let others = host.others.iter();
        others
            .map(|device| (device.clone(), shape(device)))
            .collect()
    }

    /// Positions that documents and samples may reach.
    fn positions(&self) -> usize {
        let wanted = self.config.data.max_length + self.config.samples.max_tokens;
        wanted.min(self.student.config.max_position_embeddings)
    }

    async fn step(
        &self,
        trainer: &mut Trainer,
        progress: &mut Progress,
        host: &mut Host<'_>,
    ) -> Result<Record, TrainError> {
        let start = Instant::now();
        let batch = self.config.batch;
        let bins = self
            .corpus
            .bins(self.config.seed, progress.bins, batch.sequences);
        let bins: Vec<&Bin> = bins
            .iter()
            .map(|bin| &self.corpus.packing.bins[*bin as usize])
            .collect();
        let mut parts = Vec::new();
        for (index, bins) in bins.chunks(batch.micro_batch).enumerate() {
            let device = trainer.device_of(index);
            parts.push(self.corpus.batch(bins.iter().copied(), &device)?);
        }
        let computed = trainer.compute(&parts).await?;
        let report = computed.report();
        let anomaly = progress
            .watch
            .judge(report.loss, report.grad_norm, self.config.guard.spike);
        if let Some(anomaly) = anomaly {
            return Err(self
                .stop_at(trainer, progress, &bins, report, anomaly, host)
                .await);
        }
        let rate = self.schedule.rate(progress.step);
        trainer.apply(computed, rate);
        host.device
            .sync()
            .map_err(|error| TrainError::Device(error.to_string()))?;
        progress.watch.record(report.loss);
        progress.step += 1;
        progress.bins += batch.sequences as u64;
        progress.tokens += report.tokens as u64;
        let seconds = start.elapsed().as_secs_f64();
        let lengths = parts
            .iter()
            .flat_map(|part| part.documents.ranges().map(|range| range.len() as u64));
        let flops = step_flops(&self.student.config, lengths, report.learnt as u64);
        Ok(Record {
            step: progress.step,
            loss: Some(report.loss),
            learning_rate: Some(rate),
            grad_norm: Some(report.grad_norm),
            tokens: Some(progress.tokens),
            learnt: Some(report.learnt as u64),
            tokens_per_second: Some(report.tokens as f64 / seconds),
            mfu: host.peak_flops.map(|peak| flops / seconds / peak),
            epoch: Some(progress.bins as f64 / self.corpus.packing.bins.len() as f64),
            held_out_loss: None,
        })
    }

    /// Held-out loss, samples and the plot, when they are due.
    async fn look(
        &self,
        trainer: &mut Trainer,
        progress: &Progress,
        questions: &[Question],
        recorder: &mut Recorder,
        host: &mut Host<'_>,
    ) -> Result<(), TrainError> {
        let step = progress.step;
        let every = self.config.every;
        let edge = step == 0 || step == self.steps();
        let evaluates = every.evaluate > 0 && (edge || due(every.evaluate, step));
        if let Some(held_out) = self.corpus.held_out.as_ref().filter(|_| evaluates) {
            let mut batches = Vec::new();
            for bin in &held_out.bins {
                batches.push(self.corpus.batch([bin], host.device)?);
            }
            let (loss, _) = trainer.evaluate(&batches).await?;
            recorder.record(&Record {
                step,
                held_out_loss: Some(loss),
                ..Record::default()
            })?;
            (host.events)(Event::HeldOut { step, loss });
        }
        if every.sample > 0 && (edge || due(every.sample, step)) {
            self.sample(trainer, step, questions, recorder, host)
                .await?;
        }
        if evaluates || due(25, step) {
            recorder.plot()?;
        }
        Ok(())
    }

    async fn sample(
        &self,
        trainer: &mut Trainer,
        step: u64,
        questions: &[Question],
        recorder: &mut Recorder,
        host: &mut Host<'_>,
    ) -> Result<(), TrainError> {
        let voice = Voice {
            name: &self.config.name,
            config: &self.student.config,
            text: &self.student.text,
            device: host.device,
            samples: &self.config.samples,
            seed: self.config.seed,
        };
        let stop = host.stop;
        let samples = trainer
            .lend(async |decoder| rollout::sample(&voice, decoder, step, questions, stop).await)
            .await;
        for (index, sample) in samples?.iter().enumerate() {
            recorder.sample(index, sample)?;
            (host.events)(Event::Sample(sample));
        }
        Ok(())
    }

    fn checkpoint(
        &self,
        trainer: &Trainer,
        progress: &Progress,
        recorder: &mut Recorder,
        host: &mut Host<'_>,
    ) -> Result<(), TrainError> {
        recorder.sync()?;
        self.checkpoints().save(trainer, progress)?;
        (host.events)(Event::Checkpoint(progress.step));
        Ok(())
    }
}

fn due(every: u64, step: u64) -> bool {
    every > 0 && step > 0 && step.is_multiple_of(every)
}

/// Uniform, of unit variance.
fn unit(random: &mut ChaCha8Rng) -> f32 {
    let uniform = (random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
    uniform * 3f32.sqrt()
}
