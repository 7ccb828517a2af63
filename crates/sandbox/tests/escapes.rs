//! Programs that try to get out, one by one. What matters is seen from outside where it can be.
#![cfg(target_os = "linux")]

mod common;

use std::net::TcpListener;
use std::path::Path;

use common::{contained, limits, run, sandbox};
use retort_sandbox::Status;

/// A program that prints "contained" if `action` raises one of `errors`.
fn refused(action: &str, errors: &str) -> String {
    format!(
        "import os, sys, socket\ntry:\n    got = {action}\nexcept ({errors}) as e:\n    \
         print('contained')\nelse:\n    print('LEAK', got)\n"
    )
}

#[test]
fn files_of_the_machine_are_not_there() {
    let home = std::env::var("HOME").unwrap_or("/home".into());
    for path in [
        "/etc/passwd",
        "/etc/shadow",
        "/proc/1/environ",
        "/proc/self/mem",
        "/sys/kernel",
    ] {
        contained(&refused(
            &format!("open({path:?}).read()"),
            "FileNotFoundError",
        ));
    }
    contained(&refused("os.listdir('/proc')", "FileNotFoundError"));
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    contained(&refused(
        &format!("open({manifest:?}).read()"),
        "FileNotFoundError",
    ));
    // The home may be on the way to the interpreter; then it is an empty folder but for that.
    contained(&format!(
        "import os\nhome = {home:?}\nfound = os.listdir(home) if os.path.isdir(home) else []\n\
         found = [x for x in found if not os.__file__.startswith(os.path.join(home, x) + os.sep)]\n\
         print(found or 'contained')\n"
    ));
}

#[test]
fn nothing_is_written_outside() {
    let folder = std::env::temp_dir();
    let name = format!("retort-escape-{}", std::process::id());
    let path = folder.join(&name);
    // Its own /tmp it may write to; ours does not change.
    contained(&format!(
        "open('/tmp/{name}', 'w').write('x')\nprint('contained')\n"
    ));
    assert!(!path.exists());
    for path in ["/x", "/box/x", "/usr/lib/x", "/box/program.py", "/dev/x"] {
        contained(&refused(&format!("open({path:?}, 'w')"), "OSError"));
    }
    contained(&refused("open(os.__file__, 'a')", "OSError"));
    contained(&refused("os.chmod(os.__file__, 0o777)", "OSError"));
    contained(&refused("os.remove(os.__file__)", "OSError"));
}

#[test]
fn every_run_finds_an_empty_folder() {
    let Some(sandbox) = sandbox() else { return };
    let program = "import os\nprint(os.getcwd(), os.listdir('.'))\nopen('left', 'w').close()";
    for _ in 0..2 {
        assert_eq!(run(sandbox, program, &limits()).stdout, "/tmp []\n");
    }
}

#[test]
fn there_is_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for target in [format!("('127.0.0.1', {port})"), "('1.1.1.1', 53)".into()] {
        let action = format!("socket.create_connection({target}, timeout=2)");
        contained(&refused(&action, "OSError"));
    }
    contained(&refused("socket.getaddrinfo('example.com', 80)", "OSError"));
    contained(&refused("socket.socket(socket.AF_UNIX)", "OSError"));
    contained(&refused(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "OSError",
    ));
    contained(&refused(
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "OSError",
    ));
    assert!(listener.accept().is_err());
}

#[test]
fn the_environment_is_not_ours() {
    // Cargo sets these for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    contained(
        "import os\nnames = [n for n in os.environ if 'CARGO' in n or n in ('USER', 'RETORT_DATA')]\n\
         print(names or 'contained' if os.environ['HOME'] == '/tmp' else 'home')\n",
    );
}

#[test]
fn the_parent_cannot_be_killed() {
    contained(
        "import os, signal\n\
         assert os.getppid() == 1\n\
         for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP):\n\
         \x20   for who in (1, os.getppid()):\n\
         \x20       try:\n\
         \x20           os.kill(who, number)\n\
         \x20       except PermissionError:\n\
         \x20           pass\n\
         print('contained')\n",
    );
}

#[test]
fn system_calls_beyond_the_list_are_refused() {
    // By number, on x86-64: ptrace, mount, keyctl, unshare, setns, bpf, io_uring_setup,
    // perf_event_open, userfaultfd, memfd_create, init_module, reboot, swapon, process_vm_readv,
    // pidfd_open, add_key, chroot, pivot_root, open_by_handle_at, shmget, personality, setuid,
    // mknod, x32's getpid, socket, prctl(PR_SET_DUMPABLE), clone with a new user namespace.
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    contained(
        "import ctypes, errno\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         calls = [(n,) for n in (101, 165, 250, 272, 308, 321, 425, 298, 323, 319, 175, 169, 167,\n\
         \x20   310, 434, 248, 161, 155, 304, 29, 135, 105, 133, 0x40000000 + 39, 41)]\n\
         calls += [(157, 4, 0), (56, 0x10000000 | 17, 0, 0, 0, 0), (16, 0, 0x5412, 0)]\n\
         leaks = []\n\
         for call in calls:\n\
         \x20   ctypes.set_errno(0)\n\
         \x20   result = libc.syscall(*map(ctypes.c_long, call))\n\
         \x20   if result != -1 or ctypes.get_errno() != errno.EPERM:\n\
         \x20       leaks.append((call, result, ctypes.get_errno()))\n\
         print(leaks or 'contained')\n",
    );
}

#[test]
fn there_are_no_privileges() {
    contained(
        "import ctypes, os\n\
         libc = ctypes.CDLL(None)\n\
         assert os.getuid() != 0 and os.getgroups() in ([], [65534]), (os.getuid(), os.getgroups())\n\
         # PR_CAPBSET_READ of every capability\n\
         held = [c for c in range(41) if libc.prctl(23, c, 0, 0, 0) == 1]\n\
         print(held or 'contained')\n",
    );
}

#[test]
fn links_lead_nowhere() {
    let home = std::env::var("HOME").unwrap_or("/home".into());
    let program = "import os\n\
         found = []\n\
         for number, target in enumerate(['/etc/passwd', '/proc/1/root/etc/passwd', '../../../../etc/passwd', 'HOME/.bashrc']):\n\
         \x20   os.symlink(target, f'/tmp/{number}')\n\
         \x20   try:\n\
         \x20       found.append(open(f'/tmp/{number}').read())\n\
         \x20   except OSError:\n\
         \x20       pass\n\
         try:\n\
         \x20   os.link('/box/program.py', '/tmp/hard')\n\
         \x20   found.append('hard link')\n\
         except OSError:\n\
         \x20   pass\n\
         print(found or 'contained')\n";
    contained(&program.replace("HOME", &home));
}

#[test]
fn no_descriptor_of_ours_is_open() {
    contained(
        "import os\n\
         open_ones = []\n\
         for number in range(3, 4096):\n\
         \x20   try:\n\
         \x20       os.fstat(number)\n\
         \x20       open_ones.append(number)\n\
         \x20   except OSError:\n\
         \x20       pass\n\
         print(open_ones or 'contained')\n",
    );
}

#[test]
fn what_it_writes_cannot_be_executed() {
    contained(
        "import os, shutil, subprocess, sys\n\
         shutil.copy(sys.executable, '/tmp/python')\n\
         os.chmod('/tmp/python', 0o755)\n\
         try:\n\
         \x20   subprocess.run(['/tmp/python', '-c', 'pass'])\n\
         \x20   print('LEAK')\n\
         except PermissionError:\n\
         \x20   print('contained')\n",
    );
}

#[test]
fn limits_cannot_be_raised() {
    let mut program = String::from("import resource\nleaks = []\n");
    for name in ["AS", "NPROC", "FSIZE", "CPU", "NOFILE"] {
        program += &format!(
            "try:\n    resource.setrlimit(resource.RLIMIT_{name}, (-1, -1))\n    \
             leaks.append('{name}')\nexcept (ValueError, OSError):\n    pass\n"
        );
    }
    contained(&(program + "print(leaks or 'contained')\n"));
}

#[test]
fn a_program_finds_itself_as_usual() {
    let Some(sandbox) = sandbox() else { return };
    let program = "import inspect, sys\ndef f(): return 1\n\
        print(__name__, __file__, sys.argv, sorted(n for n in dir() if n[0] != '_'))\n\
        print(inspect.getsource(f), sys.modules['__main__'].f is f)\nexit(3)";
    let outcome = run(sandbox, program, &limits());
    assert_eq!(outcome.exit_code, Some(3), "{outcome:?}");
    assert_eq!(
        outcome.stdout,
        "__main__ /box/program.py ['/box/program.py'] ['f', 'inspect', 'sys']\n\
         def f(): return 1\n True\n"
    );
    let outcome = run(sandbox, "def f():\n    1 / 0\nf()", &limits());
    assert!(
        outcome.stderr.contains("/box/program.py\", line 2, in f"),
        "{outcome:?}"
    );
}

#[test]
fn a_program_may_use_what_python_has() {
    let Some(sandbox) = sandbox() else { return };
    let program = "import asyncio, collections, dataclasses, datetime, decimal, fractions, functools\n\
        import hashlib, heapq, itertools, json, math, random, re, statistics, string, subprocess\n\
        import sys, threading, time, typing, zoneinfo\n\
        async def main():\n    await asyncio.sleep(0.001)\n    return 7\n\
        print(asyncio.run(main()))\n\
        thread = threading.Thread(target=lambda: print('thread'))\nthread.start()\nthread.join()\n\
        print(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)\n\
        print(hashlib.sha256(b'').hexdigest()[:8], datetime.datetime.now().year > 2000)\n\
        print(input())\n";
    let outcome = sandbox.run(program, "ünï\n", &limits()).unwrap();
    assert_eq!(outcome.status, Status::Passed, "{outcome:?}");
    assert_eq!(outcome.stdout, "7\nthread\nb'1\\n'\ne3b0c442 True\nünï\n");
}
