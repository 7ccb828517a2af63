//! Programs that want too much, or do not want to go.
#![cfg(target_os = "linux")]

mod common;

use std::time::{Duration, Instant};

use common::{limits, processes_with, run, sandbox};
use retort_sandbox::{Limits, Status};

const MIB: u64 = 1 << 20;

fn short() -> Limits {
    Limits {
        wall: Duration::from_millis(700),
        ..limits()
    }
}

#[test]
fn endless_loops_are_stopped() {
    let Some(sandbox) = sandbox() else { return };
    let ignoring = "import signal, time\nfor n in range(1, 65):\n    try:\n        \
        signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\n\
        while True: time.sleep(1)";
    for program in ["while True: pass", "import time\ntime.sleep(99)", ignoring] {
        let outcome = run(sandbox, program, &short());
        assert_eq!(outcome.status, Status::TimedOut, "{outcome:?}");
        assert!((0.7..5.0).contains(&outcome.seconds), "{outcome:?}");
        assert_eq!(outcome.exit_code, None);
    }
}

#[test]
fn processor_time_is_counted_over_all_processes() {
    let Some(sandbox) = sandbox() else { return };
    let limits = Limits {
        cpu: Duration::from_millis(500),
        wall: Duration::from_secs(20),
        ..limits()
    };
    // Children of 0.2 seconds each: none reaches a limit of its own.
    let program = "import os, time\nwhile True:\n    if os.fork() == 0:\n        \
        while time.process_time() < 0.2: pass\n        os._exit(0)\n    os.wait()";
    let outcome = run(sandbox, program, &limits);
    assert_eq!(outcome.status, Status::TimedOut, "{outcome:?}");
    assert!(outcome.seconds < 10.0, "{outcome:?}");
}

#[test]
fn memory_is_limited_for_one_and_for_all() {
    let Some(sandbox) = sandbox() else { return };
    let one = run(sandbox, "x = bytearray(10**9)", &limits());
    assert_eq!(one.status, Status::OutOfMemory, "{one:?}");
    let grows = run(
        sandbox,
        "x = []\nwhile True: x.append(bytearray(10**6))",
        &limits(),
    );
    assert_eq!(grows.status, Status::OutOfMemory, "{grows:?}");
    // Eight times 60 MiB, each below the limit of one process.
    let all = "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        \
        x = bytearray(60 << 20)\n        x[::4096] = b'1' * len(x[::4096])\n        time.sleep(9)\n\
        time.sleep(9)";
    let all = run(sandbox, all, &limits());
    assert_eq!(all.status, Status::OutOfMemory, "{all:?}");
    assert!(all.peak_memory.unwrap() > 128 * MIB, "{all:?}");
}

#[test]
fn the_peak_of_memory_is_told() {
    let Some(sandbox) = sandbox() else { return };
    let program = "import time\nx = bytearray(64 << 20)\nx[::4096] = b'1' * len(x[::4096])\n\
        time.sleep(0.1)\ndel x\ntime.sleep(0.1)";
    let outcome = run(sandbox, program, &limits());
    let peak = outcome.peak_memory.unwrap();
    assert!((64 * MIB..110 * MIB).contains(&peak), "{peak}");
}

#[test]
fn our_own_memory_is_not_the_programs() {
    let Some(sandbox) = sandbox() else { return };
    let held = std::hint::black_box(vec![1_u8; 400 << 20]);
    for program in ["", "import time\ntime.sleep(0.1)"] {
        let outcome = run(sandbox, program, &limits());
        assert_eq!(outcome.status, Status::Passed, "{outcome:?}");
        let peak = outcome.peak_memory.unwrap_or_default();
        assert!(peak < 100 * MIB, "{peak}");
    }
    drop(held);
}

#[test]
fn bombs_of_processes_and_threads_do_not_go_off() {
    let Some(sandbox) = sandbox() else { return };
    let forks =
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass";
    // Memory that they share counts for each.
    let roomy = Limits {
        memory: 1 << 30,
        ..short()
    };
    let outcome = run(sandbox, forks, &roomy);
    assert_eq!(outcome.status, Status::TimedOut, "{outcome:?}");

    let count = "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0:\n            \
        time.sleep(9)\n            os._exit(0)\n        n += 1\nexcept BlockingIOError:\n    print(n)";
    let outcome = run(sandbox, count, &limits());
    let made: u32 = outcome.stdout.trim().parse().unwrap();
    // Besides itself. Kernels count process 1 twice where it has the same user (not if we are root).
    assert!((14..=15).contains(&made), "{outcome:?}");

    let threads = "import threading, time\nn = 0\ntry:\n    while True:\n        \
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n        n += 1\n\
        except RuntimeError:\n    print(n)";
    let outcome = run(
        sandbox,
        threads,
        &Limits {
            memory: 1 << 30,
            ..limits()
        },
    );
    let made: u32 = outcome.stdout.trim().parse().unwrap();
    // Besides itself. Kernels count process 1 twice where it has the same user (not if we are root).
    assert!((14..=15).contains(&made), "{outcome:?}");
}

#[test]
fn output_is_limited() {
    let Some(sandbox) = sandbox() else { return };
    let limits = Limits {
        output: 10_000,
        ..limits()
    };
    for stream in ["stdout", "stderr"] {
        let program = format!("import sys\nwhile True: sys.{stream}.write('x' * 997)");
        let outcome = run(sandbox, &program, &limits);
        assert_eq!(
            outcome.status,
            Status::TooMuchOutput,
            "{:?}",
            outcome.status
        );
        assert_eq!(outcome.stdout.len() + outcome.stderr.len(), 10_000);
        assert!(outcome.seconds < 5.0);
    }
    let exact = run(sandbox, "print('x' * 9999)", &limits);
    assert_eq!((exact.status, exact.stdout.len()), (Status::Passed, 10_000));
    let more = run(sandbox, "print('x' * 10000)", &limits);
    assert_eq!(
        (more.status, more.stdout.len()),
        (Status::TooMuchOutput, 10_000)
    );
    let bytes = run(sandbox, "import os\nos.write(1, b'a\\xff\\x00b')", &limits);
    assert_eq!(bytes.stdout, "a\u{fffd}\0b");
}

#[test]
fn files_are_limited() {
    let Some(sandbox) = sandbox() else { return };
    let one = "with open('/tmp/x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))";
    let outcome = run(sandbox, one, &limits());
    assert_ne!(outcome.status, Status::Passed);
    assert!(outcome.stderr.contains("File too large"), "{outcome:?}");
    let many = "for n in range(99):\n    open(f'/tmp/{n}', 'wb').write(bytes(1 << 20))";
    let outcome = run(sandbox, many, &limits());
    assert!(outcome.stderr.contains("No space left"), "{outcome:?}");
}

#[test]
fn nothing_stays_behind() {
    let Some(sandbox) = sandbox() else { return };
    // Seen from outside, the interpreter's arguments carry this number.
    let mark = format!("3{}.25", std::process::id());
    let program = format!(
        "import os, subprocess, sys\n\
         code = 'import time, signal\\nsignal.signal(15, signal.SIG_IGN)\\nprint(1, flush=True)\\ntime.sleep({mark})'\n\
         child = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, start_new_session=True)\n\
         child.stdout.read(1)\n\
         if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.execv(sys.executable, ['python', '-c', code])\n    os._exit(0)\n\
         os.wait()\nprint('left')"
    );
    let outcome = run(sandbox, &program, &limits());
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (Status::Passed, "left\n")
    );
    assert!(outcome.seconds < 5.0, "{outcome:?}");
    assert_eq!(processes_with(&mark), Vec::<String>::new());
}

#[test]
fn no_zombies_and_no_descriptors_pile_up() {
    let Some(sandbox) = sandbox() else { return };
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let zombies = || {
        let me = format!("\nPPid:\t{}\n", std::process::id());
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let status = entries.filter_map(|e| std::fs::read_to_string(e.path().join("status")).ok());
        status
            .filter(|s| s.contains(&me) && s.contains("\nState:\tZ"))
            .count()
    };
    let program = "import os\nfor _ in range(4):\n    if os.fork() == 0: os._exit(0)";
    let before = open();
    for _ in 0..20 {
        run(sandbox, program, &limits());
    }
    // Other tests of this file have runs of their own meanwhile: a pile would be 20 times larger.
    let deadline = Instant::now() + Duration::from_secs(20);
    while (zombies() > 0 || open() > before + 60) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(open() <= before + 60, "{} after {before}", open());
    assert_eq!(zombies(), 0);
}

#[test]
fn ways_to_end_are_told_apart() {
    let Some(sandbox) = sandbox() else { return };
    let end = |program: &str| {
        let outcome = run(sandbox, program, &limits());
        (outcome.status, outcome.exit_code, outcome.signal)
    };
    assert_eq!(end(""), (Status::Passed, Some(0), None));
    assert_eq!(end("exit(3)"), (Status::Failed, Some(3), None));
    assert_eq!(end("1 / 0"), (Status::Failed, Some(1), None));
    assert_eq!(end("def"), (Status::Failed, Some(1), None));
    assert_eq!(end("x = '\0'"), (Status::Failed, Some(1), None));
    assert_eq!(
        end("import os; os.abort()"),
        (Status::Killed, None, Some(6))
    );
    assert_eq!(
        end("import os; os.kill(0, 9)"),
        (Status::Killed, None, Some(9))
    );
    let outcome = run(sandbox, "raise ValueError('no')", &limits());
    assert_eq!(outcome.last_error_line(), Some("ValueError: no"));
    let endless = Limits {
        wall: Duration::MAX,
        cpu: Duration::MAX,
        ..limits()
    };
    assert_eq!(run(sandbox, "", &endless).status, Status::Passed);
}

#[test]
fn many_run_at_once_without_meeting() {
    let Some(sandbox) = sandbox() else { return };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for turn in 0..5 {
                    let input = format!("{thread}.{turn}\n");
                    let program =
                        "open('/tmp/f', 'x').write(input())\nprint(open('/tmp/f').read())";
                    let outcome = sandbox.run(program, &input, &limits()).unwrap();
                    assert_eq!(outcome.stdout, input, "{outcome:?}");
                }
            });
        }
    });
}

#[test]
fn large_inputs_and_programs_arrive() {
    let Some(sandbox) = sandbox() else { return };
    let input = "0123456789".repeat(500_000);
    let program = format!(
        "import sys\n# {}\nprint(len(sys.stdin.read()))",
        "x".repeat(3_000_000)
    );
    let outcome = sandbox.run(&program, &input, &limits()).unwrap();
    assert_eq!(outcome.stdout, "5000000\n", "{outcome:?}");
}

/// Set to a number of seconds for the process that [`a_killed_verifier_leaves_nothing_behind`]
/// starts and kills.
const SLEEP: &str = "RETORT_SANDBOX_TEST_SLEEP";

#[test]
fn sleeps_when_told_to() {
    let (Some(sandbox), Ok(seconds)) = (sandbox(), std::env::var(SLEEP)) else {
        return;
    };
    let program = format!(
        "import os, sys\nif os.fork(): os.wait()\n\
         os.execv(sys.executable, ['python', '-c', 'import time; time.sleep({seconds})'])"
    );
    run(sandbox, &program, &Limits::default());
}

#[test]
fn a_killed_verifier_leaves_nothing_behind() {
    if sandbox().is_none() {
        return;
    }
    let seconds = format!("6{}.5", std::process::id());
    let mut verifier = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sleeps_when_told_to"])
        .env(SLEEP, &seconds)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let wait_until = |there: bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut found = processes_with(&seconds);
        while found.is_empty() == there && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            found = processes_with(&seconds);
        }
        found
    };
    let running = wait_until(true);
    verifier.kill().unwrap();
    verifier.wait().unwrap();
    assert_ne!(running, Vec::<String>::new(), "it never started");
    assert_eq!(wait_until(false), Vec::<String>::new());
}
