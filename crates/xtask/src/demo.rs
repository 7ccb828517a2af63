//! `cargo xtask demo`: the page, with a model, in one command.

use std::env;
use std::process::{Command, Stdio};

use anyhow::Result;
use clap::Args;

use crate::server::Server;
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
    let server = Server::start(
        options.port,
        &[
            ("/", &dist),
            (&format!("/models/{}", fetch::SMOLLM2), &model),
        ],
    )?;
    let url = server.url("/");
    println!("{url}");
    if !options.no_open && has_display() {
        open(&url);
    }
    eprintln!("Ctrl-C ends it.");
    server.serve();
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
