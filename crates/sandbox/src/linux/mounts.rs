//! The child's file system, made and entered.
//!
//! The rules of [`super::child`] hold: system calls on things made beforehand, nothing else.

use std::ffi::CStr;
use std::ptr;

use libc::{c_int, c_long, c_uint};

use super::child::{Done, Failure, Job, check};
use super::step::Step;

/// What the interpreter is started with.
const START: &[u8] = include_bytes!("../start.py");

/// Makes the file system, and enters it.
///
/// # Safety
/// Only in process 1 of new namespaces: it takes the machine's files out of sight.
pub(super) unsafe fn build(job: &Job) -> Done {
    let view = &job.jail.view;
    // SAFETY: all pointers are to strings that live in `job` or are constant.
    unsafe {
        libc::umask(0o022);
        let private = libc::MS_REC | libc::MS_PRIVATE;
        mount(Step::PrivateMounts, c"none", c"/", None, private, None)?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        mount(
            Step::Root,
            c"tmpfs",
            &view.mount_point,
            Some(c"tmpfs"),
            flags,
            Some(&job.root_options),
        )?;
        check(Step::Root, libc::chdir(view.mount_point.as_ptr()))?;
        for item in &view.items {
            for parent in &item.parents {
                folder(parent)?;
            }
            match item.is_folder {
                true => folder(&item.target)?,
                false => file(&item.target, &[])?,
            }
            let bind = libc::MS_BIND | libc::MS_REC;
            mount(Step::Show, &item.source, &item.target, None, bind, None)?;
            read_only(&item.target, item.is_device)?;
        }
        folder(c"tmp")?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        mount(
            Step::Temporary,
            c"tmpfs",
            c"tmp",
            Some(c"tmpfs"),
            flags,
            Some(&job.tmp_options),
        )?;
        folder(c"box")?;
        file(c"box/start.py", START)?;
        file(c"box/program.py", job.program)?;
        file(c"box/stdin", job.stdin)?;
        // The old root comes to lie on top of the new one, and is taken away.
        let here = c".".as_ptr();
        check(Step::Pivot, libc::syscall(libc::SYS_pivot_root, here, here))?;
        check(Step::Pivot, libc::umount2(here, libc::MNT_DETACH))?;
        check(Step::Pivot, libc::chdir(c"/".as_ptr()))?;
        let flags =
            libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV;
        mount(Step::ReadOnly, c"none", c"/", None, flags, None)?;
        check(Step::Host, libc::sethostname(c"sandbox".as_ptr(), 7))?;
    }
    Ok(())
}

unsafe fn mount(
    step: Step,
    source: &CStr,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    options: Option<&CStr>,
) -> Done {
    let pointer = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: strings, or null where the kernel takes that.
    let result = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            pointer(kind),
            flags,
            pointer(options).cast(),
        )
    };
    check(step, result).map(drop)
}

/// Everything mounted at `target` and below it: read-only, no set-user-id, and no devices but those
/// that are shown as such.
unsafe fn read_only(target: &CStr, is_device: bool) -> Done {
    /// `struct mount_attr` of the kernel.
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const READ_ONLY: u64 = 1;
    const NO_SET_USER_ID: u64 = 2;
    const NO_DEVICES: u64 = 4;
    const RECURSIVE: c_uint = 0x8000;
    let devices = if is_device { 0 } else { NO_DEVICES };
    let attributes = Attributes {
        set: READ_ONLY | NO_SET_USER_ID | devices,
        clear: 0,
        propagation: 0,
        user_namespace: 0,
    };
    // SAFETY: pointers to a string and to the struct, whose size is told.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target.as_ptr(),
            RECURSIVE,
            &raw const attributes,
            size_of::<Attributes>(),
        )
    };
    check(Step::ReadOnly, result).map(drop)
}

unsafe fn folder(path: &CStr) -> Done {
    // SAFETY: a string.
    match check(Step::Folder, unsafe { libc::mkdir(path.as_ptr(), 0o755) }) {
        Err(Failure(_, libc::EEXIST)) | Ok(_) => Ok(()),
        Err(failure) => Err(failure),
    }
}

unsafe fn file(path: &CStr, mut content: &[u8]) -> Done {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_CLOEXEC;
    // SAFETY: a string, and a slice with its length.
    unsafe {
        let file = check(Step::Files, libc::open(path.as_ptr(), flags, 0o644))? as c_int;
        while !content.is_empty() {
            let written = libc::write(file, content.as_ptr().cast(), content.len());
            let written = check(Step::Files, written as c_long)? as usize;
            content = content.get(written..).unwrap_or_default();
        }
        check(Step::Files, libc::close(file)).map(drop)
    }
}
