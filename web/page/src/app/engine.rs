//! What the page knows of its worker: device, store, download, student.

use retort_infer::{LoadProgress, ModelInfo};
use retort_protocol::{
    DeviceInfo, DevicePreference, DownloadProgress, Failure, FailureKind, Reply, Request, Stage,
    Storage, Stored, Student,
};

use super::Effect;

/// How far the worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Its program is on its way.
    #[default]
    Starting,
    /// It opens the device.
    Opening,
    Ready,
    /// It is of no use any more: a new one is needed.
    Dead,
}

/// A download under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    pub student: Student,
    /// None until the worker has said anything.
    pub progress: Option<DownloadProgress>,
    pub cancelling: bool,
}

/// A student on its way to the device.
#[derive(Clone, Debug, PartialEq)]
pub struct Loading {
    pub id: String,
    pub progress: Option<LoadProgress>,
    pub began: f64,
}

/// The worker as the page sees it.
#[derive(Debug, Default)]
pub struct Engine {
    pub phase: Phase,
    pub device: Option<DeviceInfo>,
    pub stored: Vec<Stored>,
    pub storage: Storage,
    pub download: Option<Download>,
    pub loading: Option<Loading>,
    /// The loaded student: its id in the store, and what the engine says of it.
    pub model: Option<(String, ModelInfo)>,
    /// What went wrong last, until dismissed or tried again.
    pub failure: Option<Failure>,
    /// The student to load as soon as the worker is ready.
    pub wanted: Option<String>,
    /// The last download asked for, to try again.
    pub last_download: Option<Student>,
}

impl Engine {
    /// A new worker takes over; it will load the student that the last one had.
    pub fn restart(&mut self) {
        let current = self.model.take().map(|(id, _)| id);
        let coming = self.loading.take().map(|loading| loading.id);
        let wanted = coming.or(current).or(self.wanted.take());
        let last_download = self.last_download.take();
        let stored = std::mem::take(&mut self.stored);
        *self = Self {
            wanted,
            last_download,
            stored,
            storage: self.storage,
            ..Self::default()
        };
    }

    /// Takes note of what the worker says about itself; replies about a chat are not its affair.
    pub fn apply(&mut self, reply: Reply, device: DevicePreference) -> Vec<Effect> {
        match reply {
            Reply::Up => {
                self.phase = Phase::Opening;
                return vec![Effect::Send(Request::Start { device })];
            }
            Reply::Ready {
                device,
                stored,
                storage,
            } => {
                self.phase = Phase::Ready;
                self.device = Some(device);
                (self.stored, self.storage) = (stored, storage);
            }
            Reply::Stored { stored, storage } => {
                (self.stored, self.storage) = (stored, storage);
                // The list also ends a download that was cancelled or failed.
                if self
                    .download
                    .as_ref()
                    .is_some_and(|download| download.cancelling)
                {
                    self.download = None;
                }
            }
            Reply::Download(progress) => {
                if let Some(download) = &mut self.download {
                    download.progress = Some(progress);
                }
            }
            Reply::Downloaded { .. } => self.download = None,
            Reply::Load(progress) => {
                if let Some(loading) = &mut self.loading {
                    loading.progress = Some(progress);
                }
            }
            Reply::Loaded { id, model } => {
                self.loading = None;
                self.model = Some((id, model));
            }
            Reply::Error(failure) => self.failed(failure),
            Reply::Chat { .. } => {}
            // Only programs ask for them.
            Reply::Scores { .. } => {}
        }
        Vec::new()
    }

    fn failed(&mut self, failure: Failure) {
        match &failure.during {
            Some(Stage::Download { .. }) => self.download = None,
            Some(Stage::Load { .. }) => (self.loading, self.model) = (None, None),
            Some(Stage::Start) => self.phase = Phase::Dead,
            Some(Stage::Store | Stage::Chat { .. }) | None => {}
        }
        if is_fatal(failure.kind) {
            self.fail(failure);
        } else {
            self.failure = Some(failure);
        }
    }

    /// The worker is gone.
    pub fn fail(&mut self, failure: Failure) {
        self.phase = Phase::Dead;
        self.download = None;
        // What was loaded is what the next worker should load.
        let current = self.model.take().map(|(id, _)| id);
        let coming = self.loading.take().map(|loading| loading.id);
        self.wanted = coming.or(current).or(self.wanted.take());
        // The first failure is the cause; the ones after it are consequences. A worker that panics
        // says why, outside of any request, before the browser says that it is gone.
        let cause = |known: &Failure| is_fatal(known.kind) || known.during.is_none();
        if !self.failure.as_ref().is_some_and(cause) {
            self.failure = Some(failure);
        }
    }

    /// The store's entry for this student, whatever its state.
    pub fn stored(&self, id: &str) -> Option<&Stored> {
        self.stored.iter().find(|stored| stored.id == id)
    }

    /// The store's entry that came from this address.
    pub fn stored_from(&self, url: &str) -> Option<&Stored> {
        self.stored.iter().find(|stored| stored.student.url == url)
    }

    /// Whether this student is all there.
    pub fn is_complete(&self, id: &str) -> bool {
        self.stored(id)
            .is_some_and(|stored| stored.present >= stored.bytes)
    }
}

/// After these a worker is not usable any more, see `retort-protocol`.
pub fn is_fatal(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::DeviceLost | FailureKind::Internal)
}

/// A failure of the page's own making.
pub fn internal(what: &str) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        during: None,
        message: what.to_owned(),
        hint: "The conversation is kept. Reload the engine; if that does not help, the page."
            .to_owned(),
    }
}
