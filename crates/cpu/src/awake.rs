//! Keeps the threads of the pool awake between two pieces of work.
//!
//! A decoded token is a hundred pieces of some ten microseconds, and waking a sleeping thread costs
//! as much as a piece. So a thread that has nothing to do looks for work a little longer before it
//! sleeps.

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// How long after the last piece of work, in microseconds: sampling a token fits in.
const PATIENCE: u64 = 300;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// When work was last handed out, in microseconds since [`START`].
static LAST: AtomicU64 = AtomicU64::new(0);
/// Watches that were handed out and have not ended.
static WATCHES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is handing out work; it must not start a watch while it waits for the
    /// rest of it.
    static OWNER: Cell<bool> = const { Cell::new(false) };
}

/// Held while work is handed out.
pub(crate) struct Region;

impl Region {
    pub fn enter() -> Self {
        LAST.store(now(), Relaxed);
        OWNER.set(true);
        // From outside of the pool the work is handed to it whole, and the caller sleeps.
        let inside = rayon::current_thread_index().is_some();
        let threads = rayon::current_num_threads();
        if inside
            && WATCHES
                .compare_exchange(0, threads, Relaxed, Relaxed)
                .is_ok()
        {
            rayon::spawn_broadcast(|_| watch());
        }
        Self
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        OWNER.set(false);
    }
}

fn watch() {
    while !OWNER.get() && now().saturating_sub(LAST.load(Relaxed)) < PATIENCE {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            spin_loop();
        }
    }
    WATCHES.fetch_sub(1, Relaxed);
}

fn now() -> u64 {
    START.elapsed().as_micros() as u64
}
