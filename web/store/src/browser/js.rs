//! Small conveniences over JavaScript.

use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::DedicatedWorkerGlobalScope;

/// The global scope, if this is a dedicated worker.
pub fn worker() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

pub async fn await_promise(promise: js_sys::Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise).await
}

/// The error's text, as short as it goes.
pub fn describe(error: &JsValue) -> String {
    let field = |name: &str| {
        js_sys::Reflect::get(error, &name.into())
            .ok()
            .and_then(|value| value.as_string())
    };
    match (field("name"), field("message")) {
        (Some(name), Some(message)) if !message.is_empty() => format!("{name}: {message}"),
        (Some(name), _) => name,
        _ => error.as_string().unwrap_or_else(|| format!("{error:?}")),
    }
}

/// Whether `error` is an exception of this name.
pub fn named(error: &JsValue, name: &str) -> bool {
    js_sys::Reflect::get(error, &"name".into()).is_ok_and(|value| value == name)
}

/// Milliseconds since the epoch.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &js_sys::Function, ms: f64) -> JsValue;
    #[wasm_bindgen(js_name = setInterval)]
    fn set_interval(then: &js_sys::Function, ms: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearInterval)]
    fn clear_interval(id: &JsValue);
}

/// Resolves after `ms` milliseconds.
pub async fn sleep(ms: f64) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // A promise that only resolves.
    let _ = await_promise(promise).await;
}

/// Calls a function again and again until dropped.
pub struct Interval {
    id: JsValue,
    _then: Closure<dyn FnMut()>,
}

impl Interval {
    pub fn new(ms: f64, then: impl FnMut() + 'static) -> Self {
        let then = Closure::new(then);
        let id = set_interval(then.as_ref().unchecked_ref(), ms);
        Self { id, _then: then }
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        clear_interval(&self.id);
    }
}
