//! The parent's half of making a sandbox: pipes, `clone`, and whom the child is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::child::{self, Job};
use crate::SandboxError;

/// The user and group that generated programs are: by custom, nobody.
pub(super) const NOBODY: u32 = 65534;

/// The child's file descriptors are this or above, so that none is in the way when it arranges
/// them from 0 on, even if our own program was started with some of 0 to 2 closed.
const LOWEST: libc::c_int = 10;

const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// The process 1 of a sandbox, and our ends of its pipes. Dropping it kills and reaps.
#[derive(Debug)]
pub(super) struct Running {
    pub init: libc::pid_t,
    pub pidfd: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// One record of how it ended: see [`child::Record`].
    pub status: OwnedFd,
    /// Ends when the interpreter has been started.
    pub ready: OwnedFd,
    reaped: bool,
}

impl Running {
    /// Kills everything in the sandbox.
    pub fn kill(&self) {
        // SAFETY: no pointers but a null one. It can only fail because the process is gone.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.pidfd.as_raw_fd(),
                libc::SIGKILL,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            );
        }
    }

    /// Waits until nothing is left of the sandbox: process 1 is gone only after all others.
    pub fn reap(&mut self) {
        let id = self.pidfd.as_raw_fd() as libc::id_t;
        while !self.reaped {
            let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
            // SAFETY: the pointer is to a `siginfo_t` that is ours.
            let code = unsafe { libc::waitid(libc::P_PIDFD, id, info.as_mut_ptr(), libc::WEXITED) };
            // ECHILD: our program ignores SIGCHLD, and the kernel has reaped it.
            self.reaped =
                code == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            self.reap();
        }
    }
}

/// Clones process 1 of a new sandbox and lets it go.
pub(super) fn spawn(job: &Job) -> Result<Running, SandboxError> {
    let failed = |step| move |error| SandboxError::Containment { step, error };
    let pipes = failed("making pipes");
    let (go_read, go_write) = pipe().map_err(pipes)?;
    let (stdout, out_write) = pipe().map_err(pipes)?;
    let (stderr, err_write) = pipe().map_err(pipes)?;
    let (status, status_write) = pipe().map_err(pipes)?;
    let (ready, ready_write) = pipe().map_err(pipes)?;
    for ours in [&stdout, &stderr, &status, &ready] {
        // SAFETY: no pointers. The flag belongs to this end only.
        unsafe { libc::fcntl(ours.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    }
    let theirs = [
        &go_read,
        &out_write,
        &err_write,
        &status_write,
        &ready_write,
    ];
    let theirs = theirs.map(|end| end.as_raw_fd());

    let mut pidfd: libc::c_int = -1;
    let flags = NAMESPACES | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: without CLONE_VM this is a fork: the child has a copy of this stack and goes on from
    // here. Other threads are not copied, and may have held locks, so the child must not allocate;
    // it only makes system calls, and never returns from here. The third argument is where the
    // kernel writes the descriptor, on all architectures; the others are not looked at.
    let init = unsafe {
        let id = libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(flags),
            0_usize,
            &raw mut pidfd,
            0_usize,
            0_usize,
        );
        if id == 0 {
            child::init(job, theirs);
        }
        id
    };
    if init < 0 {
        let error = io::Error::last_os_error();
        return Err(failed("making a process in new namespaces")(error));
    }
    let init = init as libc::pid_t;
    let running = Running {
        init,
        // SAFETY: the kernel has just given us this descriptor.
        pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
        stdout,
        stderr,
        status,
        ready,
        reaped: false,
    };
    let identity = identify(init).map_err(failed("mapping users into the namespace"))?;
    File::from(go_write)
        .write_all(&[identity])
        .map_err(failed("letting the process go"))?;
    Ok(running)
}

/// Says which users exist in the child's namespace.
///
/// If we are root, there are two: root, who builds the sandbox and is nobody special outside of it,
/// and nobody, whom the program becomes: then even files that only root may read are safe, and the
/// kernel counts its processes. Otherwise there is one, ourselves under the name of nobody.
fn identify(init: libc::pid_t) -> io::Result<u8> {
    // SAFETY: these have no arguments and cannot fail.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    if user == 0 {
        let both = format!("0 0 1\n{NOBODY} {NOBODY} 1\n");
        if write(init, "uid_map", &both).is_ok() && write(init, "gid_map", &both).is_ok() {
            return Ok(child::ROOT_AND_NOBODY);
        }
        // A container may hold back the right to do so; nothing or all of a file was written.
    }
    write(init, "setgroups", "deny")?;
    write(init, "uid_map", &format!("{NOBODY} {user} 1\n"))?;
    write(init, "gid_map", &format!("{NOBODY} {group} 1\n"))?;
    Ok(child::ONLY_NOBODY)
}

fn write(process: libc::pid_t, file: &str, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(format!("/proc/{process}/{file}"))?
        .write_all(text.as_bytes())
}

/// A pipe that closes on exec, as its ends to read and to write, both at [`LOWEST`] or above.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: the pointer is to two integers.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us these descriptors.
    let ends = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    let [read, write] = ends.map(|end| {
        // SAFETY: no pointers.
        let high = unsafe { libc::fcntl(end.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LOWEST) };
        match high {
            0.. => {
                // SAFETY: as above.
                Ok(unsafe { OwnedFd::from_raw_fd(high) })
            }
            _ => Err(io::Error::last_os_error()),
        }
    });
    Ok((read?, write?))
}
