//! The page's program; everything is in the library.

#[cfg(target_arch = "wasm32")]
fn main() {
    retort_page::runtime::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("retort-page runs in a browser: see `cargo xtask demo`");
}
