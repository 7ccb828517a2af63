//! The real page in headless Chromium, over WebGPU on its software adapter.
//!
//! Every test is ignored unless asked for, as it needs the built page and a browser:
//! `cargo xtask test --only page,browser` builds the one, finds the other and runs all of them.
//! Each test has a server, a browser profile and a student of its own, and leaves nothing behind.
//! The student recites a known text (`xtask::student::ScriptedStudent`), so that a test can say
//! what it expects to read.
//!
//! | module | holds |
//! |---|---|
//! | `setup`, `site`, `visit` | a browser; a page with a student; what a visitor does |
//! | `driver` | tests of the driver itself, without the product |
//! | `chat` | load, ask, think, answer, stop, the second turn |
//! | `download` | broken connections, reloads, hosts that misbehave |
//! | `trouble` | damaged files, no WebGPU, a lost device |
//! | `logits` | both devices against transformers |
//! | `look` | screenshots, and that nothing overflows |

mod chat;
mod download;
mod driver;
mod logits;
mod look;
mod setup;
mod site;
mod trouble;
mod visit;
