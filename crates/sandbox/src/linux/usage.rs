//! What the processes of a sandbox use, read from /proc.

use std::fs;
use std::io;
use std::time::Duration;

/// What a tree of processes uses together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Resident bytes, now. Pages that several processes share count for each.
    pub memory: u64,
    /// Time on all processors, those of children that were reaped included.
    pub cpu: Duration,
}

/// Whether the kernel lists children, which some are built without.
pub(super) fn available() -> io::Result<()> {
    let me = std::process::id();
    fs::read_to_string(format!("/proc/{me}/task/{me}/children"))?;
    let stat = fs::read_to_string(format!("/proc/{me}/stat"))?;
    parse(&stat)
        .map(drop)
        .ok_or(io::ErrorKind::InvalidData.into())
}

/// Everything below process 1 of a sandbox, which is not counted itself: it is a copy of ours.
pub(super) fn of_tree_below(init: libc::pid_t) -> Usage {
    let mut sum = Usage::default();
    if let Some(own) = stat(init) {
        // Orphans are reaped by it.
        sum.cpu += own.reaped;
    }
    let mut open = children(init);
    while let Some(process) = open.pop() {
        // Processes may end while we look.
        if let Some(stat) = stat(process) {
            sum.memory = sum.memory.saturating_add(stat.memory);
            sum.cpu += stat.cpu + stat.reaped;
            open.extend(children(process));
        }
    }
    sum
}

/// Children are listed by the thread that made them.
fn children(process: libc::pid_t) -> Vec<libc::pid_t> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let lists = threads
        .into_iter()
        .flatten()
        .flatten()
        .map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    let parse = |list: String| -> Vec<_> {
        let numbers = list.split_ascii_whitespace();
        numbers.filter_map(|number| number.parse().ok()).collect()
    };
    lists.flat_map(parse).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    memory: u64,
    cpu: Duration,
    reaped: Duration,
}

fn stat(process: libc::pid_t) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The fields are described in the manual page proc_pid_stat(5).
fn parse(stat: &str) -> Option<Stat> {
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_ascii_whitespace().collect();
    // Fields are counted from 1, and the first two are gone.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    // SAFETY: no pointers.
    let (ticks, page) = unsafe {
        (
            libc::sysconf(libc::_SC_CLK_TCK),
            libc::sysconf(libc::_SC_PAGESIZE),
        )
    };
    let time = |count: u64| Duration::from_secs_f64(count as f64 / ticks.max(1) as f64);
    Some(Stat {
        memory: field(24)?.saturating_mul(page.unsigned_abs()),
        cpu: time(field(14)?.saturating_add(field(15)?)),
        reaped: time(field(16)?.saturating_add(field(17)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_and_blanks_do_not_shift_the_fields() {
        let line = "7 (a) 1 (b c) S 1 7 7 0 -1 0 0 0 0 0 200 100 50 0 20 0 1 0 9 4096 3 18446744073709551615";
        let stat = parse(line).unwrap();
        assert_eq!(stat.cpu, stat.reaped * 6);
        assert!(stat.cpu >= Duration::from_millis(100));
        assert_eq!(stat.memory % 3, 0);
        assert!(stat.memory >= 3 * 4096);
        assert!(parse("7 (a S 1").is_none());
        assert!(parse("7 (a) S 1").is_none());
    }

    #[test]
    fn children_are_found_whichever_thread_made_them() {
        available().unwrap();
        let mut child = std::thread::spawn(|| {
            std::process::Command::new("sleep")
                .arg("60")
                .spawn()
                .unwrap()
        })
        .join()
        .unwrap();
        let me = std::process::id() as libc::pid_t;
        let found = children(me).contains(&(child.id() as libc::pid_t));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found);
    }
}
