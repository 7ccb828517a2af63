//! Memory of a tree of processes, from Linux's `/proc`.

use std::collections::HashMap;
use std::fs;

/// Resident memory in bytes, of the largest renderer and of the GPU process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub renderer: u64,
    pub renderer_peak: u64,
    pub gpu: u64,
    pub gpu_peak: u64,
}

struct Process {
    parent: u32,
    kind: Kind,
    resident: u64,
    peak: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Renderer,
    Gpu,
    Other,
}

impl Memory {
    /// Of the processes below `root`.
    pub(super) fn of(root: u32) -> Self {
        let processes: HashMap<u32, Process> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|id| Some((id, Process::read(id)?)))
            .collect();
        let mut memory = Self::default();
        for (id, process) in &processes {
            if !is_below(&processes, *id, root) {
                continue;
            }
            let (resident, peak) = match process.kind {
                Kind::Renderer => (&mut memory.renderer, &mut memory.renderer_peak),
                Kind::Gpu => (&mut memory.gpu, &mut memory.gpu_peak),
                Kind::Other => continue,
            };
            *resident = (*resident).max(process.resident);
            *peak = (*peak).max(process.peak);
        }
        memory
    }
}

impl Process {
    fn read(id: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command);
        let kind = match () {
            () if command.contains("--type=renderer") => Kind::Renderer,
            () if command.contains("--type=gpu-process") => Kind::Gpu,
            () => Kind::Other,
        };
        Some(Self {
            parent: u32::try_from(field("PPid:")?).ok()?,
            kind,
            // Kernel threads have no memory of their own.
            resident: field("VmRSS:").unwrap_or(0) * 1024,
            peak: field("VmHWM:").unwrap_or(0) * 1024,
        })
    }
}

fn is_below(processes: &HashMap<u32, Process>, mut id: u32, root: u32) -> bool {
    // A process that ends while we look may leave a loop of reused numbers: walk a bounded way.
    for _ in 0..32 {
        if id == root {
            return true;
        }
        match processes.get(&id) {
            Some(process) => id = process.parent,
            None => return false,
        }
    }
    false
}
