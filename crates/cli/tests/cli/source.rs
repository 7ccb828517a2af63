//! Models from a web server.

use std::fs;

use crate::run::{Run, arg, finish, folder, program, retort};
use crate::server::Server;
use crate::student::gguf;

#[test]
fn a_broken_download_goes_on_and_is_kept() {
    let file = fs::read(gguf()).unwrap();
    let server = Server::start(file.clone(), &[100_000, 50_000]);
    let url = server.url("broken/student.gguf");
    let args = ["generate", &url, "-p", "x"];
    let run = retort(&args, "").ok();
    assert_eq!(run.stdout, "The capital is Paris.\n");
    assert_eq!(server.asked(), [None, Some(100_000), Some(150_000)]);
    // Not a byte twice.
    assert_eq!(server.sent(), file.len());
    retort(&args, "").ok();
    assert_eq!(server.asked().len(), 3, "the second run needs no network");
}

#[test]
fn a_file_that_changed_meanwhile_starts_over() {
    let mut file = fs::read(gguf()).unwrap();
    let cache = folder("changed");
    // More breaks than are waited for at once would take long: the program is ended instead.
    let server = Server::start(file.clone(), &[100_000]);
    let url = server.url("changed/student.gguf");
    let run = |url: &str| {
        let mut command = program(&["generate", url, "-p", "x"]);
        command.env("RETORT_CACHE", &cache);
        finish(command, "")
    };
    let part = || {
        let host = fs::read_dir(&cache).ok()?.next()?.ok()?.path();
        let folder = fs::read_dir(host).ok()?.next()?.ok()?.path();
        fs::metadata(folder.join("student.gguf.part")).ok()
    };
    let mut command = program(&["generate", &url, "-p", "x"]);
    command.env("RETORT_CACHE", &cache);
    let mut child = command.spawn().unwrap();
    while part().is_none_or(|part| part.len() < 100_000) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The name in the metadata, which is as long as before.
    let name = file.windows(4).position(|bytes| bytes == b"Tiny").unwrap();
    file[name..name + 4].copy_from_slice(b"Tony");
    server.replace(file);
    let output = run(&url);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("Tony"));
}

#[test]
fn a_header_is_read_by_ranges_and_nothing_is_kept() {
    let file = fs::read(gguf()).unwrap();
    let server = Server::start(file.clone(), &[]);
    let url = server.url("header/student.gguf");
    let tokens = retort(&["tokenize", &url, "--json"], "\"a\"\n").ok();
    assert_eq!(tokens.stdout, "{\"ids\":[97]}\n");
    assert!(
        server.asked().iter().all(Option::is_some),
        "{:?}",
        server.asked()
    );
    let facts = retort(&["inspect", &url, "--json"], "").ok().json();
    assert_eq!(facts["format"]["file_bytes"], file.len());
    assert_eq!(facts["unsupported"], serde_json::json!([]));
}

#[test]
fn what_a_host_refuses_is_explained() {
    let server = Server::start(Vec::new(), &[]);
    let url = server.url("x.gguf").replace("http://", "https://");
    let run = retort(&["tokenize", &url, "--json"], "");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("error: cannot read https://127.0.0.1"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("hint: check the connection"),
        "{}",
        run.stderr
    );
}

#[test]
fn problems_come_from_a_dataset_on_the_hub() {
    let rows = "{\"question\": \"1+1?\", \"answer\": \"2\"}\n";
    let server = Server::start(rows.into(), &[]);
    server.list(&[
        "README.md",
        "main/test.jsonl",
        "main/train-00000-of-00001.jsonl",
    ]);
    let work = folder("hub-dataset");
    let config = work.join("teach.toml");
    let teach = |name: &str| {
        let text = format!(
            "problems = ['hf:datasets/owner/sums{name}']\n[local]\nmodel = '{}'\n",
            arg(gguf())
        );
        fs::write(&config, text).unwrap();
        let out = work.join("taught");
        let mut command = program(&["teach", arg(&config), "-o", arg(&out)]);
        command.env("HF_ENDPOINT", server.url("").trim_end_matches('/'));
        Run::from(finish(command, ""))
    };
    let run = teach("/main");
    assert_eq!(run.code, 1, "{}", run.stderr);
    let hint = "hint: name one of its parts: main/test, main/train";
    assert!(run.stderr.contains(hint), "{}", run.stderr);
    teach("/main/train").ok();
    let traces = fs::read_to_string(work.join("taught/traces.jsonl")).unwrap();
    assert_eq!(traces.lines().count(), 1);
    assert!(traces.contains("\"answer\":\"2\""), "{traces}");
}
