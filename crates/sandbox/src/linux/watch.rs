//! Watching a run from outside until nothing is left of it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use super::child::{EXITED, FAILED, Record, SIGNALLED};
use super::spawn::Running;
use super::step::Step;
use super::usage;
use crate::outcome::last_line;
use crate::{Limits, Outcome, SandboxError, Status};

/// Between looks at memory and processor time. The first comes sooner, for short programs.
const FIRST_SAMPLE: Duration = Duration::from_millis(8);
const SAMPLES: Duration = Duration::from_millis(25);
/// For making a sandbox, which takes milliseconds; a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// A year, where a limit is beyond what the clock can count.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What comes out of a pipe, up to a limit.
struct Stream {
    /// `None` at its end.
    file: Option<File>,
    bytes: Vec<u8>,
    limit: usize,
}

impl Stream {
    fn new(end: OwnedFd, limit: usize) -> Self {
        Self {
            file: Some(File::from(end)),
            bytes: Vec::new(),
            limit,
        }
    }

    fn descriptor(&self) -> libc::c_int {
        // Negative ones are passed over by `poll`.
        self.file.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// Takes what is there, at most `rounds` times a buffer. `false`: it was more than the limit.
    fn drain(&mut self, rounds: usize) -> bool {
        let mut buffer = [0; 16 << 10];
        for _ in 0..rounds {
            let Some(file) = &mut self.file else { break };
            match file.read(&mut buffer) {
                Ok(0) => self.file = None,
                Ok(count) => {
                    let room = self.limit - self.bytes.len();
                    let taken = count.min(room);
                    self.bytes.extend(buffer.iter().take(taken));
                    if count > room {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.file = None,
            }
        }
        true
    }

    fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

pub(super) fn watch(mut running: Running, limits: &Limits) -> Result<Outcome, SandboxError> {
    let take = |end: &OwnedFd| {
        end.try_clone().map_err(|error| SandboxError::Containment {
            step: "watching the program",
            error,
        })
    };
    let mut stdout = Stream::new(take(&running.stdout)?, limits.output);
    let mut stderr = Stream::new(take(&running.stderr)?, limits.output);
    let mut ready = Stream::new(take(&running.ready)?, 0);
    let mut born = Instant::now();
    let mut deadline = born + PATIENCE;
    let mut next_sample = deadline;
    let mut started = false;
    let mut stopped = None;
    let mut peak = 0;
    loop {
        let [out, err, start] = [&stdout, &stderr, &ready].map(Stream::descriptor);
        let pidfd = running.pidfd.as_raw_fd();
        let until = match stopped {
            // Killed: only its end is waited for.
            Some(_) => None,
            None => Some(deadline.min(next_sample)),
        };
        let seen = poll([pidfd, out, err, start], until);
        // Bounded, so that a program that writes without end cannot keep us from the clock.
        if !(stdout.drain(16) && stderr.drain(16)) && stopped.is_none() {
            stopped = Some(Status::TooMuchOutput);
            running.kill();
        }
        if seen[0] {
            break;
        }
        let now = Instant::now();
        if ready.file.is_some() {
            ready.drain(1);
            if ready.file.is_none() {
                born = now;
                started = true;
                deadline = now.checked_add(limits.wall).unwrap_or(now + FOREVER);
                next_sample = now + FIRST_SAMPLE;
            }
        }
        if stopped.is_some() {
            continue;
        }
        if now >= next_sample {
            let used = usage::of_tree_below(running.init);
            peak = peak.max(used.memory);
            next_sample = now + SAMPLES;
            if used.memory > limits.memory {
                stopped = Some(Status::OutOfMemory);
            } else if used.cpu > limits.cpu {
                stopped = Some(Status::TimedOut);
            }
        }
        if now >= deadline {
            stopped = Some(Status::TimedOut);
        }
        if stopped.is_some() {
            running.kill();
        }
    }
    running.reap();
    let seconds = born.elapsed().as_secs_f64();
    // All writers are dead, so this ends.
    let whole = stdout.drain(usize::MAX) && stderr.drain(usize::MAX);
    if !whole && stopped.is_none() {
        stopped = Some(Status::TooMuchOutput);
    }
    let record = read_record(&running.status);
    if let Some([FAILED, step, errno, _]) = record {
        return Err(SandboxError::Containment {
            step: Step::describe(step),
            error: io::Error::from_raw_os_error(errno as i32),
        });
    }
    if stopped == Some(Status::TimedOut) && !started {
        return Err(SandboxError::Containment {
            step: "waiting for the interpreter to start",
            error: ErrorKind::TimedOut.into(),
        });
    }
    let stderr = stderr.text();
    let ended = Ended::of(record);
    if let Some([_, _, main, init]) = record {
        // The kernel's peak begins with that of the copy of our own process that became the
        // interpreter, so it says something only above that.
        if main > init {
            peak = peak.max(main.saturating_mul(1024));
        }
    }
    Ok(Outcome {
        status: stopped.unwrap_or_else(|| ended.status(&stderr)),
        exit_code: ended.exit_code.filter(|_| stopped.is_none()),
        signal: match stopped {
            Some(_) => Some(libc::SIGKILL),
            None => ended.signal,
        },
        stdout: stdout.text(),
        stderr,
        seconds,
        peak_memory: (peak > 0).then_some(peak),
    })
}

/// How a program ended by itself.
struct Ended {
    exit_code: Option<i32>,
    signal: Option<i32>,
}

impl Ended {
    fn of(record: Option<Record>) -> Self {
        let number = |value: u64| i32::try_from(value).ok();
        let (exit_code, signal) = match record {
            Some([EXITED, code, ..]) => (number(code), None),
            Some([SIGNALLED, signal, ..]) => (None, number(signal)),
            // Process 1 was killed: by an administrator, or by the kernel for want of memory.
            _ => (None, Some(libc::SIGKILL)),
        };
        Self { exit_code, signal }
    }

    fn status(&self, stderr: &str) -> Status {
        match (self.exit_code, self.signal) {
            (Some(0), _) => Status::Passed,
            (Some(_), _) if says_out_of_memory(stderr) => Status::OutOfMemory,
            (Some(_), _) => Status::Failed,
            (None, Some(libc::SIGXCPU)) => Status::TimedOut,
            (None, _) => Status::Killed,
        }
    }
}

fn says_out_of_memory(stderr: &str) -> bool {
    last_line(stderr).is_some_and(|line| line.starts_with("MemoryError"))
}

/// Waits for one of the descriptors or a moment; which of them have something to say.
fn poll<const N: usize>(descriptors: [libc::c_int; N], until: Option<Instant>) -> [bool; N] {
    let mut polled = descriptors.map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    let timeout = until.map_or(-1, |until| {
        let left = until.saturating_duration_since(Instant::now());
        // Rounded up, lest the last millisecond be spent in a loop.
        i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
    });
    // SAFETY: a pointer to an array and its length. On an error (a signal) nothing has been said.
    unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, timeout) };
    polled.map(|polled| polled.revents != 0)
}

fn read_record(status: &OwnedFd) -> Option<Record> {
    let mut bytes = [0; size_of::<Record>()];
    let mut file = File::from(status.try_clone().ok()?);
    file.read_exact(&mut bytes).ok()?;
    let mut record: Record = [0; 4];
    for (number, chunk) in record.iter_mut().zip(bytes.chunks_exact(size_of::<u64>())) {
        *number = u64::from_ne_bytes(chunk.try_into().ok()?);
    }
    Some(record)
}
