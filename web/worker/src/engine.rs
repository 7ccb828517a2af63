//! The engine's side of the worker: open a device, load a student, answer, stop.

use crate::{
    failure, fit,
    fit::Need,
    post::{self, post},
    turn::turn,
};
use burn::tensor::Device;
use futures::lock::Mutex;
use retort_formats::{FormatError, Source, SourceError, gguf};
use retort_infer::{Event, InferError, Listener, LoadOptions, LoadProgress, Sampling, Session};
use retort_model::{Config, ConfigError, ModelError};
use retort_protocol::{DeviceInfo, DeviceKind, Failure, FailureKind, Reply};
use retort_store::browser::{Store, StoredSource};
use retort_text::Message;
use std::cell::{Cell, OnceCell};

/// Tensors go to the device in pieces of at most this size, which bounds the wasm memory that a
/// load takes: a piece, its repacked copy, and the copy that is queued.
const SHARD_BYTES: usize = 64 << 20;
/// Tokens that the KV cache in the memory of wasm has room for at first.
const KV_ROOM: usize = 512;

/// Tokens of context when the page does not say.
const DEFAULT_CONTEXT: usize = 4096;

/// The device and what is loaded on it.
#[derive(Default)]
pub struct Engine {
    device: OnceCell<(Device, LoadOptions)>,
    /// Held while loading and while answering: one thing at a time, in the order asked.
    loaded: Mutex<Option<Loaded>>,
    /// Loads and replies asked for so far; all replies up to `stopped` are to end.
    asked: Cell<u64>,
    stopped: Cell<u64>,
}

struct Loaded {
    engine: retort_infer::Engine,
    session: Session,
}

impl Engine {
    /// Opens the device that `info` describes.
    ///
    /// # Errors
    /// The reason in words, if the adapter gives no device.
    pub async fn open(&self, info: &DeviceInfo) -> Result<(), String> {
        let (device, precision, kv_room) = match info.kind {
            DeviceKind::Cpu => (Device::flex(), "int16", Some(KV_ROOM)),
            DeviceKind::WebGpu => (open_gpu().await?, "f32", None),
        };
        let limit = info.max_binding.unwrap_or(u64::MAX).min(SHARD_BYTES as u64);
        let options = LoadOptions {
            context: None,
            kv_room,
            max_shard_bytes: limit as usize,
            precision: precision.into(),
        };
        // Asked for once: a page that wants another device makes another worker.
        self.device
            .set((device, options))
            .map_err(|_| "the device is open already".to_string())
    }

    /// The number of a new load or reply.
    fn ask(&self) -> u64 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }

    /// Ends every reply that was asked for before.
    pub fn stop(&self) {
        self.stopped.set(self.asked.get());
    }

    /// Loads a stored student in place of the one before.
    ///
    /// # Errors
    /// Whatever is wrong with the file or the device, as the page shows it.
    pub async fn load(
        &self,
        store: &Store,
        info: Option<&DeviceInfo>,
        id: String,
        context: Option<usize>,
    ) -> Result<(), Failure> {
        self.stop();
        self.ask();
        let mut loaded = self.loaded.lock().await;
        // The old weights go before the new ones come.
        *loaded = None;
        let (Some((device, options)), Some(info)) = (self.device.get(), info) else {
            let text = "No device has been chosen yet.";
            return Err(failure::new(
                FailureKind::Internal,
                text,
                "Reload the page.",
            ));
        };
        let source = store
            .source(&id)
            .await
            .map_err(|error| failure::store(&error))?;
        let source = Yielding {
            source,
            since: Cell::new(0),
        };
        if let Some(need) = need(&source, context).await? {
            fit::check(&need, info)?;
        }
        let options = LoadOptions {
            context,
            ..options.clone()
        };
        let report = |progress: LoadProgress| post(&Reply::Load(progress));
        let engine = retort_infer::Engine::load(source, device, &options, report).await;
        let engine = engine.map_err(|error| explain(&error, FailureKind::Corrupt))?;
        let session = Session::new(&engine);
        let Loaded { engine, session } = loaded.insert(Loaded { engine, session });
        post(&Reply::Loaded {
            id,
            model: engine.info().clone(),
        });
        // A software adapter computes for longer than it compiles.
        if info.kind == DeviceKind::WebGpu && !info.software {
            self.prepare_kernels(engine, session).await?;
        }
        Ok(())
    }

    /// Runs a few tokens, so that the browser compiles the shaders while the user is still
    /// typing; gives way to the first question. The prompt is long enough for the kernels of a
    /// prefill, the second token needs those of decoding.
    async fn prepare_kernels(
        &self,
        engine: &retort_infer::Engine,
        session: &mut Session,
    ) -> Result<(), Failure> {
        let sampling = Sampling {
            temperature: 0.0,
            max_tokens: Some(2),
            ..Sampling::default()
        };
        let mut warm_up = WarmUp {
            host: self,
            asked: self.asked.get(),
        };
        let prompt = "One two three four five six seven eight nine ten eleven twelve";
        let done = session
            .generate(engine, prompt, &sampling, &mut warm_up)
            .await;
        done.map(drop)
            .map_err(|error| explain(&error, FailureKind::Internal))
    }

    /// Answers the conversation; the events carry `id`.
    ///
    /// # Errors
    /// Whatever is wrong with the conversation or the device, as the page shows it.
    pub async fn chat(
        &self,
        id: u64,
        messages: &[Message],
        sampling: &Sampling,
    ) -> Result<(), Failure> {
        let number = self.ask();
        let mut loaded = self.loaded.lock().await;
        let Some(Loaded { engine, session }) = loaded.as_mut() else {
            return Err(nothing_loaded());
        };
        let mut answer = Answer {
            host: self,
            id,
            number,
        };
        let done = session.chat(engine, messages, sampling, &mut answer).await;
        done.map(drop)
            .map_err(|error| explain(&error, FailureKind::Chat))
    }

    /// Log-probabilities of given tokens.
    ///
    /// # Errors
    /// Whatever is wrong with the ids or the device, as the page shows it.
    pub async fn score(&self, id: u64, ids: &[u32], top: usize) -> Result<(), Failure> {
        let loaded = self.loaded.lock().await;
        let Some(Loaded { engine, .. }) = loaded.as_ref() else {
            return Err(nothing_loaded());
        };
        let positions = retort_infer::score(engine, ids, top).await;
        let positions = positions.map_err(|error| explain(&error, FailureKind::Chat))?;
        post(&Reply::Scores { id, positions });
        Ok(())
    }
}

fn nothing_loaded() -> Failure {
    let text = "No student is loaded.";
    failure::new(FailureKind::Chat, text, "Load one first.")
}

/// The adapter with all its limits and features, and an ear for its loss.
async fn open_gpu() -> Result<Device, String> {
    let options = Device::wgpu_options();
    let opened = options.init_with_setup_async().await;
    let (device, setup) =
        opened.map_err(|error| format!("The graphics adapter gives no device: {error}"))?;
    setup.device.set_device_lost_callback(|reason, message| {
        let why = if message.is_empty() {
            format!("{reason:?}")
        } else {
            message
        };
        post::device_lost(&why);
    });
    Ok(device)
}

/// Sends a reply's events to the page.
struct Answer<'a> {
    host: &'a Engine,
    id: u64,
    number: u64,
}

impl Listener for Answer<'_> {
    fn event(&mut self, event: Event) {
        post(&Reply::Chat { id: self.id, event });
    }

    async fn pause(&mut self) -> bool {
        turn().await;
        self.number <= self.host.stopped.get()
    }
}

/// Ends the warm-up when something else is asked for.
struct WarmUp<'a> {
    host: &'a Engine,
    asked: u64,
}

impl Listener for WarmUp<'_> {
    fn event(&mut self, _: Event) {}

    async fn pause(&mut self) -> bool {
        turn().await;
        self.host.asked.get() > self.asked
    }
}

/// A source that gives way to the event loop, so that a load of gigabytes from disk, which never
/// waits, does not hold up messages.
struct Yielding {
    source: StoredSource,
    /// Bytes read since the last turn.
    since: Cell<usize>,
}

impl Source for Yielding {
    fn len(&self) -> u64 {
        self.source.len()
    }

    async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        const TURN_BYTES: usize = 8 << 20;
        self.since.set(self.since.get() + buffer.len());
        if self.since.get() >= TURN_BYTES {
            self.since.set(0);
            turn().await;
        }
        self.source.read_at(offset, buffer).await
    }
}

/// What the student in `source` needs; `None` if its header is not all there yet.
///
/// # Errors
/// A file that is no student, or none that Retort can run.
pub async fn need<S: Source>(source: &S, context: Option<usize>) -> Result<Option<Need>, Failure> {
    let header = match gguf::read_header(source).await {
        Err(FormatError::Source {
            error: SourceError::OutOfBounds { .. },
            ..
        }) => return Ok(None),
        Err(error) => return Err(explain(&error.into(), FailureKind::Corrupt)),
        Ok(header) => header,
    };
    let measure = |header: &gguf::Header| -> Result<Need, ModelError> {
        let config = Config::from_gguf(header)?;
        for tensor in &header.tensors {
            tensor.ty.known()?;
        }
        let longest = config.max_position_embeddings;
        let context = context.unwrap_or(DEFAULT_CONTEXT).clamp(1, longest.max(1));
        let kv_cache = config.kv_cache_bytes(context, size_of::<f32>());
        let buffers = 2 * config.num_hidden_layers.max(1) as u64;
        let largest_row = |tensor: &gguf::TensorInfo| tensor.bytes / tensor.rows().max(1);
        let row = header.tensors.iter().map(largest_row).max().unwrap_or(0);
        Ok(Need {
            weights: header.tensors.iter().map(|tensor| tensor.bytes).sum(),
            kv_cache,
            largest_buffer: row.max(kv_cache / buffers),
        })
    };
    let measured = measure(&header).map(Some);
    measured.map_err(|error| explain(&error.into(), FailureKind::Corrupt))
}

/// The failure that an error is for the page; `otherwise` for the kinds that depend on what was
/// being done.
fn explain(error: &InferError, otherwise: FailureKind) -> Failure {
    if post::is_device_lost() {
        return failure::device_lost(&error.to_string());
    }
    let kind = match error {
        InferError::Model(ModelError::Config(
            ConfigError::Architecture { .. } | ConfigError::Unsupported { .. },
        ))
        | InferError::NoTemplate => FailureKind::Unsupported,
        InferError::Format(error)
        | InferError::Model(ModelError::Format(error))
        | InferError::Model(ModelError::Config(ConfigError::Format(error))) => match error {
            FormatError::UnsupportedType { .. }
            | FormatError::Version { .. }
            | FormatError::BigEndian { .. } => FailureKind::Unsupported,
            _ => FailureKind::Corrupt,
        },
        InferError::Model(_) => FailureKind::Corrupt,
        InferError::NotFinite | InferError::Device(_) => FailureKind::Internal,
        _ => otherwise,
    };
    failure::new(kind, chain(error), error.hint().unwrap_or_default())
}

/// The error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
