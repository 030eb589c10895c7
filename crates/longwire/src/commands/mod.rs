//! The commands, one module each: its arguments as a clap struct, and `run`, which is thin.
//!
//! To add one: a module with `pub(crate) struct XArgs` (`#[derive(clap::Args)]`) and
//! `impl XArgs { pub(crate) fn run(self) -> anyhow::Result<Exit> }`, and a line in each of the two lists below.

mod default_config;

use crate::exit::Exit;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    DefaultConfig(default_config::DefaultConfigArgs),
}

impl Command {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::DefaultConfig(args) => args.run(),
        }
    }
}
