//! What runs between `clone` and `execve`: system calls on things made beforehand, nothing else.
//!
//! Nothing here may allocate, lock or panic: another thread may have held the allocator's lock when
//! this process was copied. C functions that talk to other threads (`setuid`, `fork`) are replaced
//! by their plain system calls for the same reason.

use std::ffi::{CString, c_char};
use std::io;
use std::ptr;
use std::time::Duration;

use libc::{c_int, c_long, c_uint};

use super::Jail;
use super::mounts;
use super::spawn::NOBODY;
use super::step::Step;
use crate::Limits;

/// One run, ready for the child.
pub(super) struct Job<'a> {
    pub jail: &'a Jail,
    pub program: &'a [u8],
    pub stdin: &'a [u8],
    /// The first is the interpreter. Both are of strings of `jail`, and end in null.
    pub arguments: Vec<*const c_char>,
    pub environment: Vec<*const c_char>,
    pub root_options: CString,
    pub tmp_options: CString,
    pub limits: ResourceLimits,
}

/// The parent's first byte: which users there are (see `spawn::identify`).
pub(super) const ONLY_NOBODY: u8 = 1;
pub(super) const ROOT_AND_NOBODY: u8 = 2;

/// What a child writes once: a kind and three numbers. `FAILED`: step, errno. `EXITED` and
/// `SIGNALLED`: code or signal, the peak of `main` and that of `init`, in KiB.
pub(super) type Record = [u64; 4];
pub(super) const FAILED: u64 = 1;
pub(super) const EXITED: u64 = 2;
pub(super) const SIGNALLED: u64 = 3;

/// Arguments after the first are of a pointer's size: smaller ones may come with rubbish above.
const NONE: usize = 0;
const ONE: usize = 1;

const STATUS: c_int = 3;
const READY: c_int = 4;

/// Limits of the kernel for each process.
pub(super) struct ResourceLimits {
    first: [(c_uint, u64); 9],
    processes: u64,
    memory: u64,
}

impl ResourceLimits {
    pub fn of(limits: &Limits) -> Self {
        // Whole seconds, and one more: whoever watches from outside is finer, and can tell such an end
        // from any other. This holds if it is kept from looking.
        let cpu = limits
            .cpu
            .saturating_add(Duration::from_millis(999))
            .as_secs();
        Self {
            first: [
                (libc::RLIMIT_CORE as c_uint, 0),
                (libc::RLIMIT_CPU as c_uint, cpu.saturating_add(1)),
                (libc::RLIMIT_FSIZE as c_uint, limits.file_size),
                (libc::RLIMIT_NOFILE as c_uint, 64),
                (libc::RLIMIT_MEMLOCK as c_uint, 0),
                (libc::RLIMIT_MSGQUEUE as c_uint, 0),
                (libc::RLIMIT_SIGPENDING as c_uint, 256),
                (libc::RLIMIT_STACK as c_uint, 8 << 20),
                (libc::RLIMIT_RTPRIO as c_uint, 0),
            ],
            processes: u64::from(limits.processes),
            memory: limits.memory,
        }
    }
}

/// Where a child had to stop.
pub(super) struct Failure(pub Step, pub c_int);
pub(super) type Done = Result<(), Failure>;

/// The result of a system call.
pub(super) fn check(step: Step, result: impl Into<c_long>) -> Result<c_long, Failure> {
    match result.into() {
        value @ 0.. => Ok(value),
        _ => Err(Failure(step, errno())),
    }
}

fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Process 1 of the sandbox: builds it, starts `main`, reports its end, and takes all with it.
///
/// # Safety
/// Only in a process that was just cloned. `pipes` are, in this order, the descriptors to wait for
/// the parent, of stdout, of stderr, for the record and for the start of the interpreter.
pub(super) unsafe fn init(job: &Job, pipes: [c_int; 5]) -> ! {
    // SAFETY: our caller's promise is the one that these ask for.
    unsafe {
        let built = prepare(pipes).and_then(|identity| {
            mounts::build(job)?;
            let main = check(
                Step::Fork,
                libc::syscall(
                    libc::SYS_clone,
                    libc::SIGCHLD as usize,
                    NONE,
                    NONE,
                    NONE,
                    NONE,
                ),
            )?;
            Ok((identity, main))
        });
        match built {
            Ok((identity, 0)) => {
                let Err(failure) = become_program(job, identity);
                fail(&failure)
            }
            Ok((_, main)) => wait_for(main as libc::pid_t),
            Err(failure) => fail(&failure),
        }
    }
}

unsafe fn fail(failure: &Failure) -> ! {
    // SAFETY: see `record`; `_exit` has no conditions.
    unsafe {
        record([FAILED, failure.0 as u64, failure.1 as u64, 0]);
        libc::_exit(1)
    }
}

unsafe fn record(record: Record) {
    // SAFETY: the pointer and the size are those of the array. Short writes do not happen: the pipe
    // is empty.
    unsafe { libc::write(STATUS, record.as_ptr().cast(), size_of::<Record>()) };
}

/// Cuts the ties with the parent's process, and waits until the parent has said who we are.
unsafe fn prepare(pipes: [c_int; 5]) -> Result<u8, Failure> {
    // SAFETY: system calls on integers, and on local variables that outlive them.
    unsafe {
        // If the parent's thread ends from here on, so do we. Had it ended before, the pipe is at
        // its end.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        for (to, from) in (0..).zip(pipes) {
            check(Step::Descriptors, libc::dup2(from, to))?;
        }
        let first: c_uint = pipes.len() as c_uint;
        check(
            Step::Descriptors,
            libc::syscall(libc::SYS_close_range, first, c_uint::MAX, 0),
        )?;
        // Handlers of the parent's program must not run here, least of all at the wish of the
        // program in the sandbox: process 1 is immune to signals that it does not handle.
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        let mut identity = 0_u8;
        if libc::read(0, (&raw mut identity).cast(), 1) != 1 {
            libc::_exit(1);
        }
        check(Step::Session, libc::setsid())?;
        // This process has the parent's memory: nobody may look into it.
        libc::prctl(libc::PR_SET_DUMPABLE, NONE, NONE, NONE, NONE);
        Ok(identity)
    }
}

/// `main`: gives up everything, and is the interpreter from then on.
unsafe fn become_program(job: &Job, identity: u8) -> Result<std::convert::Infallible, Failure> {
    let limits = &job.limits;
    // SAFETY: system calls on integers, on strings of `job`, and on local variables that outlive
    // them. The arrays of strings end in null.
    unsafe {
        let input = check(
            Step::Input,
            libc::open(c"/box/stdin".as_ptr(), libc::O_RDONLY),
        )?;
        check(Step::Input, libc::dup2(input as c_int, 0))?;
        check(Step::Input, libc::close(input as c_int))?;
        for kept in [STATUS, READY] {
            check(
                Step::Descriptors,
                libc::fcntl(kept, libc::F_SETFD, libc::FD_CLOEXEC),
            )?;
        }
        check(Step::Input, libc::chdir(c"/tmp".as_ptr()))?;
        check(Step::Session, libc::setsid())?;
        for (resource, limit) in limits.first {
            set_limit(resource, limit)?;
        }
        give_up_privileges(identity)?;
        // Where there is one user, process 1 counts as well (and on some kernels once more).
        let init = u64::from(identity == ONLY_NOBODY);
        set_limit(
            libc::RLIMIT_NPROC as c_uint,
            limits.processes.saturating_add(init),
        )?;

        set_limit(libc::RLIMIT_AS as c_uint, limits.memory)?;
        for filter in &job.jail.filters.0 {
            install(filter)?;
        }
        let (arguments, environment) = (job.arguments.as_ptr(), job.environment.as_ptr());
        libc::execve(*arguments, arguments, environment);
        Err(Failure(Step::Execute, errno()))
    }
}

unsafe fn set_limit(resource: c_uint, limit: u64) -> Done {
    let limit = libc::rlimit64 {
        rlim_cur: limit,
        rlim_max: limit,
    };
    let old = ptr::null_mut::<libc::rlimit64>();
    // SAFETY: a pointer to a struct, and a null one where the kernel takes that. 0 is ourselves.
    let result = unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, &raw const limit, old) };
    check(Step::Limits, result).map(drop)
}

/// Becomes nobody, without any capability, now and after `execve`.
unsafe fn give_up_privileges(identity: u8) -> Done {
    /// `struct __user_cap_header_struct` and two of `__user_cap_data_struct`.
    #[repr(C)]
    struct Header(u32, c_int);
    const VERSION_3: u32 = 0x2008_0522;
    // SECBIT_NOROOT and SECBIT_NO_CAP_AMBIENT_RAISE, both locked.
    const SECURE_BITS: libc::c_ulong = 0b1100_0011;
    let step = Step::Privileges;
    // SAFETY: system calls on integers and on local variables that outlive them.
    unsafe {
        // Until the kernel says that there is no such capability.
        let mut capability: libc::c_ulong = 0;
        while libc::prctl(libc::PR_CAPBSET_DROP, capability, NONE, NONE, NONE) == 0 {
            capability += 1;
        }
        check(
            step,
            libc::prctl(libc::PR_SET_SECUREBITS, SECURE_BITS, NONE, NONE, NONE),
        )?;
        if identity == ROOT_AND_NOBODY {
            let none = ptr::null::<libc::gid_t>();
            check(step, libc::syscall(libc::SYS_setgroups, 0, none))?;
            check(
                step,
                libc::syscall(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY),
            )?;
            check(
                step,
                libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY),
            )?;
        }
        let header = Header(VERSION_3, 0);
        let none = [0_u32; 6];
        let result = libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr());
        check(step, result)?;
        check(
            step,
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, ONE, NONE, NONE, NONE),
        )?;
    }
    Ok(())
}

unsafe fn install(filter: &[seccompiler::sock_filter]) -> Done {
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_ptr().cast_mut().cast(),
    };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: a pointer to a struct with a slice and its length; the kernel only reads them. Both
    // types of filter are the kernel's `struct sock_filter`.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, mode, 0, &raw const program) };
    check(Step::Filter, result).map(drop)
}

/// Reaps whatever ends in the sandbox until `main` has, and reports that.
unsafe fn wait_for(main: libc::pid_t) -> ! {
    // SAFETY: system calls on integers and on local variables that outlive them.
    unsafe {
        for end in [0, 1, 2, READY] {
            libc::close(end);
        }
        let mut own: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut own);
        let mut usage: libc::rusage = std::mem::zeroed();
        let mut status = 0;
        loop {
            let ended = libc::wait4(-1, &mut status, 0, &mut usage);
            if ended == main {
                break;
            }
            if ended < 0 && errno() != libc::EINTR {
                libc::_exit(1);
            }
        }
        let (kind, value) = match libc::WIFEXITED(status) {
            true => (EXITED, libc::WEXITSTATUS(status)),
            false => (SIGNALLED, libc::WTERMSIG(status)),
        };
        record([
            kind,
            value as u64,
            usage.ru_maxrss as u64,
            own.ru_maxrss as u64,
        ]);
        libc::_exit(0)
    }
}
