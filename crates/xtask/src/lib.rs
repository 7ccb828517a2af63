//! Everything around the product: tools, models, the page's build, the test run, the browser.
//!
//! `cargo xtask` is the only command a newcomer has to know. It is a plain Rust program, so the
//! same steps run on a laptop and in CI; the shell is never needed.
//!
//! | module | holds |
//! |---|---|
//! | [`workspace`] | where things are: the checkout, build outputs, tools, cached models |
//! | [`process`] | running programs, with their command line in the error |
//! | [`setup`] | the tools at their pinned versions, installed without asking |
//! | [`fetch`] | downloads: resumed, verified, cached |
//! | [`student`] | GGUF files for tests and benchmarks, made of random or scripted weights |
//! | [`page`] | the page's build |
//! | [`server`] | a static HTTP server that can misbehave on demand |
//! | [`browser`] | headless Chromium, driven over a pipe |
//! | [`app`] | the page in that browser, spoken to in its own messages |
//! | [`demo`], [`checks`], [`bench`] | what `cargo xtask demo`, `test` and `bench` do |
//!
//! It is also a library: the browser tests drive the page with its server and its browser.
//!
//! It must not know burn, a device or the inside of the engine: it runs the product's programs as
//! processes, and of our crates it imports `retort-formats` alone. It must stay quick to compile.

pub mod app;
pub mod bench;
pub mod browser;
pub mod checks;
pub mod demo;
pub mod fetch;
pub mod page;
pub mod process;
pub mod server;
pub mod setup;
pub mod student;
pub mod workspace;
