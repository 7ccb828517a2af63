//! The requests of the page, one function each.

#[cfg(feature = "engine")]
use crate::engine::Engine;
use crate::{
    device, failure, fit,
    post::{post, scope},
};
use retort_protocol::{
    DeviceInfo, DevicePreference, DownloadProgress, Failure, FailureKind, Reply, Request, Stage,
    Student,
};
use retort_store::{
    browser::{Cancel, Part, Store, Watcher, download, sleep},
    error::StoreError,
    origin::student_id,
};
use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

/// Everything that lives as long as the worker.
struct Host {
    store: Store,
    device: OnceCell<DeviceInfo>,
    /// The running download.
    download: RefCell<Option<(String, Cancel)>>,
    #[cfg(feature = "engine")]
    engine: Engine,
}

/// Opens the store, listens, and says so.
pub async fn run() {
    let host = Rc::new(Host {
        store: Store::open().await,
        device: OnceCell::new(),
        download: RefCell::new(None),
        #[cfg(feature = "engine")]
        engine: Engine::default(),
    });
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let host = Rc::clone(&host);
        match decode(&message.data()) {
            Ok((request, file)) => spawn_local(async move { host.answer(request, file).await }),
            Err(error) => {
                let text = format!("The page sent what is no request: {error}");
                post(&Reply::Error(failure::new(
                    FailureKind::Internal,
                    text,
                    "Reload the page.",
                )));
            }
        }
    });
    if let Some(scope) = scope() {
        scope.set_onmessage(Some(listen.as_ref().unchecked_ref()));
        // It listens until the worker ends.
        listen.forget();
        post(&Reply::Up);
    }
}

/// The request, and the file that rides along with a download.
fn decode(message: &JsValue) -> Result<(Request, Option<web_sys::File>), String> {
    let key = JsValue::from_str("file");
    let mut file = None;
    if let Some(object) = message.dyn_ref::<js_sys::Object>() {
        file = js_sys::Reflect::get(object, &key)
            .ok()
            .and_then(|value| value.dyn_into().ok());
        // An enum has one field, its variant. The message is ours alone: it was cloned.
        let _ = js_sys::Reflect::delete_property(object, &key);
    }
    let request = serde_wasm_bindgen::from_value(message.clone());
    Ok((request.map_err(|error| error.to_string())?, file))
}

impl Host {
    async fn answer(&self, request: Request, file: Option<web_sys::File>) {
        let (stage, result) = match request {
            Request::Start { device } => (Stage::Start, self.start(device).await),
            Request::ListStored => (Stage::Store, self.list().await),
            Request::Delete { id } => (Stage::Store, self.delete(&id).await),
            Request::Download { student } => self.download(student, file).await,
            Request::CancelDownload => (Stage::Store, self.cancel_download().await),
            #[cfg(feature = "engine")]
            Request::Load { id, context } => {
                let stage = Stage::Load { id: id.clone() };
                (
                    stage,
                    self.engine
                        .load(&self.store, self.device.get(), id, context)
                        .await,
                )
            }
            #[cfg(feature = "engine")]
            Request::Chat {
                id,
                messages,
                sampling,
            } => (
                Stage::Chat { id },
                self.engine.chat(id, &messages, &sampling).await,
            ),
            #[cfg(feature = "engine")]
            Request::Score { id, ids, top } => {
                (Stage::Chat { id }, self.engine.score(id, &ids, top).await)
            }
            #[cfg(feature = "engine")]
            Request::Stop => return self.engine.stop(),
            #[cfg(not(feature = "engine"))]
            _ => {
                let text = "This worker was built without an engine.";
                (
                    Stage::Start,
                    Err(failure::new(FailureKind::Unsupported, text, "")),
                )
            }
        };
        if let Err(error) = result {
            post(&Reply::Error(failure::during(stage, error)));
        }
    }

    async fn start(&self, preference: DevicePreference) -> Result<(), Failure> {
        #[allow(unused_mut, reason = "the engine may refuse the adapter")]
        let mut info = device::choose(preference).await?;
        #[cfg(feature = "engine")]
        if let Err(why) = self.engine.open(&info).await {
            info = device::fall_back(preference, why)?;
            self.engine
                .open(&info)
                .await
                .map_err(|why| failure::new(FailureKind::Internal, why, "Reload the page."))?;
        }
        let device = self.device.get_or_init(|| info).clone();
        let stored = self
            .store
            .list()
            .await
            .map_err(|error| failure::store(&error))?;
        let storage = self.store.storage().await;
        post(&Reply::Ready {
            device,
            stored,
            storage,
        });
        Ok(())
    }

    async fn list(&self) -> Result<(), Failure> {
        let stored = self
            .store
            .list()
            .await
            .map_err(|error| failure::store(&error))?;
        let storage = self.store.storage().await;
        post(&Reply::Stored { stored, storage });
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), Failure> {
        // A download of the same student is stopped first, and given time to close its files.
        while let Some(cancel) = self.downloading(id) {
            cancel.cancel();
            sleep(10.0).await;
        }
        self.store
            .delete(id)
            .await
            .map_err(|error| failure::store(&error))?;
        self.list().await
    }

    fn downloading(&self, id: &str) -> Option<Cancel> {
        let running = self.download.borrow();
        running
            .as_ref()
            .filter(|(running, _)| running == id)
            .map(|(_, cancel)| cancel.clone())
    }

    async fn cancel_download(&self) -> Result<(), Failure> {
        // The download itself answers when it has closed its files.
        if let Some((_, cancel)) = self.download.borrow().as_ref() {
            cancel.cancel();
            return Ok(());
        }
        self.list().await
    }

    async fn download(
        &self,
        mut student: Student,
        file: Option<web_sys::File>,
    ) -> (Stage, Result<(), Failure>) {
        if let Some(file) = &file {
            student.bytes = Some(file.size() as u64);
        }
        let id = student_id(&student);
        let stage = Stage::Download { id: id.clone() };
        if student.url.starts_with("file:") && file.is_none() {
            let text = format!("`{}` came without its file.", student.url);
            let hint = "Drop the file again to go on.";
            return (stage, Err(failure::new(FailureKind::Download, text, hint)));
        }
        let cancel = Cancel::default();
        if self.download.borrow().is_some() {
            let hint = "Wait until it has finished, or stop it.";
            let text = "Another download is running.";
            return (stage, Err(failure::new(FailureKind::Download, text, hint)));
        }
        self.download.replace(Some((id, cancel.clone())));
        let mut watcher = Admission {
            device: self.device.get(),
        };
        let result = download(&self.store, &student, file, &cancel, &mut watcher).await;
        self.download.replace(None);
        let result = match result {
            Ok(id) => {
                post(&Reply::Downloaded { id });
                Ok(())
            }
            Err(StoreError::Cancelled) => Ok(()),
            Err(error) => Err(failure::store(&error)),
        };
        let listed = self.list().await;
        (stage, result.and(listed))
    }
}

/// Tells the page how far a download is, and refuses a student that does not fit the device.
struct Admission<'a> {
    device: Option<&'a DeviceInfo>,
}

impl Admission<'_> {
    fn check(&self, need: &fit::Need) -> Result<(), StoreError> {
        let Some(device) = self.device else {
            return Ok(());
        };
        fit::check(need, device).map_err(refuse)
    }
}

fn refuse(failure: Failure) -> StoreError {
    let Failure {
        kind,
        message,
        hint,
        ..
    } = failure;
    StoreError::Refused {
        kind,
        message,
        hint,
    }
}

impl Watcher for Admission<'_> {
    fn progress(&mut self, progress: DownloadProgress) {
        post(&Reply::Download(progress));
    }

    fn admit(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.check(&fit::Need {
            weights: bytes,
            ..fit::Need::default()
        })
    }

    #[cfg(feature = "engine")]
    async fn inspect(&mut self, part: Part<'_>) -> Result<bool, StoreError> {
        match crate::engine::need(&part, None).await.map_err(refuse)? {
            Some(need) => self.check(&need).map(|()| true),
            None => Ok(false),
        }
    }

    #[cfg(not(feature = "engine"))]
    async fn inspect(&mut self, _: Part<'_>) -> Result<bool, StoreError> {
        Ok(true)
    }
}
