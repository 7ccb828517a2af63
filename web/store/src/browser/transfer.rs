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
    pace::{MAX_RESTARTS, Meter, Retries, Span},
};
use retort_protocol::{DownloadProgress, Student};

/// The two files, and what is done with them.
pub enum Slot {
    Empty {
        data: File,
        log: File,
    },
    Filling(Box<Intake<File>>),
    /// Between two states, or after an error.
    Gone,
}

/// How one connection ended.
enum Broken {
    /// Worth another try.
    Connection(String),
    /// Something else is to be asked for.
    AskAgain,
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
    span: Span,
    meter: Meter,
    resumed_from: u64,
    /// Committed bytes when the watcher last looked, and whether it wants to look again.
    inspected: u64,
    seen_enough: bool,
    /// A trouble that passes with the next byte, and one that does not.
    trouble: Option<String>,
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
            span: Span::default(),
            meter: Meter::new(now_ms(), 0),
            resumed_from: 0,
            inspected: 0,
            seen_enough: false,
            trouble: None,
            note: None,
            id,
        }
    }

    /// Downloads to the end, and returns the student's id.
    pub async fn run(mut self) -> Result<String, StoreError> {
        let result = self.transfer().await;
        let refused = matches!(result, Err(StoreError::Refused { .. }));
        if refused || matches!(self.slot, Slot::Empty { .. }) {
            // Nothing arrived, or nothing of use: close the files, then remove the folder. If it
            // stays after all, it is empty, or listed with its delete button.
            self.slot = Slot::Gone;
            let _ = self.store.delete(&self.id).await;
        }
        result.map(|()| self.id)
    }

    async fn transfer(&mut self) -> Result<(), StoreError> {
        if let Some(bytes) = self.origin.bytes {
            self.watcher.admit(bytes)?;
        }
        self.forget_another_version()?;
        self.resumed_from = self.position();
        self.meter = Meter::new(now_ms(), self.resumed_from);
        loop {
            let why = match self.connect().await {
                Ok(true) => return Ok(()),
                Ok(false) => continue,
                Err(_) if self.cancel.is_cancelled() => return Err(StoreError::Cancelled),
                Err(Broken::Failed(StoreError::Disk(DiskError::Full))) => {
                    return Err(self.full().await);
                }
                Err(Broken::Failed(error)) => return Err(error),
                Err(Broken::AskAgain) => continue,
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
            self.trouble = Some(format!("The connection broke ({why}). Trying again."));
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

    /// One request and its body. `true` if that completes the file.
    async fn connect(&mut self) -> Result<bool, Broken> {
        self.cancel.check()?;
        let known = self.version();
        let asked = self.span.ask(self.position());
        // A host that refuses `Range` across origins may still give the whole file.
        let ranged = asked.first > 0 || self.retries.failures().is_multiple_of(2);
        let start = now_ms();
        let opened = self
            .origin
            .open(asked, ranged, known.as_ref(), self.cancel)
            .await;
        let (answer, status, stream) = opened.map_err(Broken::Connection)?;
        let wait = now_ms() - start;
        let version = self.accept(answer, status)?;
        self.make_room(version).await?;
        let (start, first) = (now_ms(), self.position());
        self.drain(stream).await?;
        self.span
            .learn(wait, now_ms() - start, self.position() - first);
        let Slot::Filling(intake) = &self.slot else {
            return Ok(false);
        };
        let end = asked.last.filter(|_| ranged).map(|last| last + 1);
        match intake.complete() {
            true => Ok(true),
            false if end.is_some_and(|end| intake.position() >= end) => Ok(false),
            false => Err(Broken::Connection("it ended early".into())),
        }
    }

    /// The version that is partly on disk.
    fn version(&self) -> Option<Version> {
        let Slot::Filling(intake) = &self.slot else {
            return None;
        };
        let header = intake.header();
        Some(Version {
            bytes: header.bytes,
            etag: header.etag.clone(),
        })
    }

    /// The version whose bytes follow, if the answer is one to go on with.
    fn accept(&mut self, answer: Answer, status: u16) -> Result<Version, Broken> {
        match answer {
            Answer::Continue(version) => Ok(version),
            Answer::StartOver { why, body } => {
                if !self.retries.restarted() {
                    return Err(StoreError::Restarts {
                        tries: MAX_RESTARTS,
                        why,
                    }
                    .into());
                }
                self.start_over(why)?;
                body.ok_or(Broken::AskAgain)
            }
            Answer::NoSize if self.span.make_endless() => Err(Broken::AskAgain),
            Answer::NoSize => Err(StoreError::NoSize {
                url: self.origin.url(),
            }
            .into()),
            Answer::TryAgain => Err(Broken::Connection(format!("the host answers {status}"))),
            Answer::GiveUp => Err(StoreError::Status {
                url: self.origin.url(),
                status,
            }
            .into()),
        }
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
                Slot::Filling(Box::new(intake))
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
                return Ok(());
            };
            bytes.resize(piece.length() as usize, 0);
            piece.copy_to(&mut bytes);
            intake.push(&bytes)?;
            self.trouble = None;
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
            note: self.trouble.as_ref().or(self.note.as_ref()).cloned(),
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

    /// The disk refused a write. The estimate says by how much, unless it is wrong.
    async fn full(&self) -> StoreError {
        let storage = self.store.storage().await;
        let free = storage.quota.saturating_sub(storage.used);
        let need = match &self.slot {
            Slot::Filling(intake) => intake.header().bytes - intake.committed(),
            _ => self.origin.bytes.unwrap_or(0),
        };
        match free < need {
            true => StoreError::Full {
                need,
                free,
                quota: storage.quota,
            },
            false => DiskError::Full.into(),
        }
    }
}
