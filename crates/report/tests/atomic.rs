//! Files and folders that are whole or not there, also after a kill.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use retort_report::ReportError;
use retort_report::atomic::{
    clean, is_temporary, remove_folder, write_file, write_file_with, write_folder,
};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn temporaries(folder: &Path) -> usize {
    let names = names(folder);
    names
        .iter()
        .filter(|name| is_temporary(OsStr::new(name)))
        .count()
}

#[test]
fn files_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    write_file(&path, b"old").unwrap();
    write_file(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["state.json"]);
}

#[test]
fn a_failure_half_way_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    write_file(&path, b"old").unwrap();
    let result: Result<(), Box<dyn std::error::Error>> = write_file_with(&path, |file| {
        file.write_all(b"half of the ne")?;
        Err("stopped".into())
    });
    assert_eq!(result.unwrap_err().to_string(), "stopped");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["state.json"]);
}

#[test]
fn folders_appear_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step-000100");
    let seen = write_folder(&path, |temporary| {
        fs::create_dir(temporary.join("optimizer")).unwrap();
        fs::write(temporary.join("optimizer/m.bin"), b"m").unwrap();
        fs::write(temporary.join("model.bin"), b"w").unwrap();
        assert!(!path.exists());
        Ok::<_, ReportError>(7)
    });
    assert_eq!(seen.unwrap(), 7);
    assert_eq!(names(folder.path()), ["step-000100"]);
    assert_eq!(names(&path), ["model.bin", "optimizer"]);
}

#[test]
fn folders_that_fail_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step-000100");
    let result: Result<(), Box<dyn std::error::Error>> = write_folder(&path, |temporary| {
        fs::write(temporary.join("model.bin"), b"w")?;
        Err("stopped".into())
    });
    assert_eq!(result.unwrap_err().to_string(), "stopped");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn folders_are_not_replaced_but_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step-000100");
    let write = || write_folder(&path, |_| Ok::<_, ReportError>(()));
    write().unwrap();
    let error = write().unwrap_err();
    assert!(matches!(error, ReportError::Exists { .. }), "{error}");
    // Also if it came to be in the meantime, which Unix would rename over where it is empty.
    let late = folder.path().join("late");
    let error = write_folder(&late, |_| {
        fs::create_dir(&late).unwrap();
        Ok::<_, ReportError>(())
    });
    assert!(matches!(error, Err(ReportError::Exists { .. })));
    fs::write(path.join("model.bin"), b"w").unwrap();
    remove_folder(&path).unwrap();
    remove_folder(&path).unwrap();
    assert_eq!(names(folder.path()), ["late"]);
    write().unwrap();
}

#[test]
fn paths_without_a_name_or_a_folder_are_errors() {
    let error = write_file(Path::new(".."), b"").unwrap_err();
    assert!(matches!(error, ReportError::NoName { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = write_file(&folder.path().join("none/file"), b"").unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    assert_eq!(clean(&folder.path().join("none")).unwrap(), 0);
}

#[test]
fn cleaning_leaves_what_is_not_a_temporary() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path(".hidden"), b"").unwrap();
    fs::write(path("a.retort-tmp"), b"").unwrap();
    fs::write(path(".state.json.0.retort-tmp"), b"").unwrap();
    fs::create_dir_all(path(".step-1.0.retort-tmp/optimizer")).unwrap();
    assert_eq!(clean(folder.path()).unwrap(), 2);
    assert_eq!(names(folder.path()), [".hidden", "a.retort-tmp"]);
}

/// Not a test of its own: the process that the next one kills.
#[test]
#[ignore = "run by `killed_processes_leave_what_clean_removes`"]
fn child() {
    let Some(folder) = std::env::var_os("RETORT_REPORT_FOLDER") else {
        return;
    };
    let folder = Path::new(&folder);
    let _: Result<(), ReportError> = write_folder(&folder.join("step-000100"), |temporary| {
        fs::write(temporary.join("model.bin"), b"half").unwrap();
        write_file_with(&folder.join("state.json"), |file| {
            file.write_all(b"half").unwrap();
            println!("\nready");
            std::thread::sleep(std::time::Duration::from_secs(600));
            Ok(())
        })
    });
}

#[test]
fn killed_processes_leave_what_clean_removes() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("RETORT_REPORT_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let ready = output
        .lines()
        .map(Result::unwrap)
        .any(|line| line == "ready");
    let while_alive = clean(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ready);
    assert_eq!(while_alive.unwrap(), 0);
    assert_eq!(temporaries(folder.path()), 2);
    // A new process may write before it cleans.
    write_file(&folder.path().join("state.json"), b"whole").unwrap();
    assert_eq!(clean(folder.path()).unwrap(), 2);
    assert_eq!(names(folder.path()), ["state.json"]);
}
