//! `cargo xtask demo`: the page, with a model, in one command.

use std::env;
use std::process::{Command, Stdio};

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

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
    /// Ask one question in headless Chromium on WebGPU, print the answer, end.
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
    let model = fetch::smollm2(workspace)?;
    // Nobody has to find the headless one.
    let port = if options.headless { 0 } else { options.port };
    let server = Server::start(
        port,
        &[
            ("/", &dist),
            (&format!("/models/{}", fetch::SMOLLM2), &model),
        ],
    )?;
    let url = server.url("/");
    if options.headless {
        return ask(workspace, &server, &options.question);
    }
    println!("{url}");
    if !options.no_open && has_display() {
        open(&url);
    }
    eprintln!("Ctrl-C ends it.");
    server.serve();
    Ok(())
}

/// Loads the model on WebGPU in headless Chromium, asks, and prints the answer.
fn ask(workspace: &Workspace, server: &Server, question: &str) -> Result<()> {
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
    let model = server.url(&format!("/models/{}", fetch::SMOLLM2));
    app.load("SmolLM2", &model, LIMIT)?;
    eprintln!("  loaded in {}", seconds(start.elapsed()));
    let reply = app.ask(
        question,
        &json!({ "max_tokens": MOST_TOKENS, "seed": 0 }),
        LIMIT,
    )?;
    if !reply.thought.is_empty() {
        println!("<think>{}</think>", reply.thought);
    }
    println!("{}", reply.answer.trim());
    eprintln!("  {}", reply.stats);
    ensure!(!reply.answer.trim().is_empty(), "the answer is empty");
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
