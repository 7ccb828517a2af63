//! Out of the worker: replies to the page, panics, and the console.

use crate::failure;
use retort_protocol::Reply;
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, console};

thread_local! {
    /// The device is lost; what fails from then on fails because of that.
    static DEVICE_LOST: Cell<bool> = const { Cell::new(false) };
}

/// The global scope of the worker that this program is made for.
pub fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

/// Sends a reply to the page.
pub fn post(reply: &Reply) {
    let sent = serde_wasm_bindgen::to_value(reply)
        .map_err(Into::into)
        .and_then(|message| {
            let scope = scope().ok_or("not in a dedicated worker")?;
            scope.post_message(&message)
        });
    if let Err(error) = sent {
        console::error_2(&"A reply could not be sent:".into(), &error);
    }
}

/// Tells the page that the device is gone, once.
#[cfg(feature = "engine")]
pub fn device_lost(why: &str) {
    if !DEVICE_LOST.replace(true) {
        post(&Reply::Error(failure::device_lost(why)));
    }
}

/// Whether [`device_lost`] was called.
pub fn is_device_lost() -> bool {
    DEVICE_LOST.get()
}

/// A panic ends this program: the page is told, and makes a new worker.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        if !is_device_lost() {
            post(&Reply::Error(failure::panic(&info.to_string())));
        }
    }));
}

/// Sends warnings and errors of the layers below to the browser's console: shader errors are
/// reported nowhere else.
pub fn log_to_console() {
    // Fails only if there is a logger already, and this is the only place that sets one.
    let _ = log::set_logger(&Console);
    log::set_max_level(log::LevelFilter::Warn);
}

struct Console;

impl log::Log for Console {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = format!("{}: {}", record.target(), record.args()).into();
        match record.level() {
            log::Level::Error => console::error_1(&text),
            log::Level::Warn => console::warn_1(&text),
            _ => console::log_1(&text),
        }
    }

    fn flush(&self) {}
}
