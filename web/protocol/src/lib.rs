//! Typed messages between the page and its worker, the only thing the two programs share.
//!
//! Both sides convert with serde-wasm-bindgen. The page never blocks: every request is answered
//! by one or more replies, and an error names the request it belongs to.
//!
//! Order: the page creates the worker and waits for [`Reply::Up`] (messages sent before the
//! worker's program listens are lost), sends [`Request::Start`], waits for [`Reply::Ready`], and
//! then whatever it likes. A worker that reported [`FailureKind::DeviceLost`] or
//! [`FailureKind::Internal`] is not usable any more: the page terminates it and makes a new one.

use retort_infer::{Event, LoadProgress, ModelInfo, Position, Sampling};
use retort_text::Message;
use serde::{Deserialize, Serialize};

/// From the page to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// First message. Chooses the device; answered by [`Reply::Ready`].
    Start { device: DevicePreference },
    /// Answered by [`Reply::Stored`].
    ListStored,
    /// Deletes a stored student; answered by [`Reply::Stored`].
    Delete { id: String },
    /// Downloads into the store, or goes on where an earlier try stopped: [`Reply::Download`]
    /// many times, then [`Reply::Downloaded`] and [`Reply::Stored`]. A file dropped on the page
    /// comes as a second, untyped field `file` of the same message, see `Student::url`. Before
    /// it sends this the page asks `navigator.storage.persist()`, which a worker cannot call.
    Download { student: Student },
    /// Stops the download and keeps what was verified; answered by [`Reply::Stored`].
    CancelDownload,
    /// Loads a stored student onto the device; `context` in tokens, none for the default.
    Load { id: String, context: Option<usize> },
    /// One reply to the conversation so far. `id` comes back with every event.
    Chat {
        id: u64,
        messages: Vec<Message>,
        sampling: Sampling,
    },
    /// Ends the running reply within one token.
    Stop,
    /// What the student expects at each position of `ids`, for programs that check the device
    /// against a reference; answered by [`Reply::Scores`].
    Score { id: u64, ids: Vec<u32>, top: usize },
}

/// Which device the page asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DevicePreference {
    /// WebGPU if there is an adapter, else the CPU, said in [`DeviceInfo::fallback`].
    #[default]
    Auto,
    Gpu,
    Cpu,
}

/// A model that can be downloaded: an entry of `students.json`, a pasted URL or a dropped file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Student {
    /// Name for people.
    pub name: String,
    /// Where the GGUF is. For a dropped file `file:NAME`; the `File` object rides along.
    pub url: String,
    /// Size and hash of the whole file, where the list or the host states them.
    #[serde(default)]
    pub bytes: Option<u64>,
    #[serde(default)]
    pub sha256: Option<String>,
    /// `manifest.json` with a hash per 4 MiB chunk, where published.
    #[serde(default)]
    pub manifest: Option<String>,
    #[serde(default)]
    pub licence: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
}

/// A student in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub id: String,
    pub student: Student,
    pub bytes: u64,
    /// Bytes present and verified; less than `bytes` after a broken download.
    pub present: u64,
}

/// Bytes on their way into the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DownloadProgress {
    pub id: String,
    pub done: u64,
    pub total: u64,
    pub bytes_per_second: f64,
    /// Seconds left at this speed; none until it is known.
    pub seconds_left: Option<f64>,
    /// Bytes that were already in the store when this try began.
    pub resumed_from: u64,
    /// What people should know: a broken connection that is tried again, a host without ranges
    /// whose file starts over, a file that changed on the host.
    #[serde(default)]
    pub note: Option<String>,
}

/// The device that the engine runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    pub kind: DeviceKind,
    /// Vendor and architecture as the adapter states them, or "CPU (wasm SIMD)".
    pub adapter: String,
    /// Largest storage-buffer binding and buffer, in bytes; none on the CPU.
    pub max_binding: Option<u64>,
    pub max_buffer: Option<u64>,
    pub f16: bool,
    /// The adapter is a software one.
    pub software: bool,
    /// Why WebGPU is not used, when it was wanted.
    pub fallback: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    WebGpu,
    Cpu,
}

/// From the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The worker's program listens; nothing sent before this arrives.
    Up,
    Ready {
        device: DeviceInfo,
        stored: Vec<Stored>,
        storage: Storage,
    },
    Stored {
        stored: Vec<Stored>,
        storage: Storage,
    },
    Download(DownloadProgress),
    Downloaded {
        id: String,
    },
    Load(LoadProgress),
    Loaded {
        id: String,
        model: ModelInfo,
    },
    Chat {
        id: u64,
        event: Event,
    },
    Scores {
        id: u64,
        positions: Vec<Position>,
    },
    Error(Failure),
}

/// The browser's storage estimate, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Storage {
    pub used: u64,
    pub quota: u64,
    /// The browser promised not to evict it.
    pub persistent: bool,
    /// The browser refuses storage on disk (a private window): students live in memory and are
    /// gone when the page is.
    #[serde(default)]
    pub in_memory: bool,
}

/// What went wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// The request that failed; none for a failure outside of any.
    #[serde(default)]
    pub during: Option<Stage>,
    /// What happened, with the field, tensor or size it is about.
    pub message: String,
    /// What the user can do about it.
    pub hint: String,
}

/// What the worker was doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Start,
    /// Listing or deleting.
    Store,
    /// The student's id in the store.
    Download {
        id: String,
    },
    Load {
        id: String,
    },
    /// A reply or a scoring.
    Chat {
        id: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// Weights or KV cache do not fit the adapter.
    TooLarge,
    /// The connection failed or the file came short.
    Download,
    /// The file is damaged; the message names the field or tensor.
    Corrupt,
    StorageFull,
    /// The GPU device is gone; the chat is kept, reload the engine.
    DeviceLost,
    /// An architecture, tensor type or tokenizer that Retort does not know.
    Unsupported,
    /// The conversation cannot be answered (template, context length).
    Chat,
    /// A bug of ours.
    Internal,
}
