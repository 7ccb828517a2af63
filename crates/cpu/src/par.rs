//! Splitting work over the current rayon pool; on wasm, and in a pool of one, a plain call.

use std::ops::Range;

/// Calls `f` on disjoint ranges that cover `0..items`, in parallel where that pays.
///
/// `cost` is the rough work of one item in multiply-adds: a piece smaller than the cost of handing
/// it to another thread stays where it is. The pool is the one the caller runs in
/// (`ThreadPool::install`), so its owner decides the number of threads.
pub(crate) fn ranges(items: usize, cost: usize, f: impl Fn(Range<usize>) + Sync) {
    let pieces = pieces(items, cost);
    if pieces <= 1 {
        f(0..items);
    } else {
        split(items, pieces, &f);
    }
}

#[cfg(target_family = "wasm")]
fn pieces(_items: usize, _cost: usize) -> usize {
    1
}

/// Multiply-adds below which a piece is not worth handing over (some 6 us of one core).
#[cfg(not(target_family = "wasm"))]
const PIECE: usize = 200_000;

#[cfg(not(target_family = "wasm"))]
fn pieces(items: usize, cost: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return 1;
    }
    // A few pieces a thread, so that one that is held up does not hold up all.
    let worth = items.saturating_mul(cost) / PIECE;
    worth.min(items).min(threads * 4).max(1)
}

#[cfg(target_family = "wasm")]
fn split(items: usize, _pieces: usize, f: &(impl Fn(Range<usize>) + Sync)) {
    f(0..items);
}

#[cfg(not(target_family = "wasm"))]
fn split(items: usize, pieces: usize, f: &(impl Fn(Range<usize>) + Sync)) {
    use rayon::prelude::*;
    let _awake = crate::awake::Region::enter();
    (0..pieces)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|i| f(items * i / pieces..items * (i + 1) / pieces));
}

/// A pointer that several threads write through, each to its own elements.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(pub *mut T);

// SAFETY: whoever writes through it keeps to elements of its own.
unsafe impl<T> Send for Shared<T> {}
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer. (A method, so that closures capture the whole wrapper.)
    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}
