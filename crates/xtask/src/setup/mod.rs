//! The tools, at pinned versions, installed without asking.
//!
//! Every check is cheap and comes first, so that a second run does nothing. Programs built from
//! source go to [`Workspace::tools`], never to the user's own folders; only what belongs to the
//! system (Chromium, Node.js, Mesa) comes from apt, and only for root. Whatever cannot be
//! installed is explained.

mod cargo_tools;
mod system;
mod wasm_opt;

use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::process::seconds;
use crate::workspace::Workspace;

pub use system::find_chromium;

/// trunk 0.22 needs a newer Rust than `rust-toolchain.toml` pins.
const TRUNK_VERSION: &str = "0.21.14";

/// Debian's binaryen breaks modules with an externref table; npm's is current.
const BINARYEN_VERSION: &str = "132.0.0";

/// A thing the tasks need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// Rust's `wasm32-unknown-unknown` target.
    WasmTarget,
    /// `wasm-bindgen`, of the version `Cargo.lock` holds.
    WasmBindgen,
    /// `trunk`, which builds the page.
    Trunk,
    /// `wasm-opt` of npm's binaryen, which shrinks it.
    WasmOpt,
    /// Chromium, which the browser tests drive.
    Chromium,
    /// Mesa's software Vulkan, for tests of the GPU path on a machine without a GPU.
    Vulkan,
}

impl Tool {
    pub const ALL: [Self; 6] = [
        Self::WasmTarget,
        Self::WasmBindgen,
        Self::Trunk,
        Self::WasmOpt,
        Self::Chromium,
        Self::Vulkan,
    ];

    /// What the page's build needs.
    pub const PAGE: [Self; 4] = [
        Self::WasmTarget,
        Self::WasmBindgen,
        Self::Trunk,
        Self::WasmOpt,
    ];

    fn ensure(self, workspace: &Workspace) -> Result<State> {
        match self {
            Self::WasmTarget => cargo_tools::wasm_target(workspace),
            Self::WasmBindgen => cargo_tools::wasm_bindgen(workspace),
            Self::Trunk => cargo_tools::trunk(workspace, TRUNK_VERSION),
            Self::WasmOpt => wasm_opt::ensure(workspace, BINARYEN_VERSION),
            Self::Chromium => system::chromium(workspace),
            Self::Vulkan => system::vulkan(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::WasmTarget => "wasm32 target",
            Self::WasmBindgen => "wasm-bindgen",
            Self::Trunk => "trunk",
            Self::WasmOpt => "wasm-opt",
            Self::Chromium => "chromium",
            Self::Vulkan => "software Vulkan",
        }
    }
}

/// How a tool came to be there.
enum State {
    /// It was; the text says which.
    Present(String),
    /// It is now.
    Installed(String),
    /// It is not, and the tasks do without it; the text says what that costs.
    Missing(String),
}

/// Makes sure that `tools` are there, in order.
///
/// # Errors
/// A tool that the tasks cannot do without could not be installed; the error says how to do it by
/// hand.
pub fn ensure(workspace: &Workspace, tools: &[Tool]) -> Result<()> {
    for tool in tools {
        let start = Instant::now();
        let state = tool
            .ensure(workspace)
            .with_context(|| format!("setting up {}", tool.name()))?;
        let text = match state {
            State::Present(text) => text,
            State::Installed(text) => {
                format!("{text}, installed in {}", seconds(start.elapsed()))
            }
            State::Missing(text) => format!("MISSING: {text}"),
        };
        eprintln!("  {:<16} {text}", tool.name());
    }
    Ok(())
}
