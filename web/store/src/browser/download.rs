//! From a host, or from a dropped file, into the store.

use super::{
    Part, Store,
    js::sleep,
    origin::Origin,
    transfer::{Slot, Transfer},
};
use crate::{
    error::StoreError,
    intake::{Found, Intake},
    origin::student_id,
};
use retort_protocol::{DownloadProgress, Student};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use web_sys::AbortController;

/// Who asked for the download.
pub trait Watcher {
    fn progress(&mut self, progress: DownloadProgress);

    /// The size is known, from the list of students before any request, else from the host before
    /// the first byte is taken. An error refuses the download.
    fn admit(&mut self, bytes: u64) -> Result<(), StoreError>;

    /// More of the file's beginning is there. Called until it returns `true` (seen enough) or an
    /// error, which refuses the download.
    fn inspect(&mut self, part: Part<'_>) -> impl Future<Output = Result<bool, StoreError>>;
}

/// Stops a download from outside; clones stop the same one.
#[derive(Clone, Default)]
pub struct Cancel {
    cancelled: Rc<Cell<bool>>,
    connection: Rc<RefCell<Option<AbortController>>>,
}

impl Cancel {
    pub fn cancel(&self) {
        self.cancelled.set(true);
        if let Some(controller) = self.connection.borrow().as_ref() {
            controller.abort();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Makes `controller` the one that [`Cancel::cancel`] aborts.
    pub(super) fn watch(&self, controller: AbortController) {
        self.connection.replace(Some(controller));
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.cancelled.get() {
            Err(StoreError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Waits, but no longer than it is wanted.
    pub(super) async fn sleep(&self, ms: f64) -> Result<(), StoreError> {
        const STEP_MS: f64 = 100.0;
        let mut left = ms;
        while left > 0.0 {
            self.check()?;
            sleep(left.min(STEP_MS)).await;
            left -= STEP_MS;
        }
        self.check()
    }
}

/// Brings `student` into the store, or the rest of it, and returns its id.
///
/// `dropped` is the file for a student whose address begins with `file:`; its `bytes` are set.
///
/// # Errors
/// Any [`StoreError`]. What was committed stays, but for a file with a wrong hash.
pub async fn download(
    store: &Store,
    student: &Student,
    dropped: Option<web_sys::File>,
    cancel: &Cancel,
    watcher: &mut impl Watcher,
) -> Result<String, StoreError> {
    let id = student_id(student);
    let (data, log) = store.files(&id).await?;
    let slot = match Intake::open(data, log)? {
        Found::Complete(_) => return Ok(id),
        Found::Nothing { data, log } => Slot::Empty { data, log },
        Found::Partial(intake) => Slot::Filling(intake),
    };
    let origin = Origin::of(student, dropped, cancel).await?;
    Transfer::new(id, store, student, origin, slot, cancel, watcher)
        .run()
        .await
}
