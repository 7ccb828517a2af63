//! How much memory this process holds.

/// The resident set of this process, in bytes. `None` where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Now.
    pub current: Option<u64>,
    /// The most there ever was.
    pub peak: Option<u64>,
}

impl Memory {
    /// Asks the system. Tens of microseconds: not for every token.
    pub fn of_this_process() -> Self {
        ask()
    }
}

#[cfg(target_os = "linux")]
fn ask() -> Memory {
    std::fs::read_to_string("/proc/self/status")
        .map(|status| parse_status(&status))
        .unwrap_or_default()
}

/// The fields are described in the manual page proc_pid_status(5); "kB" there means 1024 bytes.
#[cfg(any(target_os = "linux", test))]
fn parse_status(status: &str) -> Memory {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        kibibytes.checked_mul(1024)
    };
    Memory {
        current: field("VmRSS:"),
        peak: field("VmHWM:"),
    }
}

#[cfg(target_os = "macos")]
fn ask() -> Memory {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a `rusage` that is ours, and zeros are one.
    let (failed, usage) = unsafe {
        let failed = libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        (failed, usage.assume_init())
    };
    Memory {
        current: memory_stats::memory_stats().map(|stats| stats.physical_mem as u64),
        // Bytes on macOS; other systems count in KiB.
        peak: (failed == 0).then(|| usage.ru_maxrss.unsigned_abs()),
    }
}

#[cfg(windows)]
fn ask() -> Memory {
    use windows_sys::Win32::System::ProcessStatus::{
        K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS,
    };
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
    let mut counters = PROCESS_MEMORY_COUNTERS {
        cb: size,
        ..Default::default()
    };
    // SAFETY: the handle of this process is always valid, and the struct is as large as is said.
    let done = unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &mut counters, size) };
    match done {
        0 => Memory::default(),
        _ => Memory {
            current: Some(counters.WorkingSetSize as u64),
            peak: Some(counters.PeakWorkingSetSize as u64),
        },
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn ask() -> Memory {
    Memory::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_in_kibibytes() {
        let memory = parse_status("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\nThreads:\t1\n");
        assert_eq!(memory.current, Some(1 << 20));
        assert_eq!(memory.peak, Some(2 << 20));
        assert_eq!(parse_status("VmRSS:\tmany kB\n"), Memory::default());
    }

    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    #[test]
    fn memory_grows_with_what_is_held() {
        const SIZE: u64 = 64 << 20;
        let before = Memory::of_this_process();
        let held = std::hint::black_box(vec![1_u8; SIZE as usize]);
        let during = Memory::of_this_process();
        assert!(during.current.unwrap() > before.current.unwrap() + SIZE / 2);
        drop(held);
        assert!(Memory::of_this_process().peak.unwrap() >= during.current.unwrap() - SIZE / 2);
    }
}
