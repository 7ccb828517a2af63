//! Open files: a synchronous access handle of OPFS, or blocks on the JavaScript heap.

use super::{
    disk,
    js::{await_promise, describe, named, sleep},
};
use crate::{
    BLOCK,
    disk::{Disk, DiskError},
    error::StoreError,
};
use js_sys::Uint8Array;
use retort_formats::{Source, SourceError};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{
    FileSystemDirectoryHandle, FileSystemGetFileOptions, FileSystemReadWriteOptions,
    FileSystemSyncAccessHandle,
};

/// A worker that was just terminated may hold its locks a little longer; so many milliseconds are
/// waited for them.
const LOCK_PATIENCE_MS: u32 = 3_000;
const LOCK_STEP_MS: u32 = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    ReadWrite,
    /// Several tabs may read at once, in browsers that know this mode.
    ReadOnly,
}

#[wasm_bindgen]
extern "C" {
    type FileHandle;
    // web-sys keeps the options behind its unstable flag.
    #[wasm_bindgen(method, js_name = createSyncAccessHandle)]
    fn create_sync_access_handle(this: &FileHandle, options: &JsValue) -> js_sys::Promise;
}

/// A file of the store.
pub enum File {
    Opfs(Handle),
    Heap(Heap),
}

/// An access handle that is closed, and so unlocked, when it is dropped.
pub struct Handle(FileSystemSyncAccessHandle);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl File {
    /// Opens `name` in the folder of student `id`.
    pub(super) async fn open(
        folder: &FileSystemDirectoryHandle,
        id: &str,
        name: &str,
        mode: Mode,
    ) -> Result<Self, StoreError> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(mode == Mode::ReadWrite);
        let file = await_promise(folder.get_file_handle_with_options(name, &options)).await;
        let file: FileHandle = file.map_err(disk)?.unchecked_into();
        let options = js_sys::Object::new();
        let text = if mode == Mode::ReadOnly {
            "read-only"
        } else {
            "readwrite"
        };
        js_sys::Reflect::set(&options, &"mode".into(), &text.into()).map_err(disk)?;
        let mut waited = 0;
        loop {
            match await_promise(file.create_sync_access_handle(&options)).await {
                Ok(handle) => return Ok(Self::Opfs(Handle(handle.unchecked_into()))),
                Err(error) if !named(&error, "NoModificationAllowedError") => {
                    return Err(disk(error));
                }
                Err(_) if waited >= LOCK_PATIENCE_MS => {
                    return Err(StoreError::Busy { id: id.to_string() });
                }
                Err(_) => sleep(f64::from(LOCK_STEP_MS)).await,
            }
            waited += LOCK_STEP_MS;
        }
    }
}

impl Disk for File {
    fn size(&self) -> Result<u64, DiskError> {
        match self {
            Self::Opfs(handle) => Ok(handle.0.get_size().map_err(refusal)? as u64),
            Self::Heap(heap) => Ok(heap.0.borrow().size),
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        let wanted = buffer.len();
        let got = match self {
            Self::Opfs(handle) => handle
                .0
                .read_with_u8_array_and_options(buffer, &at(offset))
                .map_err(refusal)? as usize,
            Self::Heap(heap) => heap.0.borrow().read(offset, buffer),
        };
        if got < wanted {
            return Err(DiskError::Short {
                offset,
                wanted,
                got: got as u64,
            });
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        match self {
            Self::Opfs(handle) => {
                let written = handle
                    .0
                    .write_with_u8_array_and_options(bytes, &at(offset))
                    .map_err(refusal)?;
                // A write that stops short has met the end of the disk.
                if (written as usize) < bytes.len() {
                    Err(DiskError::Full)
                } else {
                    Ok(())
                }
            }
            Self::Heap(heap) => {
                heap.0.borrow_mut().write(offset, bytes);
                Ok(())
            }
        }
    }

    fn truncate(&mut self, size: u64) -> Result<(), DiskError> {
        match self {
            Self::Opfs(handle) => handle.0.truncate_with_f64(size as f64).map_err(refusal),
            Self::Heap(heap) => {
                heap.0.borrow_mut().truncate(size);
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        match self {
            Self::Opfs(handle) => handle.0.flush().map_err(refusal),
            Self::Heap(_) => Ok(()),
        }
    }
}

fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at(offset as f64);
    options
}

fn refusal(error: JsValue) -> DiskError {
    match named(&error, "QuotaExceededError") {
        true => DiskError::Full,
        false => DiskError::Other(describe(&error)),
    }
}

/// A file on the JavaScript heap, so that the wasm memory stays small. Clones share the bytes.
#[derive(Clone, Default)]
pub struct Heap(Rc<RefCell<Blocks>>);

#[derive(Default)]
struct Blocks {
    /// Each of [`BLOCK`] bytes.
    blocks: Vec<Uint8Array>,
    size: u64,
}

impl Heap {
    pub fn bytes(&self) -> Vec<u8> {
        let blocks = self.0.borrow();
        let mut bytes = vec![0; blocks.size as usize];
        blocks.read(0, &mut bytes);
        bytes
    }
}

impl Blocks {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let end = self.size.min(offset.saturating_add(buffer.len() as u64));
        let length = end.saturating_sub(offset) as usize;
        let mut done = 0;
        while done < length {
            let (index, start) = place(offset + done as u64);
            let take = (length - done).min(BLOCK - start);
            self.blocks[index]
                .subarray(start as u32, (start + take) as u32)
                .copy_to(&mut buffer[done..done + take]);
            done += take;
        }
        length
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.size = self.size.max(offset + bytes.len() as u64);
        let needed = self.size.div_ceil(BLOCK as u64) as usize;
        let fresh = || Uint8Array::new_with_length(BLOCK as u32);
        self.blocks
            .resize_with(self.blocks.len().max(needed), fresh);
        let mut done = 0;
        while done < bytes.len() {
            let (index, start) = place(offset + done as u64);
            let take = (bytes.len() - done).min(BLOCK - start);
            self.blocks[index]
                .subarray(start as u32, (start + take) as u32)
                .copy_from(&bytes[done..done + take]);
            done += take;
        }
    }

    fn truncate(&mut self, size: u64) {
        self.size = self.size.min(size);
        self.blocks
            .truncate(self.size.div_ceil(BLOCK as u64) as usize);
    }
}

/// The block of a byte, and the byte's place in it.
fn place(offset: u64) -> (usize, usize) {
    (
        (offset / BLOCK as u64) as usize,
        (offset % BLOCK as u64) as usize,
    )
}

/// A complete student. Bytes go straight into the reader's buffer; nothing else is held.
pub struct StoredSource {
    file: File,
    bytes: u64,
}

impl StoredSource {
    pub(super) fn new(file: File, bytes: u64) -> Result<Self, StoreError> {
        let size = file.size()?;
        if size != bytes {
            let short = DiskError::Short {
                offset: 0,
                wanted: bytes as usize,
                got: size,
            };
            return Err(short.into());
        }
        Ok(Self { file, bytes })
    }
}

impl Source for StoredSource {
    fn len(&self) -> u64 {
        self.bytes
    }

    async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        read(&self.file, offset, buffer, self.bytes)
    }
}

/// The beginning of a student that is still on its way.
pub struct Part<'a> {
    file: &'a File,
    present: u64,
    bytes: u64,
}

impl<'a> Part<'a> {
    pub(super) fn new(file: &'a File, present: u64, bytes: u64) -> Self {
        Self {
            file,
            present,
            bytes,
        }
    }

    /// Bytes that can be read.
    pub fn present(&self) -> u64 {
        self.present
    }
}

/// `len` is the whole file's; reading beyond [`Part::present`] is out of bounds.
impl Source for Part<'_> {
    fn len(&self) -> u64 {
        self.bytes
    }

    async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        read(self.file, offset, buffer, self.present)
    }
}

fn read(file: &File, offset: u64, buffer: &mut [u8], end: u64) -> Result<(), SourceError> {
    SourceError::check_bounds(offset, buffer.len() as u64, end)?;
    file.read_at(offset, buffer).map_err(SourceError::other)
}
