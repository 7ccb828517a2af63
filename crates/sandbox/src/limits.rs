//! What one run may use.

use std::time::Duration;

/// What one run may use, for its whole tree of processes unless said otherwise.
///
/// Fields can be changed with struct update: `Limits { wall: Duration::from_secs(3),
/// ..Limits::default() }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time on the clock, counted from the start of the interpreter. On a machine that may be busy,
    /// be generous here and strict with `cpu`, lest right answers time out.
    pub wall: Duration,
    /// Time on all processors together.
    pub cpu: Duration,
    /// Bytes of memory: of address space for each process, which gives a clean `MemoryError`, and
    /// resident for all together, which is sampled some 40 times a second. What processes share
    /// counts for each.
    pub memory: u64,
    /// Processes and threads that there may be at once.
    pub processes: u32,
    /// Bytes of stdout, and as many of stderr.
    pub output: usize,
    /// Bytes of one file.
    pub file_size: u64,
    /// Bytes of all files in `/tmp`, which is in memory (and not counted in `memory`).
    pub files: u64,
}

impl Default for Limits {
    /// What is ample for an exercise: 10 seconds, 512 MiB, 16 processes, 1 MiB of output.
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(10),
            cpu: Duration::from_secs(10),
            memory: 512 << 20,
            processes: 16,
            output: 1 << 20,
            file_size: 16 << 20,
            files: 32 << 20,
        }
    }
}
