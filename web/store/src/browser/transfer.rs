//! One download, over as many connections as it takes.

use super::{
    File, Part, Store,
    download::{Cancel, Watcher},
    js::now_ms,
    origin::{Origin, Place},
    stream::Stream,
};
use crate::{
    CHUNK,
    answer::{Answer, StartOver, Version},
    disk::DiskError,
    error::StoreError,
    intake::Intake,
    journal::Header,
    pace::{Meter, Retries},
};
use retort_protocol::{DownloadProgress, Student};

/// The two files, and what is done with them.
pub enum Slot {
    Empty {
        data: File,
        log: File,
    },
    Filling(Intake<File>),
    /// Between two states, or after an error.
    Gone,
}

/// How one connection ended.
enum Broken {
    /// Worth another try.
    Connection(String),
    /// The part on disk is dropped; ask for all of it.
    StartOver,
    Failed(StoreError),
}

impl<E: Into<StoreError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One download, over as many connections as it takes.
pub struct Transfer<'a, W> {
    store: &'a Store,
    student: &'a Student,
    origin: Origin,
    cancel: &'a Cancel,
    watcher: &'a mut W,
    slot: Slot,
    retries: Retries,
    meter: Meter,
    resumed_from: u64,
    /// Committed bytes when the watcher last looked, and whether it wants to look again.
    inspected: u64,
    seen_enough: bool,
    note: Option<String>,
    id: String,
}

impl<'a, W: Watcher> Transfer<'a, W> {
    pub fn new(
        id: String,
        store: &'a Store,
        student: &'a Student,
        origin: Origin,
        slot: Slot,
        cancel: &'a Cancel,
        watcher: &'a mut W,
    ) -> Self {
        Self {
            store,
            student,
            origin,
            cancel,
            watcher,
            slot,
            retries: Retries::default(),
            meter: Meter::new(now_ms(), 0),
            resumed_from: 0,
            inspected: 0,
            seen_enough: false,
            note: None,
            id,
        }
    }

    pub async fn run(mut self) -> Result<String, StoreError> {
        self.forget_another_version()?;
        self.resumed_from = self.position();
        self.meter = Meter::new(now_ms(), self.resumed_from);
        loop {
            let why = match self.connect().await {
                Ok(()) => return Ok(self.id),
                Err(_) if self.cancel.is_cancelled() => return Err(StoreError::Cancelled),
                Err(Broken::Failed(StoreError::Disk(DiskError::Full))) => {
                    return Err(self.full().await);
                }
                Err(Broken::Failed(error)) => return Err(error),
                Err(Broken::StartOver) => continue,
                Err(Broken::Connection(why)) => why,
            };
            if let Place::Dropped(file) = &self.origin.place {
                return Err(StoreError::Dropped {
                    name: file.name(),
                    why,
                });
            }
            let wait = self.retries.failed(self.position());
            let Some(wait) = wait else {
                return Err(self.interrupted(why));
            };
            self.note = Some(format!("The connection broke ({why}). Trying again."));
            self.report(self.meter.speed());
            self.cancel.sleep(wait).await?;
        }
    }

    /// A part of another version than the list or the manifest states is of no use.
    fn forget_another_version(&mut self) -> Result<(), StoreError> {
        let stated = self.origin.bytes;
        if let Slot::Filling(intake) = &mut self.slot
            && stated.is_some_and(|bytes| bytes != intake.header().bytes)
        {
            self.start_over(StartOver::Changed)?;
        }
        if let Slot::Filling(intake) = &mut self.slot {
            intake.expect(self.origin.manifest.clone(), self.origin.sha256);
        }
        Ok(())
    }

    fn start_over(&mut self, why: StartOver) -> Result<(), StoreError> {
        self.note = Some(why.to_string());
        self.resumed_from = 0;
        self.inspected = 0;
        self.seen_enough = false;
        self.meter = Meter::new(now_ms(), 0);
        if let Slot::Filling(intake) = std::mem::replace(&mut self.slot, Slot::Gone) {
            let (data, log) = intake.discard()?;
            self.slot = Slot::Empty { data, log };
        }
        Ok(())
    }

    fn position(&self) -> u64 {
        match &self.slot {
            Slot::Filling(intake) => intake.position(),
            _ => 0,
        }
    }

    async fn connect(&mut self) -> Result<(), Broken> {
        self.cancel.check()?;
        let offset = self.position();
        let known = match &self.slot {
            Slot::Filling(intake) => {
                let header = intake.header();
                Some(Version {
                    bytes: header.bytes,
                    etag: header.etag.clone(),
                })
            }
            _ => None,
        };
        // A host that refuses `Range` across origins may still give the whole file.
        let ranged = offset > 0 || self.retries.failures() % 2 == 0;
        let opened = self
            .origin
            .open(offset, known.as_ref(), ranged, self.cancel)
            .await;
        let (answer, status, stream) = opened.map_err(Broken::Connection)?;
        let version = match answer {
            Answer::Continue(version) => version,
            Answer::StartOver { why, body } => {
                if !self.retries.restarted() {
                    return Err(self.interrupted(why.to_string()).into());
                }
                self.start_over(why)?;
                body.ok_or(Broken::StartOver)?
            }
            Answer::TryAgain => {
                return Err(Broken::Connection(format!("the host answers {status}")));
            }
            Answer::GiveUp => {
                return Err(StoreError::Status {
                    url: self.origin.url(),
                    status,
                }
                .into());
            }
            Answer::NoSize => {
                return Err(StoreError::NoSize {
                    url: self.origin.url(),
                }
                .into());
            }
        };
        self.make_room(version).await?;
        self.drain(stream).await
    }

    /// Everything that is asked before the first byte.
    async fn make_room(&mut self, version: Version) -> Result<(), StoreError> {
        let total = version.bytes;
        if let Some(expected) = self.origin.bytes.filter(|bytes| *bytes != total) {
            return Err(StoreError::Size {
                url: self.origin.url(),
                expected,
                got: total,
            });
        }
        self.watcher.admit(total)?;
        self.store
            .ensure_room(total - self.position(), total)
            .await?;
        self.slot = match std::mem::replace(&mut self.slot, Slot::Gone) {
            Slot::Empty { data, log } => {
                let student = self.student.clone();
                let header = Header {
                    student,
                    bytes: total,
                    etag: version.etag,
                };
                let mut intake = Intake::begin(data, log, header)?;
                intake.expect(self.origin.manifest.clone(), self.origin.sha256);
                Slot::Filling(intake)
            }
            slot => slot,
        };
        Ok(())
    }

    /// Takes the body to its end.
    async fn drain(&mut self, mut stream: Stream) -> Result<(), Broken> {
        let mut bytes = Vec::new();
        loop {
            self.inspect().await?;
            let Slot::Filling(intake) = &mut self.slot else {
                return Err(StoreError::Cancelled.into());
            };
            if intake.complete() {
                self.report(self.meter.speed());
                return Ok(());
            }
            let piece = stream.next().await.map_err(Broken::Connection)?;
            self.cancel.check()?;
            let Some(piece) = piece else {
                return Err(Broken::Connection("it ended early".into()));
            };
            bytes.resize(piece.length() as usize, 0);
            piece.copy_to(&mut bytes);
            intake.push(&bytes)?;
            if let Some(speed) = self.meter.read(now_ms(), self.position()) {
                self.report(speed);
            }
        }
    }

    /// Shows the beginning of the file to the watcher, after each chunk until it has seen enough.
    async fn inspect(&mut self) -> Result<(), StoreError> {
        let Slot::Filling(intake) = &self.slot else {
            return Ok(());
        };
        let present = intake.committed();
        let due = present / CHUNK > self.inspected / CHUNK || intake.complete();
        if self.seen_enough || !due {
            return Ok(());
        }
        self.inspected = present;
        let part = Part::new(intake.data(), present, intake.header().bytes);
        self.seen_enough = self.watcher.inspect(part).await?;
        Ok(())
    }

    fn report(&mut self, speed: f64) {
        let done = self.position();
        let total = match &self.slot {
            Slot::Filling(intake) => intake.header().bytes,
            _ => self.origin.bytes.unwrap_or(0),
        };
        let left = total.saturating_sub(done) as f64;
        self.watcher.progress(DownloadProgress {
            id: self.id.clone(),
            done,
            total,
            bytes_per_second: speed,
            seconds_left: (speed > 0.0).then(|| left / speed),
            resumed_from: self.resumed_from,
            note: self.note.clone(),
        });
    }

    fn interrupted(&self, why: String) -> StoreError {
        let got = self.position();
        let tries = self.retries.failures().max(1);
        match &self.slot {
            Slot::Filling(intake) => StoreError::Interrupted {
                tries,
                got,
                total: intake.header().bytes,
                why,
            },
            _ => StoreError::Unreachable {
                url: self.origin.url(),
                why,
            },
        }
    }

    async fn full(&self) -> StoreError {
        let storage = self.store.storage().await;
        let free = storage.quota.saturating_sub(storage.used);
        let need = match &self.slot {
            Slot::Filling(intake) => intake.header().bytes - intake.committed(),
            _ => self.origin.bytes.unwrap_or(0),
        };
        StoreError::Full {
            need,
            free,
            quota: storage.quota,
        }
    }
}
