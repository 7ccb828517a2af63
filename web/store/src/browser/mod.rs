//! The part of the store that touches the web: OPFS, `fetch`, and timers, in a dedicated worker.

mod download;
mod file;
mod js;
mod net;
mod origin;
mod stream;
mod transfer;

pub use download::{Cancel, Watcher, download};
pub use file::{File, Part, StoredSource};
pub use js::{now_ms, sleep};

use crate::{
    error::StoreError,
    journal::{Journal, MAX_JOURNAL},
    origin::is_student_id,
};
use file::{Heap, Mode};
use futures::lock::Mutex;
use js::{await_promise, describe, named};
use retort_protocol::{Storage, Stored};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemRemoveOptions, StorageEstimate, StorageManager,
};

/// The largest student that is kept in memory where the browser refuses the disk.
pub const MEMORY_LIMIT: u64 = 512 << 20;

/// How browsers refuse to remove what is open.
const BUSY: [&str; 2] = ["NoModificationAllowedError", "InvalidModificationError"];

const DATA: &str = "data";
const JOURNAL: &str = "journal";

/// Students by id, on disk or (in a private window) in memory.
#[derive(Clone)]
pub struct Store {
    place: Place,
    /// Folders are made, looked at and removed one request at a time.
    changes: Rc<Mutex<()>>,
}

#[derive(Clone)]
enum Place {
    /// The folder `retort` of the origin's private file system; one folder per student.
    Opfs(FileSystemDirectoryHandle),
    /// Data and journal per student, on the JavaScript heap.
    Heap(Rc<RefCell<BTreeMap<String, (Heap, Heap)>>>),
}

impl Store {
    /// Opens the store; in memory if the browser refuses the disk.
    pub async fn open() -> Self {
        let place = match root().await {
            Ok(root) => Place::Opfs(root),
            Err(why) => {
                web_sys::console::warn_2(&"The browser refuses storage on disk:".into(), &why);
                Place::Heap(Rc::default())
            }
        };
        Self {
            place,
            changes: Rc::default(),
        }
    }

    pub fn in_memory(&self) -> bool {
        matches!(self.place, Place::Heap(_))
    }

    /// Everything in the store that a byte has arrived of.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub async fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let _still = self.changes.lock().await;
        let mut stored = Vec::new();
        for id in self.ids().await? {
            // No journal: another tab has just made or removed the folder.
            let Some(journal) = self.journal(&id).await else {
                continue;
            };
            stored.push(Stored {
                id,
                bytes: journal.header.bytes,
                present: journal.present(),
                student: journal.header.student,
            });
        }
        Ok(stored)
    }

    async fn ids(&self) -> Result<Vec<String>, StoreError> {
        let root = match &self.place {
            Place::Heap(students) => return Ok(students.borrow().keys().cloned().collect()),
            Place::Opfs(root) => root,
        };
        let names = root.keys();
        let mut ids = Vec::new();
        loop {
            let next = await_promise(names.next().map_err(disk)?)
                .await
                .map_err(disk)?;
            let next: js_sys::IteratorNext = next.unchecked_into();
            if next.done() {
                break;
            }
            ids.extend(next.value().as_string().filter(|name| is_student_id(name)));
        }
        ids.sort();
        Ok(ids)
    }

    /// The journal as it is on disk now, without locking it; `None` if it says nothing.
    async fn journal(&self, id: &str) -> Option<Journal> {
        let bytes = match &self.place {
            Place::Heap(students) => students.borrow().get(id)?.1.bytes(),
            Place::Opfs(root) => {
                let folder = folder(root, id, false).await.ok()?;
                let handle = await_promise(folder.get_file_handle(JOURNAL)).await.ok()?;
                let handle: FileSystemFileHandle = handle.unchecked_into();
                let file: web_sys::File = await_promise(handle.get_file()).await.ok()?.into();
                if file.size() > MAX_JOURNAL as f64 {
                    return None;
                }
                let buffer = await_promise(file.array_buffer()).await.ok()?;
                js_sys::Uint8Array::new(&buffer).to_vec()
            }
        };
        Journal::parse(&bytes).ok()
    }

    /// Removes a student and everything that was downloaded of it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while it is open here or in another tab.
    pub async fn delete(&self, id: &str) -> Result<(), StoreError> {
        if !is_student_id(id) {
            return Err(StoreError::NotStored { id: id.to_string() });
        }
        let root = match &self.place {
            Place::Heap(students) => {
                students.borrow_mut().remove(id);
                return Ok(());
            }
            Place::Opfs(root) => root,
        };
        let _alone = self.changes.lock().await;
        let options = FileSystemRemoveOptions::new();
        options.set_recursive(true);
        match await_promise(root.remove_entry_with_options(id, &options)).await {
            Err(error) if named(&error, "NotFoundError") => Ok(()),
            Err(error) if BUSY.iter().any(|name| named(&error, name)) => {
                Err(StoreError::Busy { id: id.to_string() })
            }
            result => result.map(drop).map_err(disk),
        }
    }

    /// A complete student, for reading.
    ///
    /// # Errors
    /// [`StoreError::NotStored`], [`StoreError::Busy`], [`StoreError::Disk`].
    pub async fn source(&self, id: &str) -> Result<StoredSource, StoreError> {
        let missing = || StoreError::NotStored { id: id.to_string() };
        let journal = self.journal(id).await.ok_or_else(missing)?;
        if !journal.complete() {
            return Err(missing());
        }
        let data = match &self.place {
            Place::Heap(students) => {
                File::Heap(students.borrow().get(id).ok_or_else(missing)?.0.clone())
            }
            Place::Opfs(root) => {
                let folder = folder(root, id, false).await.map_err(disk)?;
                File::open(&folder, id, DATA, Mode::ReadOnly).await?
            }
        };
        StoredSource::new(data, journal.header.bytes)
    }

    /// Data and journal of a student, made if they are not there.
    async fn files(&self, id: &str) -> Result<(File, File), StoreError> {
        let _alone = self.changes.lock().await;
        match &self.place {
            Place::Heap(students) => {
                let mut students = students.borrow_mut();
                let (data, log) = students.entry(id.to_string()).or_default();
                Ok((File::Heap(data.clone()), File::Heap(log.clone())))
            }
            Place::Opfs(root) => {
                let folder = folder(root, id, true).await.map_err(disk)?;
                let log = File::open(&folder, id, JOURNAL, Mode::ReadWrite).await?;
                let data = File::open(&folder, id, DATA, Mode::ReadWrite).await?;
                Ok((data, log))
            }
        }
    }

    /// What the browser says about room. Zeros where it does not say.
    pub async fn storage(&self) -> Storage {
        let Some(manager) = manager() else {
            return Storage {
                in_memory: self.in_memory(),
                ..Storage::default()
            };
        };
        let estimate = match manager.estimate() {
            Ok(promise) => await_promise(promise).await.ok(),
            Err(_) => None,
        };
        let estimate: Option<StorageEstimate> = estimate.map(JsCast::unchecked_into);
        let read = |get: fn(&StorageEstimate) -> Option<f64>| {
            estimate.as_ref().and_then(get).unwrap_or(0.0) as u64
        };
        let persisted = match manager.persisted() {
            Ok(promise) => await_promise(promise)
                .await
                .is_ok_and(|value| value.is_truthy()),
            Err(_) => false,
        };
        Storage {
            used: read(StorageEstimate::get_usage),
            quota: read(StorageEstimate::get_quota),
            persistent: persisted,
            in_memory: self.in_memory(),
        }
    }

    /// Checks that `need` more bytes of a file of `total` fit.
    async fn ensure_room(&self, need: u64, total: u64) -> Result<(), StoreError> {
        if self.in_memory() {
            let fits = total <= MEMORY_LIMIT;
            let error = StoreError::NoDisk {
                need: total,
                limit: MEMORY_LIMIT,
            };
            return if fits { Ok(()) } else { Err(error) };
        }
        let Storage { used, quota, .. } = self.storage().await;
        let free = quota.saturating_sub(used);
        if quota > 0 && free < need {
            return Err(StoreError::Full { need, free, quota });
        }
        Ok(())
    }
}

/// `navigator.storage`; not there outside of a secure context.
fn manager() -> Option<StorageManager> {
    let manager = js::worker()?.navigator().storage();
    (!JsValue::from(manager.clone()).is_undefined()).then_some(manager)
}

async fn root() -> Result<FileSystemDirectoryHandle, JsValue> {
    let manager = manager().ok_or("navigator.storage is missing: the page needs https")?;
    let handles = js_sys::Reflect::has(&js_sys::global(), &"FileSystemSyncAccessHandle".into())?;
    if !handles {
        return Err("FileSystemSyncAccessHandle is missing".into());
    }
    let origin: FileSystemDirectoryHandle = await_promise(manager.get_directory())
        .await?
        .unchecked_into();
    folder(&origin, "retort", true).await
}

async fn folder(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemDirectoryHandle, JsValue> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let folder = await_promise(parent.get_directory_handle_with_options(name, &options)).await?;
    Ok(folder.unchecked_into())
}

fn disk(error: JsValue) -> StoreError {
    StoreError::Disk(crate::disk::DiskError::Other(describe(&error)))
}
