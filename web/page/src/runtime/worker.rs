//! The wire to the worker: requests out, replies in.

use retort_protocol::Request;
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::dispatch;
use crate::app::Msg;

/// The script that Trunk writes beside the page: it loads the worker's wasm.
const SCRIPT: &str = "retort-worker_loader.js";

/// A running worker; ended where this is dropped.
pub struct Link {
    worker: Worker,
    // They are called as long as the worker lives.
    _said: Closure<dyn FnMut(MessageEvent)>,
    _failed: Closure<dyn FnMut(ErrorEvent)>,
}

impl Link {
    /// Starts the worker. What it says, and why it ends, arrives as messages.
    ///
    /// # Errors
    /// The browser's reason, where it refuses.
    pub fn start() -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("retort");
        let worker = Worker::new_with_options(SCRIPT, &options)?;
        let said = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
            dispatch(match serde_wasm_bindgen::from_value(event.data()) {
                Ok(reply) => Msg::Worker(Box::new(reply)),
                Err(error) => Msg::WorkerFailed(format!(
                    "The engine's message was not understood; page and engine may be of \
                     different versions. ({error})"
                )),
            });
        });
        let failed = Closure::<dyn FnMut(ErrorEvent)>::new(|event: ErrorEvent| {
            // A script that cannot be loaded gives an event without a message.
            let message = js_sys::Reflect::get(&event, &"message".into()).ok();
            let message = message
                .and_then(|text| text.as_string())
                .unwrap_or_default();
            dispatch(Msg::WorkerFailed(if message.is_empty() {
                format!("The engine's program {SCRIPT} could not be loaded.")
            } else {
                message
            }));
        });
        worker.set_onmessage(Some(said.as_ref().unchecked_ref()));
        worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            _said: said,
            _failed: failed,
        })
    }

    /// Sends a request; `file` rides along as a field of its own.
    pub fn send(&self, request: &Request, file: Option<&File>) {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
        let sent = request
            .serialize(&serializer)
            .map_err(JsValue::from)
            .and_then(|message| {
                if let Some(file) = file {
                    js_sys::Reflect::set(&message, &"file".into(), file)?;
                }
                self.worker.post_message(&message)
            });
        if let Err(error) = sent {
            dispatch(Msg::WorkerFailed(format!(
                "A request could not be sent: {error:?}"
            )));
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
