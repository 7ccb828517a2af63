//! Which adapter there is, asked of `navigator.gpu` itself, and why there is none.

use js_sys::Reflect;
use retort_protocol::{DeviceInfo, DeviceKind, DevicePreference, Failure, FailureKind};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The device to use: what the page prefers, as far as there is one.
///
/// # Errors
/// `Unsupported` if the page insists on a GPU and there is none.
pub async fn choose(preference: DevicePreference) -> Result<DeviceInfo, Failure> {
    if preference == DevicePreference::Cpu {
        return Ok(cpu(None));
    }
    match adapter().await {
        Ok(info) => Ok(info),
        Err(why) => fall_back(preference, why),
    }
}

/// The CPU in place of a GPU that does not work.
///
/// # Errors
/// `Unsupported` if the page insists on a GPU.
pub fn fall_back(preference: DevicePreference, why: String) -> Result<DeviceInfo, Failure> {
    if preference == DevicePreference::Gpu {
        let hint = "Choose the CPU, or a current browser with WebGPU and hardware acceleration.";
        return Err(crate::failure::new(FailureKind::Unsupported, why, hint));
    }
    Ok(cpu(Some(why)))
}

fn cpu(fallback: Option<String>) -> DeviceInfo {
    DeviceInfo {
        kind: DeviceKind::Cpu,
        adapter: "CPU (wasm SIMD)".into(),
        max_binding: None,
        max_buffer: None,
        f16: false,
        software: false,
        fallback,
    }
}

/// Asks for the adapter that the engine will ask for too.
async fn adapter() -> Result<DeviceInfo, String> {
    let navigator = get(&js_sys::global(), "navigator");
    let gpu = get(&navigator, "gpu");
    if gpu.is_undefined() || gpu.is_null() {
        return Err("This browser has no WebGPU.".into());
    }
    let adapter = request_adapter(&gpu).await.map_err(|error| {
        format!(
            "This browser has WebGPU, but gives no adapter: {}",
            describe(&error)
        )
    })?;
    if adapter.is_null() || adapter.is_undefined() {
        return Err("This browser has WebGPU, but found no graphics adapter for it.".into());
    }
    let (info, limits) = (get(&adapter, "info"), get(&adapter, "limits"));
    let number = |name: &str| get(&limits, name).as_f64().map(|value| value as u64);
    // Moved from the adapter to its info while WebGPU was being specified.
    let software = [&info, &adapter].map(|object| get(object, "isFallbackAdapter"));
    let architecture = text(&info, "architecture");
    Ok(DeviceInfo {
        kind: DeviceKind::WebGpu,
        adapter: name(&info),
        max_binding: number("maxStorageBufferBindingSize"),
        max_buffer: number("maxBufferSize"),
        f16: has(&get(&adapter, "features"), "shader-f16"),
        software: software.iter().any(JsValue::is_truthy) || architecture == "swiftshader",
        fallback: None,
    })
}

async fn request_adapter(gpu: &JsValue) -> Result<JsValue, JsValue> {
    let options = js_sys::Object::new();
    Reflect::set(
        &options,
        &"powerPreference".into(),
        &"high-performance".into(),
    )?;
    let request: js_sys::Function = get(gpu, "requestAdapter").dyn_into()?;
    let promise: js_sys::Promise = request.call1(gpu, &options)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// Browsers say as much as they think is good for privacy.
fn name(info: &JsValue) -> String {
    let description = text(info, "description");
    if !description.is_empty() {
        return description;
    }
    let parts = ["vendor", "architecture", "device"].map(|field| text(info, field));
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        "WebGPU adapter".into()
    } else {
        parts.join(" ")
    }
}

fn has(set: &JsValue, value: &str) -> bool {
    let has: Option<js_sys::Function> = get(set, "has").dyn_into().ok();
    has.and_then(|has| has.call1(set, &value.into()).ok())
        .is_some_and(|found| found.is_truthy())
}

fn text(object: &JsValue, field: &str) -> String {
    get(object, field).as_string().unwrap_or_default()
}

fn get(object: &JsValue, field: &str) -> JsValue {
    Reflect::get(object, &field.into()).unwrap_or(JsValue::UNDEFINED)
}

fn describe(error: &JsValue) -> String {
    let message = text(error, "message");
    if message.is_empty() {
        format!("{error:?}")
    } else {
        message
    }
}
