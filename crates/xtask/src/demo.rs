//! `cargo xtask demo`: the page, with a model, in one command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::app::App;
use crate::browser::{Browser, WebGpu};
use crate::process::seconds;
use crate::server::Server;
use crate::setup::{self, Tool, find_chromium};
use crate::workspace::Workspace;
use crate::{fetch, page};

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// A GGUF file of your own, first in the page's list.
    #[arg(long, value_name = "FILE")]
    student: Option<PathBuf>,
    /// Ask one question in headless Chromium on WebGPU, print the likeliest answer, end.
    #[arg(long)]
    headless: bool,
    /// The question of `--headless`.
    #[arg(long, default_value = "What is the capital of France?")]
    question: String,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let dist = page::build(workspace)?;
    let model = match &options.student {
        Some(file) => file.clone(),
        None => fetch::smollm2(workspace)?,
    };
    let name = model
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(|| format!("{} is no file", model.display()))?;
    let address = format!("/models/{name}");
    let list = dist.join("students.json");
    let list = match &options.student {
        Some(file) => with_student(workspace, &list, file, name)?,
        None => list,
    };
    // Nobody has to find the headless one.
    let port = if options.headless { 0 } else { options.port };
    let mounts: [(&str, &Path); 3] = [("/", &dist), ("/students.json", &list), (&address, &model)];
    let server = Server::start(port, &mounts)?;
    let url = server.url("/");
    if options.headless {
        return ask(workspace, &server, name, &options.question);
    }
    println!("{url}");
    if !options.no_open && has_display() {
        open(&url);
    }
    eprintln!("Ctrl-C ends it.");
    server.serve();
    Ok(())
}

/// The page's list of students with one more at its head, as a file beside the page.
fn with_student(workspace: &Workspace, list: &Path, file: &Path, name: &str) -> Result<PathBuf> {
    let bytes = fs::metadata(file)
        .with_context(|| format!("{} cannot be served", file.display()))?
        .len();
    let mut students: Vec<Value> = serde_json::from_slice(&fs::read(list)?)?;
    students.insert(
        0,
        json!({
            "name": name.trim_end_matches(".gguf"),
            "url": format!("models/{name}"),
            "bytes": bytes,
            "licence": "yours",
            "note": "Trained here.",
        }),
    );
    let path = workspace.target.join("students.json");
    fs::write(&path, serde_json::to_vec(&students)?)?;
    Ok(path)
}

/// Loads the model on WebGPU in headless Chromium, asks, and prints the answer.
fn ask(workspace: &Workspace, server: &Server, name: &str, question: &str) -> Result<()> {
    /// A software adapter computes some tokens a second.
    const LIMIT: Duration = Duration::from_secs(900);
    const MOST_TOKENS: usize = 64;
    setup::ensure(workspace, &[Tool::Chromium])?;
    let chromium = find_chromium(workspace).context("no Chromium")?;
    let browser = Browser::launch(&chromium, WebGpu::Software)?;
    let app = App::open(&browser, &server.url("/"))?;
    let device = app.page.eval("wire.got('Ready').Ready.device")?;
    eprintln!("  device: {device}");
    ensure!(
        device["kind"] == "WebGpu",
        "the page does not compute on WebGPU: {device}"
    );
    let start = Instant::now();
    let model = server.url(&format!("/models/{name}"));
    app.load(name, &model, LIMIT)?;
    eprintln!("  loaded in {}", seconds(start.elapsed()));
    let reply = app.ask(
        question,
        &json!({ "max_tokens": MOST_TOKENS, "temperature": 0.0 }),
        LIMIT,
    )?;
    if !reply.thought.is_empty() {
        println!("<think>{}</think>", reply.thought);
    }
    println!("{}", reply.answer.trim());
    eprintln!("  {}", reply.stats);
    let silent = reply.thought.trim().is_empty() && reply.answer.trim().is_empty();
    ensure!(!silent, "the reply is empty");
    Ok(())
}

fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", windows)) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Opens the user's browser; where that fails the address is on the screen already.
fn open(url: &str) {
    let (program, arguments) = match env::consts::OS {
        "macos" => ("open", vec![url]),
        "windows" => ("cmd", vec!["/c", "start", url]),
        _ => ("xdg-open", vec![url]),
    };
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        eprintln!("  cannot start {program} ({error}): open the address yourself");
    }
}
