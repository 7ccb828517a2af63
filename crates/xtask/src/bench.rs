//! `cargo xtask bench`: Retort beside other engines.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Folder of the peers' scripts.
    #[arg(long)]
    peers: PathBuf,
}

pub fn run(_workspace: &Workspace, _options: &Options) -> Result<()> {
    Ok(())
}
