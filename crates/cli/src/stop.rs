//! Ctrl-C: once asks the reply in progress to stop, twice ends the program.

use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result};

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Nothing that could be stopped is going on: Ctrl-C ends the program.
const IDLE: u8 = 0;
/// A reply is being written.
const REPLYING: u8 = 1;
/// The reply was asked to stop.
const ASKED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(IDLE);

/// Takes over Ctrl-C from the system.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        let asked = STATE.compare_exchange(REPLYING, ASKED, Ordering::SeqCst, Ordering::SeqCst);
        if asked.is_err() {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("Ctrl-C cannot be handled")
}

/// While this lives, Ctrl-C stops the reply and not the program.
pub struct Replying(());

impl Replying {
    pub fn begin() -> Self {
        STATE.store(REPLYING, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Replying {
    fn drop(&mut self) {
        STATE.store(IDLE, Ordering::SeqCst);
    }
}

/// Whether the reply was asked to stop.
pub fn is_asked() -> bool {
    STATE.load(Ordering::SeqCst) == ASKED
}
