//! The worker: everything that is slow or large happens here, so that the page never stalls.
//!
//! It owns the device, the engine and the store, and speaks with the page in the messages of
//! `retort-protocol` only. It knows nothing of the document.
//!
//! | module | holds |
//! |---|---|
//! | `host` | the requests, one function each |
//! | `engine` | loading a student and answering (feature `engine`) |
//! | `device` | which adapter there is, and why not |
//! | `fit` | whether a student fits the device, before it is downloaded |
//! | `failure` | errors of the layers below, as the page shows them |
//! | `post` | replies, and the console |
//! | `turn` | giving way to the event loop between tokens |

#![cfg_attr(
    not(target_family = "wasm"),
    allow(
        dead_code,
        reason = "elsewhere than in a browser, only the tests call these"
    )
)]

#[cfg(target_family = "wasm")]
mod device;
#[cfg(all(target_family = "wasm", feature = "engine"))]
mod engine;
mod failure;
mod fit;
#[cfg(target_family = "wasm")]
mod host;
#[cfg(target_family = "wasm")]
mod post;
#[cfg(all(target_family = "wasm", feature = "engine"))]
mod turn;

#[cfg(all(target_family = "wasm", not(target_feature = "simd128")))]
compile_error!("without vectors the CPU is ten times slower: RUSTFLAGS hides .cargo/config.toml");

#[cfg(target_family = "wasm")]
unsafe extern "C" {
    /// The static constructors, put together by the linker.
    fn __wasm_call_ctors();
}

#[cfg(target_family = "wasm")]
fn main() {
    // CubeCL registers thousands of items in static constructors. Unless the program calls them
    // itself, the linker makes every export call them again, each WebGPU call included.
    // SAFETY: called once, before anything else, on the only thread.
    unsafe { __wasm_call_ctors() };
    post::report_panics();
    post::log_to_console();
    wasm_bindgen_futures::spawn_local(host::run());
}

#[cfg(not(target_family = "wasm"))]
fn main() {
    eprintln!("retort-worker runs in a browser: see `cargo xtask demo`");
}
