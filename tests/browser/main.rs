//! The real page in headless Chromium, over WebGPU on its software adapter.
//!
//! Every test is ignored unless asked for, as it needs the built page and a browser:
//! `cargo xtask test --only page,browser` builds the one, finds the other and runs all of them.
//! Each test has a server, a browser profile and a student of its own, and leaves nothing behind.

mod driver;
mod setup;
